"""Sources of training pictures: labelled lines folders, decoded once, and scribes that write on the fly.

A source gives the nominal width of item `index` without making its picture, so that every process can plan the same
batches; the picture is made when the batch is built.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from scriven.base import ImageError, Skipped, TextError
from scriven.images import prepare
from scriven.language.texts import TextSource
from scriven.lines import Group, Line, LinesFolder, usage_subset
from scriven.lines.records import by_model
from scriven.lines.sketch import digest
from scriven.lines.training_set import held_out_ids
from scriven.reader.charsets import MappedText, MappingCount
from scriven.reader.trainable import InputSpec, unusable
from scriven.scribes import Scribe
from scriven.text import name, visual
from scriven.training.image_cache import ImageCache

IMAGE_CACHE_BYTES = 6 << 30  # decoded pictures kept on disk; those of a larger folder are decoded each time
WINDOW_GROUPS = 24  # row groups a large folder is shuffled across


@dataclass(frozen=True)
class Item:
    """One training picture to make."""

    source: int  # number of the source
    index: int  # of the item in its source
    place: int  # position in the endless stream of that source, over all epochs
    width: int  # px, nominal


class Source(Protocol):
    """What the loader needs of a source of labelled pictures."""

    def __len__(self) -> int: ...  # items per epoch; 0 for an endless source

    def order(self, epoch: int, seed: int) -> np.ndarray: ...  # a permutation of the items

    def width(self, index: int) -> int: ...  # px, nominal

    def make(self, index: int, strength: float) -> tuple[np.ndarray, str, str]: ...  # picture (H, W) uint8, text, hand


class FolderSource:
    """The labelled lines of a split. Lines that cannot be used are in `skipped`, with the reason.

    `unchecked` counts the texts that were read by a model and not checked: those with a confidence.
    """

    augmented = True  # when it is trained on

    def __init__(
        self,
        folder: LinesFolder,
        split: str,
        spec: InputSpec,
        *,
        only: Callable[[Line], bool] | None = None,
        cache_bytes: int = IMAGE_CACHE_BYTES,
        seen: set[str] | None = None,
    ):
        """`seen`: ids used by other sources of this folder, to which this one adds its own. `only`: which lines."""
        self.folder, self.spec, self.skipped = folder, spec, list[Skipped]()
        self.texts: list[str] = []
        self.hands: list[str] = []
        self.pages: list[str] = []
        self.ids: list[str] = []
        self.digests: list[str] = []  # of the encoded pictures
        self.unchecked = 0
        self.mapped = MappingCount()  # what the mapping of `spec` changed in the texts
        self._seen = set[str]() if seen is None else seen
        self._widths: list[int] = []
        self._groups: list[Group] = []
        self._group_of: list[int] = []  # of each item
        self._cache: ImageCache | None = ImageCache(spec.height)
        self._recent: OrderedDict[int, dict[str, Line]] = OrderedDict()
        known = len(folder.skipped)  # rows already reported by another source of this folder
        for group in folder.groups(split):
            self._groups.append(group)
            for line in folder.read(group):
                if only is None or only(line):
                    self._take(line, cache_bytes)
        self.skipped += folder.skipped[known:]

    def _take(self, line: Line, cache_bytes: int) -> None:
        if line.id in self._seen:
            self.skipped.append(Skipped(line.id, "its id occurs more than once; only the first is used"))
            return
        self._seen.add(line.id)
        try:
            picture = prepare(self.folder.picture(line), self.spec.height)
        except ImageError as error:
            self.skipped.append(Skipped(line.id, str(error)))
            return
        mapped = MappedText(line.text or "")
        if line.text and self.spec.mapping:
            mapped = self.spec.mapping.mapped(line.text)
        text = mapped.text if line.text else line.text
        reason = unusable(text, picture.shape[1], self.spec)
        if line.text and not text:
            reason = f"no character of its text is in the character set: {line.text!r}"
        if reason:
            self.skipped.append(Skipped(line.id, reason))
            return
        self.texts.append(mapped.text)
        self.mapped.add(mapped)
        self.unchecked += by_model(line.origin, line.confidence)
        self.hands.append(line.hand)
        self.pages.append(line.page)
        self.ids.append(line.id)
        self.digests.append(digest(line.image))
        self._widths.append(picture.shape[1])
        self._group_of.append(len(self._groups) - 1)
        if self._cache:
            self._cache.add(picture)
            if self._cache.nbytes > cache_bytes:
                self._cache = None

    def __len__(self) -> int:
        return len(self.ids)

    def order(self, epoch: int, seed: int) -> np.ndarray:
        """A permutation of all items: over all if they are cached, else within windows of WINDOW_GROUPS row groups."""
        rng = np.random.default_rng([seed, epoch, 1])
        if self._cache:
            return rng.permutation(len(self))
        groups = rng.permutation(len(self._groups))
        member = np.array(self._group_of)
        parts = []
        for start in range(0, len(groups), WINDOW_GROUPS):
            window = np.flatnonzero(np.isin(member, groups[start : start + WINDOW_GROUPS]))
            parts.append(rng.permutation(window))
        return np.concatenate(parts)

    def width(self, index: int) -> int:
        return self._widths[index]

    def picture(self, index: int) -> np.ndarray:
        """The prepared picture of an item, (H, W) uint8. Raises ImageError."""
        if self._cache:
            return self._cache.get(index)
        group = self._group_of[index]
        if group not in self._recent:
            lines = self._recent[group] = {}
            for line in self.folder.read(self._groups[group]):
                lines.setdefault(line.id, line)  # the first line of an id, as in `_take`
            if len(self._recent) > WINDOW_GROUPS:
                self._recent.popitem(last=False)
        self._recent.move_to_end(group)
        return prepare(self.folder.picture(self._recent[group][self.ids[index]]), self.spec.height)

    def make(self, index: int, strength: float) -> tuple[np.ndarray, str, str]:
        return self.picture(index), self.texts[index], self.hands[index]


class FixedSource:
    """Items of another source, made once and cached: a fixed validation set."""

    def __init__(self, source: Source, indices: Sequence[int], strength: float = 0.0):
        made = [source.make(int(i), strength) for i in indices]
        self._cache = ImageCache(made[0][0].shape[0]) if made else ImageCache(1)
        for picture, _, _ in made:
            self._cache.add(picture)
        self._rows = [(picture.shape[1], text, hand) for picture, text, hand in made]

    def __len__(self) -> int:
        return len(self._rows)

    def order(self, epoch: int, seed: int) -> np.ndarray:
        return np.random.default_rng([seed, epoch, 1]).permutation(len(self))

    def width(self, index: int) -> int:
        return self._rows[index][0]

    def make(self, index: int, strength: float) -> tuple[np.ndarray, str, str]:
        return self._cache.get(index), *self._rows[index][1:]


class ScribeSource:
    """Pictures that a scribe writes on the fly. Item `index` depends only on (seed, index), in any process.

    Words that the scribe cannot write and those with characters outside the character set are dropped from a line, and
    the last words of one that no single hand can write, or that is to hold a space without a picture of it.
    `lines`: share of whole lines; the others are single words.
    """

    MARGIN, ADVANCE = 24 / 64, 17 / 64  # nominal widths in heights, around a line and per character, to plan batches
    TRIES = 20  # texts drawn for an item before giving up

    def __init__(self, scribe: Scribe, texts: TextSource, spec: InputSpec, *, seed: int, lines: float = 0.5):
        self.scribe, self.text_source, self.spec = scribe, texts, spec
        self.seed, self.lines = seed, lines
        self.augmented = scribe.augmented
        self._spaced = spec.charset is None or " " in spec.charset

    def __len__(self) -> int:
        return 0

    def order(self, epoch: int, seed: int) -> np.ndarray:
        raise TypeError("an endless source has no order")

    def _text(self, index: int, attempt: int) -> str:
        """The text that is drawn for an item; a word where the character set has no space."""
        rng, mapping = np.random.default_rng([self.seed, index, attempt]), self.spec.mapping
        text = self.text_source.draw(rng, "line" if rng.random() < self.lines and self._spaced else "word")
        return mapping.mapped(text).text if mapping else text

    def width(self, index: int) -> int:
        return round(self.spec.height * (self.MARGIN + self.ADVANCE * len(self._text(index, 0))))

    def make(self, index: int, strength: float) -> tuple[np.ndarray, str, str]:
        """Picture (H, W) uint8, text and "" for the hand. Raises TextError if none of TRIES texts can be written."""
        any_character = replace(self.spec, charset=None)
        for attempt in range(self.TRIES):
            text = self._writable(self._text(index, attempt))
            if not text:
                continue
            rng = np.random.default_rng([self.seed, index, attempt, 2])
            try:
                picture = prepare(self.scribe.write(text, rng, strength=strength).picture, self.spec.height)
            except TextError:
                continue
            if unusable(text, picture.shape[1], any_character) is None:
                return picture, text, ""
        raise TextError(
            f"none of {self.TRIES} texts drawn for synthetic item {index} can be written by this scribe and with this "
            f"character set ({self._why_not(self._text(index, 0))}); choose other texts or another scribe, or train "
            "without synthetic pictures"
        )

    def _writable(self, text: str) -> str:
        """The words of a text that can be written; of these the first ones that can be written together."""
        able = [word for word in text.split() if not self._unknown(word) and self.scribe.refusal(word) is None]
        if not self._spaced:
            able = able[:1]
        while len(able) > 1 and self.scribe.refusal(" ".join(able)) is not None:
            able.pop()
        return " ".join(able)

    def _unknown(self, text: str) -> list[str]:
        """The characters of a text that are outside the character set."""
        charset = self.spec.charset
        return [] if charset is None else sorted(charset.missing([visual(word) for word in text.split()]))

    def _why_not(self, text: str) -> str:
        """Why a text cannot be written as it is."""
        unknown = ", ".join(map(name, self._unknown(text)))
        return (
            f"the set lacks {unknown}"
            if unknown
            else self.scribe.refusal(text) or f"the picture of {text!r} is too narrow"
        )


def split_source(folder: LinesFolder, spec: InputSpec, usage: float = 1.0) -> tuple[FolderSource, FolderSource]:
    """Training and validation lines of a folder; without a valid split those of `held_out_ids` validate.

    `usage`: the fraction (0..1) of the training lines that is used; the validation lines are all used.
    """
    ids = [str(id or "") for id in folder.columns("train", ["id"])["id"]]
    if "valid" in folder.splits:
        seen: set[str] = set()
        train = FolderSource(folder, "train", spec, only=_used(ids, usage), seen=seen)
        return train, FolderSource(folder, "valid", spec, seen=seen)
    out = held_out_ids(folder)
    used = _used([id for id in ids if id not in out], usage) or (lambda line: line.id not in out)
    valid = FolderSource(folder, "train", spec, only=lambda line: line.id in out)
    return FolderSource(folder, "train", spec, only=used), valid


def _used(ids: Sequence[str], usage: float) -> Callable[[Line], bool] | None:
    if usage == 1:
        return None
    used = usage_subset(ids, usage)
    return lambda line: line.id in used
