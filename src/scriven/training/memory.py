"""Limits on the memory of training. The shape of batches changes from step to step, and two caches grow with it.

oneDNN caches the kernels of a thousand shapes, and glibc keeps freed blocks of 1 to 32 MB in a heap that blocks of
different sizes fragment. `tiny`, bf16, one thread, 150 steps of 6144 px in 75 shapes of words and lines; resident MB
after 50, 100 and 150 steps, and px of width per CPU-second:

    defaults                                 1405  1747  1975   19,400   (8 GB after 13 minutes of `small`)
    kernels of 128 shapes                    1283  1451  1523   19,900
    a trim every 20 steps                    1134  1537  1524   17,900
    kernels of 64 shapes and a trim          1005  1246  1192   19,400   <- this
    mmap threshold 1 MB                       622   645   645   11,600   (page faults: 28 s of 69 are the kernel's)

Batches of 12288 px, words only, after 100 steps: 3634 MB by default, 2322 MB with both, at the same speed. The rest is
blocks of 4 MB and more. Mapping each anew costs page faults of 4 kB each, but nothing in pages of 2 MB. The same 100
steps, peak MB and CPU-seconds, publishing included:

    kernels of 64 shapes and a trim          2308  113
    also large pages                         1812  108
    also blocks over 16 MB mapped            1682  106
    also blocks over 4 MB mapped             1162  114   <- this
    also blocks over 1 MB mapped              913  134
"""

import ctypes
import os

MAX_KERNELS = 64  # oneDNN primitives kept, of its 1024
TRIM_INTERVAL = 20  # steps
MMAP_THRESHOLD = 4 << 20  # bytes from which a block is mapped on its own, and returned as soon as it is freed

_M_MMAP_THRESHOLD = -3  # of glibc's malloc.h


def limit_memory() -> None:
    """Limit the memory that this process caches. Call it before torch computes for the first time.

    oneDNN reads its environment variable once, before its first computation; a value set by the user is kept. Torch
    reads whether to request large pages with its first tensor: the command line sets that variable at its start, and
    without it the threshold for mapped blocks is not changed.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(MAX_KERNELS))
    if os.environ.get("THP_MEM_ALLOC_ENABLE") == "1":
        _glibc("mallopt", _M_MMAP_THRESHOLD, MMAP_THRESHOLD)


def trim(step: int) -> bool:
    """Every TRIM_INTERVAL steps, return freed memory to the system; False in other steps, and without glibc."""
    return step % TRIM_INTERVAL == 0 and _glibc("malloc_trim", 0)


def _glibc(name: str, *arguments: int) -> bool:
    try:
        return bool(getattr(ctypes.CDLL(None), name)(*arguments))
    except (AttributeError, OSError, TypeError):  # musl and macOS lack these functions; Windows has no CDLL(None)
        return False
