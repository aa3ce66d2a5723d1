"""Numbered PNG pictures and one transcripts.txt per split, as the label-free HTR learner reads it. Ids are lost."""

from pathlib import Path

from scriven.base import ImageError, Skipped
from scriven.exporters.common import FOLDERS, Lines, converted


def transcripts(lines: Lines, out: Path) -> list[Skipped]:
    """Write pictures as PNG and their texts, one per line; lines whose picture cannot be converted are skipped."""
    texts: dict[str, list[str]] = {}
    skipped: list[Skipped] = []
    for split, line in lines:
        try:
            png = converted(line, ["png"])
        except ImageError as error:
            skipped.append(Skipped(line.id, str(error)))
            continue
        folder = out / FOLDERS[split] / "labeled"
        folder.mkdir(parents=True, exist_ok=True)
        written = texts.setdefault(split, [])
        (folder / f"{len(written)}.png").write_bytes(png)
        written.append(f"{line.text}\n")
    for split, written in texts.items():
        file = out / FOLDERS[split] / "labeled" / "transcripts.txt"
        file.write_text("".join(written), "utf-8", newline="\n")
    return skipped
