"""scriven bench"""

from typing import Annotated

import typer

from scriven.cli.common import Changes, Config, Json, print_json, settings


def bench(
    models: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", metavar="MODEL", help="Model; repeatable. Default: all bundled models."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and shorter runs.")] = False,
    json: Json = False,
    changes: Changes = None,
    config: Config = None,
) -> None:
    """Measure how fast this machine reads, writes and trains, in CPU-seconds of one core.

    Medians over several runs. Rows that need the extra `train` say so if it is not installed.

    Examples:

        scriven bench --quick
        scriven bench -m model/ --json
    """
    from scriven.jobs import bench as job
    from scriven.metrics import table

    chosen = settings(job.QUICK if quick else job.BenchSettings(), changes, config)
    rows = job.bench(models or (), chosen)
    if json:
        print_json(job.as_json(rows))
    else:
        typer.echo(", ".join(f"{key} {value}" for key, value in job.machine().items()))
        typer.echo(table(job.table_rows(rows)))
