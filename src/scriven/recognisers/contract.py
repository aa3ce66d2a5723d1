"""The contract of a recogniser: everything that training, export, reading and decoding use of a network.

A new recogniser is one file in this folder and one row of `RECOGNISERS`: a callable `(charset, **sizes)` whose result
has what `Recogniser` lists. Its keyword arguments are settings of `train` (`--set sizes.NAME=VALUE`), converted to the
types of their annotations. tests/test_recogniser_contract.py runs over the rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from torch import Tensor, nn

from scriven.tensors import Batch
from scriven.text import Charset


@dataclass(frozen=True)
class GraphSpec:
    """One ONNX graph of a network. A Reader of a torch network runs `module` in its place.

    `inputs`: example inputs by name, in the order of the arguments of `module.forward`; `outputs`: the names of its
    results, in order, none of which is the name of an input; `dynamic`: a name for each dynamic dimension of an input.
    """

    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: tuple[str, ...]
    dynamic: Mapping[str, Mapping[int, str]]


class Method(nn.Module):
    """A method of a module as a module of its own, in evaluation mode, for a graph; its results are a tuple."""

    def __init__(self, module: nn.Module, name: str):
        super().__init__()
        self.module, self.name = module, name
        self.eval()

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        found = getattr(self.module, self.name)(*inputs)
        return found if isinstance(found, tuple) else (found,)


class Recogniser(Protocol):
    """A network that reads pictures of text lines. It is a torch.nn.Module; there is no base class to inherit."""

    charset: Charset  # the characters that it can write
    height: int  # px of a prepared picture
    stride: int  # px of picture width per frame
    frames: int | None  # of every picture, whatever its width; None: one for each `stride` px
    decoders: tuple[str, ...]  # names in scriven.reader.decoders.DECODERS; readings come from the first
    sizes: dict[str, Any]  # the keyword arguments it was built with, as JSON; they are kept in model.json

    def __call__(self, images: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, height, W) ink and (N,) px to (N, T, D) frames, and (N,) frames before padding.

        T = ceil(W / stride), or `frames` where that is given.

        The content of a frame is defined by the decoder; for `ctc`: logits of the blank and the characters. Frames
        before the padding must not depend on the padding or on other lines of the batch.
        """

    def loss(self, batch: Batch, smoothing: float = 0.0) -> Tensor:
        """Mean loss per character, a scalar; `smoothing` is the weight of label smoothing.

        Raises TextError for a text that is empty, too long for its picture, or has unknown characters.
        """

    def read(self, batch: Batch) -> list[str]:
        """Greedy readings of a batch, without a language model."""

    def grown(self, charset: Charset, like: Mapping[str, str] | None = None) -> Self:
        """A copy with the larger `charset`, which reads as before.

        `like`: for new characters, the old one whose weights they start from. Raises ValueError when `charset` does not
        begin with the characters of this network.
        """

    def graphs(self) -> dict[str, GraphSpec]:
        """The graphs to export, by role. Each is written to `<role>.onnx` and listed in model.json.

        A decoder names the role that is run over batches of pictures (inputs `images` and `widths`; output: frames),
        and may itself run others, such as one step of an attention decoder.
        """

    # --- of torch.nn.Module ---------------------------------------------------------------------------------------

    training: bool

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]: ...
    def buffers(self, recurse: bool = True) -> Iterator[Tensor]: ...
    def modules(self) -> Iterator[nn.Module]: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any: ...
    def train(self, mode: bool = True) -> Self: ...
    def eval(self) -> Self: ...
    def to(self, *args: Any, **kwargs: Any) -> Self: ...
    def cpu(self) -> Self: ...
    def requires_grad_(self, requires_grad: bool = True) -> Self: ...
