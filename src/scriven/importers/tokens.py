"""Transcriptions of the historical databases of IAM (IAM-HistDB): tokens separated by hyphens, in words by `|`."""

from collections.abc import Callable


def joined(tokens: str, character: Callable[[str], str]) -> str:
    """The text of the tokens, each replaced by what `character` returns; words are joined by spaces.

    Raises ValueError for an empty token, and as `character` does.

    >>> joined("a-b|c", str.upper)
    'AB C'
    """
    return " ".join("".join(_replaced(token, character) for token in word.split("-")) for word in tokens.split("|"))


def single(token: str) -> str:
    """A token that is one character. Raises ValueError for another one."""
    if len(token) != 1:
        raise ValueError(f"its token {token!r} is not one of the data set")
    return token


def _replaced(token: str, character: Callable[[str], str]) -> str:
    if not token:
        raise ValueError("it has an empty token between two of its separators (- and |)")
    return character(token)
