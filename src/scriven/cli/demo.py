"""scriven demo [PICTURES...]"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import Json, finish, present, show
from scriven.jobs.demo.settings import DemoSettings
from scriven.reader import DEFAULT_MODEL

Pictures = Annotated[
    list[str] | None,
    typer.Argument(help="Your own pictures of lines. Default: a synthetic box of letters."),
]


def demo(
    pictures: Pictures = None,
    minutes: Annotated[
        float, typer.Option(help="Minutes of adaptation, not counting the reading before and after.")
    ] = DemoSettings.minutes,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to create; numbered if it exists.")] = Path(
        "scriven-demo"
    ),
    model: Annotated[str, typer.Option("-m", "--model", help="Model to start from.")] = DEFAULT_MODEL,
    json: Json = False,
) -> None:
    """Try it, offline: a model adapts to a hand that it has never seen, from pictures without labels.

    Without pictures of your own, about 500 lines are drawn in a typeface that no bundled model was trained on. The
    report shows the readings and the error rates before and after: measured if transcriptions are known, otherwise
    estimated.

    Examples:

        scriven demo

        scriven demo my-scans/ --minutes 10
    """
    present(pictures or ())
    from scriven.jobs.demo import demo as job

    done = job(pictures or (), out, model=model, settings=DemoSettings(minutes=minutes))
    show(f"{done.sentence()}\nReport: {done.folder / 'report.html'}", done.as_json(), json)
    finish(done.skipped)
