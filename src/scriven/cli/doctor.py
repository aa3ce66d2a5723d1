"""scriven doctor LINES... [MODEL]"""

from typing import Annotated

import typer

from scriven.cli.common import Changes, Config, Json, finish, print_json, settings


def doctor(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="LINES... [MODEL]", help="Lines folders, and the model to train from or read with."),
    ],
    model: Annotated[str | None, typer.Option("--model", "-m", metavar="MODEL", help="A model folder or name.")] = None,
    level: Annotated[str | None, typer.Option(help="lines, words or both, of folders that hold both.")] = None,
    json: Json = False,
    changes: Changes = None,
    config: Config = None,
) -> None:
    """Find what would go wrong before training: lines that would be lost, duplicates, leaks, odd pairs, time, memory.

    Exit code 1 when lines would be lost, 0 when not, 2 when nothing could be read.

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
        typer.echo(table(found.count_rows()))
        typer.echo("")
        typer.echo(found.report() or "No problems found.")
        typer.echo(f"\n{found.lines:,} lines looked at, {len(found.lost):,} would be lost.")
        if found.forecast:
            typer.echo(found.forecast.sentence())
    finish(found.lost)
