"""What commands share: the common options, settings from files and flags, progress on standard error, the last word."""

import json
import logging
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from scriven.base import InputError, SettingsError, Skipped
from scriven.base.settings import override

Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one setting; may be repeated.")
]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE.yaml", help="Settings from a YAML file; --set goes over it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Model = Annotated[str, typer.Option("--model", "-m", help="Model folder or name.")]
Lm = Annotated[
    str | None, typer.Option("--lm", metavar="FILE|LANG", help="Language model: a file, fr, en, ... or none.")
]
Words = Annotated[Path | None, typer.Option("--words", metavar="FILE", help="Words to expect, one a line.")]
Beam = Annotated[int | None, typer.Option("--beam", help="Hypotheses of the beam search; 0 reads greedily.")]
Device = Annotated[str | None, typer.Option("--device", help="cpu or cuda; cpu if not given.")]
Threads = Annotated[int | None, typer.Option("--threads", help="Threads; one for each core if not given.")]
Level = Annotated[str | None, typer.Option("--level", help="words or lines, in a folder that holds both.")]
Out = Annotated[
    Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder to make; a finished one is never overwritten.")
]
Seed = Annotated[int, typer.Option("--seed", help="Same seed, same result.")]
Workers = Annotated[int, typer.Option("--workers", help="Processes; the result does not depend on it.")]

Settings = TypeVar("Settings")


def settings(
    defaults: Settings, changes: Iterable[str] | None = None, config: Path | None = None, **flags: object
) -> Settings:
    """The defaults with all of `changes_of` over them. Raises SettingsError."""
    return override(defaults, changes_of(changes, config, **flags))


def changes_of(changes: Iterable[str] | None, config: Path | None, **flags: object) -> list[str]:
    """All changes as `key=value`, later ones going over earlier ones: a YAML file's, flags that were given, `--set`.

    A flag that is None was not given. Raises SettingsError.
    """
    given = [f"{key}={value}" for key, value in flags.items() if value is not None]
    return [*(_from_file(config) if config else ()), *given, *(changes or ())]


def _from_file(file: Path) -> list[str]:
    import yaml

    try:
        values = yaml.safe_load(file.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"cannot read the settings file {file} ({' '.join(str(error).split())})") from error
    if not isinstance(values, dict):
        raise SettingsError(f"the settings file {file} is no list of `key: value` lines; write one setting a line")
    return [f"{key}={_as_text(value)}" for key, value in values.items()]


def _as_text(value: Any) -> str:
    return ",".join(map(_as_text, value)) if isinstance(value, list) else "none" if value is None else str(value)


def present(inputs: Iterable[str], synthetic: bool = False) -> None:
    """Refuse at once, before torch is loaded, when no input exists. `synthetic`: scribes may be given, as `fonts:fr`.

    Raises InputError, and SettingsError for an unknown scribe.
    """
    given = list(inputs)
    written = []
    if synthetic:
        from scriven.scribes.specs import synthetic_input

        written = [one for one in given if synthetic_input(one)]
    there = (one in written or one == "-" or set("*?[") & set(one) or os.path.exists(one) for one in given)
    if given and not any(there):
        from scriven.page.inputs import why_not

        raise InputError(f"{given[0] or repr('')}: {why_not(given[0])}")


def print_json(value: Any) -> None:
    """One JSON object on standard output; NaN is refused rather than printed as no-JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, allow_nan=False, default=str))


def finish(skipped: Iterable[Skipped]) -> None:
    """Name every input that failed on standard error; leave with exit code 1 if there was one."""
    named = list(skipped)
    for item in named:
        print(f"scriven: left out {item.sentence()}", file=sys.stderr)
    if named:
        print(f"scriven: {len(named)} left out, each named above", file=sys.stderr)
        raise typer.Exit(1)


def report_progress(quiet: bool = False) -> None:
    """Send the log of all jobs to standard error: a live bar on a terminal, plain lines elsewhere."""
    log = logging.getLogger("scriven")
    log.handlers[:] = [_Progress()]
    log.setLevel(logging.ERROR if quiet else logging.INFO)
    log.propagate = False


def end_progress() -> None:
    """Take the bar away where a job has left one, so that what is printed next has a line of its own."""
    for handler in logging.getLogger("scriven").handlers:
        if isinstance(handler, _Progress):
            handler.stop()


class _Progress(logging.Handler):
    """Log records as lines. A record with `progress=(what, done, total)` moves a bar, or is a line now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        self._said: dict[str, tuple[float, float]] = {}  # when a line was last printed, and what was done then

    def emit(self, record: logging.LogRecord) -> None:
        step = getattr(record, "progress", None)
        if step and sys.stderr.isatty():
            self._move(*step)
        elif step:
            if self._due(*step):
                print(record.getMessage(), file=sys.stderr, flush=True)
        elif self._bar is not None:
            self._bar.console.print(record.getMessage(), markup=False, highlight=False)
        else:
            print(record.getMessage(), file=sys.stderr, flush=True)

    def _due(self, what: str, done: float, total: int | None) -> bool:
        """Whether a line is: at the end; every 5 seconds, of a known total every tenth of it or minute."""
        now = time.monotonic()
        then, before = self._said.setdefault(what, (now, done))
        far = total is None or done - before >= total / 10 or now - then >= 60
        if done == total or (far and now - then >= 5):
            self._said[what] = (now, done)
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
        """Take the bar away; the next progress makes a new one."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        self._tasks.clear()

    def close(self) -> None:
        """Called when the process ends, whatever ends it: the bar goes and the cursor comes back."""
        self.stop()
        super().close()
