"""The reader: it runs the exported graphs of a model on pictures and decodes the frames, without torch.

Pictures are prepared, collected in a look-ahead buffer bounded in pixels, run in batches of similar width, and returned
in input order.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scriven.base import ImageError, ModelError, cores
from scriven.images import Grey, prepare, widened
from scriven.lines import Reading
from scriven.reader.decoder_contract import Decoder, DecodeSettings, Frames
from scriven.reader.decoders import decoder_kind, decoder_of, frames_source
from scriven.reader.engines import RunGraph, load_graph
from scriven.reader.model import ModelInfo, find_model, read_info
from scriven.reader.windows import Window, stitch, windows

if TYPE_CHECKING:
    from scriven.language.model import CharLM

LOOK_AHEAD = 131_072  # px of width: 8 MB of prepared pictures, about 128 lines or 700 words
BATCH = 4096  # px of width in a batch, padding included
BUCKET = 32  # px: batch widths are multiples of it, so that memory is allocated for few shapes


@dataclass(frozen=True)
class Picture:
    """A prepared picture: `ink` (H, W) uint8, 255 paper; one px of it is `scale` px of the original picture."""

    id: str
    ink: Grey
    scale: float
    width: int  # px of the original picture

    @classmethod
    def of(cls, id: str, ink: Grey) -> "Picture":
        """A picture that `images.prepare` has already been applied to."""
        return cls(id, ink, 1.0, ink.shape[1])

    def widened(self, factor: float) -> "Picture":
        """The picture scaled in width by `factor`."""
        ink = widened(self.ink, factor)
        return replace(self, ink=ink, scale=self.scale * self.ink.shape[1] / ink.shape[1])


class Reader:
    """A loaded recogniser: the content of its model.json and its graphs by role."""

    def __init__(self, info: ModelInfo, runs: Mapping[str, RunGraph]):
        """Raises ModelError for an unknown decoder, or if the graph that the decoder needs is missing."""
        self.info, self.runs, self.charset = info, runs, info.characters
        self._kind = decoder_kind(info)
        self._role, self._output = frames_source(info)
        if self._role not in runs:
            raise ModelError(
                f"the model has no graph {self._role!r}, which its decoder {info.decoders[0]} runs; "
                "finish its training or copy the folder again"
            )

    @classmethod
    def load(
        cls, model: str | Path, engine: str = "onnxruntime", device: str = "cpu", threads: int | None = None
    ) -> "Reader":
        """Load a model folder or a bundled model. `threads` None: one per core that this process may use.

        Raises ModelError for a folder that is damaged or holds no recogniser, SettingsError for an unavailable engine
        or device.
        """
        folder = find_model(model)
        info = read_info(folder)
        for graph in info.graphs.values():
            if not (folder / graph.file).is_file():
                raise ModelError(f"{folder} lacks its graph {graph.file}; finish its training or copy the folder again")
        if not info.graphs:
            raise ModelError(f"{folder} has no reading graph; finish its training or copy the folder again")
        threads = threads or cores()
        return cls(info, {r: load_graph(folder / g.file, engine, device, threads) for r, g in info.graphs.items()})

    def decoder(
        self, settings: DecodeSettings | None = None, lm: "CharLM | None" = None, words: Iterable[str] = ()
    ) -> Decoder:
        """The decoder of this model, with a language model and a list of words if given."""
        return decoder_of(self.info, settings, lm, words, self.runs)

    def prepare(self, id: str, picture: Grey) -> Picture:
        """Prepare a grey uint8 picture (H, W) for the graph. Raises ImageError if it cannot be a line of text."""
        height, width = picture.shape
        try:
            ink = prepare(picture, self.info.height)
        except ImageError as error:
            raise ImageError(f"{id}: {error}") from None
        return Picture(id, ink, width / max(1, round(width * self.info.height / height)), width)

    def read(self, pictures: Iterable[tuple[str, Grey]], decoder: Decoder | None = None) -> Iterator[Reading]:
        """Readings of (id, grey uint8 picture (H, W)), in order. Raises ImageError as `prepare` does."""
        return self.read_prepared((self.prepare(id, picture) for id, picture in pictures), decoder)

    def read_prepared(self, pictures: Iterable[Picture], decoder: Decoder | None = None) -> Iterator[Reading]:
        """Readings of prepared pictures, in order."""
        decoder = decoder or self.decoder()
        for picture, frames in self.frames(pictures):
            yield decoder.reading(picture.id, frames, picture.scale, picture.width)

    def frames(self, pictures: Iterable[Picture]) -> Iterator[tuple[Picture, Frames]]:
        """Every prepared picture, stretched, with its frames (T, D), those of the padding removed, in order."""
        waiting: list[Picture] = []
        room = LOOK_AHEAD
        for picture in pictures:
            waiting.append(picture.widened(self.info.stretch))
            room -= waiting[-1].ink.shape[1]
            if room <= 0:
                yield from zip(waiting, self._frames(waiting), strict=True)
                waiting, room = [], LOOK_AHEAD
        yield from zip(waiting, self._frames(waiting), strict=True)

    def _frames(self, pictures: list[Picture]) -> list[Frames]:
        """Frames (T, D) of some pictures, computed in batches of similar width."""
        cuts = [self._windows(picture.ink.shape[1]) for picture in pictures]
        pieces = [(p, i, cut) for p, parts in enumerate(cuts) for i, cut in enumerate(parts)]
        pieces.sort(key=lambda piece: piece[2].stop - piece[2].start)
        parts: list[list[Frames]] = [[np.empty(0, np.float32)] * len(some) for some in cuts]
        for batch in batches([cut for _, _, cut in pieces]):
            chosen = pieces[batch]
            found = self._run([pictures[p].ink[:, cut.start : cut.stop] for p, _, cut in chosen])
            for (p, i, _), frames in zip(chosen, found, strict=True):
                parts[p][i] = frames
        return [
            some[0] if len(cut) == 1 else stitch(some, cut, self.info.stride)
            for some, cut in zip(parts, cuts, strict=True)
        ]

    def _windows(self, width: int) -> list[Window]:
        """The windows over `width` px; a single one where every picture has the same number of frames."""
        if self.info.frames is not None:
            return [Window(0, width, 0, width)]
        return windows(width, self.info.stride)

    def _run(self, pieces: list[Grey]) -> list[Frames]:
        """Frames (T, D) of pieces of pictures, run as one batch. Raises ModelError if they do not fit model.json."""
        widths = np.array([piece.shape[1] for piece in pieces], np.int64)
        images = np.zeros((len(pieces), 1, self.info.height, _bucket(int(widths.max()))), np.float32)
        for image, piece in zip(images[:, 0], pieces, strict=True):
            image[:, : piece.shape[1]] = (255 - piece) * np.float32(1 / 255)
        outputs = self.runs[self._role]({"images": images, "widths": widths})
        if self._output not in outputs:
            raise ModelError(
                f"the graph {self._role!r} has the outputs {', '.join(sorted(outputs))}, "
                f"not {self._output!r}; copy the model folder again"
            )
        frames = outputs[self._output]
        if frames.shape[1] != (expected := self.info.frames_of(images.shape[3])):
            raise ModelError(
                f"the graph makes {frames.shape[1]} frames of {images.shape[3]} px where model.json, with a stride of "
                f"{self.info.stride} px, says {expected}; copy the model folder again"
            )
        self._kind.check(self.info, frames)
        steps = [self.info.frames_of(width) for width in widths.tolist()]
        return [one[:count].copy() for one, count in zip(frames, steps, strict=True)]


def batches(cuts: list[Window], limit: int = BATCH) -> Iterator[slice]:
    """Slices of pieces sorted by width: at most `limit` px of width in total, padding included, or a single piece."""
    start = 0
    for stop in range(1, len(cuts) + 1):
        end = stop == len(cuts)
        if end or (stop + 1 - start) * _bucket(cuts[stop].stop - cuts[stop].start) > limit:
            yield slice(start, stop)
            start = stop


def _bucket(width: int) -> int:
    return -(-width // BUCKET) * BUCKET
