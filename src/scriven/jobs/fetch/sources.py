"""Where published data sets are: address, checksum and licence of what is openly downloadable, and why others are not.

No checksum here is made up. Where the publisher gives a checksum in another form, that one is checked: MD5 of a record
of Zenodo, pinned here or read from the record. Files without any need the setting `unchecked`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scriven.base import InputError, SettingsError
from scriven.base.settings import validated

LOCAL = ("127.0.0.1", "::1", "localhost")
HASHES = ("sha256", "md5")  # checksums that are checked; the strongest that is known


@validated
@dataclass(frozen=True)
class RemoteFile:
    """A file to download: its address, its name here, and what is known of it; size in bytes, checksums in hex."""

    address: str
    name: str
    size: int | None = None
    sha256: str = ""
    md5: str = ""

    @property
    def checked(self) -> str:
        """The checksum that is checked: sha256, md5, or empty."""
        return next((kind for kind in HASHES if getattr(self, kind)), "")


@validated
@dataclass(frozen=True)
class RemoteDataSet:
    """A data set: its page and licence, and its files, or the address of a record of Zenodo and the files `wanted`.

    `closed`: why it is not openly downloadable, and what to do.
    """

    page: str
    licence: str
    files: tuple[RemoteFile, ...] = ()
    record: str = ""
    wanted: tuple[str, ...] = ("*",)  # patterns of names of the files of the record
    format: str = ""  # of `scriven import`
    closed: str = ""

    @property
    def checked(self) -> str:
        """How the files are checked: a checksum, `md5 of the record`, `unchecked`, or empty for what is closed."""
        if self.closed or self.record:
            return "" if self.closed else "md5 of the record"
        kinds = {file.checked for file in self.files}
        return "unchecked" if "" in kinds else ", ".join(sorted(kinds))


REGISTER = "it is for registered users; register on its page, download it there"
SEE = "see its page"

SOURCES: dict[str, RemoteDataSet] = {
    "bentham": RemoteDataSet(
        "https://zenodo.org/records/44519",
        "CC BY 4.0",
        (
            RemoteFile(
                "https://zenodo.org/records/44519/files/BenthamDatasetR0-GT.tbz?download=1",
                "BenthamDatasetR0-GT.tbz",
                1_450_288_537,
                md5="df4e1cf620c68ea8af7301fd51ed42fd",
            ),
        ),
        format="bentham",
    ),
    "read2018": RemoteDataSet(
        "https://zenodo.org/records/1442182",
        SEE,
        record="https://zenodo.org/api/records/1442182",
        wanted=("specific_data*",),
        format="read2018",
    ),
    "cvl": RemoteDataSet(
        "https://zenodo.org/records/1492267",
        SEE,
        record="https://zenodo.org/api/records/1492267",
        wanted=("cvl-database-1-1.zip",),
        format="cvl",
    ),
    "rimes": RemoteDataSet(
        "https://teklia.com/research/rimes-database/",
        SEE,
        (RemoteFile("https://storage.teklia.com/public/rimes2011/RIMES-2011-Lines.zip", "RIMES-2011-Lines.zip"),),
        format="rimes",
    ),
    "iam-splits": RemoteDataSet(
        "https://www.openslr.org/56/",
        SEE,
        (RemoteFile("https://www.openslr.org/resources/56/splits.zip", "splits.zip"),),
    ),
    "peter-train": RemoteDataSet(
        "https://github.com/sberbank-ai/digital_peter_aij2020",
        SEE,
        (RemoteFile("https://storage.yandexcloud.net/datasouls-ods/materials/46b7bb85/datasets.zip", "datasets.zip"),),
        format="peter",
    ),
    "hkr-splits": RemoteDataSet(
        "https://github.com/bosskairat/Dataset",
        SEE,
        (
            RemoteFile(
                "https://raw.githubusercontent.com/bosskairat/Dataset/e723ad05f7020a7c9d7ff177c06a559147451be2/"
                "HKR_splitting.csv",
                "HKR_splitting.csv",
            ),
        ),
    ),
    "hkr": RemoteDataSet(
        "https://github.com/abdoelsayed2016/HKR_Dataset",
        "non-commercial research",
        format="hkr",
        closed="its authors ask for an application form; fill in that of its page (`hkr-splits` is the partition)",
    ),
    "peter": RemoteDataSet(
        "https://github.com/sberbank-ai/digital_peter_aij2020",
        SEE,
        format="peter",
        closed="no address of all its lines with mapper.csv is known; ask on its page (`peter-train` is its "
        "training set)",
    ),
    "iam": RemoteDataSet(
        "https://fki.tic.heia-fr.ch/databases/iam-handwriting-database",
        "non-commercial research",
        format="iam",
        closed=f"{REGISTER} (`iam-splits` are the lists of RWTH/Aachen)",
    ),
    "saintgall": RemoteDataSet(
        "https://fki.tic.heia-fr.ch/databases/saint-gall-database",
        "non-commercial research and teaching",
        format="saintgall",
        closed=REGISTER,
    ),
    "washington": RemoteDataSet(
        "https://fki.tic.heia-fr.ch/databases/washington-database",
        "non-commercial research",
        format="washington",
        closed=REGISTER,
    ),
    "imgur5k": RemoteDataSet(
        "https://github.com/facebookresearch/IMGUR5K-Handwriting-Dataset",
        SEE,
        format="imgur5k",
        closed="its pictures are at Imgur; the script of its page downloads them",
    ),
}


def read_table(file: str | Path) -> dict[str, RemoteDataSet]:
    """A table of your own, as JSON: `{"name": {"page": ..., "licence": ..., "files": [{"address": ..., ...}]}}`.

    The keys are those of RemoteDataSet, and of RemoteFile for its files. Raises InputError for a file that is not such
    a table.
    """
    try:
        found = json.loads(Path(file).read_text("utf-8"))
        return {str(name): _source(row) for name, row in found.items()}
    except OSError as error:
        raise InputError(f"cannot open {file}: {error.strerror or error}; check the path") from error
    except (ValueError, TypeError, AttributeError, RecursionError, SettingsError) as error:
        raise InputError(f"{file} is not a table of data sets ({error}); see docs/fetch.md") from error


def _source(row: Mapping[str, Any]) -> RemoteDataSet:
    files = tuple(RemoteFile(**file) for file in row.get("files", ()))
    if not (files or row.get("record") or row.get("closed")):
        raise ValueError("a data set has neither files nor a record")
    return RemoteDataSet(**{**row, "files": files, "wanted": tuple(row.get("wanted", ("*",)))})


def check_address(address: str) -> str:
    """The address, which must be https, or http on this machine. Raises InputError."""
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL):
        return address
    raise InputError(f"the address {address!r} is not https; correct the table of data sets")
