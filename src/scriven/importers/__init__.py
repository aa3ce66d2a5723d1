"""Importers, one file per format: functions (source, **options) that yield items.

An item is `(split, Line)` with split train, valid or test, or `Skipped(id, reason)` for an input that cannot be used.
Your own importer is such a function in a file of your own: `scriven import SRC --importer file.py:function -o LINES`;
`line` and `from_file` make its lines.
"""

from scriven.importers.bentham import bentham
from scriven.importers.common import Importer, ImportItem, from_file, line, pictures_under, split_of
from scriven.importers.csv import csv
from scriven.importers.cvl import cvl
from scriven.importers.diffusionhtr import diffusionhtr
from scriven.importers.doctr import doctr
from scriven.importers.filename import filename
from scriven.importers.hkr import hkr
from scriven.importers.iam import iam
from scriven.importers.imagefolder import imagefolder
from scriven.importers.imgur5k import imgur5k
from scriven.importers.lmdb import lmdb
from scriven.importers.paddleocr import paddleocr
from scriven.importers.pairs import pairs
from scriven.importers.parquet import parquet
from scriven.importers.peter import peter
from scriven.importers.pictures import pictures
from scriven.importers.pylaia import pylaia
from scriven.importers.read2018 import read2018
from scriven.importers.rimes import rimes
from scriven.importers.saintgall import saintgall
from scriven.importers.transcripts import transcripts
from scriven.importers.tsv import tsv
from scriven.importers.washington import washington
from scriven.importers.writers import writers

IMPORTERS: dict[str, Importer] = {
    "parquet": parquet,
    "pairs": pairs,
    "csv": csv,
    "tsv": tsv,
    "imagefolder": imagefolder,
    "transcripts": transcripts,
    "filename": filename,
    "pictures": pictures,
    "lmdb": lmdb,
    "writers": writers,
    "pylaia": pylaia,
    "doctr": doctr,
    "paddleocr": paddleocr,
    "iam": iam,
    "imgur5k": imgur5k,
    "washington": washington,
    "cvl": cvl,
    "rimes": rimes,
    "bentham": bentham,
    "saintgall": saintgall,
    "peter": peter,
    "hkr": hkr,
    "read2018": read2018,
    "diffusionhtr": diffusionhtr,
}

__all__ = ["IMPORTERS", "ImportItem", "Importer", "from_file", "line", "pictures_under", "split_of"]
