"""The character sets of published recognisers, which their files do not hold.

Baek et al. 2019 and Kass & Vats 2022: 36 characters, case-insensitive, or the 94 printable ones of ASCII. Wolf & Fink
2022: the letters a-z and A-Z. Shonenkov et al. 2021: one set for each collection.
"""

import string
from collections.abc import Mapping

from scriven.base import SettingsError
from scriven.reader.charsets import CASE_INSENSITIVE as CASE_INSENSITIVE
from scriven.reader.charsets import CASE_SENSITIVE as CASE_SENSITIVE

LETTERS = string.ascii_letters
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
}


def characters_of(network: str, count: int, given: str = "") -> str:
    """The `count` characters that a published file writes, in the order of its classes.

    `given`: the characters themselves, or the name of one of COLLECTIONS; left empty where a single published set has
    that many. Raises SettingsError where it is not told, or has another number.
    """
    chosen = COLLECTIONS.get(given, given)
    if not chosen:
        fitting = {one for one in KNOWN[network] if len(one) == count}
        if len(fitting) != 1:
            names = [name for name, one in COLLECTIONS.items() if network == "resnet34" and len(one) == count]
            said = f"one of {', '.join(names)}, or the characters" if names else "the characters"
            raise SettingsError(f"the file does not hold its {count} characters; give {said} with --chars")
        return fitting.pop()
    if len(chosen) != count or len(set(chosen)) != count:
        raise SettingsError(
            f"the file writes {count} characters and --chars has {len(set(chosen))} different ones; give those that "
            "the network was trained on, in the order of its classes"
        )
    return chosen
