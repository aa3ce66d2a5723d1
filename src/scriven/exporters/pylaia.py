"""Tables of PyLaia: `name t o k e n s`, with `<space>` for a space, the lists of names, and the symbols."""

from contextlib import ExitStack
from pathlib import Path
from typing import IO

from scriven.base import Skipped
from scriven.exporters.common import FOLDERS, Lines, PictureWriter
from scriven.importers.common import COLUMN_SAFE

FORMATS = ("png", "jpg")  # PyLaia finds pictures by these extensions
SPACE, BLANK = "<space>", "<ctc>"
TABLES = ("", "_ids", "_eval")  # endings of the files of tokens, of names, and of texts


def pylaia(lines: Lines, out: Path) -> list[Skipped]:
    """Write pictures below `images/`, and for each split `train.txt`, `train_ids.txt` and `train_eval.txt`; `syms.txt`.

    A name is the path of a picture below `images/`, without extension unless the name itself ends like one; its spaces
    are written as %20. A token is one character (code point). PyLaia ignores rows without tokens.
    """
    pictures = PictureWriter(out / "images", safe=COLUMN_SAFE, formats=FORMATS)
    files: dict[str, list[IO[str]]] = {}
    symbols = set[str]()
    with ExitStack() as opened:
        for split, line, path in pictures.saved(lines):
            if split not in files:
                names = (out / f"{FOLDERS[split]}{ending}.txt" for ending in TABLES)
                files[split] = [opened.enter_context(open(n, "w", newline="\n", encoding="utf-8")) for n in names]
            stem = path.with_suffix("")
            name = (path if stem.suffix.lower()[1:] in (*FORMATS, "jpeg") else stem).as_posix()
            text = line.text or ""
            symbols.update(text)
            tokens = " ".join(SPACE if character == " " else character for character in text)
            for file, row in zip(files[split], (f"{name} {tokens}", name, f"{name} {text}"), strict=True):
                file.write(f"{row.rstrip(' ')}\n")
    rows = [BLANK, *sorted(symbols - {" "}), SPACE]
    table = "".join(f"{symbol} {number}\n" for number, symbol in enumerate(rows))
    (out / "syms.txt").write_text(table, "utf-8", newline="\n")
    return pictures.skipped
