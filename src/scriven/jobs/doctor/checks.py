"""What is wrong with lines one by one: pictures, texts, and whether they belong together."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from scriven.base import Skipped
from scriven.jobs.doctor.records import Problem, Row, problem
from scriven.reader.trainable import WIDEST, faults
from scriven.text import Charset, name, normalise

LOW = 16  # px; letters of pictures that are less high cannot be told apart
RARE = 3  # characters that occur less often are hardly learnt
ODD = 5.0  # robust standard deviations from the folder's own width a character
ODD_FACTOR = 1.8  # and at least so many times too wide or too narrow
LENGTHS = (2, 3, 5, 8, 12, 20, 40)  # characters: texts between two of them are compared with one another
ENOUGH = 30  # lines that make a distribution
VALLEY, CLEAR_VALLEY = 0.35, 0.6  # how clearly two bands of ink are parted, with and without a text to say so too
CROWDED = 0.65  # of the usual width a character: below it a picture is higher than one line
CROWD = 8  # characters at least of a text that may be two lines

_LOST = {
    "no-text": ("lines without text", "transcribe them, or give the folder to `scriven adapt`, which needs none"),
    "width": (f"pictures wider than {WIDEST} px at the height of the recogniser", "cut them into lines or words"),
    "characters": ("texts with characters that the model cannot write",
                   "correct them, or learn the characters: `scriven train --from` the model"),
    "frames": ("texts too long for their pictures", "check that picture and text belong together"),
}  # fmt: skip


def pictures(rows: Sequence[Row]) -> list[Problem]:
    """Broken, blank, low and light-on-dark pictures."""
    seen = [r for r in rows if not r.seen.error]
    broken = [Skipped(r.name, r.seen.error) for r in rows if r.seen.error]
    blank = [Skipped(r.name, f"no ink, its text is {r.text!r}" if r.text else "no ink") for r in seen if r.seen.blank]
    low = [Skipped(r.name, f"{r.seen.width} x {r.seen.height} px") for r in seen if r.seen.height < LOW]
    light = [Skipped(r.name, "light ink on dark") for r in seen if r.seen.light]
    return [
        *problem("picture", "lost", broken, "pictures that cannot be used", "copy them again, or take the lines out"),
        *problem("blank", "harm", blank, "pictures without ink", "take the lines out"),
        *problem("low", "harm", low, f"pictures less than {LOW} px high", "cut them from larger scans"),
        *problem("light-on-dark", "note", light, "pictures with light ink on dark paper",
                 "nothing, if they are negatives: they are inverted; else look at them"),
    ]  # fmt: skip


def lost_texts(rows: Sequence[Row], charset: Charset | None, stride: int) -> list[Problem]:
    """Lines that training leaves out, by the very rule by which it does."""
    found: dict[str, list[Skipped]] = defaultdict(list)
    unknown: Counter[str] = Counter()
    for row in rows:
        if row.seen.error:
            if not row.text:
                found["no-text"].append(Skipped(row.name, "it has no text"))
            continue
        for fault in faults(row.text, row.width, charset, stride):
            found[fault.kind].append(Skipped(row.name, fault.reason))
            if fault.kind == "characters" and charset is not None and row.text:
                unknown.update(charset.missing([row.text]))
    problems = []
    for kind, (what, advice) in _LOST.items():
        if kind == "characters" and unknown:
            what += ": " + ", ".join(f"{name(c)} {n}" for c, n in unknown.most_common())
        problems += problem(kind, "lost", found[kind], what, advice)
    return problems


def readings(rows: Sequence[Row]) -> list[Problem]:
    """Texts that no person wrote or checked: they may hold the mistakes of the model that did."""
    found = [Skipped(row.name, repr(row.text)) for row in rows if row.by_model]
    what = "texts written by a model, perhaps wrongly: they are no transcriptions"
    advice = (
        "check them, and of those that are right empty the column confidence and write human in origin; training "
        "believes all as they are"
    )
    return problem("read-by-model", "note", found, what, advice)


def sources(raw: Iterable[tuple[str, str | None]]) -> list[Problem]:
    """Texts (name, as stored) that reading puts into normal form."""
    forms, spaces, controls = list[Skipped](), list[Skipped](), list[Skipped]()
    for line, text in raw:
        if not text:
            continue
        if not unicodedata.is_normalized("NFC", text):
            forms.append(Skipped(line, f"{text!r} has characters in parts"))
        if normalise(text) != unicodedata.normalize("NFC", text):
            spaces.append(Skipped(line, repr(text)))
        strange = [c for c in dict.fromkeys(text) if unicodedata.category(c) in ("Cc", "Cf") and not c.isspace()]
        if strange or "\ufffd" in text:
            controls.append(Skipped(line, ", ".join(map(name, strange or ["\ufffd"]))))
    return [
        *problem("unseen-character", "harm", controls, "texts with characters that nobody can see",
                 "remove them: no ink belongs to them"),
        *problem("not-nfc", "note", forms, "texts that are not in the Unicode form NFC",
                 "nothing: they are brought into it when they are read"),
        *problem("white-space", "note", spaces, "texts with double, odd or outer white space",
                 "nothing: it is made single spaces when they are read"),
    ]  # fmt: skip


def characters(rows: Sequence[Row], charset: Charset | None) -> list[Problem]:
    """Characters that are too rare to be learnt, and those that only valid or test have and no given model knows."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[row.split].update(row.text or "")
    learnt = counts.get("train", Counter())
    if not learnt:
        return []
    rare = sorted((n, c) for c, n in learnt.items() if n < RARE)
    unlearnt = [
        Skipped(name(c), f"{n} times in {split}, never in train")
        for split in ("valid", "test")
        for c, n in counts.get(split, Counter()).most_common()
        if c not in learnt and (charset is None or c not in charset)
    ]
    return [
        *problem("not-in-train", "harm", unlearnt, "characters of valid or test that train does not have",
                 "they cannot be read: move lines that have them to train, or train with `fonts:LANGUAGE` too"),
        *problem("rare", "note", [Skipped(name(c), f"{n} in train") for n, c in rare],
                 f"characters that occur fewer than {RARE} times in train",
                 "check that they are no slips; else add lines"),
    ]  # fmt: skip


def pairs(rows: Sequence[Row]) -> list[Problem]:
    """Texts far too long or too short for their pictures, worst first, and pictures of several lines."""
    usable = [r for r in rows if not r.seen.error and not r.seen.blank]
    odd: list[tuple[float, Skipped]] = []
    crowds: list[Skipped] = []
    for folder in dict.fromkeys(r.folder for r in usable):
        own = [r for r in usable if r.folder == folder]
        labelled = [r for r in own if r.text]
        away, spread = _away(labelled)
        crowded = set[str]()
        for row, far, scale in zip(labelled, away, spread, strict=True):
            if row.seen.valley > VALLEY and far < np.log(CROWDED) and len(row.text or "") >= CROWD:
                crowded.add(row.name)
                crowds.append(Skipped(row.name, "two bands of ink, and narrow for its text"))
            elif abs(far) > max(ODD * scale, np.log(ODD_FACTOR)):
                usual = row.width / np.exp(far)
                reason = (
                    f"{row.width} px wide at height 64, usual for its {len(row.text or '')} characters: {usual:.0f}"
                )
                odd.append((abs(far), Skipped(row.name, reason)))
        clear = [r for r in own if r.seen.valley > CLEAR_VALLEY and r.name not in crowded]
        crowds += [Skipped(r.name, "two bands of ink") for r in clear if not r.text or len(clear) > len(own) / 4]
    odd.sort(key=lambda pair: -pair[0])
    return [
        *problem("odd-pair", "harm", [found for _, found in odd], "pictures far too wide or too narrow for their texts",
                 "look at the worst: is the text that of the picture, and is all of it there?"),
        *problem("several-lines", "note", crowds, "pictures that may hold several lines",
                 "look at them, and cut those that do"),
    ]  # fmt: skip


def _away(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """For each line the log of its width a character over the folder's usual one, and the usual spread of that."""
    lengths = np.array([len(r.text or "") for r in rows], float)
    ratios = np.log(np.array([r.width for r in rows], float) / np.maximum(lengths, 1))
    bins = np.digitize(lengths, LENGTHS)
    away, spread = np.zeros(len(rows)), np.full(len(rows), np.inf)
    for lot in _lots(bins):
        middle = np.median(ratios[lot])
        away[lot] = ratios[lot] - middle
        spread[lot] = max(1.4826 * float(np.median(np.abs(away[lot]))), 0.1)
    return away, spread


def _lots(bins: np.ndarray) -> Iterator[np.ndarray]:
    """Indices bin by bin; bins with few lines are joined to the next, the last ones to those before."""
    lots: list[np.ndarray] = []
    waiting = np.empty(0, int)
    for number in np.unique(bins):
        waiting = np.concatenate([waiting, np.flatnonzero(bins == number)])
        if len(waiting) >= ENOUGH:
            lots.append(waiting)
            waiting = np.empty(0, int)
    if len(waiting):
        lots = [*lots[:-1], np.concatenate([lots[-1], waiting])] if lots else [waiting]
    yield from lots


def splits(rows: Sequence[Row]) -> list[Problem]:
    """Folders that cannot be trained on, or will be split by training itself."""
    problems = []
    for folder in dict.fromkeys(r.folder for r in rows):
        have = {r.split for r in rows if r.folder == folder}
        if "train" not in have:
            missing = [Skipped(folder, f"it has {', '.join(sorted(have))} only")]
            problems += problem("no-train", "note", missing, "folders without a train split", "they can be scored only")
        elif "valid" not in have:
            hands = len({r.hand for r in rows if r.folder == folder and r.split == "train" and r.hand})
            what = "hand" if hands >= 10 else "page or line"
            held = [Skipped(folder, f"{hands} hands; training holds out one {what} in ten")]
            problems += problem("no-valid", "note", held, "folders without a valid split",
                                "nothing, or name the lines to validate on by a valid split")  # fmt: skip
    return problems
