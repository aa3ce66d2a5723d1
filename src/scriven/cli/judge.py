"""scriven judge GENERATED REAL"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli import common
from scriven.cli.common import Changes, Config, Json, Level, Threads
from scriven.reader import DEFAULT_MODEL


def judge(
    generated: Annotated[Path, typer.Argument(metavar="GENERATED", help="Lines folder of generated pictures.")],
    real: Annotated[Path, typer.Argument(metavar="REAL", help="Lines folder of real handwriting.")],
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="READER", help="Model whose CER is measured, or none.")
    ] = DEFAULT_MODEL,
    features: Annotated[
        Path | None, typer.Option(metavar="FILE.onnx", help="Another network of features, such as Inception.")
    ] = None,
    hand: Annotated[str | None, typer.Option(help="Hand of REAL that all generated pictures imitate.")] = None,
    others: Annotated[
        list[Path] | None, typer.Option(metavar="LINES", help="Lines of other hands to tell apart; repeatable.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE.html", help="Default: <name>-judge.html in the current folder."),
    ] = None,
    level: Level = None,
    threads: Threads = None,
    json: Json = False,
    changes: Changes = None,
    config: Config = None,
) -> None:
    """Judge generated handwriting: distances to real handwriting, hands that are recognised, legibility.

    Beside each number stands what real pictures of the same hands reach. The page shows pictures side by side.

    Examples:

        scriven judge generated/ letters/
        scriven judge generated/ letters/ -m scriven-synthetic -o judged.html
        scriven judge in-my-hand/ my-lines/ --hand me --others letters/ --set real_split=train
    """
    from scriven.jobs import judge as job

    settings = common.settings(job.JudgeSettings(), changes, config, level=level, threads=threads)
    page = out or Path(f"{generated.resolve().name}-judge.html")
    done = job.judge(
        generated, real, model=model, features=features, hand=hand, others=others or (), page=page, settings=settings
    )
    common.show(f"{done.text()}\n\n{page}", {**done.as_json(), "page": str(page)}, json)
    common.finish(done.skipped)
