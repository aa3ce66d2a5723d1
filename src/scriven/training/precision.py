"""The precision in which a processor trains fastest, measured: bfloat16 instructions are not fast on every CPU.

Convolutions of `small`, forward and backward, px of width per CPU-second: an Intel Xeon with AVX-512 bf16 but without
AMX reaches 9,200 in float32 and 6,600 in bf16; an AMD EPYC (Zen 4) is 1.4 to 1.9 times faster in bf16.
"""

import time
from functools import cache

import torch
from torch.nn import functional as F

MIN_SPEEDUP = 1.1  # of bfloat16 over float32, below which float32 is used
TRIALS = 6  # per precision, alternating, so that other load affects both


def precision_of(device: str) -> str:
    """`bf16-mixed` if it is faster on this device, else `32-true`, in the names of Lightning Fabric."""
    if device == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    if device != "cpu" or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return "32-true"
    return "bf16-mixed" if speedup() > MIN_SPEEDUP else "32-true"


@cache
def speedup() -> float:
    """The speed of a convolution in bfloat16 over that in float32 on this CPU; measuring takes half a second."""
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
