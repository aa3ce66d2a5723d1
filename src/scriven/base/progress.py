"""How far a job is, told through the log: the command line makes a bar of it, a program may listen or not."""

import logging
import time

_log = logging.getLogger("scriven")
_last: dict[str, float] = {}


def progress(what: str, done: int, total: int | None) -> None:
    """Say that `done` of `total` are finished; at most ten times a second, and always at the end."""
    of = f" of {total}" if total is not None else ""
    _say(what, done, total, f"{what}: {done}{of}", 0.1)


def percent(what: str, fraction: float) -> None:
    """The same of work that has no pieces to count: `fraction` of it is done; at most twice a second."""
    _say(what, 100 * fraction, 100, f"{what}: {100 * fraction:.0f} %", 0.5)


def _say(what: str, done: float, total: int | None, message: str, apart: float) -> None:
    now = time.monotonic()
    if done == total or now - _last.get(what, 0.0) > apart:
        _last[what] = now
        _log.info("%s", message, extra={"progress": (what, done, total)})
