"""scriven publish LINES|MODEL"""

from typing import Annotated

from typer import Argument, Option

from scriven.cli import common
from scriven.cli.common import Json


def publish(
    what: Annotated[str, Argument(metavar="LINES|MODEL", help="Lines folder or model folder.")],
    licence: Annotated[str, Option("--licence", "--license", help="Licence, if the folder states none.")] = "",
    name: Annotated[str, Option(help="Title of the card. Default: the name of the folder.")] = "",
    language: Annotated[list[str] | None, Option(help="Language code for the card; repeatable.")] = None,
    json: Json = False,
) -> None:
    """Check a lines folder or a model and write its card, README.md, into it. Nothing is sent anywhere.

    Damaged lines, an unfinished folder and an unknown licence are refused.

    Examples:

        scriven publish letters/ --licence CC-BY-4.0 --language fr

        scriven publish my-hand/ --licence MIT
    """
    common.present([what])
    from scriven.jobs import publish as job

    done = job.publish(what, licence=licence, name=name, languages=tuple(language or ()))
    common.show(done.sentence(), done.as_json(), json)
