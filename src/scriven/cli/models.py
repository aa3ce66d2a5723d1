"""scriven models list|show|grow"""

from typing import Annotated

import typer

from scriven.cli.common import Json, print_json
from scriven.cli.common import show as print_result
from scriven.cli.models_grow import grow

HELP = """List the bundled models, show one model, give one more characters.

Examples:

    scriven models list
    scriven models show scriven-general
    scriven models grow scriven-general --chars "þđ†" -o grown
"""
app = typer.Typer(no_args_is_help=True, add_completion=False, help=HELP)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the models bundled with this installation.

    Examples:

        scriven models list
    """
    from scriven.jobs import models

    rows = models.list_()
    if json:
        return print_json({"models": rows})
    for row in rows:
        size = f"{row['size']:6} {row['megabytes']:5.1f} MB"
        typer.echo(f"{row['name']:20} {size}  {row['characters']:4} characters  {row['licence']}")
    if not rows:
        typer.echo("this installation has no bundled models", err=True)


@app.command()
def show(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model folder or name of a bundled model.")],
    json: Json = False,
) -> None:
    """Show the card of a model, or with --json its model.json.

    Examples:

        scriven models show scriven-general
        scriven models show model/ --json
    """
    from scriven.jobs import models

    facts, card = models.show(model)
    print_result(card, facts, json)


app.command()(grow)
