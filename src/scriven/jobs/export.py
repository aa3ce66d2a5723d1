"""A lines folder in, foreign data out."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scriven.base import LinesError, OutputError, SettingsError, Skipped
from scriven.base.progress import progress
from scriven.exporters import EXPORTERS
from scriven.lines import Line, LinesFolder


@dataclass(frozen=True)
class Exported:
    """What an export made: how many lines, and every line that was left out."""

    out: Path
    lines: int
    skipped: tuple[Skipped, ...]


def export(format: str, lines: str | Path, out: str | Path, *, split: str = "", level: str = "") -> Exported:
    """Export a lines folder (one `split`, or all) with EXPORTERS[format] into the new folder `out`.

    The folder appears when it is complete. Raises SettingsError, LinesError (nothing to export), OutputError.
    """
    if format not in EXPORTERS:
        raise SettingsError(f"there is no format {format!r}; there are: {', '.join(EXPORTERS)}")
    folder, out = LinesFolder(lines, level or None), Path(out)
    if split and split not in folder.splits:
        raise LinesError(f"{lines} has no split {split!r}; it has {', '.join(folder.splits)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} exists and is not empty; choose another -o")
    skipped: list[Skipped] = []
    written = 0

    def labelled() -> Iterator[tuple[str, Line]]:
        nonlocal written
        total = sum(folder.count(name) for name in ([split] if split else folder.splits))
        for name in [split] if split else folder.splits:
            for line in folder.lines(name):
                if not line.text:
                    skipped.append(Skipped(line.id, "it has no text; read it first with `scriven read -f csv`"))
                    continue
                written += 1
                progress("exporting", written, total)
                yield name, line

    temporary = ""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.", suffix=".part")
        left_out = EXPORTERS[format](labelled(), Path(temporary))
        written -= len(left_out)
        skipped += [*left_out, *folder.skipped]
        if not written:
            why = f"the first of {len(skipped)}: {skipped[0].sentence()}" if skipped else "import some first"
            raise LinesError(f"{lines} has no line that can be exported; {why}")
        os.chmod(temporary, 0o755)
        if out.exists():
            out.rmdir()
        os.replace(temporary, out)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror or error}; choose another -o") from error
    finally:
        if temporary and os.path.exists(temporary):
            shutil.rmtree(temporary)
    return Exported(out, written, tuple(skipped))
