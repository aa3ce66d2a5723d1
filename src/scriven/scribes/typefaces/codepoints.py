"""Sets of Unicode code points as ranges: compact in a manifest, with fast membership tests."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class CodePoints:
    """Sorted, disjoint, inclusive ranges of code points. `"a" in points` is the same as `97 in points`."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, points: Iterable[int]) -> "CodePoints":
        """The ranges of some code points."""
        ranges: list[tuple[int, int]] = []
        for point in sorted(set(points)):
            if ranges and ranges[-1][1] == point - 1:
                ranges[-1] = (ranges[-1][0], point)
            else:
                ranges.append((point, point))
        return cls(tuple(ranges))

    @classmethod
    def parse(cls, text: str) -> "CodePoints":
        """Parse what `str` writes: hexadecimal ranges as in `"20-7e a0 100-17f"`."""
        ranges = []
        for part in text.split():
            first, _, last = part.partition("-")
            ranges.append((int(first, 16), int(last or first, 16)))
        return cls(tuple(ranges))

    def __str__(self) -> str:
        return " ".join(f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in self.ranges)

    def __contains__(self, point: object) -> bool:
        number = ord(point) if isinstance(point, str) else point
        if not isinstance(number, int):
            return False
        index = bisect_right(self.ranges, (number, 0x110000)) - 1
        return index >= 0 and number <= self.ranges[index][1]

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)
