"""Delimited text (CSV, TSV): every text that is written is read back unchanged.

A text contains no line break, so a row is one line of the file. Quotation marks follow RFC 4180, with three exceptions
for tables written by hand or by other programs:

- a cell that begins with a quotation mark and continues after the closing one (`"Oui" dit-il`) is read literally;
- a quotation mark that is not closed on its line affects that row only. If the following lines close the cell and none
  of them is a row by itself, the row contains a line break; it is refused if that is in a needed column;
- in tab-separated files, whose writers quote only where necessary, unnecessary quotation marks belong to the text.

An empty cell is None (text unknown); an empty cell in quotation marks ("") is the empty string (no text).
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scriven.base import LinesError, printable

DELIMITERS = ",;\t"
MAX_BYTES = 1 << 17  # of a row: longer ones do not come from a table of texts
MAX_LINES = 50  # of a row with line breaks in a cell
_QUOTED = re.compile(r'"((?:[^"]++|"")*+)"')
_BREAKS = re.compile(r"[\r\n\t]")

Cells = list[str | None]


@dataclass(frozen=True)
class Header:
    """The first line of a table. `quoted`: its names are in quotation marks, so all cells of the file may be."""

    names: tuple[str, ...]
    delimiter: str
    quoted: bool


@dataclass(frozen=True)
class TableRow:
    """A row: the number of its line in the file (the header is line 1) and the byte offset of its start.

    `cells` by column name; None if the row cannot be used, for the `reason` given.
    """

    number: int
    start: int
    cells: dict[str, str | None] | None
    reason: str = ""


def read_header(stream: IO[bytes], file: Path) -> Header:
    """Read the header of an open table; the stream is then at its first row. Raises LinesError for a repeated name."""
    line = next(_lines(stream), (0, b""))[1]
    stream.seek(len(line))
    text = _text(line.removeprefix(b"\xef\xbb\xbf"))
    delimiter = max(DELIMITERS, key=text.count)
    cells = split_row(text, delimiter, quoted=True) or text.split(delimiter)
    names = tuple((cell or "").strip() for cell in cells)
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise LinesError(f"{file} has the column {twice[0]!r} more than once; rename one of them")
    return Header(names, delimiter, quoted=text.startswith('"'))


def read_rows(stream: IO[bytes], header: Header, number: int = 2, needed: Set[str] = frozenset()) -> Iterator[TableRow]:
    """The rows of an open table from its current position, which is line `number`; empty lines are skipped.

    A row is refused if one of the `needed` columns contains a line break or is not UTF-8.
    """
    source, waiting = _lines(stream), deque[tuple[int, bytes]]()

    def ahead(count: int) -> str | None:
        while len(waiting) <= count:
            if (following := next(source, None)) is None:
                return None
            waiting.append(following)
        return _text(waiting[count][1])

    while ahead(0) is not None:
        start, line = waiting.popleft()
        if line.strip(b"\r\n"):
            cells, reason, more = _row(line, header, needed, ahead)
            yield TableRow(number, start, cells, reason)
            for _ in range(more):
                waiting.popleft()
            number += more
        number += 1


def _row(
    line: bytes, header: Header, needed: Set[str], ahead: Callable[[int], str | None]
) -> tuple[dict[str, str | None] | None, str, int]:
    """The cells of a row by name or None, the reason for None, and how many of the following lines belong to it."""
    if len(line) >= MAX_BYTES:
        return None, f"the row is longer than {MAX_BYTES // 1024} kB; check that this is a table of texts", 0
    text, more = _text(line), 0
    cells = split_row(text, header.delimiter, header.quoted)
    if cells is None:
        if (joined := _joined(text, header, ahead)) is None:
            return None, 'a quotation mark at the beginning of a cell is not closed in its row; write it as """', 0
        cells, more = joined
    if len(cells) != len(header.names):
        return None, "the row has too many or too few fields; put its text in quotation marks", more
    named: dict[str, str | None] = {}
    for name, cell in zip(header.names, cells, strict=True):
        if name in needed and "\n" in (cell or ""):
            return None, f"its {name} contains a line break; a picture shows one line, so give each line a row", more
        if cell and not cell.isascii() and not_utf8(cell):
            if name in needed:
                return None, f"its {name} is not UTF-8; save the table as CSV, UTF-8", more
            cell = printable(cell)
        named[name] = cell
    return named, "", more


def _joined(first: str, header: Header, ahead: Callable[[int], str | None]) -> tuple[Cells, int] | None:
    """The cells of a row that contains line breaks, and the number of its further lines.

    None if the following lines do not complete it, or one of them is a row by itself.
    """
    text = first
    for count in range(MAX_LINES):
        if (line := ahead(count)) is None:
            return None
        alone = split_row(line, header.delimiter, header.quoted)
        if alone is not None and len(alone) == len(header.names):
            return None
        text = f"{text}\n{line}"
        if (cells := split_row(text, header.delimiter, header.quoted)) is not None:
            return (cells, count + 1) if len(cells) == len(header.names) else None
    return None


def split_row(text: str, delimiter: str, quoted: bool = False) -> Cells | None:
    """The cells of a row; None if a quotation mark that begins a cell is not closed.

    `quoted`: the file has quotation marks around cells that do not need them.
    """
    if '"' not in text:
        return [cell or None for cell in text.split(delimiter)]
    bare, cells, at = delimiter == "\t", Cells(), 0
    while True:
        end = at
        if text.startswith('"', at):
            found = _QUOTED.match(text, at)
            whole = found is not None and text[found.end() : found.end() + 1] in ("", delimiter)
            if bare and not whole:  # written by a program that does not quote
                return [cell or None for cell in text.split(delimiter)]
            if found is None:
                return None
            end, inner = found.end(), found[1]
            if whole:
                own = bare and not quoted and inner and '""' not in inner and delimiter not in inner
                cells.append(f'"{inner}"' if own else inner.replace('""', '"'))
        else:
            whole = False
        if not whole:
            stop = text.find(delimiter, end)
            end = len(text) if stop < 0 else stop
            cells.append(text[at:end] or None)
        if end >= len(text):
            return cells
        at = end + 1


def write_row(cells: Iterable[str | float | None], delimiter: str = ",") -> str:
    """A row with its line end, as `read_rows` reads it. Line breaks and tabs in file names become %0A, %0D, %09."""
    return delimiter.join(_written(cell, delimiter) for cell in cells) + "\n"


def _written(cell: str | float | None, delimiter: str) -> str:
    if cell is None:
        return ""
    text = _BREAKS.sub(lambda found: f"%{ord(found[0]):02X}", str(cell))
    marked = text.startswith('"') if delimiter == "\t" else '"' in text or delimiter in text
    return '"' + text.replace('"', '""') + '"' if marked or not text else text


def not_utf8(text: str) -> bool:
    """Whether text decoded with errors="surrogateescape" contains bytes that are not UTF-8."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines of an open file with their ends (LF, CRLF or CR), each preceded by the byte offset of its start."""
    start = stream.tell()
    while block := stream.readline(MAX_BYTES):
        if not block.endswith(b"\n") and b"\r" in block[:-1]:  # lines that end in CR: the last one may be cut
            block = block[: block[:-1].rindex(b"\r") + 1]
            stream.seek(start + len(block))
        for line in block.splitlines(keepends=True):
            yield start, line
            start += len(line)
        while len(block) == MAX_BYTES and not block.endswith((b"\n", b"\r")):  # the rest of a line that is too long
            block = stream.readline(MAX_BYTES)
            start += len(block)


def _text(line: bytes) -> str:
    return line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
