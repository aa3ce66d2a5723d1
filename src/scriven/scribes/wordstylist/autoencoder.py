"""The autoencoder of WordStylist's latents: that of columns, trained beside the network, or an external one."""

from pathlib import Path
from typing import Protocol

from torch import Tensor, nn

from scriven.base import ModelError
from scriven.scribes.flow.autoencoder import ColumnAutoencoder
from scriven.scribes.wordstylist.network import CHANNELS, ROWS
from scriven.scribes.wordstylist.vae import load_image_autoencoder


class Autoencoder(Protocol):
    """Ink (N, 1, 64, 256), 0 paper to 1 ink, to latents (N, 4, 8, 32) and back."""

    def encode(self, ink: Tensor) -> Tensor: ...
    def decode(self, latents: Tensor) -> Tensor: ...


class OwnAutoencoder(nn.Module):
    """The autoencoder of columns: the 32 numbers of a column of 8 px are 4 channels of 8 rows."""

    def __init__(self) -> None:
        super().__init__()
        self.columns = ColumnAutoencoder(CHANNELS * ROWS)

    def encode(self, ink: Tensor) -> Tensor:
        """Latents (N, 4, 8, T) of ink (N, 1, 64, 8 T)."""
        return self.columns.encode(ink).transpose(1, 2).unflatten(1, (CHANNELS, ROWS))

    def decode(self, latents: Tensor) -> Tensor:
        """Ink (N, 1, 64, 8 T), not clipped, of latents (N, 4, 8, T)."""
        return self.columns.decode(latents.flatten(1, 2).transpose(1, 2))


def external_autoencoder(folder: str | Path) -> Autoencoder:
    """The autoencoder of Stable Diffusion in a folder. Raises ModelError for another, or for other latents."""
    found = load_image_autoencoder(folder)
    if (found.channels, found.reduction) != (CHANNELS, 8):
        raise ModelError(
            f"the autoencoder in {folder} has {found.channels} channels at 1/{found.reduction} of the size; "
            f"WordStylist needs {CHANNELS} at 1/8, as Stable Diffusion 1 and 2 have"
        )
    return found
