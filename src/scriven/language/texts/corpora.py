"""A user's corpora: files and folders of UTF-8 text, read line by line. What cannot be read is refused by name."""

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from scriven.base import Skipped, TextError
from scriven.language.texts.spacing import UNSEEN
from scriven.text import name, normalise

SUFFIXES = ("", ".txt", ".text", ".md")
_MARKS = re.compile(r"</?s>|<\\s>|<unk>|<\?>|<pad>", re.IGNORECASE)  # left behind by other tools; never text
_CHUNK = 1 << 20  # bytes


def corpus_files(paths: Iterable[Path], skipped: list[Skipped]) -> list[Path]:
    """The text files among files and folders, in the order of their names, each checked to be UTF-8.

    Hidden files and folders (`.git`) inside a folder are not looked at. Appends to `skipped` what is left out and why,
    and the marks of other tools (`<unk>`) and characters without ink (soft hyphens) that are cut from a file.
    Raises TextError when a path is missing or nothing is left.
    """
    files: list[Path] = []
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
                skipped += _marks_in(file)
    if not files:
        why = f" ({skipped[0].id}: {skipped[0].reason})" if skipped else ""
        raise TextError(f"there is no readable text in {', '.join(map(str, paths))}{why}; give files of UTF-8 text")
    return files


def _hidden(inside: Path) -> bool:
    return any(part.startswith(".") for part in inside.parts)


def _reason(file: Path, named: bool) -> str:
    if not named and file.suffix.lower() not in SUFFIXES:
        return f"its name ends with {file.suffix}, not with .txt or .md; name it alone or rename it"
    decoder = codecs.getincrementaldecoder("utf-8")()
    at, text = 0, False
    try:
        with open(file, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                if b"\0" in chunk:
                    return "it holds zero bytes, so it is not text"
                text = text or not chunk.isspace()
                decoder.decode(chunk)
                at += len(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return f"it is not UTF-8 (a wrong byte after byte {at + error.start}); convert it to UTF-8"
    except OSError as error:
        return f"it cannot be opened ({error.strerror})"
    return "" if text else "it is empty"


def _marks_in(file: Path) -> list[Skipped]:
    """The marks that `corpus_lines` cuts from a checked file, named and counted, if there are any."""
    kinds: Counter[str] = Counter()
    lines = dropped = 0
    with open(file, encoding="utf-8-sig") as stream:
        for line in stream:
            found = (_MARKS.findall(line) if "<" in line else []) + [name(c) for c in UNSEEN.findall(line)]
            kinds.update(found)
            lines += bool(found)
            dropped += bool(found) and not _cut(line)
    if not kinds:
        return []
    named = ", ".join(f"{mark} ({count})" for mark, count in kinds.most_common())
    whole = f"; lines that held nothing else: {dropped}" if dropped else ""
    why = f"marks of other tools and characters without ink are no text, and are cut from {lines} of its lines{whole}"
    return [Skipped(f"{named} in {file}", why)]


def _cut(line: str) -> str:
    """A line without marks of other tools and characters that have no ink, normalised."""
    return normalise(_MARKS.sub(" ", UNSEEN.sub("", line)))


def corpus_lines(files: Iterable[Path]) -> Iterator[str]:
    """The lines of checked files, normalised, without empty ones; one line in memory at a time."""
    for file in files:
        with open(file, encoding="utf-8-sig") as stream:
            for line in stream:
                text = _cut(line)
                if text:
                    yield text
