"""Which arithmetic a processor trains fastest in. Having bfloat16 instructions does not say that they are fast.

Convolutions of `small`, forward and backward, px of width a CPU-second: an Intel Xeon with AVX-512 bf16 but without AMX
makes 9,200 in float32 and 6,600 in bf16; an AMD EPYC (Zen 4) is 1.4 to 1.9 times faster in bf16. So it is measured.
"""

import time
from functools import cache

import torch
from torch.nn import functional as F

CLEARLY = 1.1  # times faster bfloat16 has to be before its lower precision is taken
TRIALS = 6  # of each, in turn: what else the machine does slows both


def precision_of(device: str) -> str:
    """`bf16-mixed` where it is faster than `32-true`, as Lightning Fabric names them."""
    if device == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    if device != "cpu" or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return "32-true"
    return "bf16-mixed" if speedup() > CLEARLY else "32-true"


@cache
def speedup() -> float:
    """How many times faster a convolution trains in bfloat16 than in float32 on this CPU; takes about half a second."""
    state = torch.get_rng_state()
    trials = [(_seconds(torch.float32), _seconds(torch.bfloat16)) for _ in range(TRIALS)]
    torch.set_rng_state(state)
    plain, half = map(min, zip(*trials, strict=True))
    return plain / half


def _seconds(dtype: torch.dtype) -> float:
    x = torch.randn(4, 96, 8, 256).to(dtype, memory_format=torch.channels_last).requires_grad_()
    weight = torch.randn(96, 96, 3, 3).to(dtype, memory_format=torch.channels_last).requires_grad_()
    begun = time.perf_counter()
    F.conv2d(x, weight, padding=1).sum().backward()
    return time.perf_counter() - begun
