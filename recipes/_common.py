"""Shared by recipes: running and measuring commands, rows saved so that a recipe resumes, tables put into documents."""

import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

from scriven.base import LinesError, atomic
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.reader.model import find_model, read_info

Row = dict[str, Any]
SCRIVEN = (sys.executable, "-c", "from scriven.cli import main; main()")  # the scriven that this recipe imports


def arguments(about: str | None, count: int) -> list[str]:
    """The `count` arguments of a recipe without options; prints `about` and exits if there are more or fewer."""
    given = sys.argv[1:]
    if {"-h", "--help"} & set(given):
        print(about)
        sys.exit(0)
    if len(given) != count:
        print(about, file=sys.stderr)
        sys.exit(2)
    return given


@dataclass(frozen=True)
class Ran:
    """A finished command: its output and exit code, wall-clock and CPU seconds, and peak memory in MB."""

    out: str
    err: str
    code: int
    wall: float
    cpu: float
    peak: float  # at least the memory of this recipe when it started the command


def run(command: Sequence[str | Path], env: Mapping[str, str] | None = None, quiet: bool = True) -> Ran:
    """Run a command. Unless `quiet`, its standard error is passed through and not captured."""
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, **(env or {})}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.perf_counter()
        process = subprocess.Popen([*map(str, command)], stdout=out, stderr=err if quiet else None, env=environment)
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        printed, complained = (_text(file) for file in (out, err))
    peak = used.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    return Ran(printed, complained, process.returncode, wall, used.ru_utime + used.ru_stime, peak)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def scriven(*arguments: str | Path, quiet: bool = True) -> Ran:
    """Run `scriven ARGUMENTS`. Exit code 1 (some inputs failed) is a result; any other failure ends the recipe."""
    ran = run([*SCRIVEN, *arguments], quiet=quiet)
    if ran.code not in (0, 1):
        sys.exit(f"`{shown('scriven', *arguments)}` failed:\n{ran.err.strip()}")
    return ran


def shown(*command: str | Path) -> str:
    """A command as typed in a shell, for the tables."""
    return shlex.join(str(part) for part in command)


# Data and models


def collections(data: Path, level: str = "lines") -> list[str]:
    """The collections of a data folder that have a test split of this level, by name."""
    found = sorted(p.parents[1].name for p in data.glob(f"*/test/{level}.parquet"))
    if not found:
        sys.exit(f"{data} has no <collection>/test/{level}.parquet; give the folder of the collections")
    return found


def language(folder: Path, level: str = "lines", split: str = "test") -> str:
    """The language of most lines of a split (`pt-la` is `pt`); empty without that column."""
    named = LinesFolder(folder, level).columns(split, ["language"])["language"]
    most = Counter(str(name or "").split("-")[0] for name in named).most_common(1)
    return most[0][0] if most else ""


def lm_language(folder: Path, level: str = "lines", split: str = "test") -> str:
    """As `language`, but empty if there is no word list to make a language model from, as for Latin."""
    import wordfreq

    found = language(folder, level, split)
    return found if found in wordfreq.available_languages() else ""


def written(out: Path, splits: dict[str, Iterable[Line]], about: Row) -> Path:
    """The finished lines folder of these lines; written unless it exists."""
    if not (out / "about.json").is_file() or not LinesFolder(out).about.get("finished"):
        with LinesWriter(out, about) as writer:
            for split, lines in splits.items():
                for number, line in enumerate(lines):
                    if number >= writer.done.get(split, 0):
                        writer.write(line, split)
    return out


def digest(*files: Path) -> str:
    """A short fingerprint of the contents of files, stored with the rows measured on them."""
    total = hashlib.sha256()
    for file in files:
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:12]


def fingerprint(model: str | Path) -> str:
    """A short fingerprint of the files of a model that determine its readings. Raises ModelError."""
    folder = find_model(model)
    info = read_info(folder)
    files = ["model.json", *(graph.file for _, graph in sorted(info.graphs.items())), info.language_model]
    return digest(*(folder / file for file in files if file))


def machine() -> str:
    """The name of the processor, for tables of times."""
    names = [n for n in _cpuinfo() if n.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()


def _cpuinfo() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text().splitlines() if file.is_file() else []


def today() -> str:
    return date.today().isoformat()


def between(dates: Iterable[str]) -> str:
    """The first and the last of some dates; one date if they are equal."""
    days = sorted(set(dates))
    return " to ".join(dict.fromkeys(days[:1] + days[-1:]))


# Rows and tables


class Rows:
    """The rows of a recipe in a JSON file, saved after each one and found by their keys when the recipe runs again."""

    def __init__(self, file: Path, keys: Sequence[str]):
        self.file, self.keys = file, tuple(keys)
        self.all: list[Row] = json.loads(file.read_text("utf-8")) if file.is_file() else []

    def find(self, **wanted: Any) -> Row | None:
        return next((r for r in self.all if all(r.get(k) == wanted.get(k) for k in self.keys)), None)

    def keep(self, row: Row) -> Row:
        """Add a row, replacing that with the same keys."""
        self.all = [r for r in self.all if any(r.get(k) != row.get(k) for k in self.keys)] + [row]
        with atomic(self.file, "w") as file:
            json.dump(self.all, file, indent=1, ensure_ascii=False)
        return row


def percent(row: Row) -> str:
    """`12.34 (11.02-13.70)`: CER and its 95 % interval in percent; the note of the row if it has no CER."""
    if "cer" not in row:
        return str(row.get("note", "-"))
    low, high = row["interval"]
    return f"{100 * row['cer']:.2f} ({100 * low:.2f}-{100 * high:.2f})"


def markdown(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as a Markdown table, columns in order of first appearance, numbers aligned right."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[str(row.get(key, "")).replace("|", "\\|") for key in columns] for row in rows]
    right = [all(not c[i] or c[i][0] in "+-0123456789" for c in cells) for i in range(len(columns))]
    lines = [columns, ["--:" if r else "---" for r in right], *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def put(file: Path, name: str, text: str) -> None:
    """Replace the text between `<!-- NAME -->` and `<!-- /NAME -->` in a document."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    old = file.read_text("utf-8")
    if old.count(begin) != 1 or old.count(end) != 1 or old.index(end) < old.index(begin):
        sys.exit(f"{file} has no place for the table: it needs one line {begin} and, below it, one line {end}")
    with atomic(file, "w") as out:
        out.write(old[: old.index(begin)] + f"{begin}\n\n{text.strip()}\n\n" + old[old.index(end) :])


def publish(out: Path, name: str, text: str, into: Path | None) -> None:
    """Write the tables of a recipe to OUT/NAME.md, standard output and, if given, a document."""
    with atomic(out / f"{name}.md", "w") as file:
        file.write(text.strip() + "\n")
    print(text.strip())
    if into is not None:
        put(into, name, text)


def has(folder: Path, level: str, split: str = "test") -> bool:
    """Whether a collection has lines of this level in a split."""
    try:
        return LinesFolder(folder, level).count(split) > 0
    except LinesError:
        return False
