"""scriven doctor LINES... [MODEL]"""

from typing import Annotated

import typer

from scriven.base import counted
from scriven.cli.common import Changes, Config, Json, finish, print_json, settings


def doctor(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="LINES... [MODEL]", help="Lines folders, and optionally the model to train from."),
    ],
    model: Annotated[
        str | None, typer.Option("--model", "-m", metavar="MODEL", help="The model to train from: folder or name.")
    ] = None,
    level: Annotated[str | None, typer.Option(help="lines, words or both, if a folder has both.")] = None,
    json: Json = False,
    changes: Changes = None,
    config: Config = None,
) -> None:
    """Check lines before training: unusable lines, duplicates, leakage between splits, mismatched pictures and texts.

    Also forecasts the time and memory of training. Exit code 0: no line would be lost; 1: some would; 2: nothing could
    be read.

    Examples:

        scriven doctor letters/
        scriven doctor letters/ diaries/ -m scriven-general --json
    """
    from scriven.jobs import doctor as job
    from scriven.metrics import table

    chosen = settings(job.DoctorSettings(), changes, config, level=level)
    found = job.doctor(inputs, model, chosen)
    if json:
        print_json(found.as_json())
    else:
        typer.echo(f"{counted(found.lines, 'line')} checked, {len(found.lost):,} would be lost.")
        if found.forecast:
            typer.echo(found.forecast.sentence())
        typer.echo("")
        typer.echo(table(found.count_rows()))
        typer.echo("")
        typer.echo(found.report() or "No problems found.")
    finish(found.lost)
