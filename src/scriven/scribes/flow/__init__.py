"""The flow scribe: a trained generator of handwriting. `scribe` writes; `network` is what is trained.

A picture is a sequence of columns of 8 px. A network that is told which characters cover a column, and shown a piece of
the hand's writing, makes columns of noise by following a rectified flow (Liu et al. 2022, arXiv:2209.03003; Lipman et
al. 2022, arXiv:2210.02747): their pixels, or the latents of an autoencoder.
"""

from pathlib import Path

from scriven.base import SettingsError
from scriven.scribes.contract import Scribe
from scriven.scribes.flow.settings import FLOW_DEFAULTS, FlowSettings


def flow_scribe(argument: str = "", settings: FlowSettings = FLOW_DEFAULTS) -> Scribe:
    """The scribe `flow:MODEL`, of a model that `scriven train-scribe` made.

    Raises SettingsError without a model, ModelError if there is none at the path.
    """
    from scriven.scribes.flow.scribe import FlowScribe

    if not argument:
        raise SettingsError(
            "the scribe flow needs a model: flow:MODEL; make one with `scriven train-scribe LINES -o MODEL`"
        )
    return FlowScribe(Path(argument), settings)
