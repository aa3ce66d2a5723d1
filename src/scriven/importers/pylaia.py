"""Tables of PyLaia and Laia: `name t o k e n s`, where a token is a character and `<space>` is a space."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scriven.base import LinesError, Skipped, printable
from scriven.importers.common import Ids, ImportItem, folder, from_file, item, read_text
from scriven.importers.named import NamedPictures
from scriven.lines import ALIASES
from scriven.lines.delimited import not_utf8

SHORT = {"tr": "train", "va": "valid", "te": "test"}  # names of tables in Laia's recipes


@dataclass(frozen=True)
class _Tokens:
    """How the tokens of a table are read: the token of a space, and the symbols that may be longer than a character."""

    space: str
    symbols: frozenset[str]

    def text(self, tokens: list[str]) -> str:
        """The text of tokens. Raises ValueError, which names the token that is none."""
        for token in tokens:
            marker = token.startswith("<") and token.endswith(">") and len(token) > 2
            if token != self.space and len(token) > 1 and (marker or token not in self.symbols):
                raise ValueError(token)
        return "".join(" " if token == self.space else token for token in tokens)


def pylaia(source: Path, *, images: str = "", space: str = "<space>", split: str = "train") -> Iterator[ImportItem]:
    """Lines of the tables train.txt, val.txt and test.txt of a folder (or tr.txt, va.txt, te.txt), or of one table.

    Pictures are in the folder `images`, else in `images/` beside the table, else beside it. `space`: the token of a
    space, such as `@`. Tokens longer than a character must be in `syms.txt`. Raises LinesError if there is no table.
    """
    tables = [source] if source.is_file() else _tables(folder(source, "PyLaia tables"))
    ids = Ids()
    for file in tables:
        symbols = read_text(file.parent / "syms.txt").split("\n") if (file.parent / "syms.txt").is_file() else []
        tokens = _Tokens(space, frozenset(row.split(" ")[0] for row in symbols))
        roots = [Path(images)] if images else [file.parent / "images", file.parent]
        pictures = NamedPictures(next((root for root in roots if root.is_dir()), file.parent))
        yield from _rows(file, pictures, tokens, _split(file) or split, ids)


def _tables(source: Path) -> list[Path]:
    found = [file for file in sorted(source.glob("*.txt")) if _split(file)]
    if not found:
        raise LinesError(
            f"{source} should have the tables train.txt, val.txt or test.txt of `name t o k e n s`, but has none; "
            "give the table itself, and the folder of its pictures as --set images=FOLDER"
        )
    return found


def _split(file: Path) -> str | None:
    return ALIASES.get(file.stem.lower()) or SHORT.get(file.stem.lower())


def _rows(file: Path, pictures: NamedPictures, tokens: _Tokens, part: str, ids: Ids) -> Iterator[ImportItem]:
    for number, row in enumerate(read_text(file).split("\n"), start=1):
        name, *rest = re.split(r"[ \t]+", row.strip(" \t\r"))
        if not name or name.startswith("#"):
            continue
        if not_utf8(name):
            yield Skipped(f"{file.name}:{number}", "its name is not UTF-8; save the file as UTF-8")
            continue
        found = pictures.find(name)
        try:
            text = tokens.text(rest)
        except ValueError as error:
            reason = f"its token {str(error)!r} is neither a character nor in syms.txt; give the table of tokens"
            yield Skipped(printable(name), reason)
            continue
        if isinstance(found, str):
            yield Skipped(printable(name), found)
        else:
            yield item(part, from_file(ids(Path(pictures.path(name, found))), found, text))
