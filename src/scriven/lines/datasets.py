"""Published data sets of lines: their characters, their rules of text, and the sizes of their partitions, as one table.

The values are those of StackMix-OCR (Shonenkov et al. 2021, "StackMix and Blot Augmentations for Handwritten Text
Recognition"), so that error rates are comparable. The character sets are names for `train --set charset=NAME`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from scriven.text import normalise

Sizes = tuple[int, int, int]  # lines of train, valid and test
Rules = tuple[tuple[str, str], ...]  # pairs of a regular expression and its replacement, applied in order

LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class DataSet:
    """A published data set of lines.

    `rules` prepare a text before training. `reverted` undo, in a reading, those of them that are known to be wrong.
    """

    characters: str
    sizes: Sizes
    rules: Rules = ()
    reverted: Rules = ()

    def prepared(self, text: str) -> str:
        """The text as the published systems train on it, single-spaced.

        >>> DATA_SETS["bentham"].prepared("a fête , ( sic )")
        'a fete, (sic)'
        """
        return _applied(self.rules, text)

    def restored(self, text: str) -> str:
        """A reading with the spelling of the transcriptions: letters that `rules` unified, in known words.

        >>> DATA_SETS["peter"].restored(DATA_SETS["peter"].prepared("piter"))
        'piter'
        """
        return _applied(self.reverted, text)

    def outside(self, text: str) -> set[str]:
        """The characters of a text that are not in the character set."""
        return set(text) - set(self.characters)


def _applied(rules: Rules, text: str) -> str:
    text = normalise(text)
    for pattern, replacement in rules:
        text = re.sub(pattern, replacement, text)
    return normalise(text)


def _letters(pairs: Iterable[str]) -> Rules:
    """Rules that replace the first character of each pair by the second; a single character is deleted."""
    return tuple((re.escape(pair[0]), pair[1:]) for pair in pairs)


_BENTHAM = (
    *_letters(("ée", "êe", "èe", "àa", "âa", "⊥")),
    (r"(?<=\w)\s(?=[,.!:;?])", ""),
    (r"(?<=[\"'(\[<])\s(?=\w)", ""),
    (r"(?<=\w)\s(?=[)\]>])", ""),
)
_PETER = (  # Latin look-alikes to Cyrillic, but і to i
    *_letters(("oо", "aа", "cс", "eе", "pр", "×х", "uи", "kк", "іi", "/", "…", "|", "–", "ǂ")),
    (r"\bрs\b", "р s"),
)
_POINTS = "точки точка разстоянием разстояние линѣи линѣi линѣя линiи линii линiя".split()  # before the name of a point
_PETER_REVERTED = (  # in this order
    *((re.escape(cyrillic), latin) for cyrillic, latin in (
        ("і", "i"), ("рit", "pit"), ("pitеr", "piter"), ("irе", "ire"), ("hеr", "her"), ("mоn", "mon"), ("siе", "sie"),
        ("иr", "ur"),
    )),
    *((rf"({'|'.join(_POINTS)}) {cyrillic}\b", rf"\1 {latin}") for cyrillic, latin in ("аa", "еe", "сc")),
    ("р ?s", "p s"),
)  # fmt: skip

DATA_SETS: dict[str, DataSet] = {
    "bentham": DataSet(
        " !\"#&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXY[]_abcdefghijklmnopqrstuvwxyz|£§",
        (9198, 1415, 860),
        _BENTHAM,
    ),
    "iam": DataSet(f" !\"#&'()*+,-./0123456789:;?{LATIN}", (6161, 1840, 1861)),
    "iam_tbluche": DataSet(f" !\"#&'()*+,-./0123456789:;?{LATIN}", (6482, 976, 2915)),
    "peter": DataSet(
        " #()+0123456789[]bdfghilmnrstwабвгдежзийклмнопрстуфхцчшщъыьэюяѣ⊕⊗",
        (6237, 1527, 1930),
        _PETER,
        _PETER_REVERTED,
    ),
    "hkr": DataSet(  # H and o are Latin: a mistake of the data set
        " !(),-.:;?HoАБВГДЕЖЗИЙКЛМНОПРСТУФХЧШЩЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюяёғҚқҮӨө–—…",
        (45559, 9375, 10009),
    ),
    "saintgall": DataSet(" &.ABCDEFGHILMNOPQRSTUVXZabcdefghiklmnopqrstuvwxyz", (468, 235, 707)),
    "washington": DataSet(" '(),-.0123456789:ABCDEFGHIJKLMNOPQRSTVWYabcdefghijklmnopqrstuvwxyz£", (325, 168, 163)),
    "konzil": DataSet(" ',-.0123456789:;ABCDEFGHIJKLMNOPQRSTUVWZabcdefghijklmnopqrstuvwxyz¬ß—", (353, 29, 87)),
    "schiller": DataSet(" ,.123459;ABCDEFGHIJKLMNOPRSTUVWZabcdefghijklmnopqrstuvwxyz¬ß—", (244, 21, 63)),
    "patzig": DataSet(" ',-.0123456789:;ABCDEFGHJKLMNOPQRSTUVWZabcdefghijklmnopqrstuvwxyzß–", (485, 38, 118)),
    "ricordi": DataSet(" !(),-./0123456789:;=ABCDEFGHILMNOPQRSTUV[]abcdefghilmnopqrstuvyz¬°–’", (295, 19, 69)),
    "schwerin": DataSet(" ABCDEFGHJKLMNOPRSTUVWZabcdefghijklmnopqrstuvwxyz’", (793, 68, 196)),
}
