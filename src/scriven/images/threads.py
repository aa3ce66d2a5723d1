"""The number of OpenCV threads: one where pictures are processed in parallel already, and in benchmarks."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def one_thread() -> Iterator[None]:
    """Context manager that runs OpenCV in one thread and restores its number of threads afterwards."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
