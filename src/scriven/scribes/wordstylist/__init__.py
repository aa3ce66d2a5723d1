"""WordStylist (Nikolaidou et al. 2023, arXiv:2303.16576): words by latent diffusion, in the hands of a table.

The network that earlier work regenerated data sets with, as a baseline. `scribe` writes; `network` is what is trained.
"""

from pathlib import Path

from scriven.base import SettingsError
from scriven.scribes.contract import Scribe
from scriven.scribes.wordstylist.settings import WORDSTYLIST_DEFAULTS, WordStylistSettings


def wordstylist_scribe(argument: str = "", settings: WordStylistSettings = WORDSTYLIST_DEFAULTS) -> Scribe:
    """The scribe `wordstylist:MODEL`, of a model that `scriven train-scribe` or `scriven import-model` made.

    Raises SettingsError without a model, ModelError if there is none at the path.
    """
    from scriven.scribes.wordstylist.scribe import WordStylistScribe

    if not argument:
        raise SettingsError(
            "the scribe wordstylist needs a model: wordstylist:MODEL; make one with `scriven train-scribe LINES -o "
            "MODEL --network wordstylist`, or `scriven import-model ema_ckpt.pt -o MODEL`"
        )
    return WordStylistScribe(Path(argument), settings)
