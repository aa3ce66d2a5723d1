"""Progress of a job, reported through the logger `scriven`; the command line shows it as a bar."""

import logging
import time

_log = logging.getLogger("scriven")
_last: dict[str, float] = {}  # when each kind of work was last reported


def progress(what: str, done: int, total: int | None) -> None:
    """Report that `done` of `total` items are finished; logged at most ten times a second, and at the end."""
    of = f" of {total}" if total is not None else ""
    _report(what, done, total, f"{what}: {done}{of}", 0.1)


def percent(what: str, fraction: float) -> None:
    """Report the fraction done (0..1) of work without countable items; logged at most twice a second."""
    _report(what, 100 * fraction, 100, f"{what}: {100 * fraction:.0f} %", 0.5)


def _report(what: str, done: float, total: int | None, message: str, seconds_apart: float) -> None:
    now = time.monotonic()
    if done == total or now - _last.get(what, 0.0) > seconds_apart:
        _last[what] = now
        _log.info("%s", message, extra={"progress": (what, done, total)})
