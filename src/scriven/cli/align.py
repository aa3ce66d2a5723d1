"""scriven align TEXT LINES|IMAGES... -o LINES"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import Changes, Config, Json, Level, Model, Out, Threads, finish, present, settings, show
from scriven.reader import DEFAULT_MODEL


def align(
    text: Annotated[Path, typer.Argument(metavar="TEXT", help="Text file, or folder with a file PAGE.txt a page.")],
    inputs: Annotated[
        list[str], typer.Argument(metavar="LINES|IMAGES...", help="Lines folder, or pictures of lines in order.")
    ],
    out: Out,
    model: Model = DEFAULT_MODEL,
    threads: Threads = None,
    level: Level = None,
    json: Json = False,
    changes: Changes = None,
    config: Config = None,
) -> None:
    """Lay the transcript of a page, without line breaks, onto pictures of its lines.

    The result is a lines folder to train on. Text that no line shows and lines that show no text of the transcript are
    left out and named; words divided at line ends and lines in another order are found. Doubtful lines are marked.

    Examples:

        scriven align page-07.txt page-07-lines/ -o labelled/
        scriven align texts/ letters/ -o labelled/ -m my-hand
        scriven align page.txt line-*.png -o labelled/ --set doubt_below=0.99
    """
    present(inputs)
    from scriven.jobs import align as job

    chosen = settings(job.AlignSettings(), changes, config, threads=threads, level=level)
    done = job.align(text, inputs, out, model, chosen)
    show(f"{done.out}: {done.sentence()}; look at them: scriven look {done.out}", done.as_json(), json)
    finish(done.skipped)
