"""scriven score MODEL LINES..."""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import (
    Beam,
    Changes,
    Config,
    Device,
    Json,
    Level,
    Lm,
    Threads,
    Words,
    finish,
    print_json,
    settings,
)


def score(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model folder or the name of a bundled model.")],
    lines: Annotated[list[Path], typer.Argument(metavar="LINES...", help="Lines folders, with text or without.")],
    split: Annotated[
        str | None, typer.Option(help="train, valid or test; else test if there is one, else valid, else all.")
    ] = None,
    level: Level = None,
    lm: Lm = None,
    words: Words = None,
    beam: Beam = None,
    device: Device = None,
    threads: Threads = None,
    variants: Annotated[bool, typer.Option("--variants", help="Also by the metrics of earlier systems.")] = False,
    json: Json = False,
    changes: Changes = None,
    config: Config = None,
) -> None:
    """Measure how well a model reads: error rates with n and a 95 % interval; of lines without text, an estimate.

    Examples:

        scriven score scriven-general letters/
        scriven score model/ letters/ diaries/ --lm fr --json
    """
    from scriven.jobs.read import ReadSettings
    from scriven.jobs.score import score_model

    given = {"beam": beam, "lm": lm, "words": words, "device": device, "threads": threads, "level": level}
    result = score_model(model, lines, split, settings(ReadSettings(), changes, config, **given))
    if json:
        print_json(result.as_json(variants))
    else:
        typer.echo(result.text(variants))
    if result.missing and not json:
        shown = " ".join(f"{c} {n}" for c, n in result.missing.most_common(12))
        typer.echo(f"characters the model cannot write, and how often they occur: {shown}", err=True)
    finish(result.skipped)
