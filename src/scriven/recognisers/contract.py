"""What every network that reads has, for the rooms above; there is no code here to inherit."""

from abc import abstractmethod

from torch import Tensor, nn

from scriven.tensors import Batch
from scriven.text import Charset


class Recogniser(nn.Module):
    """A network from pictures `height` px high to texts over `charset`, one frame each `stride` px."""

    charset: Charset
    height: int
    stride: int

    @abstractmethod
    def loss(self, batch: Batch, smoothing: float = 0.0) -> Tensor:
        """What training makes small. Raises TextError for texts that cannot be written in their frames."""

    @abstractmethod
    def read(self, batch: Batch) -> list[str]:
        """The greedy texts of a batch."""

    @abstractmethod
    def grown(self, charset: Charset) -> "Recogniser":
        """A copy that writes `charset` too. Raises ValueError when that does not begin with this one's characters."""
