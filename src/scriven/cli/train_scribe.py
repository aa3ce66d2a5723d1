"""scriven train-scribe LINES|fonts:LANG... -o MODEL"""

from typing import Annotated

from typer import Option

from scriven.cli import common
from scriven.cli.common import Changes, Config, Json, Out
from scriven.reader import DEFAULT_MODEL


def train_scribe(
    inputs: common.TrainingInputs,
    out: Out,
    parent: Annotated[str | None, Option("--from", metavar="SCRIBE", help="Scribe to start from.")] = None,
    model: Annotated[str, Option("--model", "-m", help="Recogniser that aligns the lines.")] = DEFAULT_MODEL,
    network: Annotated[str, Option(help="flow, or wordstylist; by default that of --from, else flow.")] = "",
    minutes: Annotated[float | None, Option(help="Training time in minutes.")] = None,
    steps: Annotated[int | None, Option(help="Number of training steps (batches).")] = None,
    changes: Changes = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Train a scribe: a generator that writes any text in the hands of some lines.

    Without --minutes or --steps it trains for 120 minutes. The same command continues an interrupted run. The report
    in the model folder shows samples as it trains.

    Examples:

        scriven train-scribe letters/ -o my-scribe --minutes 120

        scriven train-scribe letters/ fonts:en -o my-scribe

        scriven train-scribe words/ -o baseline --network wordstylist
    """
    common.present(inputs, synthetic=True)
    from scriven.jobs.scribe_networks import network_for

    changed = common.changes_of(changes, config, minutes=minutes, steps=steps)
    kind, train = network_for(network, parent)
    settings = common.timed(kind, changed, 120.0)
    done = train(inputs, out, parent=parent, model=model, settings=settings)
    text = f"{done.folder}: {done.sentence()}\nNext: scriven write --scribe {done.folder} --texts FILE -o LINES"
    data = {"model": str(done.folder), "hands": done.hands, **done.info.scores, "skipped": len(done.skipped)}
    common.show(text, data, json)
    common.finish(done.skipped)
