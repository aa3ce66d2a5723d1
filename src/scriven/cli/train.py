"""scriven train LINES|fonts:LANG... -o MODEL"""

import os
from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import (
    Changes,
    Config,
    Json,
    Out,
    changes_of,
    end_progress,
    finish,
    present,
    print_json,
    settings,
)

Inputs = Annotated[list[str], typer.Argument(help="Labelled lines folders, and fonts:LANG for synthesis on the fly.")]
From = Annotated[str | None, typer.Option("--from", help="Model to start from; its character set grows.")]


def train(
    inputs: Inputs,
    out: Out,
    parent: From = None,
    model: Annotated[str | None, typer.Option(help="Network to train: convtext.")] = None,
    size: Annotated[str | None, typer.Option(help="Its size: tiny, small (the default) or base.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop after so long.")] = None,
    steps: Annotated[int | None, typer.Option(help="Stop after so many batches.")] = None,
    level: Annotated[str | None, typer.Option(help="lines, words or both, of folders that hold both.")] = None,
    changes: Changes = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Teach a recogniser to read from labelled lines, from typefaces, or from both.

    Without --minutes or --steps it trains for 60 minutes. The same command continues a run that was stopped.

    Examples:

        scriven train synthetic/ -o runs/synthetic --minutes 30

        scriven train letters/ fonts:en -o runs/letters --from scriven-general
    """
    present(inputs, synthetic=True)
    from scriven.jobs.train import TrainSettings
    from scriven.jobs.train import train as job

    given = {"minutes": minutes, "steps": steps, "model": model, "size": size, "level": level}
    stepped = any(change.partition("=")[0].strip() == "steps" for change in changes_of(changes, config, **given))
    begun = TrainSettings(steps=1) if stepped else TrainSettings(minutes=60.0)
    chosen = settings(begun, changes, config, **given)
    done = job(inputs, out, parent=parent, settings=chosen)
    if os.environ.get("LOCAL_RANK", "0") != "0":  # of several processes, one speaks
        return
    end_progress()
    best = done.info.scores["valid"]
    if json:
        print_json({"model": str(done.folder), **best, "steps": done.progress.step, "left_out": len(done.skipped)})
    else:
        typer.echo(f"{done.folder}: {done.sentence()}")
        typer.echo(f"Next: scriven read -m {Path(done.folder)} PICTURES")
    finish(done.skipped)
