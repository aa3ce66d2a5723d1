"""Memory that training gives back. Batches change their shape from step to step, and two things grow with every shape.

oneDNN keeps the kernels of a thousand shapes, and glibc keeps freed blocks of 1 to 32 MB in a heap in which no two
shapes fit the same holes. `tiny`, bf16, one thread, 150 steps of 6144 px in 75 shapes of words and lines, resident MB
at 50, 100 and 150 steps, px of width a CPU-second:

    as it is                                 1405  1747  1975   19,400   (8 GB after 13 minutes of `small`)
    kernels of 128 shapes                    1283  1451  1523   19,900
    a trim every 20 steps                    1134  1537  1524   17,900
    kernels of 64 shapes and a trim          1005  1246  1192   19,400   <- this
    mmap threshold 1 MB                       622   645   645   11,600   (page faults: 28 s of 69 are the kernel's)

Batches of 12288 px, words only, after 100 steps: 3634 as it is, 2322 so, at the same speed.
"""

import ctypes
import os

KERNELS = 64  # oneDNN primitives kept, of its 1024
EVERY = 20  # steps from one trim to the next


def few_kernels() -> None:
    """Have oneDNN keep few kernels. It reads this once, when it computes first; what the user set stays."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS))


def trim(step: int) -> bool:
    """Every EVERY steps, return freed memory to the system; False in other steps, and where there is no glibc."""
    if step % EVERY:
        return False
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError, TypeError):  # musl and macOS have no malloc_trim, Windows no library None
        return False
