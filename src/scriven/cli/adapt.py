"""scriven adapt LINES|IMAGES... -o MODEL"""

from typing import Annotated

import typer

from scriven.cli.common import Changes, Config, Json, Out, end_progress, finish, present, print_json, settings
from scriven.reader import DEFAULT

Inputs = Annotated[
    list[str], typer.Argument(help="Pictures, folders of pictures, or lines folders; no text is needed.")
]


def adapt(
    inputs: Inputs,
    out: Out,
    model: Annotated[str, typer.Option("-m", "--model", help="Model to start from.")] = DEFAULT,
    minutes: Annotated[float | None, typer.Option(help="How long it may take; 30 if not given.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Rounds at most, after a gentle one; 3 if not given.")] = None,
    language: Annotated[str | None, typer.Option("--lang", help="Language of the pictures, such as fr.")] = None,
    texts: Annotated[str | None, typer.Option(help="File or folder of texts like those in the pictures.")] = None,
    words: Annotated[str | None, typer.Option(metavar="FILE", help="Words to expect, one a line.")] = None,
    level: Annotated[
        str | None, typer.Option(help="lines or words: which of folders that hold both; words have no spaces.")
    ] = None,
    changes: Changes = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Learn a hand from pictures without transcriptions.

    The result is never a model that was judged worse, without labels, on pictures put aside: when no round helps, the
    old weights are kept and the reason is told.

    Examples:

        scriven adapt photos/ -o my-hand --minutes 20
        scriven adapt letters/ -o my-hand --lang en --texts corpus/ --words names.txt
    """
    present(inputs)
    from scriven.jobs.adapt import AdaptSettings
    from scriven.jobs.adapt import adapt as job

    given = {"minutes": minutes, "rounds": rounds, "language": language, "level": level, "texts": texts, "words": words}
    done = job(inputs, out, parent=model, settings=settings(AdaptSettings(), changes, config, **given))
    end_progress()
    if json:
        print_json(done.as_json())
    else:
        typer.echo(done.sentence())
        typer.echo(f"A page about it: {done.page}", err=True)
    if done.helped:
        spaces = " --as word" if level == "words" else ""
        typer.echo(f"Next: scriven read -m {done.folder}{spaces} MORE-PICTURES", err=True)
    else:
        named = "" if language else "name the language with --lang, "
        learn = f"transcribe some 50 lines and `scriven train LINES -o MY-MODEL --from {model}`"
        typer.echo(
            f"Next: give it more time (--minutes, and another -o), give more pictures of one hand, {named}or {learn}",
            err=True,
        )
    finish(done.skipped)
