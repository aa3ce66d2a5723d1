"""Wall time of the items of an iterator."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


class Stopwatch:
    """The wall time in seconds spent inside the iterators that it is put around."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items; the time that each takes to come is added, that of its use is not."""
        iterator = iter(items)
        while True:
            start = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self.seconds += time.perf_counter() - start
            yield item
