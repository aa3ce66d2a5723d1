"""Corpora: files and folders of UTF-8 text, read line by line. Files that cannot be read are reported."""

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from scriven.base import Skipped, TextError
from scriven.language.texts.tokens import INVISIBLE
from scriven.text import name, normalise

TEXT_SUFFIXES = ("", ".txt", ".text", ".md")
_SPECIAL_TOKENS = re.compile(r"</?s>|<\\s>|<unk>|<\?>|<pad>", re.IGNORECASE)  # special tokens of other tools
_CHUNK = 1 << 20  # bytes


def corpus_files(paths: Iterable[Path]) -> tuple[list[Path], list[Skipped]]:
    """The text files among files and below folders, sorted by name and checked to be UTF-8, and what was skipped.

    Hidden files and folders (`.git`) are ignored. Skipped are the files that cannot be used, and the special tokens of
    other tools (`<unk>`) and invisible characters (soft hyphens) that are removed from a file. Raises TextError if a
    path is missing or no file is left.
    """
    files, skipped = list[Path](), list[Skipped]()
    paths = [Path(path) for path in paths]
    for path in paths:
        if path.is_file():
            found = [path]
        elif path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and not _hidden(p.relative_to(path)))
        else:
            raise TextError(f"there is no text file or folder {path}; check the path")
        for file in found:
            reason = _reason(file, named=file == path)
            if reason:
                skipped.append(Skipped(str(file), reason))
            else:
                files.append(file)
                skipped += _removed_from(file)
    if not files:
        why = f" ({skipped[0].id}: {skipped[0].reason})" if skipped else ""
        raise TextError(f"there is no readable text in {', '.join(map(str, paths))}{why}; give files of UTF-8 text")
    return files, skipped


def _hidden(inside: Path) -> bool:
    return any(part.startswith(".") for part in inside.parts)


def _reason(file: Path, named: bool) -> str:
    if not named and file.suffix.lower() not in TEXT_SUFFIXES:
        return f"its extension is {file.suffix}, not .txt or .md; give it by name or rename it"
    decoder = codecs.getincrementaldecoder("utf-8")()
    at, text = 0, False
    try:
        with open(file, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                if b"\0" in chunk:
                    return "it contains zero bytes, so it is not text"
                text = text or not chunk.isspace()
                decoder.decode(chunk)
                at += len(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return f"it is not UTF-8 (invalid byte at {at + error.start}); convert it to UTF-8"
    except OSError as error:
        return f"it cannot be opened ({error.strerror})"
    return "" if text else "it is empty"


def _removed_from(file: Path) -> list[Skipped]:
    """The special tokens and invisible characters that `corpus_lines` removes from a checked file, with counts."""
    kinds: Counter[str] = Counter()
    lines = dropped = 0
    with open(file, encoding="utf-8-sig") as stream:
        for line in stream:
            found = (_SPECIAL_TOKENS.findall(line) if "<" in line else []) + [name(c) for c in INVISIBLE.findall(line)]
            kinds.update(found)
            lines += bool(found)
            dropped += bool(found) and not _clean(line)
    if not kinds:
        return []
    named = ", ".join(f"{mark} ({count})" for mark, count in kinds.most_common())
    whole = f"; {dropped} lines had nothing else" if dropped else ""
    why = f"special tokens and invisible characters are not text and are removed from {lines} of its lines{whole}"
    return [Skipped(f"{named} in {file}", why)]


def _clean(line: str) -> str:
    """A line without special tokens and invisible characters, normalised."""
    return normalise(_SPECIAL_TOKENS.sub(" ", INVISIBLE.sub("", line)))


def corpus_lines(files: Iterable[Path]) -> Iterator[str]:
    """Iterate over the lines of checked files, normalised, without empty ones."""
    for file in files:
        with open(file, encoding="utf-8-sig") as stream:
            for line in stream:
                text = _clean(line)
                if text:
                    yield text
