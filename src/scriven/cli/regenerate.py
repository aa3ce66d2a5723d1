"""scriven regenerate LINES --scribe MODEL -o LINES2"""

from typing import Annotated

from typer import Argument, Option

from scriven.cli import common
from scriven.cli.common import Changes, Config, Json, Level, Out, Seed, Workers
from scriven.reader import DEFAULT_MODEL


def regenerate(
    lines: Annotated[str, Argument(metavar="LINES", help="Lines folder or CSV with texts.")],
    out: Out,
    scribe: Annotated[str, Option(metavar="MODEL", help="Trained scribe: a folder of train-scribe.")],
    texts: Annotated[
        str | None,
        Option(metavar="WHICH", help="same (default), unseen or unseen-by-hand, for words never written."),
    ] = None,
    language: Annotated[str | None, Option(metavar="LANG|FILE", help="Where unseen words come from.")] = None,
    split: Annotated[str, Option(help="Which split. Default: all of them.")] = "",
    level: Level = None,
    model: Annotated[str, Option("--model", "-m", help="Recogniser that finds the characters.")] = DEFAULT_MODEL,
    seed: Seed = 0,
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
    """Write every line of a folder again, with the same text in the same hand, or with words it never wrote.

    The style is taken from other lines of the hand, never from the line itself. The same command continues an
    unfinished folder.

    Examples:

        scriven regenerate letters/ --scribe my-scribe -o again/ --keep 0.9 --tries 3

        scriven regenerate letters/ --scribe my-scribe -o unseen/ --texts unseen --language fr
    """
    common.present([lines])
    from scriven.jobs import regenerate as job

    flags = {"texts": texts, "language": language, "level": level, "keep": keep, "precision": precision, "by": by}
    chosen = job.settings_with(common.changes_of(changes, config, **flags, tries=tries, reader=reader))
    done = job.regenerate(lines, scribe, out, split=split, model=model, seed=seed, workers=workers, settings=chosen)
    common.show(f"{done.sentence()}; look at them: scriven look {done.out}", done.as_json(), json)
    common.finish(done.skipped)
