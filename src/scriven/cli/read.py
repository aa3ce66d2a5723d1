"""scriven read INPUT..."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from scriven.cli import common
from scriven.cli.common import Beam, Changes, Config, Device, IgnoreCase, Level, Lm, Model, Threads, Words
from scriven.reader import DEFAULT_MODEL


def read(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Pictures, folders, lines folders, CSV, PDF, -.")
    ],
    model: Model = DEFAULT_MODEL,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="A folder: one file per input. A file: all in one, by its extension."),
    ] = None,
    format: Annotated[str | None, typer.Option("--format", "-f", help="text, json, tsv or csv.")] = None,
    unit: Annotated[str | None, typer.Option("--as", help="What a picture shows: line (default) or word.")] = None,
    lm: Lm = None,
    words: Words = None,
    beam: Beam = None,
    decoder: common.DecoderName = None,
    device: Device = None,
    threads: Threads = None,
    level: Level = None,
    ignore_case: IgnoreCase = False,
    adapt: Annotated[
        bool, typer.Option("--adapt", help="First adapt to the pictures (a page or a letter): about half a minute.")
    ] = False,
    changes: Changes = None,
    config: Config = None,
) -> None:
    """Recognise handwriting: pictures of lines or words in, text out.

    A picture that cannot be read is named on standard error and does not affect the others; the exit code is then 1.

    Examples:

        scriven read photo.png
        scriven read scans/ -o texts/ --lm fr
        scriven read letters/ -f csv > letters.csv
        scriven read page/ --adapt --lm fr
    """
    from scriven.base import SettingsError
    from scriven.jobs import read as job

    if unit not in (None, "line", "word"):
        raise SettingsError(f"pictures of a {unit!r} cannot be read yet; use --as line or --as word")
    given = {"beam": beam, "lm": lm, "words": words, "device": device, "threads": threads, "level": level}
    given |= {"decoder": decoder, "word": unit and unit == "word"}
    given |= {"adapt": adapt or None, "ignore_case": ignore_case or None}
    chosen = common.settings(job.ReadSettings(), changes, config, **given)
    common.finish(job.read(inputs, model, out, format, chosen, stream=sys.stdout).skipped)
