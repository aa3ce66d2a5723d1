"""scriven export FORMAT LINES -o OUT"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import Json, Out, finish, print_json


def export(
    format: Annotated[str, typer.Argument(help="pairs, csv, tsv, imagefolder, transcripts or lmdb.")],
    lines: Annotated[Path, typer.Argument(help="A lines folder.")],
    out: Out,
    split: Annotated[str, typer.Option(help="train, valid or test; default: all, a folder each.")] = "",
    level: Annotated[str, typer.Option(help="lines or words, where a folder holds both.")] = "",
    json: Json = False,
) -> None:
    """Turn a lines folder into another format.

    Lines without text are left out and named. `scriven import` reads every format back.

    Examples:

        scriven export pairs letters/ -o ground-truth/
        scriven export lmdb letters/ -o lmdb/ --split train
    """
    from scriven.jobs import export as job

    done = job.export(format, lines, out, split=split, level=level)
    if json:
        print_json({"out": done.out, "lines": done.lines, "refused": len(done.skipped)})
    else:
        typer.echo(f"{done.out}: {done.lines} lines")
    finish(done.skipped)
