"""The number of threads of OpenCV: one where pictures are already processed in parallel, or time is measured."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def one_thread() -> Iterator[None]:
    """Run OpenCV in one thread inside the context; restore its number of threads afterwards."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
