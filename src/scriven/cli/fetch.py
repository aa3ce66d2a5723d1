"""scriven fetch [NAME] -o FOLDER"""

from pathlib import Path
from typing import Annotated

import typer

from scriven.cli.common import Changes, Config, Json, settings, show


def fetch(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="A data set; without it, all are listed.")] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="Folder to create. Default: the name of the data set."),
    ] = None,
    table: Annotated[str, typer.Option(metavar="FILE.json", help="A table of data sets of your own.")] = "",
    json: Json = False,
    changes: Changes = None,
    config: Config = None,
) -> None:
    """Download a published data set, check and unpack it; an interrupted download continues.

    Without NAME: the data sets with their licence and how they are checked, and those for registered users. Files
    without a published checksum need --set unchecked=yes. See docs/fetch.md.

    Examples:

        scriven fetch
        scriven fetch bentham -o bentham/
    """
    from scriven.jobs import fetch as job
    from scriven.metrics import table as as_table

    if not name:
        rows = job.list_(table)
        shown = [{k: row[k] for k in ("name", "licence", "checked", "page")} for row in rows]
        closed = [f"{row['name']}: {row['closed']}" for row in rows if row["closed"]]
        return show("\n".join([as_table(shown), "", *closed]), {"data_sets": rows}, json)
    done = job.fetch(name, out, settings(job.FetchSettings(), changes, config), table=table)
    text = f"{done.out}: {done.unpacked or len(done.files)} files, licence: {done.licence}, {done.page}"
    if done.format:
        text += f"\nscriven import {done.format} {done.out} -o LINES"
    show(text, {"out": done.out, "licence": done.licence, "page": done.page, "files": done.files}, json)
