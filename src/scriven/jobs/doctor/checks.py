"""Checks of single lines: their pictures, their texts, and whether the two belong together."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from scriven.base import Skipped
from scriven.jobs.doctor.records import Problem, Row, problem
from scriven.lines.records import PSEUDO_LABEL
from scriven.lines.training_set import TRAINING_SPLITS
from scriven.reader.model import HEIGHT, STRIDE, ModelInfo
from scriven.reader.trainable import WIDEST, InputSpec, faults, text_fault
from scriven.text import Charset, name, normalise

LOW = 16  # px; letters in pictures less high cannot be distinguished
MIN_OCCURRENCES = 3  # occurrences below which a character is hardly learnt
ODD = 5.0  # robust standard deviations from the folder's median width per character
ODD_FACTOR = 1.8  # and at least this factor too wide or too narrow
LENGTHS = (2, 3, 5, 8, 12, 20, 40)  # bin edges in characters: texts are compared within a bin
ENOUGH = 30  # lines needed in a bin to estimate its spread
VALLEY, CLEAR_VALLEY = 0.35, 0.6  # separation of two bands of ink, with and without a text that is too long as well
CROWDED = 0.65  # of the median width per character: below it a picture may show two lines
CROWD = 8  # minimum length of a text that may be two lines

_LOST = {
    "no-text": ("lines without text", "transcribe them, or give the folder to `scriven adapt`, which needs none"),
    "empty-text": ("lines whose text is empty", "transcribe them, or remove the lines"),
    "width": (f"pictures wider than {WIDEST} px at the height of the recogniser", "cut them into lines or words"),
    "frames": ("texts too long for their pictures", "check that picture and text belong together"),
}


def pictures(rows: Sequence[Row]) -> list[Problem]:
    """Problems of pictures: damaged, blank, too low, light ink on dark paper."""
    readable = [r for r in rows if not r.stats.error]
    broken = [Skipped(r.name, r.stats.error) for r in rows if r.stats.error]
    blank = [
        Skipped(r.name, f"no ink, its text is {r.text!r}" if r.text else "no ink") for r in readable if r.stats.blank
    ]
    low = [Skipped(r.name, f"{r.stats.width} x {r.stats.height} px") for r in readable if r.stats.height < LOW]
    light = [Skipped(r.name, "light ink on dark") for r in readable if r.stats.light]
    return [
        *problem("picture", "lost", broken, "pictures that cannot be used", "copy them again, or remove the lines"),
        *problem("blank", "harm", blank, "pictures without ink", "remove the lines"),
        *problem("low", "harm", low, f"pictures less than {LOW} px high", "cut them from scans of higher resolution"),
        *problem("light-on-dark", "note", light, "pictures with light ink on dark paper",
                 "no action needed if they are negatives, which are inverted; otherwise look at them"),
    ]  # fmt: skip


def untrainable(rows: Sequence[Row], info: ModelInfo | None) -> list[Problem]:
    """Lines that training skips, by the rule of the training loader.

    Unknown characters are not a reason: training adds them to the character set.
    """
    spec = InputSpec.of(info) if info else InputSpec(HEIGHT, STRIDE)
    found: dict[str, list[Skipped]] = defaultdict(list)
    for row in rows:
        if row.stats.error:
            if fault := text_fault(row.text):
                found[fault.kind].append(Skipped(row.name, fault.reason))
            continue
        for fault in faults(row.text, row.width, spec):
            found[fault.kind].append(Skipped(row.name, fault.reason))
    return [p for kind, described in _LOST.items() for p in problem(kind, "lost", found[kind], *described)]


def new_characters(rows: Sequence[Row], known: Charset | None, grown: Charset | None) -> list[Problem]:
    """Characters that a model does not know and that training on the lines adds."""
    if known is None or grown is None:
        return []
    counts = Counter(c for row in rows if row.split in TRAINING_SPLITS for c in row.text or "")
    found = [Skipped(name(c), f"{counts[c]} times") for c in grown.characters[len(known) :]]
    what = "characters that the model does not know yet"
    advice = "`scriven train --from` the model learns them; before that it cannot read them"
    return problem("new-character", "note", found, what, advice)


def model_texts(rows: Sequence[Row]) -> list[Problem]:
    """Texts that were read by a model and not checked by a person: they may contain recognition errors."""
    labels = [row for row in rows if row.by_model and row.doubt is None]
    found = [Skipped(row.name, repr(row.text)) for row in labels]
    what = "texts read by a model, not transcriptions; they may contain errors"
    mark = " and set the column origin to human" if any(row.origin == PSEUDO_LABEL for row in labels) else ""
    advice = (
        f"check them, then clear the column confidence{mark} in the correct ones; training treats every text as correct"
    )
    return problem("read-by-model", "note", found, what, advice)


def doubtful_texts(rows: Sequence[Row]) -> list[Problem]:
    """Texts that `align` laid onto a line and doubts."""
    found = [Skipped(row.name, f"{row.doubt}: {row.text!r}") for row in rows if row.doubt]
    advice = (
        "compare them with their pictures (`scriven look`), correct them and clear their columns doubt and confidence"
    )
    return problem("doubtful-text", "harm", found, "texts of a page that may belong to another line in part", advice)


def stored_texts(raw: Iterable[tuple[str, str | None]]) -> list[Problem]:
    """Problems of texts as they are stored, (name, text): not normalised, or with invisible characters."""
    forms, spaces, controls = list[Skipped](), list[Skipped](), list[Skipped]()
    for line, text in raw:
        if not text:
            continue
        if not unicodedata.is_normalized("NFC", text):
            forms.append(Skipped(line, f"{text!r} has decomposed characters"))
        if normalise(text) != unicodedata.normalize("NFC", text):
            spaces.append(Skipped(line, repr(text)))
        strange = [c for c in dict.fromkeys(text) if unicodedata.category(c) in ("Cc", "Cf") and not c.isspace()]
        if strange or "\ufffd" in text:
            controls.append(Skipped(line, ", ".join(map(name, strange or ["\ufffd"]))))
    return [
        *problem("unseen-character", "harm", controls, "texts with invisible characters",
                 "remove them: they have no ink"),
        *problem("not-nfc", "note", forms, "texts that are not in the Unicode form NFC",
                 "no action needed: they are normalised when they are read"),
        *problem("white-space", "note", spaces, "texts with repeated, leading, trailing or special white space",
                 "no action needed: it is normalised to single spaces when they are read"),
    ]  # fmt: skip


def characters(rows: Sequence[Row], charset: Charset | None) -> list[Problem]:
    """Characters too rare to be learnt, and those in valid or test only that the model does not know."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[row.split].update(row.text or "")
    learnt = counts.get("train", Counter())
    if not learnt:
        return []
    rare = sorted((n, c) for c, n in learnt.items() if n < MIN_OCCURRENCES)
    unlearnt = [
        Skipped(name(c), f"{n} times in {split}, never in train")
        for split in ("valid", "test")
        for c, n in counts.get(split, Counter()).most_common()
        if c not in learnt and (charset is None or c not in charset)
    ]
    return [
        *problem("not-in-train", "harm", unlearnt, "characters that occur in valid or test but not in train",
                 "they are not learnt: move lines that have them to train, or add synthetic ones: `fonts:LANGUAGE`"),
        *problem("rare", "note", [Skipped(name(c), f"{n} in train") for n, c in rare],
                 f"characters that occur fewer than {MIN_OCCURRENCES} times in train",
                 "check for typos; otherwise add lines that have them"),
    ]  # fmt: skip


def pairs(rows: Sequence[Row]) -> list[Problem]:
    """Texts far too long or too short for their pictures, worst first, and pictures that may show several lines."""
    usable = [r for r in rows if not r.stats.error and not r.stats.blank]
    odd: list[tuple[float, Skipped]] = []
    crowds: list[Skipped] = []
    for folder in dict.fromkeys(r.folder for r in usable):
        own = [r for r in usable if r.folder == folder]
        labelled = [r for r in own if r.text]
        away, spread = _away(labelled)
        crowded = set[str]()
        for row, far, scale in zip(labelled, away, spread, strict=True):
            if row.stats.valley > VALLEY and far < np.log(CROWDED) and len(row.text or "") >= CROWD:
                crowded.add(row.name)
                crowds.append(Skipped(row.name, "two bands of ink, and narrow for its text"))
            elif abs(far) > max(ODD * scale, np.log(ODD_FACTOR)):
                usual = row.width / np.exp(far)
                reason = (
                    f"{row.width} px wide at height 64, usual for its {len(row.text or '')} characters: {usual:.0f}"
                )
                odd.append((abs(far), Skipped(row.name, reason)))
        clear = [r for r in own if r.stats.valley > CLEAR_VALLEY and r.name not in crowded]
        crowds += [Skipped(r.name, "two bands of ink") for r in clear if not r.text or len(clear) > len(own) / 4]
    odd.sort(key=lambda pair: -pair[0])
    return [
        *problem("odd-pair", "harm", [found for _, found in odd], "pictures far too wide or too narrow for their texts",
                 "check the worst: is it the text of this picture, and is it complete?"),
        *problem("several-lines", "note", crowds, "pictures that may show several lines",
                 "look at them, and cut those that do"),
    ]  # fmt: skip


def _away(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """For each line, the log of its width per character relative to the median, and the robust spread of that log.

    Both are computed among lines of similar length: two arrays (N,).
    """
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
    """The indices of the lines of each bin; small bins are merged with the next one, the last with the previous."""
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
    """Folders without a train split, and those without a valid split, of which training holds out lines."""
    problems = []
    for folder in dict.fromkeys(r.folder for r in rows):
        have = {r.split for r in rows if r.folder == folder}
        if "train" not in have:
            missing = [Skipped(folder, f"it has {', '.join(sorted(have))} only")]
            problems += problem("no-train", "note", missing, "folders without a train split", "they can only be scored")
        elif "valid" not in have:
            hands = len({r.hand for r in rows if r.folder == folder and r.split == "train" and r.hand})
            what = "hand" if hands >= 10 else "page or line"
            held = [Skipped(folder, f"{hands} hands; training holds out one {what} in ten")]
            problems += problem("no-valid", "note", held, "folders without a valid split",
                                "no action needed, or provide a valid split")  # fmt: skip
    return problems
