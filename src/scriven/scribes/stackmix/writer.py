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
from scriven.lines import Line
from scriven.lines.lock import NAME as LOCK
from scriven.lines.lock import FolderLock
from scriven.scribes.contract import OWN_TEXTS
from scriven.scribes.stackmix.bank import (
    ABOUT,
    CHARACTERS,
    FORMAT,
    KEYS,
    LINES,
    ORDER,
    PIXELS,
    Pixels,
    checksum,
)
from scriven.scribes.stackmix.measures import Measures
from scriven.scribes.stackmix.suffixes import BREAK, sorted_suffixes
from scriven.text import normalise, visual

HEADER = 128  # bytes of the header of pixels.npy, written when its length is known
UNFINISHED = "unfinished"  # an empty file in the folder of a bank that is being written, or whose writer was killed
FILES = (PIXELS, CHARACTERS, ORDER, KEYS, LINES, OWN_TEXTS, UNFINISHED)


class BankWriter:
    """Writes a bank folder; use it in a `with` statement. `bank.json`, by which it is opened, is written last.

    A folder whose writer was killed is begun anew; nothing is left of one that fails or is interrupted. Raises
    OutputError if `folder` holds anything else, while another process writes it, or when the disk is full.
    """

    def __init__(self, folder: str | Path, height: int):
        self.folder, self.height = Path(folder), height
        self._check()
        self.characters = 0  # that can be drawn
        self._rows: list[dict[str, Any]] = []
        self._texts: list[str] = []
        self._edges: list[npt.NDArray[np.float64]] = []
        self._columns = 0
        self._finished = False
        self._lock: FolderLock | None = None
        self._file: IO[bytes] | None = None

    def _check(self) -> None:
        if (self.folder / ABOUT).is_file():
            raise OutputError(f"{self.folder} is a finished bank; choose another -o")
        if not self.folder.exists() or (self.folder / UNFINISHED).is_file():
            return
        if not self.folder.is_dir() or any(file.name != LOCK for file in self.folder.iterdir()):
            raise OutputError(f"{self.folder} exists and is not an unfinished bank; choose another -o")

    def __enter__(self) -> "BankWriter":
        self._lock = FolderLock(self.folder)
        try:
            self._check()  # again: another writer may have finished it in the meantime
            for file in self.folder.glob(".*.part"):
                file.unlink(missing_ok=True)  # incomplete, from a writer that was killed
            (self.folder / UNFINISHED).touch()
            self._file = open(self.folder / PIXELS, "wb")
            self._file.write(bytes(HEADER))
        except OSError as error:
            self._lock.release()
            raise self._failed(error) from error
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        if not self._finished:
            for file in (*(self.folder / name for name in FILES), *self.folder.glob(".*.part")):
                file.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.release()
        if not self._finished:
            with suppress(OSError):
                self.folder.rmdir()

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self,
        line: Line,
        picture: Pixels,
        edges: npt.NDArray[np.float64],
        usable: Sequence[bool] | npt.NDArray[np.bool_],
        measured: Measures,
    ) -> None:
        """Add a line by its upright picture (H, W).

        `edges` (K, 2) px and `usable` (K,) are those of the characters of its normalised text in visual order. A
        character that is not usable is a break: no span holds it.
        """
        label = normalise(line.text or "")
        text = visual(label)
        assert self._file is not None and picture.shape[0] == self.height and len(edges) == len(text)
        cut = "".join(one if able else BREAK for one, able in zip(text, usable, strict=True))
        try:
            self._file.write(np.ascontiguousarray(picture.T).tobytes())
        except OSError as error:
            raise self._failed(error) from error
        self._edges.append(np.concatenate([edges, edges[-1:]]) + self._columns)
        self._texts.append(label)
        place = {"id": line.id, "text": cut, "hand": line.hand, "start": self._columns, "width": picture.shape[1]}
        self._rows.append(place | measured._asdict())
        self._columns += picture.shape[1]
        self.characters += len(cut) - cut.count(BREAK)

    def finish(self, about: Mapping[str, Any]) -> None:
        """Write the index and, last, `bank.json` with `about`. At least one line must have been added."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        assert self._file is not None and self._rows
        try:
            self._file.seek(0)
            self._file.write(_header((self._columns, self.height)))
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise self._failed(error) from error
        text, numbers = self._text_and_hands()
        order, keys = sorted_suffixes(text, numbers)
        for name, array in ((CHARACTERS, np.concatenate(self._edges)), (ORDER, order), (KEYS, keys)):
            with atomic(self.folder / name) as file:
                np.save(file, array)
        with atomic(self.folder / LINES) as file:
            pq.write_table(pa.Table.from_pylist(self._rows), file)
        with atomic(self.folder / OWN_TEXTS, "w") as file:
            file.writelines(label + "\n" for label in self._texts)
        counts = {"lines": len(self), "characters": self.characters, "hands": len(set(numbers.tolist()))}
        sums = {name: checksum(self.folder / name) for name in (CHARACTERS, ORDER, KEYS, LINES)}
        described = {"format": FORMAT, "height": self.height, **counts, **about, "checksums": sums}
        with atomic(self.folder / ABOUT, "w") as file:
            json.dump(described, file, indent=1, ensure_ascii=False)
        self._finished = True
        (self.folder / UNFINISHED).unlink(missing_ok=True)

    def _text_and_hands(self) -> tuple[str, npt.NDArray[np.int64]]:
        """The text of all lines, and the number of the hand of each of its characters."""
        hands = {hand: number for number, hand in enumerate(dict.fromkeys(row["hand"] for row in self._rows))}
        lengths = [len(row["text"]) + 1 for row in self._rows]
        numbers = np.repeat([hands[row["hand"]] for row in self._rows], lengths)
        return "".join(row["text"] + BREAK for row in self._rows), numbers

    def _failed(self, error: OSError) -> OutputError:
        why = error.strerror or error
        return OutputError(f"cannot write {self.folder}: {why}; free some space or choose another -o")


def _header(shape: tuple[int, int]) -> bytes:
    """The header of a .npy file of uint8 of HEADER bytes (format 1.0 of numpy.lib.format)."""
    text = str({"descr": "|u1", "fortran_order": False, "shape": shape}).encode("latin1")
    prefix = b"\x93NUMPY\x01\x00" + (HEADER - 10).to_bytes(2, "little")
    return prefix + text.ljust(HEADER - 11) + b"\n"
