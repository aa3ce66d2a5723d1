"""Text: its normal form, the direction of writing, and the character set of a recogniser.

Texts are stored and compared in logical order, the order in which they are read. A recogniser processes a picture from
left to right, so its labels, its language models and its word lists are in visual order. `visual` and `logical` convert
between the two orders by the Unicode bidirectional algorithm (UAX #9).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from scriven.base import TextError

_SPACES = re.compile(r"\s+")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001eeff]")
_ATTACHED = frozenset("NSM BN LRE RLE LRO RLO PDF LRI RLI FSI PDI".split())  # bidi classes kept with the previous one


def normalise(text: str) -> str:
    """The text in NFC, with runs of white space (no-break spaces and line ends too) as one space, none at the ends."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


def name(character: str) -> str:
    """A character with its code point and Unicode name: `'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE)`."""
    return f"{character!r} (U+{ord(character):04X} {unicodedata.name(character, 'unnamed')})"


def has_right_to_left(text: str) -> bool:
    """Whether some of a text may run from right to left: its visual order may differ from its logical order."""
    return _RIGHT_TO_LEFT.search(text) is not None


def right_to_left(text: str) -> bool:
    """Whether a text is mostly written from right to left.

    The direction of a line is that of most of its letters, so it is the same in logical and in visual order.
    """
    if not has_right_to_left(text):
        return False
    kinds = Counter(unicodedata.bidirectional(character) for character in text)
    right = kinds["R"] + kinds["AL"]
    return right > 0 and right >= kinds["L"]


@lru_cache(maxsize=1 << 16)
def visual(text: str) -> str:
    """A line in visual order, with mirrored brackets; a line without right-to-left characters is unchanged."""
    if not has_right_to_left(text):
        return text
    return "".join(mirrored(text[i]) if odd else text[i] for i, odd in display_order(text))


def logical(text: str) -> str:
    """A line in logical order: the inverse of `visual`."""
    return "".join(character for character, _ in logical_characters(text))


def logical_characters(text: str) -> list[tuple[str, int]]:
    """The characters of a line in reading order, each with its index in the visual order `text`.

    The inverse of `visual` is not unique if a number or bracket is next to words of the other direction: `15 km` and
    `km 15` in a right-to-left line look alike. The order that keeps them together is returned.
    """
    if not has_right_to_left(text):
        return [(character, i) for i, character in enumerate(text)]
    candidates = [_reordered(text), _runs_reversed(text)]
    return next((c for c in candidates if visual("".join(character for character, _ in c)) == text), candidates[0])


def display_order(text: str, rightwards: bool | None = None) -> list[tuple[int, bool]]:
    """The index of each character of a line in visual order, and whether that character runs right to left.

    `rightwards`: whether the line runs from left to right; None: the direction of most of its letters. Combining marks
    follow their letters. Explicit directional formatting is ignored, as it is invisible.
    """
    return [(i, odd) for cluster, odd in _display_order(text, rightwards) for i in cluster]


def direction_runs(text: str) -> list[tuple[int, int, bool]]:
    """The runs of one direction of a line, in visual order: (start, end, whether it runs right to left).

    `text[start:end]` is in logical order in each of them.
    """
    runs: list[tuple[int, int, bool]] = []
    for cluster, odd in _display_order(text, None):
        first, last = cluster[0], cluster[-1] + 1
        start, end, before = runs[-1] if runs else (-1, -1, odd)
        if odd == before and (last == start if odd else first == end):
            runs[-1] = (min(start, first), max(end, last), odd)
        else:
            runs.append((first, last, odd))
    return runs


def mirrored(character: str) -> str:
    """The mirror image of a character, drawn for it in right-to-left text: `)` for `(`; itself where there is none."""
    from bidi.mirror import MIRRORED

    return str(MIRRORED.get(character, character))


def _display_order(text: str, rightwards: bool | None) -> list[tuple[list[int], bool]]:
    """As `display_order`, for each character with the marks on it."""
    from bidi import algorithm

    level = int(right_to_left(text) if rightwards is None else not rightwards)
    storage = algorithm.get_empty_storage()
    storage["base_level"], storage["base_dir"] = level, "LR"[level]
    clusters = _clusters(text)
    for number, cluster in enumerate(clusters):
        kind = unicodedata.bidirectional(text[cluster[0]]) or "L"
        kind = "WS" if kind in ("B", "S") else "ON" if kind in _ATTACHED else kind
        entry = {"ch": text[cluster[0]], "level": level, "type": kind, "orig": kind, "cluster": number}
        storage["chars"].append(entry)
    algorithm.explicit_embed_and_overrides(storage)
    algorithm.resolve_weak_types(storage)
    _resolve_brackets(storage["chars"], "LR"[level])
    algorithm.resolve_neutral_types(storage, False)
    algorithm.resolve_implicit_levels(storage, False)
    algorithm.reorder_resolved_levels(storage, False)
    return [(clusters[entry["cluster"]], entry["level"] % 2 == 1) for entry in storage["chars"]]


def _clusters(text: str) -> list[list[int]]:
    """The indices of each character and its combining marks."""
    clusters: list[list[int]] = []
    for i, character in enumerate(text):
        if clusters and unicodedata.bidirectional(character) in _ATTACHED:
            clusters[-1].append(i)
        else:
            clusters.append([i])
    return clusters


def _reordered(text: str) -> list[tuple[str, int]]:
    """A visual line reordered as if it were in logical order, which inverts the reordering of most lines."""
    return [(mirrored(text[i]) if odd else text[i], i) for i, odd in display_order(text)]


def _runs_reversed(text: str) -> list[tuple[str, int]]:
    """A visual line from its right end, with the left-to-right runs in it reversed.

    The letters before a number then precede it, which matters if they decide on its separators (Arabic).
    """
    if not right_to_left(text):
        return _reordered(text)
    clusters = _clusters(text)[::-1]
    flipped = "".join(mirrored(text[i]) for cluster in clusters for i in cluster)
    odd = dict(display_order(flipped))
    result: list[tuple[str, int]] = []
    run: list[list[tuple[str, int]]] = []
    at = 0
    for cluster in clusters:
        characters = [(text[i], i) for i in cluster]
        if odd[at]:
            result += [pair for part in reversed(run) for pair in part]
            result += [(mirrored(character), i) for character, i in characters]
            run = []
        else:
            run.append(characters)
        at += len(cluster)
    return result + [pair for part in reversed(run) for pair in part]


def _resolve_brackets(entries: list[dict[str, Any]], embedding: str) -> None:
    """Rule N0 of UAX #9: the brackets of a pair get one direction, from the text between and before them.

    Brackets are mirrored punctuation of the categories Ps and Pe, which «» are not (Bidi_Paired_Bracket_Type).
    """
    opened, pairs = list[tuple[str, int]](), list[tuple[int, int]]()
    for i, entry in enumerate(entries):
        character, other = entry["ch"], mirrored(entry["ch"])
        if entry["type"] != "ON" or character == other:
            continue
        if (category := unicodedata.category(character)) == "Ps":
            opened.append((other, i))
        elif category == "Pe" and (found := [k for k, (closing, _) in enumerate(opened) if closing == character]):
            pairs.append((opened[found[-1]][1], i))
            del opened[found[-1] :]
    for first, last in sorted(pairs):
        inside = {_strong(entry["type"]) for entry in entries[first + 1 : last]} - {""}
        if not inside:
            continue
        before = next((kind for entry in reversed(entries[:first]) if (kind := _strong(entry["type"]))), embedding)
        entries[first]["type"] = entries[last]["type"] = embedding if embedding in inside else before


def _strong(kind: str) -> str:
    """The direction of a resolved class, numbers counting as right to left; empty for neutrals."""
    return "L" if kind == "L" else "R" if kind in ("R", "EN", "AN") else ""


@dataclass(frozen=True)
class Charset:
    """The characters of a recogniser, in order. Class 0 is the CTC blank; the character at index i is class i + 1."""

    characters: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.characters)) != len(self.characters):
            raise TextError("a character set holds the same character twice; write each one once")
        if any(len(c) != 1 for c in self.characters):
            raise TextError("a character set holds single Unicode characters only; split longer strings")

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Charset":
        """All characters of the texts, sorted, always including the space."""
        found = set(" ")
        for text in texts:
            found.update(normalise(text))
        return cls(tuple(sorted(found)))

    @cached_property
    def _classes(self) -> dict[str, int]:
        return {c: i for i, c in enumerate(self.characters, start=1)}

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: object) -> bool:
        return character in self._classes

    def encode(self, text: str) -> list[int]:
        """Classes (1-based) of a text. Raises TextError naming every character that is not in the set."""
        try:
            return [self._classes[c] for c in text]
        except KeyError:
            unknown = ", ".join(name(c) for c in self.missing([text]))
            raise TextError(
                f"{text!r} has characters that are not in the character set: {unknown}; "
                "grow the character set or correct the text"
            ) from None

    def decode(self, classes: Sequence[int]) -> str:
        """The text of classes (1-based, no blanks)."""
        return "".join(self.characters[c - 1] for c in classes)

    def missing(self, texts: Iterable[str]) -> Counter[str]:
        """Characters of the texts that are not in the set, with how often they occur, most frequent first."""
        counts = Counter(c for text in texts for c in text if c not in self._classes)
        return Counter(dict(counts.most_common()))

    def grow(self, characters: Iterable[str]) -> "Charset":
        """The same characters at the same classes, followed by the new ones, sorted."""
        new = sorted({c for text in characters for c in text} - set(self.characters))
        return Charset(self.characters + tuple(new))
