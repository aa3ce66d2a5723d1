"""The settings of `scriven train`."""

from dataclasses import dataclass, field
from typing import Any, Literal

from scriven.base import SettingsError
from scriven.base.settings import Share, validated
from scriven.training.data import DataSettings
from scriven.training.settings import FitSettings


@validated
@dataclass(frozen=True)
class TrainSettings(FitSettings, DataSettings):
    """Settings of `scriven train`: those of FitSettings and DataSettings, the network and the gate."""

    model: str | None = None  # network; None: that of the parent, else recognisers.DEFAULT_NETWORK
    size: str | None = None  # None: that of the parent, else the network's default
    sizes: dict[str, Any] = field(default_factory=dict)  # further keyword arguments of the network, by name
    charset: str | None = None  # a name in reader.charsets.NAMED, a file, or the characters; None: those of the texts
    outside: Literal["refuse", "drop"] = "refuse"  # what is done about characters of texts outside `charset`
    gate: bool = True  # with a parent: whether a model that reads worse than it is refused, and the parent kept
    forgetting: Share = 0.02  # rise of the CER on what is replayed from which on a model is worse
    init: str | None = None  # a file of weights from which parts of the network start; see training.initial_weights
    track: bool = False  # write TensorBoard events too (needs the extra track)

    def __post_init__(self) -> None:
        FitSettings.__post_init__(self)
        DataSettings.__post_init__(self)
        if self.outside == "drop" and self.charset is None:
            raise SettingsError("the setting 'outside' is about characters outside 'charset'; set charset too")
