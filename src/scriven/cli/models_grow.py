"""scriven models grow MODEL --chars CHARACTERS -o MODEL"""

from typing import Annotated

import typer

from scriven.cli.common import Json, Out, show


def grow(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model folder or name of a bundled model.")],
    out: Out,
    chars: Annotated[str, typer.Option(help="The characters that it gets.")],
    json: Json = False,
) -> None:
    """Give a model more characters, to be trained; what it reads so far stays the same.

    Examples:

        scriven models grow scriven-general --chars "þđ†" -o grown
    """
    from scriven.jobs import models

    info = models.grow(model, chars, out)
    text = f"{out}: {len(info.charset)} characters\nNext: scriven train LINES -o MODEL --from {out}"
    show(text, {"model": str(out), "characters": len(info.charset)}, json)
