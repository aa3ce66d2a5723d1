"""A convolution and its masked batch norm."""

from torch import Tensor, nn

from scriven.recognisers.norm import Columns, MaskedBatchNorm


class ConvNorm(nn.Module):
    """A convolution, masked batch norm, ReLU if `act`; zero in the padding. It has its own bias if `bias`.

    The names `conv` and `norm` are those by which exported graphs fold the norm into the convolution.
    """

    def __init__(
        self,
        i: int,
        o: int,
        kernel: int = 3,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (1, 1),
        act: bool = True,
        bias: bool = False,
    ):
        super().__init__()
        self.conv = nn.Conv2d(i, o, kernel, stride, padding, bias=bias)
        self.norm = MaskedBatchNorm(o, act)

    def forward(self, x: Tensor, columns: Columns) -> Tensor:
        """(N, i, H, W) to (N, o, H', W'); `columns` are those of the result, W' wide."""
        return self.norm(self.conv(x), columns)
