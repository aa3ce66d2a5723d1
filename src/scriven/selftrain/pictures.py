"""The pictures of an adaptation: prepared, without duplicates, divided into training and held-out pictures."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from scriven.base import ImageError, InputError, LinesError, Skipped, counted
from scriven.images import Grey, prepare, widened
from scriven.lines import LinesFolder
from scriven.page.inputs import Input, find_inputs, line_pictures
from scriven.reader.trainable import misfit
from scriven.training.image_cache import ImageCache

LINE_ASPECT = 5  # width per height above which a picture shows a line; single words are hardly ever wider
MIN_PICTURES = 8
MAX_HELD_OUT = 600  # all are read after every round, and more do not change the metrics


class Pictures(Sequence[tuple[str, Grey]]):
    """Prepared pictures (H, W) with their unique ids, stored in a temporary file."""

    def __init__(self, cache: ImageCache, ids: list[str], places: list[int]):
        self._cache, self.ids, self._places = cache, ids, places

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> tuple[str, Grey]: ...
    @overload
    def __getitem__(self, at: slice) -> "Pictures": ...
    def __getitem__(self, at: int | slice) -> "tuple[str, Grey] | Pictures":
        if isinstance(at, slice):
            return self.some(range(len(self))[at])
        return self.ids[at], self._cache.get(self._places[at])

    def some(self, numbers: Sequence[int]) -> "Pictures":
        """The pictures at some indices, in that order."""
        return Pictures(self._cache, [self.ids[i] for i in numbers], [self._places[i] for i in numbers])

    def add(self, id: str, ink: Grey) -> None:
        """Append a prepared picture."""
        self._cache.add(ink)
        self._places.append(len(self.ids))
        self.ids.append(id)

    def digest(self) -> str:
        """SHA-256 of all ids and pictures."""
        found = hashlib.sha256()
        for id, ink in self:
            found.update(f"{id}\n{ink.shape}\n".encode("utf-8", "backslashreplace") + ink.tobytes())
        return found.hexdigest()


class UnlabelledSource:
    """Pictures without texts as a source of the training loop, scaled in width by `stretch`."""

    def __init__(self, pictures: Pictures, stretch: float):
        self.pictures, self.stretch = pictures, stretch
        self._widths = [round(ink.shape[1] * stretch) for _, ink in pictures]

    def __len__(self) -> int:
        return len(self._widths)

    def order(self, epoch: int, seed: int) -> np.ndarray:
        return np.random.default_rng([seed, epoch, 1]).permutation(len(self))

    def width(self, index: int) -> int:
        return self._widths[index]

    def make(self, index: int, strength: float) -> tuple[np.ndarray, str, str]:
        return widened(self.pictures[index][1], self.stretch), "", ""


@dataclass(frozen=True)
class Gathered:
    """The usable pictures of some inputs, and the skipped ones."""

    pictures: Pictures
    skipped: list[Skipped]


def gather(inputs: Sequence[str | Path], level: str, height: int) -> Gathered:
    """Prepare all usable pictures of some inputs at `height` px; of lines folders, those of the train split.

    Texts are not read. Of identical pictures one is kept. Raises InputError for fewer than MIN_PICTURES.
    """
    pictures, taken, first_with = Pictures(ImageCache(height), [], []), set[str](), dict[bytes, str]()
    every, skipped = find_inputs(inputs)
    for one in every:
        for found in _prepared(one, level, height):
            if isinstance(found, Skipped):
                skipped.append(found)
                continue
            id, ink = found
            while id in taken:
                id = f"{one.name}/{id}"
            taken.add(id)
            first = first_with.setdefault(hashlib.sha256(ink.tobytes()).digest(), id)
            if first != id:
                skipped.append(Skipped(id, f"the same picture as {first}"))
            else:
                pictures.add(id, ink)
    if len(pictures) < MIN_PICTURES:
        raise InputError(
            f"{counted(len(pictures), 'picture')} can be used, and adapting needs at least {MIN_PICTURES}; give more "
            "pictures of lines" + (f" (skipped {skipped[0].sentence()})" if skipped else "")
        )
    return Gathered(pictures, skipped)


def _prepared(one: Input, level: str, height: int) -> Iterator[tuple[str, Grey] | Skipped]:
    try:
        split = "train" if one.lines and "train" in LinesFolder(one.path, level).splits else None
        for item in line_pictures(one, level, split):
            if isinstance(item, Skipped):
                yield item
                continue
            assert item.picture is not None
            try:
                ink = prepare(item.picture, height)
            except ImageError as error:
                yield Skipped(item.id, str(error))
                continue
            fault = misfit(ink.shape[1])
            yield Skipped(item.id, fault.reason) if fault else (item.id, ink)
    except LinesError as error:  # the pictures before it are kept
        yield Skipped(str(one.path), str(error))


def hold_out(pictures: Pictures, share: float, seed: int) -> tuple[Pictures, Pictures]:
    """Training and held-out pictures, at random: a `share` is held out, at least two and at most MAX_HELD_OUT."""
    order = np.random.default_rng(seed).permutation(len(pictures)).tolist()
    count = min(MAX_HELD_OUT, max(2, round(share * len(pictures))))
    return pictures.some(sorted(order[count:])), pictures.some(sorted(order[:count]))


def shows_line(ink: Grey) -> bool:
    """Whether a picture shows a line rather than a word, by its shape."""
    height, width = ink.shape
    return width > LINE_ASPECT * height


def share_of_lines(pictures: Sequence[tuple[str, Grey]]) -> float:
    """The share 0..1 of pictures that show lines rather than words."""
    return float(np.mean([shows_line(ink) for _, ink in pictures]))
