"""Shared by commands: common options, settings from flags and files, output of results and of skipped inputs."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from scriven.base import InputError, SettingsError, Skipped
from scriven.base.settings import override
from scriven.cli.progress import end_progress as end_progress

Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one setting; repeatable.")
]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE.yaml", help="Settings from a YAML file; --set overrides it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Model = Annotated[str, typer.Option("--model", "-m", help="Model folder or name.")]
Lm = Annotated[
    str | None,
    typer.Option("--lm", metavar="FILE|LANG", help="Language model: a file, a language code (fr, ...) or none."),
]
Words = Annotated[Path | None, typer.Option("--words", metavar="FILE", help="File of expected words, one per line.")]
Beam = Annotated[int | None, typer.Option("--beam", help="Beam width; 0 for greedy decoding.")]
DecoderName = Annotated[
    str | None, typer.Option("--decoder", help="ctc, attention or both, of a model with two heads.")
]
Device = Annotated[str | None, typer.Option("--device", help="cpu or cuda. Default: cpu.")]
Threads = Annotated[int | None, typer.Option("--threads", help="Number of threads. Default: one per core.")]
IgnoreCase = Annotated[bool, typer.Option("--ignore-case", help="Read in lower case, whatever case is written.")]
Level = Annotated[str | None, typer.Option("--level", help="words or lines, if a folder has both.")]
Out = Annotated[
    Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder to create; a finished one is never overwritten.")
]
Seed = Annotated[int, typer.Option("--seed", help="Random seed; the same seed gives the same result.")]
Workers = Annotated[int, typer.Option("--workers", help="Number of processes; does not change the result.")]

Keep = Annotated[float | None, typer.Option("--keep", help="Share of the pictures to keep, 0 to 1. Default: all.")]
By = Annotated[
    str | None, typer.Option("--by", help="What pictures are ranked by: confidence, legibility, nmae or style.")
]
Precision = Annotated[
    float | None, typer.Option("--precision", help="In place of --keep: share of those kept that is to be read right.")
]
Tries = Annotated[int | None, typer.Option("--tries", help="Pictures of a line, at most, until one is kept.")]
ReaderModel = Annotated[
    str | None, typer.Option("--reader", metavar="MODEL", help="Recogniser that reads every picture back.")
]

TrainingInputs = Annotated[
    list[str],
    typer.Argument(metavar="LINES|fonts:LANG...", help="Labelled lines folders; fonts:LANG: synthetic lines."),
]

Settings = TypeVar("Settings")


def settings(
    defaults: Settings, changes: Iterable[str] | None = None, config: Path | None = None, **flags: object
) -> Settings:
    """The defaults, overridden by `changes_of`. Raises SettingsError."""
    return override(defaults, changes_of(changes, config, **flags))


def changes_of(changes: Iterable[str] | None, config: Path | None, **flags: object) -> list[str]:
    """All changes as `key=value`; later ones override earlier ones: a YAML file, flags that are not None, `--set`.

    Raises SettingsError.
    """
    given = [f"{key}={value}" for key, value in flags.items() if value is not None]
    return [*(_from_file(config) if config else ()), *given, *(changes or ())]


def timed(kind: Callable[..., Settings], changes: Sequence[str], minutes: float) -> Settings:
    """Settings of a training with these changes, of so many minutes unless the changes set minutes or steps."""
    in_steps = any(change.partition("=")[0].strip() == "steps" for change in changes)
    return override(kind(steps=1) if in_steps else kind(minutes=minutes), changes)


def _from_file(file: Path) -> list[str]:
    import yaml

    try:
        values = yaml.safe_load(file.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"cannot read the settings file {file} ({' '.join(str(error).split())})") from error
    if not isinstance(values, dict):
        raise SettingsError(f"the settings file {file} does not consist of `key: value` lines; write one per setting")
    groups = [(k, v if isinstance(v, dict) else {"": v}) for k, v in values.items()]
    return [f"{key}.{name}".rstrip(".") + f"={_as_text(v)}" for key, group in groups for name, v in group.items()]


def _as_text(value: Any) -> str:
    return ",".join(map(_as_text, value)) if isinstance(value, list) else "none" if value is None else str(value)


def present(inputs: Iterable[str], synthetic: bool = False) -> None:
    """Check, before torch is imported, that at least one input exists.

    `synthetic`: synthetic inputs such as `fonts:fr` are allowed. Raises InputError, and SettingsError for an unknown
    scribe.
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
    """Print one JSON object on standard output. Raises ValueError for NaN, which is not valid JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, allow_nan=False, default=str))


def show(text: str, data: Any, json: bool) -> None:
    """Print the result of a command: the text, or with --json its data as one JSON object."""
    end_progress()
    print_json(data) if json else typer.echo(text)


def finish(skipped: Iterable[Skipped]) -> None:
    """Print every skipped input on standard error; exit with code 1 if there is one."""
    named = list(skipped)
    for item in named:
        print(f"scriven: skipped {item.sentence()}", file=sys.stderr)
    if named:
        print(f"scriven: {len(named)} skipped, each named above", file=sys.stderr)
        raise typer.Exit(1)
