"""scriven adapt LINES|IMAGES... -o MODEL"""

from typing import Annotated

import typer

from scriven.cli.common import Changes, Config, Json, Out, end_progress, finish, present, print_json, settings
from scriven.reader import DEFAULT_MODEL

Inputs = Annotated[
    list[str], typer.Argument(help="Pictures, folders of pictures, or lines folders; no text is needed.")
]


def adapt(
    inputs: Inputs,
    out: Out,
    model: Annotated[str, typer.Option("-m", "--model", help="Model to start from.")] = DEFAULT_MODEL,
    minutes: Annotated[float | None, typer.Option(help="Total time of all rounds; 30 if not given.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Rounds at most after the affine round; 3 if not given.")] = None,
    language: Annotated[str | None, typer.Option("--lang", help="Language of the pictures, such as fr.")] = None,
    texts: Annotated[str | None, typer.Option(help="File or folder of texts like those in the pictures.")] = None,
    words: Annotated[str | None, typer.Option(metavar="FILE", help="Expected words, one per line.")] = None,
    level: Annotated[
        str | None, typer.Option(help="lines or words: which level of folders that hold both; words have no spaces.")
    ] = None,
    changes: Changes = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Adapt a model to unlabelled pictures by self-training.

    A round is accepted only if held-out pictures are read more consistently and more plausibly than before, judged
    without labels; if no round is, the weights of the parent are kept and the reason is given.

    Examples:

        scriven adapt photos/ -o my-hand --minutes 20
        scriven adapt letters/ -o my-hand --lang en --texts corpus/ --words names.txt
    """
    present(inputs)
    from scriven.jobs.adapt import AdaptSettings
    from scriven.jobs.adapt import adapt as job

    given = {"minutes": minutes, "rounds": rounds, "language": language, "level": level, "texts": texts, "words": words}
    chosen = settings(AdaptSettings(), changes, config, **given)
    done = job(inputs, out, parent=model, settings=chosen)
    end_progress()
    if json:
        print_json(done.as_json())
    else:
        typer.echo(done.sentence())
        typer.echo(f"Report: {done.page}", err=True)
    for line in done.advice(inputs, model, chosen):
        typer.echo(line, err=True)
    finish(done.skipped)
