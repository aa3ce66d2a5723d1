"""Texts and a scribe in, a lines folder of synthetic handwriting out.

Item i of seed s is the same picture with any number of workers. A killed job is continued by the same command and ends
in the same bytes as one that was never interrupted.
"""

import dataclasses
import hashlib
import itertools
import multiprocessing
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cv2

from scriven.base import OutputError, SettingsError, Skipped, TextError, no_setting, override, within
from scriven.base.progress import progress
from scriven.images import encode
from scriven.jobs.folders import filling
from scriven.language.texts import TextSettings, source, text_at
from scriven.language.texts.sources import TextSource
from scriven.lines import Line, LinesFolder
from scriven.scribes import typefaces
from scriven.scribes.fonts import FontScribe, FontSettings

CHUNK = 64  # items a worker makes at a time
DIED = "a worker was killed, mostly for want of memory; go on with fewer --workers"
NOT_BEGUN = (
    "no worker came as far as its first lines: too little memory, or a script of your own that calls this outside "
    "`if __name__ == '__main__':`; go on with fewer --workers, or call it there"
)


@dataclass(frozen=True)
class WriteSettings:
    """What `--set` reaches: the settings of the font scribe and of the texts, and which typefaces to take."""

    fonts: FontSettings = field(default_factory=FontSettings)
    texts: TextSettings = field(default_factory=TextSettings)
    tags: tuple[str, ...] = ()  # print, cursive, school, historical, marker: typefaces with any of them; () all


@dataclass(frozen=True)
class Written:
    """What a job wrote: how many lines, and every text that could not be written."""

    out: Path
    lines: int
    skipped: tuple[Skipped, ...]


def write(
    out: str | Path,
    texts: str,
    *,
    scribe: str = "fonts",
    count: int | None = None,
    seed: int = 0,
    split: str = "train",
    workers: int = 1,
    settings: WriteSettings | None = None,
) -> Written:
    """Write `count` pictures of `texts` ("words:LANG", "lines:LANG", a file) with a scribe ("fonts", "fonts:FOLDER").

    A file's texts are taken in their order, over and over again; without `count`, each once. A text that no typeface
    can draw is refused, never replaced. Raises SettingsError, TextError (nothing can be written), OutputError.
    """
    settings = settings or WriteSettings()
    if split not in ("train", "valid", "test"):
        raise SettingsError(f"there is no split {split!r}; use train, valid or test")
    within("count", count, 1)
    within("seed", seed, 0)
    within("workers", workers, 0)
    recipe = _Recipe(texts, scribe, seed, settings)
    pen = _Pen(recipe)
    skipped = list(pen.skipped)
    ordered = getattr(pen.source, "texts", None)
    if count is None and ordered is None:
        raise SettingsError(f"{texts} has no end; say how many pictures to write with --count")
    total = count if count is not None else len(ordered or ())
    if total < 1:
        raise TextError(f"{texts} holds no text that can be written; give a file of UTF-8 text, one a line")
    with filling(out, _about(recipe, pen, total, split)) as writer:
        first = _continue_at(Path(out), split) if writer.done.get(split) else 0
        skipped += [r for i in range(first) if (r := pen.refusal(i))]
        lines = writer.done.get(split, 0)
        for number, made in enumerate(_made(pen, first, total, workers), start=first + 1):
            progress("writing", number, total)
            if isinstance(made, Skipped):
                skipped.append(made)
            else:
                writer.write(made, split)
                lines += 1
        if not lines:
            raise TextError(f"none of the {total} texts can be written; the first: {skipped[0].reason}")
    return Written(Path(out), lines, tuple(skipped))


def settings_with(changes: Sequence[str], settings: WriteSettings | None = None) -> WriteSettings:
    """Settings with `key=value` changes, each going where its key is known. Raises SettingsError."""
    settings = settings or WriteSettings()
    rooms = {"fonts": _names(settings.fonts), "texts": _names(settings.texts), "": ["tags"]}
    asked: dict[str, list[str]] = {room: [] for room in rooms}
    for change in changes:
        key = change.partition("=")[0].strip().replace("-", "_")
        room = next((room for room, names in rooms.items() if key in names), None)
        if room is None:
            raise no_setting(key, itertools.chain(*rooms.values()))
        asked[room].append(change)
    fonts, texts = override(settings.fonts, asked["fonts"]), override(settings.texts, asked["texts"])
    return override(dataclasses.replace(settings, fonts=fonts, texts=texts), asked[""])


def _names(part: Any) -> list[str]:
    return [f.name for f in dataclasses.fields(part) if not dataclasses.is_dataclass(getattr(part, f.name))]


@dataclass(frozen=True)
class _Recipe:
    """All that decides the pictures; a worker process makes its own pen of it."""

    texts: str
    scribe: str
    seed: int
    settings: WriteSettings


class _Pen:
    """The text source and the scribe of a recipe."""

    def __init__(self, recipe: _Recipe):
        self.recipe = recipe
        self.faces, self.untagged, self.skipped = _typefaces(recipe.scribe, recipe.settings.tags)
        self.source: TextSource = source(recipe.texts, recipe.settings.texts, self.skipped)
        self.scribe = FontScribe(self.faces, recipe.settings.fonts)

    def id(self, index: int) -> str:
        return f"{self.recipe.seed}-{index:08d}"

    def refusal(self, index: int) -> Skipped | None:
        """Why item `index` cannot be written, without writing it."""
        text = text_at(self.source, self.recipe.seed, index)
        return None if self.scribe.covers(text) else self._refused(index, text)

    def make(self, index: int) -> Line | Skipped:
        text = text_at(self.source, self.recipe.seed, index)
        if not self.scribe.covers(text):
            return self._refused(index, text)
        try:
            picture, text, hand = self.scribe.picture([text], self.recipe.seed, index)
        except TextError as error:
            return Skipped(self.id(index), str(error))
        height, width = picture.shape
        png = encode(picture, "png")
        return Line(self.id(index), png, text, hand=hand, origin="fonts", width=width, height=height)

    def _refused(self, index: int, text: str) -> Skipped:
        try:
            self.scribe.picture([text], self.recipe.seed, index)
        except TextError as error:
            why = str(error)
            if typefaces.covering(self.untagged, text):
                tags = ", ".join(self.recipe.settings.tags)
                why = f"{why.rpartition('; ')[0]} with the tag {tags}, but others do; choose other tags"
            return Skipped(self.id(index), why)
        raise AssertionError(f"{text!r} is covered by no typeface, yet it was drawn")


def _typefaces(
    scribe: str, tags: Sequence[str]
) -> tuple[tuple[typefaces.Typeface, ...], tuple[typefaces.Typeface, ...], list[Skipped]]:
    """The typefaces of a scribe that have any of the tags, those that have none of them, and what failed."""
    kind, _, folder = scribe.partition(":")
    if kind != "fonts":
        raise SettingsError(f"there is no scribe {scribe!r}; use fonts, or fonts:FOLDER for your own typefaces")
    faces, skipped = typefaces.from_folder(Path(folder)) if folder else (typefaces.bundled(), [])
    unknown = sorted(set(tags) - set(typefaces.TAGS))
    if unknown:
        raise SettingsError(f"no typeface has the tag {unknown[0]!r}; there are: {', '.join(typefaces.TAGS)}")
    tagged = typefaces.covering(faces, "", tuple(tags))
    return tagged, tuple(face for face in faces if face not in tagged), skipped


def _about(recipe: _Recipe, pen: _Pen, total: int, split: str) -> dict[str, Any]:
    licences = ", ".join(sorted({face.licence or "unknown" for face in pen.faces}))
    files = [Path(recipe.texts)] if Path(recipe.texts).is_file() else []
    options = f"--scribe {recipe.scribe} --texts {recipe.texts} --count {total} --seed {recipe.seed} --split {split}"
    return {
        "command": f"scriven write {options}",
        "settings": dataclasses.asdict(recipe.settings),
        "seed": recipe.seed,
        "licence": f"drawn with typefaces under {licences}; the texts keep the licence of their source",
        "parents": [{"path": str(f), "sha256": hashlib.sha256(f.read_bytes()).hexdigest()} for f in files],
    }


def _continue_at(out: Path, split: str) -> int:
    """The index after the last line that is on disk."""
    last = LinesFolder(out).columns(split, ["id"])["id"][-1]
    try:
        return int(str(last).rpartition("-")[2]) + 1
    except ValueError:
        raise OutputError(f"{out} holds the line {last!r}, which this job did not write; choose another -o") from None


def _made(pen: _Pen, first: int, total: int, workers: int) -> Iterator[Line | Skipped]:
    """Items `first` to `total`, in order; with several workers never more than a few chunks ahead of the writer."""
    if workers <= 1:
        yield from map(pen.make, range(first, total))
        return
    context = multiprocessing.get_context("spawn")
    chunks = iter([range(at, min(at + CHUNK, total)) for at in range(first, total, CHUNK)])
    with ProcessPoolExecutor(workers, context, _start_worker, (pen.recipe,)) as pool:
        waiting: deque[Future[list[Line | Skipped]]] = deque()
        begun = False
        try:
            waiting.extend(pool.submit(_work, chunk) for chunk in itertools.islice(chunks, 2 * workers))
            while waiting:
                made = waiting.popleft().result()
                begun = True
                yield from made
                waiting.extend(pool.submit(_work, chunk) for chunk in itertools.islice(chunks, 1))
        except BrokenProcessPool as error:
            raise OutputError(DIED if begun else NOT_BEGUN) from error
        finally:
            for future in waiting:
                future.cancel()


_recipes: list[_Recipe] = []  # of this process, one


def _start_worker(recipe: _Recipe) -> None:
    cv2.setNumThreads(1)
    _recipes[:] = [recipe]


@cache
def _pen() -> _Pen:
    """Made with the first chunk: what goes wrong reaches the one who waits, and does not pass for a killed process."""
    return _Pen(_recipes[0])


def _work(chunk: range) -> list[Line | Skipped]:
    return [_pen().make(index) for index in chunk]
