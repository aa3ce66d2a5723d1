"""Writing a bank line by line: pixels go to disk as they come, texts and edges stay in memory until the end."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from scriven.base import OutputError, atomic
from scriven.scribes.contract import OWN_TEXTS
from scriven.scribes.stackmix.bank import (
    ABOUT,
    BREAK,
    CHARACTERS,
    FORMAT,
    LINES,
    LONGEST,
    ORDER,
    PIXELS,
    Pixels,
    sorted_suffixes,
)
from scriven.scribes.stackmix.measures import Measures
from scriven.text import logical

HEADER = 128  # bytes of the header of pixels.npy, written when its length is known


class BankWriter:
    """Writes a bank folder; use it in a `with` statement. `bank.json`, by which it is opened, is written last.

    Raises OutputError if `folder` exists and is not empty, or when the disk is full.
    """

    def __init__(self, folder: str | Path, height: int):
        self.folder, self.height = Path(folder), height
        if self.folder.exists() and (not self.folder.is_dir() or any(not _ours(p) for p in self.folder.iterdir())):
            raise OutputError(f"{self.folder} exists; choose another -o")
        if (self.folder / ABOUT).is_file():
            raise OutputError(f"{self.folder} is a finished bank; choose another -o")
        self.characters = 0  # that can be drawn
        self._rows: list[dict[str, Any]] = []
        self._edges: list[npt.NDArray[np.float32]] = []
        self._columns = 0
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "BankWriter":
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = open(self.folder / PIXELS, "wb")
            self._file.write(bytes(HEADER))
        except OSError as error:
            raise self._failed(error) from error
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        if kind is not None:
            for name in (PIXELS, CHARACTERS, ORDER, LINES, OWN_TEXTS):
                (self.folder / name).unlink(missing_ok=True)
            with suppress(OSError):
                self.folder.rmdir()

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self,
        id: str,
        picture: Pixels,
        text: str,
        edges: npt.NDArray[np.float64],
        usable: Sequence[bool] | npt.NDArray[np.bool_],
        measured: Measures,
        hand: str = "",
    ) -> None:
        """Add the upright picture (H, W) of a line; `edges` (K, 2) px and `usable` (K,) of its text, in visual order.

        A character that is not usable is a break: no span holds it.
        """
        assert self._file is not None
        cut = "".join(one if able else BREAK for one, able in zip(text, usable, strict=True))
        try:
            self._file.write(np.ascontiguousarray(picture.T).tobytes())
        except OSError as error:
            raise self._failed(error) from error
        placed = np.zeros((len(text) + 1, 2), np.float32)
        placed[:-1] = edges + self._columns
        self._edges.append(placed)
        self._rows.append(
            {
                "id": id,
                "text": cut,
                "whole": logical(text),
                "hand": hand,
                "start": self._columns,
                "width": picture.shape[1],
            }
            | measured._asdict()
        )
        self._columns += picture.shape[1]
        self.characters += len(cut) - cut.count(BREAK)

    def finish(self, about: Mapping[str, Any]) -> None:
        """Write the index and, last, `bank.json` with `about`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        assert self._file is not None
        try:
            self._file.seek(0)
            self._file.write(_header((self._columns, self.height)))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from error
        hands = {hand: number for number, hand in enumerate(dict.fromkeys(row["hand"] for row in self._rows))}
        text = "".join(row["text"] + BREAK for row in self._rows)
        lengths = [len(row["text"]) + 1 for row in self._rows]
        numbers = np.repeat([hands[row["hand"]] for row in self._rows], lengths)
        for name, array in ((CHARACTERS, np.concatenate(self._edges)), (ORDER, sorted_suffixes(text, numbers))):
            with atomic(self.folder / name) as file:
                np.save(file, array)
        with atomic(self.folder / LINES) as file:
            pq.write_table(pa.Table.from_pylist(self._rows), file)
        with atomic(self.folder / OWN_TEXTS, "w") as file:
            file.writelines(row["whole"] + "\n" for row in self._rows)
        counts = {"lines": len(self), "characters": self.characters, "hands": len(hands), "longest": LONGEST}
        with atomic(self.folder / ABOUT, "w") as file:
            json.dump({"format": FORMAT, "height": self.height, **counts, **about}, file, indent=1, ensure_ascii=False)

    def _failed(self, error: OSError) -> OutputError:
        why = error.strerror or error
        return OutputError(f"cannot write {self.folder}: {why}; free some space or choose another -o")


def _ours(path: Path) -> bool:
    """Whether a file is one that an interrupted writer left."""
    return path.name in (PIXELS, CHARACTERS, ORDER, LINES, OWN_TEXTS, ABOUT) or path.name.endswith(".part")


def _header(shape: tuple[int, int]) -> bytes:
    """The header of a .npy file of uint8 of HEADER bytes (format 1.0 of numpy.lib.format)."""
    text = str({"descr": "|u1", "fortran_order": False, "shape": shape}).encode("latin1")
    prefix = b"\x93NUMPY\x01\x00" + (HEADER - 10).to_bytes(2, "little")
    return prefix + text.ljust(HEADER - 11) + b"\n"
