"""JSON: one object with `schema`, `readings` and `skipped`.

    {"schema": 2, "readings": [{"id", "page", "image", "text", "confidence", "characters": [...]}], "skipped": [...]}

Schema 1 had no `schema` and no `page`, and its key for skipped inputs was `refused`.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from scriven.base import Skipped
from scriven.page.records import Page, PageLine

JSON_SCHEMA_VERSION = 2


def write(pages: Iterable[Page | Skipped], file: IO[str], folder: Path | None = None) -> None:
    """Write pages one by one, then the skipped inputs."""
    file.write(f'{{"schema": {JSON_SCHEMA_VERSION}, "readings": [')
    skipped, between = [], "\n"
    for page in pages:
        if isinstance(page, Skipped):
            skipped.append({"id": page.id, "reason": page.reason})
            continue
        for line in page.lines:
            file.write(between)
            json.dump(line_as_json(line, page.id, folder), file, ensure_ascii=False)
            between = ",\n"
    file.write(f'\n], "skipped": {json.dumps(skipped, ensure_ascii=False)}}}\n')


def line_as_json(line: PageLine, page: str = "", folder: Path | None = None) -> dict[str, Any]:
    """A line and its reading; spans of characters in px of the input picture, from its left edge."""
    reading = line.reading
    found: dict[str, Any] = {"id": line.id, "page": page, "image": line.picture(folder), "text": line.text}
    found["confidence"] = float(f"{reading.confidence:.6g}") if reading else None  # very small for long lines
    found["characters"] = [
        {
            "text": c.text,
            "confidence": round(c.confidence, 4),
            "span": [round(c.start, 1), round(c.end, 1)],
            "alternatives": [[text, round(p, 4)] for text, p in c.alternatives],
        }
        for c in (reading.characters if reading else ())
    ]
    for name in ("polygon", "baseline"):
        if points := getattr(line, name):
            found[name] = [[round(x, 1), round(y, 1)] for x, y in points]
    return found
