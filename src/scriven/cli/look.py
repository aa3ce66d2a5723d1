"""scriven look LINES|MODEL|BANK"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import finish


def look(
    what: Annotated[str, typer.Argument(metavar="LINES|MODEL|BANK", help="Lines folder, model or its name, or bank.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE.html", help="Default: <name>-look.html in the current folder."),
    ] = None,
    level: Annotated[str, typer.Option(help="lines or words, if a folder has both.")] = "",
    samples: Annotated[
        int | None,
        typer.Option(min=0, help="Pictures per split; 0 for all.  [default: 24]", show_default=False),
    ] = None,
) -> None:
    """Show a lines folder, a model or a bank of StackMix as one HTML page.

    A lines folder: counts, pictures with their texts, sizes and characters. A model: scores, training curve and card. A
    bank: lines with the places where their characters were cut. The page is self-contained.

    Examples:

        scriven look letters/
        scriven look letters/ --samples 0
        scriven look model/ -o model.html
        scriven look bank/
    """
    from scriven.jobs import look as job

    page, skipped = job.look(what, out, level=level, samples=job.SAMPLES if samples is None else samples)
    typer.echo(page)
    finish(skipped)
