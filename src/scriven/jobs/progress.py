"""How far a job is, told through the log: the command line makes a bar of it, a program may listen or not."""

import logging
import time

_log = logging.getLogger("scriven")
_last: dict[str, float] = {}


def progress(what: str, done: int, total: int | None) -> None:
    """Say that `done` of `total` are finished; at most ten times a second, and always at the end."""
    now = time.monotonic()
    if done == total or now - _last.get(what, 0.0) > 0.1:
        _last[what] = now
        of = f" of {total}" if total is not None else ""
        _log.info("%s: %d%s", what, done, of, extra={"progress": (what, done, total)})
