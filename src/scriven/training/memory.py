"""Memory that training gives back. Batches change their shape from step to step, and two things grow with every shape.

oneDNN keeps the kernels of a thousand shapes, and glibc keeps freed blocks of 1 to 32 MB in a heap in which no two
shapes fit the same holes. `tiny`, bf16, one thread, 150 steps of 6144 px in 75 shapes of words and lines, resident MB
at 50, 100 and 150 steps, px of width a CPU-second:

    as it is                                 1405  1747  1975   19,400   (8 GB after 13 minutes of `small`)
    kernels of 128 shapes                    1283  1451  1523   19,900
    a trim every 20 steps                    1134  1537  1524   17,900
    kernels of 64 shapes and a trim          1005  1246  1192   19,400   <- this
    mmap threshold 1 MB                       622   645   645   11,600   (page faults: 28 s of 69 are the kernel's)

Batches of 12288 px, words only, after 100 steps: 3634 as it is, 2322 so, at the same speed. What is left is blocks of
4 MB and more, and mapping those anew costs page faults of 4 kB each; in pages of 2 MB it costs nothing. The same 100
steps, MB at most and CPU-seconds with the publishing after them:

    kernels of 64 shapes and a trim          2308  113
    also large pages                         1812  108
    also blocks over 16 MB mapped            1682  106
    also blocks over 4 MB mapped             1162  114   <- this
    also blocks over 1 MB mapped              913  134
"""

import ctypes
import os

KERNELS = 64  # oneDNN primitives kept, of its 1024
EVERY = 20  # steps from one trim to the next
MAPPED = 4 << 20  # bytes of a block that is mapped by itself, and given back as soon as it is free

_M_MMAP_THRESHOLD = -3  # of glibc's malloc.h


def frugal() -> None:
    """Have this process keep little memory that it does not need. Call it before torch computes for the first time.

    oneDNN reads its variable once, when it computes first; what the user set stays. Torch reads whether to ask for
    large pages with its first tensor: the command line sets that at its start, and without it blocks are not mapped.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS))
    if os.environ.get("THP_MEM_ALLOC_ENABLE") == "1":
        _glibc("mallopt", _M_MMAP_THRESHOLD, MAPPED)


def trim(step: int) -> bool:
    """Every EVERY steps, return freed memory to the system; False in other steps, and where there is no glibc."""
    return step % EVERY == 0 and _glibc("malloc_trim", 0)


def _glibc(name: str, *arguments: int) -> bool:
    try:
        return bool(getattr(ctypes.CDLL(None), name)(*arguments))
    except (AttributeError, OSError, TypeError):  # musl and macOS have no such function, Windows no library None
        return False
