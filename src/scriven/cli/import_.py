"""scriven import FORMAT SRC -o LINES"""

from typing import Annotated

import typer

from scriven.base import SettingsError
from scriven.cli.common import Changes, Config, Json, Out, changes_of, finish, show


def import_(
    what: Annotated[list[str], typer.Argument(metavar="[FORMAT] SRC", help="The format and the file or folder.")],
    out: Out,
    importer: Annotated[str, typer.Option(metavar="FILE.py:FUNCTION", help="Your own importer; no FORMAT then.")] = "",
    licence: Annotated[str, typer.Option(help="The licence of the data, kept in about.json.")] = "",
    changes: Changes = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Convert other formats to a lines folder.

    Formats: parquet, pairs (x.png and x.gt.txt), csv (marking.csv), tsv (gt.txt), imagefolder, transcripts, filename
    (label before the first underscore), pictures (no labels), lmdb. A finished folder is never changed.

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
