"""scriven demo"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import Json, end_progress, print_json
from scriven.reader import DEFAULT


def demo(
    minutes: Annotated[
        float | None, typer.Option(help="Minutes of adaptation, 6 if not given; about one more goes to reading.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to make; numbered if it exists.")] = Path(
        "scriven-demo"
    ),
    model: Annotated[str, typer.Option("-m", "--model", help="Model to start from.")] = DEFAULT,
    json: Json = False,
) -> None:
    """See it work, offline: the bundled model learns a hand it has never seen, from 500 pictures without labels.

    It takes six to seven minutes; with `--minutes 1` about two, and learns less.

    Examples:

        scriven demo

        scriven demo --minutes 1
    """
    from scriven.jobs.demo import MINUTES, as_json
    from scriven.jobs.demo import demo as job

    done = job(out, minutes if minutes is not None else MINUTES, model)
    end_progress()
    if json:
        print_json({"report": str(done.folder / "report.html"), **as_json(done)})
        return
    alone = "" if done.optical == done.after else f" ({done.optical.cer:.1%} without its language model)"
    typer.echo(
        f"CER before {done.before.cer:.1%}, after {done.after.cer:.1%}{alone}, on {done.before.n} lines "
        f"({done.seconds:.0f} s)"
    )
    if not done.adapted.helped:
        more = f"; give it more than {minutes:g} minutes" if minutes is not None and minutes < MINUTES else ""
        typer.echo(f"Nothing was learnt: the old weights are kept, because {done.adapted.why}{more}")
    typer.echo(f"Look at {done.folder / 'report.html'}")
