"""scriven look LINES|MODEL"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import finish


def look(
    what: Annotated[str, typer.Argument(metavar="LINES|MODEL", help="A lines folder, or a model's folder or name.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.html", help="Default: <name>-look.html, here.")
    ] = None,
    level: Annotated[str, typer.Option(help="lines or words, where a folder holds both.")] = "",
    samples: Annotated[
        int | None,
        typer.Option(min=0, help="Pictures shown of each split, 0 for all.  [default: 24]", show_default=False),
    ] = None,
) -> None:
    """See what is in a lines folder or a model, as one HTML page.

    Counts, pictures with their texts, sizes and characters of a lines folder; scores, training curve and card of a
    model. The page needs nothing outside itself.

    Examples:

        scriven look letters/
        scriven look letters/ --samples 0
        scriven look model/ -o model.html
    """
    from scriven.jobs import look as job

    page, skipped = job.look(what, out, level=level, samples=job.SAMPLES if samples is None else samples)
    typer.echo(page)
    finish(skipped)
