"""An even sample of a stream whose length is not known in advance."""

from typing import Generic, TypeVar

from scriven.base import evenly

Item = TypeVar("Item")


class EvenSample(Generic[Item]):
    """An evenly spaced sample of what is offered: everything up to `size` items, then `size` to twice as many."""

    def __init__(self, size: int):
        self.size, self.step, self.offered = size, 1, 0
        self.kept: list[Item] = []

    def wants(self) -> bool:
        """Whether the next item will be kept; if not, `offer(None)` saves making it."""
        return self.offered % self.step == 0

    def offer(self, item: Item | None) -> None:
        """Keep the item if it is its turn; at twice `size` items every second one is dropped."""
        if self.wants() and item is not None:
            self.kept.append(item)
            if len(self.kept) >= 2 * self.size:
                self.kept, self.step = self.kept[::2], 2 * self.step
        self.offered += 1

    def chosen(self, count: int) -> list[Item]:
        """At most `count` of the items kept, evenly spaced."""
        return evenly(self.kept, count)
