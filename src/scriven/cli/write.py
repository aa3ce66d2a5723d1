"""scriven write -o LINES --texts words:LANG|lines:LANG|FILE --scribe fonts|fonts:FOLDER"""

from typing import Annotated

import typer

from scriven.cli import common
from scriven.cli.common import Changes, Config, Json, Out, Seed, Workers


def write(
    out: Out,
    texts: Annotated[str, typer.Option(metavar="TEXTS", help="words:LANG, lines:LANG, ngram:FOLDER, or a file.")],
    scribe: Annotated[
        str, typer.Option(metavar="SCRIBE", help="fonts, fonts:FOLDER, stackmix:BANK, or a folder of train-scribe.")
    ] = "fonts",
    like: Annotated[
        str | None, typer.Option(metavar="PICTURES", help="Pictures in whose hand a trained scribe writes.")
    ] = None,
    between: Annotated[str | None, typer.Option(metavar="A,B", help="Two hands of a trained scribe.")] = None,
    count: Annotated[
        int | None, typer.Option("--count", "-n", help="Number of pictures. Default: one per text of the file.")
    ] = None,
    seed: Seed = 0,
    split: Annotated[str, typer.Option(help="train, valid or test.")] = "train",
    workers: Workers = 1,
    keep: common.Keep = None,
    precision: common.Precision = None,
    by: common.By = None,
    tries: common.Tries = None,
    reader: common.ReaderModel = None,
    changes: Changes = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Write synthetic handwriting into a lines folder.

    The texts of a file are written in order, repeatedly until --count is reached. The same command continues an
    unfinished folder. With --reader, --keep or --precision every picture is read back: see gate.html in the folder.

    Examples:

        scriven write -o synthetic/ --texts words:fr --count 10000
        scriven write -o lines/ --texts letters.txt --seed 7 --set strength=0.5
        scriven write -o mine/ --texts lines:en --scribe fonts:my-fonts/ --count 500 --workers 2

        scriven write -o letter/ --texts letters.txt --scribe my-scribe --like scans/ --keep 0.9
    """
    from scriven.jobs import write as job

    flags = {"like": like, "between": between, "keep": keep, "precision": precision, "by": by, "tries": tries}
    settings = job.settings_with(common.changes_of(changes, config, **flags, reader=reader), scribe)
    done = job.write(out, texts, scribe=scribe, count=count, seed=seed, split=split, workers=workers, settings=settings)
    common.show(f"{done.sentence()}; look at them: scriven look {done.out}", done.as_json(), json)
    common.finish(done.skipped)
