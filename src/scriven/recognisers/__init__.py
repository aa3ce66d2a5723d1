"""Networks that read, one file each. A recogniser has `charset`, `loss(batch)`, `read(batch)`, `grown(charset)`."""

from scriven.base import SettingsError
from scriven.recognisers import convtext
from scriven.recognisers.contract import Recogniser
from scriven.text import Charset

RECOGNISERS = {"convtext": (convtext.ConvText, convtext.SIZES)}


def build(network: str, size: str, charset: Charset) -> Recogniser:
    """A new network by names. Raises SettingsError when there is no such network or size."""
    if network not in RECOGNISERS:
        raise SettingsError(f"there is no recogniser {network!r}; there are: {', '.join(RECOGNISERS)}")
    kind, sizes = RECOGNISERS[network]
    if size not in sizes:
        raise SettingsError(f"the recogniser {network} has no size {size!r}; there are: {', '.join(sizes)}")
    return kind(charset, sizes[size])
