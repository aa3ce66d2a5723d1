"""A small picture, files of it, a lines folder, and what an importer yields."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from scriven.base import Skipped
from scriven.images import encode
from scriven.importers import IMPORTERS
from scriven.lines import Line, LinesWriter

TIFF = bytes(cv2.imencode(".tif", np.full((20, 60), 200, np.uint8))[1])
PNG = encode(np.full((20, 60), 200, np.uint8), "png")


def save(path: Path, data: bytes | str = PNG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def read(format: str, source: Path, **options: object) -> tuple[list[tuple[str, str, str | None]], list[Skipped]]:
    items = list(IMPORTERS[format](source, **options))
    lines = [(i[0], i[1].id, i[1].text) for i in items if not isinstance(i, Skipped)]
    return lines, [i for i in items if isinstance(i, Skipped)]


def lines_of(format: str, source: Path, **options: object) -> list[tuple[str, Line]]:
    return [item for item in IMPORTERS[format](source, **options) if not isinstance(item, Skipped)]


def skipped_of(format: str, source: Path, **options: object) -> dict[str, str]:
    return {item.id: item.reason for item in IMPORTERS[format](source, **options) if isinstance(item, Skipped)}


def lines_folder(path: Path, *lines: Line) -> Path:
    with LinesWriter(path, {"command": "test"}) as writer:
        for line in lines:
            writer.write(line)
    return path


@pytest.fixture
def folder(tmp_path: Path, letters: list[Line]) -> Path:
    with LinesWriter(tmp_path / "lines", {"command": "test"}) as writer:
        for line, split in zip(letters, ("train", "train", "valid", "train", "train", "test"), strict=True):
            writer.write(line, split)
    return tmp_path / "lines"


def marking(folder: Path, rows: list[tuple[str, ...]], delimiter: str = ",") -> None:
    with open(folder / "marking.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows([("sample_id", "path", "stage", "text"), *rows])
