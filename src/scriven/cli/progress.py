"""Progress on standard error: a live bar on a terminal, otherwise occasional lines."""

import logging
import sys
import time
from typing import Any


def report_progress(quiet: bool = False) -> None:
    """Send the log of all jobs to standard error; `quiet`: errors only."""
    log = logging.getLogger("scriven")
    log.handlers[:] = [ProgressHandler()]
    log.setLevel(logging.ERROR if quiet else logging.INFO)
    log.propagate = False


def end_progress() -> None:
    """Remove a remaining progress bar before other output."""
    for handler in logging.getLogger("scriven").handlers:
        if isinstance(handler, ProgressHandler):
            handler.stop()


class ProgressHandler(logging.Handler):
    """Prints log records. Records with `progress=(what, done, total)` update the bar, or are printed if due."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        self._printed: dict[str, tuple[float, float]] = {}  # by kind of work: time of the last line, amount done

    def emit(self, record: logging.LogRecord) -> None:
        step = getattr(record, "progress", None)
        if step and sys.stderr.isatty():
            self._move(*step)
        elif step:
            if self.due(*step):
                print(record.getMessage(), file=sys.stderr, flush=True)
        elif self._bar is not None:
            self._bar.console.print(record.getMessage(), markup=False, highlight=False)
        else:
            print(record.getMessage(), file=sys.stderr, flush=True)

    def due(self, what: str, done: float, total: int | None) -> bool:
        """Whether a progress line is due: at the end, and every 5 s, or every tenth of a known total, or 60 s."""
        now = time.monotonic()
        then, before = self._printed.setdefault(what, (now, done))
        far = total is None or done - before >= total / 10 or now - then >= 60
        if done == total or (far and now - then >= 5):
            self._printed[what] = (now, done)
            return True
        return False

    def _move(self, what: str, done: float, total: int | None) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            console = Console(stderr=True)
            self._bar = Progress(
                *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._bar.start()
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total)
        self._bar.update(self._tasks[what], completed=done, total=total)
        if done == total:
            self._bar.remove_task(self._tasks.pop(what))
        if not self._tasks:
            self.stop()

    def stop(self) -> None:
        """Remove the bar; the next progress record creates a new one."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        self._tasks.clear()

    def close(self) -> None:
        """Remove the bar and restore the cursor; called by logging when the process ends."""
        self.stop()
        super().close()
