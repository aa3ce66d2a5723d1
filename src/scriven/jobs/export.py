"""export: a lines folder in, data for other programs out."""

import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scriven.base import LinesError, OutputError, SettingsError, Skipped
from scriven.base.progress import progress
from scriven.exporters import EXPORTERS
from scriven.lines import Line, LinesFolder


@dataclass(frozen=True)
class Exported:
    """The result of an export: the number of lines written, and every skipped line."""

    out: Path
    lines: int
    skipped: tuple[Skipped, ...]


def export(format: str, lines: str | Path, out: str | Path, *, split: str = "", level: str = "") -> Exported:
    """Export a lines folder (one `split`, or all) with EXPORTERS[format] into the new folder `out`.

    The folder appears when it is complete. Raises SettingsError for an unknown format, LinesError if nothing can be
    exported, OutputError if `out` exists or cannot be written.

    >>> import scriven
    >>> scriven.export("csv", "letters/", "exported").lines
    12
    """
    if format not in EXPORTERS:
        raise SettingsError(f"there is no format {format!r}; there are: {', '.join(EXPORTERS)}")
    folder, out = LinesFolder(lines, level or None), Path(out)
    if split and split not in folder.splits:
        raise LinesError(f"{lines} has no split {split!r}; it has {', '.join(folder.splits)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} exists and is not empty; choose another -o")
    labelled = _Labelled(folder, [split] if split else list(folder.splits))
    temporary = out.parent / f".{out.name}.{secrets.token_hex(8)}.part"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        left_out = EXPORTERS[format](iter(labelled), temporary)
        written = labelled.count - len(left_out)
        skipped = [*labelled.unlabelled, *left_out, *folder.skipped]
        if not written:
            why = f"the first of {len(skipped)}: {skipped[0].sentence()}" if skipped else "import some first"
            raise LinesError(f"{lines} has no line that can be exported; {why}")
        if out.exists():
            out.rmdir()
        os.replace(temporary, out)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror or error}; choose another -o") from error
    finally:
        if temporary.exists():
            shutil.rmtree(temporary)
    return Exported(out, written, tuple(skipped))


class _Labelled:
    """The lines with text of some splits, counted while they are read; those without are listed in `unlabelled`."""

    def __init__(self, folder: LinesFolder, splits: list[str]):
        self.folder, self.splits = folder, splits
        self.count = 0
        self.unlabelled: list[Skipped] = []

    def __iter__(self) -> Iterator[tuple[str, Line]]:
        total = sum(self.folder.count(split) for split in self.splits)
        for split in self.splits:
            for line in self.folder.lines(split):
                if line.text is None:
                    self.unlabelled.append(Skipped(line.id, "it has no text; read it first with `scriven read -f csv`"))
                    continue
                self.count += 1
                progress("exporting", self.count, total)
                yield split, line
