"""The StackMix scribe, which assembles lines from spans of real ones: `scribe` is its entry, `cutting` makes a bank."""

from pathlib import Path

from scriven.base import SettingsError
from scriven.scribes.contract import Scribe
from scriven.scribes.stackmix.settings import STACKMIX_DEFAULTS, StackMixSettings


def stackmix_scribe(argument: str, settings: StackMixSettings = STACKMIX_DEFAULTS) -> Scribe:
    """The scribe `stackmix:BANK`, of a bank that `scriven cut` made.

    Raises SettingsError without a bank, InputError if there is none at the path.
    """
    from scriven.scribes.stackmix.scribe import StackMixScribe

    if not argument:
        raise SettingsError(
            "the scribe stackmix needs the folder of a bank: stackmix:BANK or stackmix:BANK@TEXTS; make one with "
            "`scriven cut MODEL LINES -o BANK`"
        )
    return StackMixScribe(Path(argument), settings)
