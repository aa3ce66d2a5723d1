"""What a hand is learnt from: the pictures that can be used, and those of them that only judge."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np

from scriven.base import ImageError, InputError, LinesError, Skipped, counted
from scriven.images import Grey, prepare
from scriven.lines import LinesFolder
from scriven.page.inputs import Input, find_inputs, line_pictures
from scriven.reader.trainable import misfit
from scriven.training.sources import ImageCache

WIDE = 5  # heights: lines are wider than that, single words hardly ever
FEWEST = 8  # pictures: fewer say nothing about a hand
JUDGES = 600  # pictures that only judge, at most: more say nothing new, and all are read after every round


class Pictures(Sequence[tuple[str, Grey]]):
    """Prepared pictures with their ids, each of which is there once; they are kept on disk, not in memory."""

    def __init__(self, bank: ImageCache, ids: list[str], places: list[int]):
        self._bank, self.ids, self._places = bank, ids, places

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> tuple[str, Grey]: ...
    @overload
    def __getitem__(self, at: slice) -> "Pictures": ...
    def __getitem__(self, at: int | slice) -> "tuple[str, Grey] | Pictures":
        if isinstance(at, slice):
            return self.some(range(len(self))[at])
        return self.ids[at], self._bank.get(self._places[at])

    def some(self, numbers: Sequence[int]) -> "Pictures":
        """Those with some numbers, in that order."""
        return Pictures(self._bank, [self.ids[i] for i in numbers], [self._places[i] for i in numbers])

    def add(self, id: str, ink: Grey) -> None:
        self._bank.add(ink)
        self._places.append(len(self.ids))
        self.ids.append(id)

    def digest(self) -> str:
        """Of ids and pictures: whether these are the same."""
        found = hashlib.sha256()
        for id, ink in self:
            found.update(f"{id}\n{ink.shape}\n".encode("utf-8", "backslashreplace") + ink.tobytes())
        return found.hexdigest()


def gather(inputs: Sequence[str | Path], level: str, height: int, skipped: list[Skipped]) -> Pictures:
    """Pictures that can be learnt, prepared at `height` px; of a lines folder only the train split, and never a text.

    Of pictures that are alike to the last pixel one is enough. Raises InputError when there are fewer than FEWEST.
    """
    found, taken, seen = Pictures(ImageCache(height), [], []), set[str](), dict[bytes, str]()
    every, missing = find_inputs(inputs)
    skipped += missing
    for one in every:
        for id, picture in _prepared(one, level, height, skipped):
            while id in taken:
                id = f"{one.name}/{id}"
            taken.add(id)
            first = seen.setdefault(hashlib.sha256(picture.tobytes()).digest(), id)
            if first != id:
                skipped.append(Skipped(id, f"the same picture as {first}"))
            else:
                found.add(id, picture)
    if len(found) < FEWEST:
        raise InputError(
            f"{counted(len(found), 'picture')} can be used and a hand needs at least {FEWEST}; give more pictures of "
            "its lines" + (f" (left out {skipped[0].sentence()})" if skipped else "")
        )
    return found


def _prepared(one: Input, level: str, height: int, skipped: list[Skipped]) -> Iterator[tuple[str, Grey]]:
    try:
        split = "train" if one.lines and "train" in LinesFolder(one.path, level).splits else None
        for item in line_pictures(one, level, split):
            if isinstance(item, Skipped):
                skipped.append(item)
                continue
            assert item.picture is not None
            try:
                ink = prepare(item.picture, height)
            except ImageError as error:
                skipped.append(Skipped(item.id, str(error)))
                continue
            if fault := misfit(ink.shape[1]):
                skipped.append(Skipped(item.id, fault.reason))
            else:
                yield item.id, ink
    except LinesError as error:  # costs the rest of this folder only
        skipped.append(Skipped(str(one.path), str(error)))


def parted(pictures: Pictures, held_out: float, seed: int) -> tuple[Pictures, Pictures]:
    """Those to learn from and those that only judge: the share `held_out`, two at least and JUDGES at most."""
    order = np.random.default_rng(seed).permutation(len(pictures)).tolist()
    cut = min(JUDGES, max(2, round(held_out * len(pictures))))
    return pictures.some(sorted(order[cut:])), pictures.some(sorted(order[:cut]))


def share_of_lines(pictures: Sequence[tuple[str, Grey]]) -> float:
    """The share 0..1 of prepared pictures that show whole lines and not words."""
    return float(np.mean([ink.shape[1] > WIDE * ink.shape[0] for _, ink in pictures]))
