"""scriven models list|show"""

from typing import Annotated

import typer

from scriven.cli.common import Json, print_json

HELP = """Models: which are there, and what is in one.

Examples:

    scriven models list
    scriven models show scriven-general
"""
app = typer.Typer(no_args_is_help=True, add_completion=False, help=HELP)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the models that came with this installation.

    Examples:

        scriven models list
    """
    from scriven.jobs.models import list_models

    rows = list_models()
    if json:
        print_json({"models": rows})
        return
    for row in rows:
        size = f"{row['size']:6} {row['megabytes']:5.1f} MB"
        typer.echo(f"{row['name']:20} {size}  {row['characters']:4} characters  {row['licence']}")
    if not rows:
        typer.echo("no bundled models in this installation", err=True)


@app.command()
def show(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model folder or the name of a bundled model.")],
    json: Json = False,
) -> None:
    """Show a model: its card, or with --json its model.json.

    Examples:

        scriven models show scriven-general
        scriven models show model/ --json
    """
    from scriven.jobs.models import show_model

    facts, card = show_model(model)
    if json:
        print_json(facts)
    else:
        typer.echo(card)
