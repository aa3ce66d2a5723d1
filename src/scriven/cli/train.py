"""scriven train LINES|fonts:LANG... -o MODEL"""

import os
from typing import Annotated

from typer import Option

from scriven.cli import common
from scriven.cli.common import Changes, Config, Json, Out


def train(
    inputs: common.TrainingInputs,
    out: Out,
    parent: Annotated[str | None, Option("--from", metavar="MODEL", help="Model to start from.")] = None,
    init: Annotated[str | None, Option(metavar="FILE", help="Weights that parts of a new network start from.")] = None,
    mix: Annotated[list[str] | None, Option(metavar="stackmix:BANK", help="Scribe to mix in; also BANK@TEXTS.")] = None,
    model: Annotated[str | None, Option(metavar="NETWORK", help="Default: convtext, or that of --from.")] = None,
    size: Annotated[str | None, Option(help="tiny, small, base. Default: small, or that of --from.")] = None,
    minutes: Annotated[float | None, Option(help="Training time in minutes.")] = None,
    steps: Annotated[int | None, Option(help="Number of training steps (batches).")] = None,
    level: Annotated[str | None, Option(help="lines, words or both, if a folder has both.")] = None,
    changes: Changes = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Train a recogniser on labelled lines, on synthetic lines, or on both.

    Without --minutes or --steps it trains for 60 minutes. The same command continues an interrupted run.

    Examples:

        scriven train synthetic/ -o runs/synthetic --minutes 30

        scriven train letters/ fonts:en -o runs/letters --from scriven-general
        scriven train letters/ -o runs/letters --from scriven-general --mix stackmix:bank
    """
    common.present(inputs, synthetic=True)
    from scriven.jobs import train as job

    given = {"minutes": minutes, "steps": steps, "model": model, "size": size, "level": level, "init": init}
    given["mix"] = ",".join(mix) if mix else None
    changed = common.changes_of(changes, config, **given)
    done = job.train(inputs, out, parent=parent, settings=common.timed(job.TrainSettings, changed, 60.0))
    if os.environ.get("LOCAL_RANK", "0") != "0":  # data-parallel training: only one process prints
        return
    text = f"{done.folder}: {done.sentence()}\nNext: scriven read -m {done.folder} PICTURES"
    data = {"model": str(done.folder), **done.info.scores["valid"], "steps": done.progress.step}
    data |= {"helped": not done.refused, "why": done.refused}
    common.show(text, data | {"skipped": len(done.skipped)}, json)
    common.finish(done.skipped)
