"""The networks that `train-scribe` trains, by name: their settings and their job."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scriven.base import SettingsError
from scriven.jobs.train_scribe import FlowTrainSettings, TrainedScribe, train_scribe
from scriven.jobs.train_wordstylist import WordStylistTrainSettings, train_wordstylist
from scriven.scribes.specs import network_of

Network = tuple[Callable[..., Any], Callable[..., TrainedScribe]]
NETWORKS: dict[str, Network] = {
    "flow": (FlowTrainSettings, train_scribe),
    "wordstylist": (WordStylistTrainSettings, train_wordstylist),
}


def network_for(name: str = "", parent: str | Path | None = None) -> Network:
    """The settings and the job of a network; "": that of the parent, else flow.

    Raises SettingsError for an unknown network, and for another than that of the parent; ModelError for a bad parent.
    """
    if name and name not in NETWORKS:
        raise SettingsError(f"there is no network {name!r}; there are: {', '.join(NETWORKS)}")
    before = network_of(parent) if parent is not None else ""
    if name and before and name != before:
        raise SettingsError(f"{parent} is a scribe of the network {before}; leave out --network, or --from")
    return NETWORKS[before or name or "flow"]
