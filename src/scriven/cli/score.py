"""scriven score MODEL LINES..."""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli import common
from scriven.cli.common import Beam, Changes, Config, DecoderName, Device, IgnoreCase, Json, Level, Lm, Threads, Words


def score(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model folder or name of a bundled model.")],
    lines: Annotated[list[Path], typer.Argument(metavar="LINES...", help="Lines folders, with or without text.")],
    split: Annotated[str | None, typer.Option(help="Default: test if there is one, else valid, else all.")] = None,
    report: Annotated[
        Path | None, typer.Option("--report", "-o", metavar="FILE.html", help="Also write a page with the errors.")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write every prediction: .csv or .jsonl.")
    ] = None,
    level: Level = None,
    lm: Lm = None,
    words: Words = None,
    beam: Beam = None,
    decoder: DecoderName = None,
    device: Device = None,
    threads: Threads = None,
    ignore_case: IgnoreCase = False,
    variants: Annotated[bool, typer.Option("--variants", help="Also print the metrics of other systems.")] = False,
    json: Json = False,
    changes: Changes = None,
    config: Config = None,
) -> None:
    """Measure the error rates of a model, with n and a 95 % interval; for lines without text they are estimated.

    Examples:

        scriven score scriven-general letters/
        scriven score model/ letters/ --report scores.html
        scriven score model/ letters/ diaries/ --lm fr --json
    """
    from scriven.jobs import score as job
    from scriven.jobs import score_page
    from scriven.jobs.read import ReadSettings

    given = {"beam": beam, "lm": lm, "words": words, "device": device, "threads": threads, "level": level}
    given |= {"decoder": decoder, "ignore_case": ignore_case or None}
    if report:
        score_page.check_place(report)
    result = job.score(model, lines, split, common.settings(ReadSettings(), changes, config, **given), predictions)
    if json:
        common.print_json(result.as_json(variants))
    else:
        typer.echo(result.text(variants))
    if (missing := result.missing_sentence()) and not json:
        typer.echo(missing, err=True)
    if report:
        typer.echo(score_page.save_page(result, report), err=True)
    common.finish(result.skipped)
