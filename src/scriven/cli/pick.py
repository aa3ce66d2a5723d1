"""scriven pick LINES|IMAGES... -n 30"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import Changes, Config, Json, Level, Lm, Model, Threads, end_progress, finish, present, settings
from scriven.reader import DEFAULT_MODEL


def pick(
    inputs: Annotated[
        list[str], typer.Argument(metavar="LINES|IMAGES...", help="Pictures, folders, lines folders, CSV, PDF.")
    ],
    count: Annotated[int, typer.Option("--count", "-n", help="Number of lines.")] = 30,
    model: Model = DEFAULT_MODEL,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File; its extension sets the format.")] = None,
    format: Annotated[str | None, typer.Option("--format", "-f", help="table, csv, tsv or json.")] = None,
    done: Annotated[
        list[Path] | None,
        typer.Option("--done", metavar="LINES", help="CSV or lines folder of transcribed lines."),
    ] = None,
    cer: Annotated[
        float | None, typer.Option("--cer", help="CER of the model in percent, as `scriven score` measures it.")
    ] = None,
    lm: Lm = None,
    threads: Threads = None,
    level: Level = None,
    json: Json = False,
    changes: Changes = None,
    config: Config = None,
) -> None:
    """Select the lines most worth transcribing: long, of medium confidence, and different from one another.

    Lines with text are left out. The CSV has the columns of `scriven read -f csv`: correct its texts, then train on it.
    An estimate of how many lines are needed for a CER of 5 % is printed on standard error.

    Examples:

        scriven pick scans/
        scriven pick scans/ -n 30 -m my-hand -f csv > to-correct.csv
        scriven pick scans/ -o to-correct.csv --done corrected.csv --cer 12
    """
    present(inputs)
    from scriven.base import SettingsError
    from scriven.jobs import pick as job

    if json and format not in (None, "json"):
        raise SettingsError(f"cannot write {format} and JSON at once; give --json or -f {format}")
    given = {"lm": lm, "threads": threads, "level": level, "cer": None if cer is None else cer / 100}
    chosen = settings(job.PickSettings(), changes, config, **given)
    picked = job.pick(inputs, count, model, out, "json" if json else format, chosen, done=done or ())
    end_progress()
    for message in (job.left_out(picked.pool), picked.how_far()):
        if message:
            typer.echo(message, err=True)
    finish(picked.pool.skipped)
