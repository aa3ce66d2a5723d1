"""Exporters, one file per format: functions (lines, out) that write the lines and return the skipped ones.

`lines` are pairs `(split, Line)` with text, `out` is an empty folder, a skipped line is a `Skipped(id, reason)`; lines
whose picture is damaged are skipped. `scriven import` reads every format back.
"""

from scriven.exporters.common import Exporter
from scriven.exporters.csv import csv
from scriven.exporters.doctr import doctr
from scriven.exporters.imagefolder import imagefolder
from scriven.exporters.lmdb import lmdb
from scriven.exporters.paddleocr import paddleocr
from scriven.exporters.pairs import pairs
from scriven.exporters.pylaia import pylaia
from scriven.exporters.transcripts import transcripts
from scriven.exporters.tsv import tsv
from scriven.exporters.writers import writers

EXPORTERS: dict[str, Exporter] = {
    "pairs": pairs,
    "csv": csv,
    "tsv": tsv,
    "imagefolder": imagefolder,
    "transcripts": transcripts,
    "lmdb": lmdb,
    "writers": writers,
    "pylaia": pylaia,
    "doctr": doctr,
    "paddleocr": paddleocr,
}

__all__ = ["EXPORTERS", "Exporter"]
