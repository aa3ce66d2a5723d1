"""scriven demo [PICTURES...]"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import Json, end_progress, finish, present, print_json
from scriven.jobs.demo.settings import DemoSettings
from scriven.reader import DEFAULT

Pictures = Annotated[
    list[str] | None,
    typer.Argument(help="Your own pictures of lines, as for adapt; without any, a box of letters is drawn."),
]


def demo(
    pictures: Pictures = None,
    minutes: Annotated[
        float, typer.Option(help="Minutes of adaptation; reading before and after comes on top.")
    ] = DemoSettings.minutes,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to make; numbered if it exists.")] = Path(
        "scriven-demo"
    ),
    model: Annotated[str, typer.Option("-m", "--model", help="Model to start from.")] = DEFAULT,
    json: Json = False,
) -> None:
    """See it work, offline: a model learns a hand that it has never seen, from pictures without labels.

    Without pictures of your own it draws some 500 lines of handwriting in a typeface that no bundled model was trained
    on. The page that it makes shows what was read before and after, and the error rates: measured where transcriptions
    are known, estimated elsewhere.

    Examples:

        scriven demo

        scriven demo my-scans/ --minutes 10
    """
    present(pictures or ())
    from scriven.jobs.demo import demo as job

    done = job(pictures or (), out, model=model, settings=DemoSettings(minutes=minutes))
    end_progress()
    if json:
        print_json(done.as_json())
    else:
        typer.echo(done.sentence())
        typer.echo(f"Look at {done.folder / 'report.html'}")
    finish(done.skipped)
