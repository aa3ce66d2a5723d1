"""Words on a canvas of one size, with their hands: what WordStylist is trained on, in memory and on disk."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from torch import Tensor

from scriven.base import ImageError, Skipped
from scriven.images import Grey, prepare
from scriven.reader.labelled import Lines
from scriven.scribes.flow.columns import ink_of
from scriven.scribes.wordstylist.network import HEIGHT, WIDTH, Words
from scriven.text import Charset, normalise, visual
from scriven.training.aligned_lines import hand_name
from scriven.training.image_cache import ImageCache


@dataclass
class WordsOfHands:
    """Words, as they are seen, with the numbers of their hands and their pictures on the canvas."""

    longest: int
    images: ImageCache = field(default_factory=lambda: ImageCache(HEIGHT))
    texts: list[str] = field(default_factory=list)  # from left to right
    read: list[str] = field(default_factory=list)  # the same as they are read
    hands: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # of the hands

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def characters(self) -> list[str]:
        """All characters of the words, sorted."""
        return sorted(set("".join(self.texts)))

    def ink(self, indices: list[int]) -> Tensor:
        """Ink (N, 1, HEIGHT, WIDTH), 0..1, of some words."""
        return torch.from_numpy(np.stack([ink_of(self.images.get(index)).T for index in indices])[:, None].copy())

    def words(self, charset: Charset) -> Words:
        """All words as classes."""
        return Words.of(self.texts, charset, self.longest)

    def add(self, given: Lines, prefix: str) -> Iterator[str | Skipped]:
        """Add lines; yields the id of each, or why it was left out. `prefix` is set before the names of hands."""
        numbers = {name: number for number, name in enumerate(self.names)}
        for one in given:
            if isinstance(one, Skipped):
                yield one
                continue
            line, picture = one
            text = normalise(line.text or "")
            if why := self._fault(text):
                yield Skipped(line.id, why)
                continue
            try:
                canvas = on_canvas(prepare(picture(), HEIGHT))
            except ImageError as error:
                yield Skipped(line.id, str(error))
                continue
            named = prefix + hand_name(line.id, line.hand, line.page)
            if named not in numbers:
                numbers[named] = len(self.names)
                self.names.append(named)
            self.images.add(canvas)
            self.texts.append(visual(text))
            self.read.append(text)
            self.hands.append(numbers[named])
            yield line.id

    def _fault(self, text: str) -> str:
        if not text:
            return "it has no text; transcribe it, or leave it out"
        if len(text) > self.longest:
            return f"its text has {len(text)} characters, and words have at most longest={self.longest}; raise that"
        return ""

    def split(self, most: int, seed: int) -> tuple[list[int], list[int]]:
        """The indices to train on and, of hands with more than two words, at most `most` to validate on."""
        left = np.bincount(self.hands, minlength=len(self.names))
        valid = set[int]()
        for index in np.random.default_rng(seed).permutation(len(self)).tolist():
            if len(valid) < min(most, len(self) // 10) and left[self.hands[index]] > 2:
                left[self.hands[index]] -= 1
                valid.add(index)
        return [i for i in range(len(self)) if i not in valid], sorted(valid)


def on_canvas(picture: Grey) -> Grey:
    """A picture (HEIGHT, W) in the middle of paper (HEIGHT, WIDTH); a wider one is squeezed, as historically."""
    width = picture.shape[1]
    if width > WIDTH:
        return np.asarray(cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
    left = (WIDTH - width) // 2
    return np.pad(picture, ((0, 0), (left, WIDTH - width - left)), constant_values=255)
