"""Numbered lines that a scribe draws, in order, in this process or in several, with the same result."""

import itertools
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, Protocol

import cv2

from scriven.base import OutputError, Skipped
from scriven.lines import Line
from scriven.selection.read_back import Imitated

CHUNK = 64  # lines that a worker draws at a time
WORKER_DIED = "a worker process was killed, probably for lack of memory; continue with fewer --workers"
NO_WORKER_STARTED = (
    "no worker process started: too little memory, or a script of your own that calls this outside "
    "`if __name__ == '__main__':`; continue with fewer --workers, or move the call there"
)


class Try(NamedTuple):
    """A picture to draw: of which line, how many were drawn of it before, and in which hand these were."""

    number: int
    attempt: int = 0
    hand: str = ""


class Maker(Protocol):
    """Draws. A worker process makes its own with the method `maker` of its `recipe`, which can be pickled."""

    @property
    def recipe(self) -> Any: ...

    def make(self, task: Any) -> Line | Skipped:
        """The line of a task, or why there is none."""
        ...


@dataclass(frozen=True)
class Drawings:
    """Lines to draw, numbered from 0 to `total` - 1."""

    total: int
    maker: Maker
    refusal: Callable[[int], Skipped | None]  # why a line cannot be drawn, known without drawing it
    number: Callable[[str], int]  # of the line with an id; raises ValueError for an id that is not among them
    split: Callable[[int], str]
    task: Callable[[Try], Any] = lambda one: one  # of the maker
    imitated: Imitated = field(default_factory=Imitated)
    chunk: int = CHUNK

    def drawn(self, tries: Iterable[Try], workers: int) -> Iterator[Line | Skipped]:
        """A line, or why there is none, for every try, in order. Raises OutputError if a worker process dies."""
        return made_in_order(self.maker, map(self.task, tries), workers, self.chunk)


def made_in_order(maker: Maker, tasks: Iterable[Any], workers: int, chunk: int = CHUNK) -> Iterator[Line | Skipped]:
    """What is made of tasks, in order. Worker processes are at most a few chunks ahead of what is taken.

    Raises OutputError if a worker process dies.
    """
    if workers <= 1:
        yield from map(maker.make, tasks)
        return
    context, left = multiprocessing.get_context("spawn"), iter(tasks)
    chunks = iter(lambda: list(itertools.islice(left, chunk)), [])
    with ProcessPoolExecutor(workers, context, _start_worker, (maker.recipe,)) as pool:
        waiting: deque[Future[list[Line | Skipped]]] = deque()
        begun = False
        try:
            waiting.extend(pool.submit(_work, some) for some in itertools.islice(chunks, 2 * workers))
            while waiting:
                made = waiting.popleft().result()
                begun = True
                yield from made
                waiting.extend(pool.submit(_work, some) for some in itertools.islice(chunks, 1))
        except BrokenProcessPool as error:
            raise OutputError(WORKER_DIED if begun else NO_WORKER_STARTED) from error
        finally:
            for future in waiting:
                future.cancel()


_recipes: list[Any] = []  # the one recipe of a worker process


def _start_worker(recipe: Any) -> None:
    cv2.setNumThreads(1)
    _recipes[:] = [recipe]


@cache
def _maker() -> Maker:
    """The maker of a worker process; made with its first chunk, so that an error reaches the caller."""
    made: Maker = _recipes[0].maker()
    return made


def _work(some: list[Any]) -> list[Line | Skipped]:
    return [_maker().make(task) for task in some]
