"""scriven cut MODEL LINES -o BANK"""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from scriven.cli import common
from scriven.cli.common import Changes, Config, Json, Level, Threads


def cut(
    model: Annotated[str, Argument(metavar="MODEL", help="Model that aligns the texts: a folder or a name.")],
    lines: Annotated[str, Argument(metavar="LINES", help="Labelled lines folder or CSV.")],
    out: Annotated[Path, Option("--out", "-o", metavar="BANK", help="Folder to create.")],
    split: Annotated[str, Option(help="Which split. Default: train, but what training holds out.")] = "",
    level: Level = None,
    threads: Threads = None,
    changes: Changes = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Cut lines into a bank of characters, from which StackMix assembles lines of new texts.

    The texts may be labels or pseudo-labels. The bank is used by `scriven write --scribe stackmix:BANK` and
    `scriven train LINES --mix stackmix:BANK`.

    Examples:

        scriven cut scriven-general letters/ -o bank

        scriven cut scriven-general read.csv -o bank
    """
    common.present([lines])
    from scriven.jobs import cut as job
    from scriven.scribes.stackmix.cutting import CUT_DEFAULTS

    chosen = common.settings(CUT_DEFAULTS, changes, config)
    done = job.cut(model, lines, out, split=split, level=level or "", threads=threads, settings=chosen)
    common.show(f"{done.sentence()}\nNext: scriven train {lines} --mix stackmix:{out} -o MODEL", done.as_json(), json)
    common.finish(done.skipped)
