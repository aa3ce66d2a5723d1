"""scriven export FORMAT LINES -o OUT"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import Json, Out, finish, show


def export(
    format: Annotated[str, typer.Argument(help="A format, such as pairs or lmdb.")],
    lines: Annotated[Path, typer.Argument(help="A lines folder.")],
    out: Out,
    split: Annotated[str, typer.Option(help="train, valid or test. Default: all, each in its own folder.")] = "",
    level: Annotated[str, typer.Option(help="lines or words, if a folder has both.")] = "",
    json: Json = False,
) -> None:
    """Convert a lines folder to the format of another program.

    Formats: pairs, csv, tsv (gt.txt), imagefolder, transcripts, lmdb, writers, pylaia, doctr, paddleocr. Lines without
    text are skipped and listed. `scriven import` reads every format back.

    Examples:

        scriven export pairs letters/ -o ground-truth/
        scriven export lmdb letters/ -o lmdb/ --split train
    """
    from scriven.jobs import export as job

    done = job.export(format, lines, out, split=split, level=level)
    data = {"out": done.out, "lines": done.lines, "skipped": len(done.skipped)}
    show(f"{done.out}: {done.lines} lines", data, json)
    finish(done.skipped)
