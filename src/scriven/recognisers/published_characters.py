"""The character sets of published recognisers, which their files do not hold.

Baek et al. 2019 and Kass & Vats 2022: 36 characters, case-insensitive, or the 94 printable ones of ASCII. Wolf & Fink
2022: the letters a-z and A-Z. Shonenkov et al. 2021: one set for each collection. Nikolaidou et al. 2023: A-Z and a-z,
with or without digits.
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass

from scriven.base import SettingsError
from scriven.reader.charsets import CASE_INSENSITIVE as CASE_INSENSITIVE
from scriven.reader.charsets import CASE_SENSITIVE as CASE_SENSITIVE

LETTERS, CAPITALS_FIRST = string.ascii_letters, string.ascii_uppercase + string.ascii_lowercase
COLLECTIONS = {  # of StackMix, in the order of code points
    "bentham": " !\"#&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXY[]_abcdefghijklmnopqrstuvwxyz|£§",
    "iam": " !\"#&'()*+,-./0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "peter": " #()+0123456789[]bdfghilmnrstwабвгдежзийклмнопрстуфхцчшщъыьэюяѣ⊕⊗",
    "hkr": " !(),-.:;?HoАБВГДЕЖЗИЙКЛМНОПРСТУФХЧШЩЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюяёғҚқҮӨө–—…",
    "saintgall": " &.ABCDEFGHILMNOPQRSTUVXZabcdefghiklmnopqrstuvwxyz",
    "washington": " '(),-.0123456789:ABCDEFGHIJKLMNOPQRSTVWYabcdefghijklmnopqrstuvwxyz£",
    "konzil": " ',-.0123456789:;ABCDEFGHIJKLMNOPQRSTUVWZabcdefghijklmnopqrstuvwxyz¬ß—",
    "schiller": " ,.123459;ABCDEFGHIJKLMNOPRSTUVWZabcdefghijklmnopqrstuvwxyz¬ß—",
    "patzig": " ',-.0123456789:;ABCDEFGHJKLMNOPQRSTUVWZabcdefghijklmnopqrstuvwxyzß–",
    "ricordi": " !(),-./0123456789:;=ABCDEFGHILMNOPQRSTUV[]abcdefghilmnopqrstuvyz¬°–’",
    "schwerin": " ABCDEFGHJKLMNOPRSTUVWZabcdefghijklmnopqrstuvwxyz’",
}
KNOWN: Mapping[str, tuple[str, ...]] = {  # network: the sets that its files may be of
    "trba": (CASE_INSENSITIVE, CASE_SENSITIVE),
    "lafhtr": (LETTERS,),
    "resnet34": tuple(COLLECTIONS.values()),
    "wordstylist": (CAPITALS_FIRST, CAPITALS_FIRST + string.digits),
}


ASSUMED, GIVEN = "assumed", "given with --chars"
DESCRIPTIONS: Mapping[str, str] = {
    CASE_INSENSITIVE: "0-9a-z",
    CASE_SENSITIVE: "the 94 printable ones of ASCII",
    LETTERS: "a-zA-Z",
    CAPITALS_FIRST: "A-Za-z",
    CAPITALS_FIRST + string.digits: "A-Za-z0-9",
    **{characters: f"those of the collection {name}" for name, characters in COLLECTIONS.items()},
}


@dataclass(frozen=True)
class PublishedCharacters:
    """The characters of a published file in the order of its classes, and where they are from."""

    characters: str
    origin: str

    @property
    def assumed(self) -> bool:
        """Whether only their number is known."""
        return self.origin == ASSUMED

    def sentence(self) -> str:
        """Where they are from; of assumed ones, which they are, and how others are given."""
        if not self.assumed:
            return self.origin
        return f"{ASSUMED}: {DESCRIPTIONS[self.characters]}; give others with --chars"


def characters_of(
    network: str, count: int, given: str = "", configured: str = "", where: str = "config.json"
) -> PublishedCharacters:
    """The `count` characters that a published file writes.

    `given`: the characters themselves, or the name of one of COLLECTIONS. `configured`: those of the file `where`,
    which count where none are given. Where both are empty and a single published set has that many, that one is
    assumed.
    Raises SettingsError where the characters are not told, or are of another number.
    """
    chosen = COLLECTIONS.get(given, given) or configured
    origin, source = (GIVEN, "--chars") if given else (f"from {where}", f"its {where}")
    if not chosen:
        fitting = {one for one in KNOWN[network] if len(one) == count}
        if len(fitting) != 1:
            names = [name for name, one in COLLECTIONS.items() if network == "resnet34" and len(one) == count]
            said = f"one of {', '.join(names)}, or the characters" if names else "the characters"
            raise SettingsError(f"the file does not hold its {count} characters; give {said} with --chars")
        return PublishedCharacters(fitting.pop(), ASSUMED)
    if len(chosen) != count or len(set(chosen)) != count:
        raise SettingsError(
            f"the file writes {count} characters and {source} has {len(set(chosen))} different ones; give those that "
            "the network was trained on with --chars, in the order of its classes"
        )
    return PublishedCharacters(chosen, origin)
