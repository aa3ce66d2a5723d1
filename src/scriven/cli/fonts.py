"""scriven fonts list|coverage|sheet|harvest"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import Json, finish, show

HELP = "Handwriting typefaces: the bundled ones and your own."
app = typer.Typer(no_args_is_help=True, add_completion=False, help=HELP)
Folder = Annotated[Path | None, typer.Option("--folder", help="Folder of fonts instead of the bundled ones.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="cursive, print, school, historical, marker.")]


@app.command("list")
def list_(folder: Folder = None, tag: Tags = None, text: str = "", json: Json = False) -> None:
    """List typefaces, or those that cover a text. Example: scriven fonts list --tag cursive --text Žižka"""
    from scriven.jobs import fonts

    faces, skipped = fonts.list_fonts(folder, tag or (), text)
    rows = [f"{face.id:28} {face.licence or '?':11} {' '.join(face.tags):20} {face.family}" for face in faces]
    names = ("id", "family", "version", "licence", "tags")
    show("\n".join(rows), {"typefaces": [{name: getattr(face, name) for name in names} for face in faces]}, json)
    finish(skipped)


@app.command()
def coverage(text: str, folder: Folder = None, json: Json = False) -> None:
    """Count the typefaces that cover a text or the alphabet of a language. Example: scriven fonts coverage cs"""
    from scriven.jobs import fonts

    table, skipped = fonts.coverage(text, folder)
    rows = [f"{c}  {len(ids):4} of {table.typefaces}" for c, ids in table.characters.items()]
    rows.append(f"whole text: {len(table.whole)} typefaces; covered by none: {' '.join(table.lost) or 'nothing'}")
    counts = {c: len(ids) for c, ids in table.characters.items()}
    data = {"typefaces": table.typefaces, "whole": table.whole, "lost": table.lost, "characters": counts}
    show("\n".join(rows), data, json)
    finish(skipped)


@app.command()
def sheet(out: Path, folder: Folder = None, tag: Tags = None, text: str = "") -> None:
    """Draw a contact sheet of typefaces (.png, .html). Example: scriven fonts sheet all.png --tag cursive"""
    from scriven.jobs import fonts

    faces, skipped = fonts.list_fonts(folder, tag or (), text)
    typer.echo(fonts.sheet(faces, out, text or fonts.SAMPLE_TEXT))
    finish(skipped)


@app.command()
def harvest(checkout: Path, out: Path, subset: Annotated[list[str] | None, typer.Option()] = None) -> None:
    """Copy handwriting fonts of a google/fonts checkout. Example: scriven fonts harvest main/ my/ --subset cyrillic"""
    from scriven.jobs import fonts

    finish(fonts.harvest(checkout, out, subset or ()).skipped)
