"""The transcripts of pages: one text file, or a folder of them, each named after its page."""

from pathlib import Path

from scriven.base import Skipped, TextError
from scriven.base.paths import existing
from scriven.text import normalise

SUFFIX = ".txt"


def page_texts(path: str | Path) -> tuple[dict[str, str] | str, list[Skipped]]:
    """The text of a file, or by page those of a folder `PAGE.txt`, normalised, and the files that cannot be used.

    Raises TextError where there is no text.
    """
    path = existing(path)
    if not path.exists():
        raise TextError(f"there is no text {path}; give a text file, or a folder of text files named after the pages")
    if path.is_file():
        return _text(path), []
    found, skipped = dict[str, str](), list[Skipped]()
    for file in sorted(path.rglob(f"*{SUFFIX}")):
        try:
            found[normalise(file.relative_to(path).as_posix().removesuffix(SUFFIX))] = _text(file)
        except TextError as error:
            skipped.append(Skipped(str(file), str(error)))
    if not found:
        first = f"; the first: {skipped[0].sentence()}" if skipped else ""
        raise TextError(f"{path} has no text that can be used; give it files named after the pages, as PAGE.txt{first}")
    return found, skipped


def text_of(page: str, texts: dict[str, str]) -> str | None:
    """The name under which there is a text for a page: its own, or the last part of it; None if there is none."""
    return next((name for name in (page, page.replace("\\", "/").rpartition("/")[2]) if name in texts), None)


def _text(file: Path) -> str:
    try:
        text = normalise(file.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise TextError(f"{file} is not UTF-8 ({error}); save it as UTF-8") from None
    except OSError as error:
        raise TextError(f"cannot open {file} ({error.strerror}); check the path") from None
    if not text:
        raise TextError(f"{file} is empty; write the transcript of the page into it")
    return text.replace("\0", "")
