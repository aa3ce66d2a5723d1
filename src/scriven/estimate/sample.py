"""An evenly spaced sample of a stream of unknown length."""

from typing import Generic, TypeVar

from scriven.base import evenly

Item = TypeVar("Item")


class EvenSample(Generic[Item]):
    """An evenly spaced sample of the items offered: all of up to `size` items, then between `size` and 2 * `size`."""

    def __init__(self, size: int):
        self.size, self.step, self.offered = size, 1, 0
        self.kept: list[Item] = []

    def wants(self) -> bool:
        """Whether the next item will be kept; if not, `offer(None)` saves making it."""
        return self.offered % self.step == 0

    def offer(self, item: Item | None) -> None:
        """Keep the item if `wants` is true; at 2 * `size` items every second one is dropped."""
        if self.wants() and item is not None:
            self.kept.append(item)
            if len(self.kept) >= 2 * self.size:
                self.kept, self.step = self.kept[::2], 2 * self.step
        self.offered += 1

    def chosen(self, count: int) -> list[Item]:
        """At most `count` of the items kept, evenly spaced."""
        return evenly(self.kept, count)
