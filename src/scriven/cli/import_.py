"""scriven import FORMAT SRC -o LINES"""

from typing import Annotated

import typer

from scriven.base import SettingsError
from scriven.cli.common import Changes, Config, Json, Out, changes_of, finish, show


def import_(
    what: Annotated[list[str], typer.Argument(metavar="[FORMAT] SRC", help="Format, and file or folder to import.")],
    out: Out,
    importer: Annotated[
        str, typer.Option(metavar="FILE.py:FUNCTION", help="Your own importer, instead of FORMAT.")
    ] = "",
    licence: Annotated[str, typer.Option(help="Licence of the data, recorded in about.json.")] = "",
    changes: Changes = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Convert data of other programs to a lines folder.

    Formats: parquet, pairs (x.png and x.gt.txt), csv (marking.csv), tsv (gt.txt), imagefolder, transcripts, filename
    (the label is the file name up to the first underscore), pictures (no labels), lmdb, writers (`writer,name text`),
    pylaia, doctr (labels.json), paddleocr (Label.txt); data sets with their partitions: iam, imgur5k, washington, cvl,
    rimes, bentham, saintgall, peter, hkr, read2018, diffusionhtr (generated). The options of a format are set with
    --set; see docs/import.md.

    Examples:

        scriven import pairs ground-truth/ -o letters/ --licence "CC BY 4.0"
        scriven import parquet collection/ -o words/ --set level=words
        scriven import scans/ --importer mine.py:letters -o letters/
    """
    from scriven.jobs.import_ import import_lines

    if len(what) != (1 if importer else 2):
        raise SettingsError("give FORMAT and SRC, or SRC alone with --importer; see `scriven import --help`")
    format = "" if importer else what[0]
    given = changes_of(changes, config)
    done = import_lines(what[-1], out, format, importer=importer, changes=given, licence=licence)
    text = f"{done.out}: " + ", ".join(f"{count} {split}" for split, count in done.counts.items())
    show(text, {"out": done.out, "counts": done.counts, "skipped": len(done.skipped)}, json)
    finish(done.skipped)
