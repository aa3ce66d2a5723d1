"""Mutation testing: apply small faults to a copy of the package, one at a time, and run the tests that should fail.

    python tools/mutate.py                     # every mutation of tools/mutations.toml
    python tools/mutate.py ema-off gate-reversed
    python tools/mutate.py --list              # names, files and reasons
    python tools/mutate.py --check             # only whether every snippet occurs exactly once and the result compiles
    python tools/mutate.py --quick             # without the whole fast suite for mutations that their own tests miss

A mutation is caught if one of its tests fails (or exceeds --timeout). If its own tests pass, the whole fast suite is
run. First the tests are run on the unchanged copy, where they must pass. Exit code 1 if fewer than 95 % are caught, or
one survives whose entry gives no reason (`survives`), or an entry with a reason is caught; 2 if a snippet is not found
exactly once. The package itself is not changed. Not part of `.ci/run`: it takes an hour on two cores.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path(__file__).with_name("mutations.toml")
CAUGHT_SHARE = 0.95


@dataclass(frozen=True)
class Mutation:
    """A fault: `find` is replaced by `replace` in a file of the package."""

    name: str
    file: str  # relative to src/scriven
    find: str  # occurs exactly once
    replace: str
    why: str  # what the fault breaks
    tests: tuple[str, ...]  # arguments of pytest: the tests that should fail
    survives: str = ""  # why no test can or needs to catch it

    def mutated(self) -> str:
        """The text of the file with the fault. Raises ValueError unless `find` occurs once and the result compiles."""
        path = ROOT / "src" / "scriven" / self.file
        text = path.read_text("utf-8") if path.is_file() else ""
        if (count := text.count(self.find)) != 1:
            raise ValueError(f"{self.name}: the snippet occurs {count} times in {self.file}; correct {TABLE.name}")
        changed = text.replace(self.find, self.replace)
        try:
            compile(changed, self.file, "exec")
        except SyntaxError as error:
            raise ValueError(f"{self.name}: {self.file} does not compile with the fault ({error})") from error
        return changed


@dataclass(frozen=True)
class Outcome:
    """The result of a mutation: `by` is the first test that failed, "" if it survived."""

    mutation: Mutation
    by: str
    seconds: float


def table(names: Sequence[str]) -> list[Mutation]:
    """The mutations of the table, or those with the given names."""
    rows = tomllib.loads(TABLE.read_text("utf-8"))["mutation"]
    found = [Mutation(**{**row, "tests": tuple(row["tests"])}) for row in rows]
    known = [mutation.name for mutation in found]
    if twice := {name for name in known if known.count(name) > 1}:
        sys.exit(f"names occur twice in {TABLE.name}: {', '.join(sorted(twice))}")
    if unknown := set(names) - set(known):
        sys.exit(f"no mutation is called {', '.join(sorted(unknown))}; see --list")
    return [mutation for mutation in found if not names or mutation.name in names]


class Copies:
    """Copies of the package, each used by one run at a time."""

    def __init__(self, folder: Path, count: int):
        self.free: Queue[Path] = Queue()
        for number in range(count):
            source = folder / str(number) / "src"
            shutil.copytree(ROOT / "src" / "scriven", source / "scriven", ignore=shutil.ignore_patterns("__pycache__"))
            self.free.put(source)

    @contextmanager
    def one(self, mutation: Mutation | None) -> Iterator[Path]:
        """A copy with a fault, which is reverted afterwards."""
        source = self.free.get()
        try:
            if mutation:
                (source / "scriven" / mutation.file).write_text(mutation.mutated(), "utf-8")
            yield source
        finally:
            if mutation:
                shutil.copyfile(ROOT / "src" / "scriven" / mutation.file, source / "scriven" / mutation.file)
            self.free.put(source)


def failing_test(source: Path, tests: Sequence[str], timeout: float) -> str:
    """The first test that fails with the package of `source`, "timeout", or "" if all pass."""
    plugins = ["-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "--tb=no", "-rfE", *plugins, *tests]
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    try:
        ran = subprocess.run(command, cwd=ROOT, env=environment, timeout=timeout, text=True, capture_output=True)
    except subprocess.TimeoutExpired:
        return "timeout"
    if ran.returncode == 0:
        return ""
    failed = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    if ran.returncode != 1 or not failed:
        raise RuntimeError(f"pytest ended with {ran.returncode}:\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}")
    return failed[0].split(" ", 1)[1].split(" - ")[0]


def attempt(mutation: Mutation, copies: Copies, quick: bool, timeout: float) -> Outcome:
    """Run the tests of a mutation and, if none fails, the whole fast suite."""
    begun = time.monotonic()
    with copies.one(mutation) as source:
        by = failing_test(source, mutation.tests, timeout)
        if not by and not quick and not mutation.survives:
            by = failing_test(source, ["tests"], 10 * timeout)
    outcome = Outcome(mutation, by, time.monotonic() - begun)
    print(f"{'caught  ' if by else 'SURVIVED'} {mutation.name:32} {outcome.seconds:5.0f} s  {by}", flush=True)
    return outcome


def report(outcomes: Sequence[Outcome]) -> int:
    """Print the share of mutations caught and every survivor; the exit code."""
    caught = sum(bool(outcome.by) for outcome in outcomes)
    print(f"\n{caught} of {len(outcomes)} mutations caught ({caught / len(outcomes):.1%})")
    wrong = caught < CAUGHT_SHARE * len(outcomes)
    for mutation, by in ((outcome.mutation, outcome.by) for outcome in outcomes):
        if not by:
            print(f"survived: {mutation.name} ({mutation.file}): {mutation.why}")
            print(f"  reason: {mutation.survives or 'none given; add a test or a reason'}")
        if bool(by) == bool(mutation.survives):
            wrong = True
        if by and mutation.survives:
            print(f"caught, though the table says that it survives: {mutation.name}")
    return int(wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="names of mutations; all if none is given")
    parser.add_argument("--list", action="store_true", help="list the mutations")
    parser.add_argument("--check", action="store_true", help="only check that every snippet occurs exactly once")
    parser.add_argument("--quick", action="store_true", help="only the tests that the table names")
    parser.add_argument(
        "--no-baseline", action="store_true", help="do not run the tests on the unchanged package first"
    )
    parser.add_argument("--jobs", type=int, default=2, help="mutations at a time")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for the tests of one mutation")
    options = parser.parse_args()
    chosen, faults = table(options.names), []
    for mutation in chosen:
        try:
            mutation.mutated()
        except ValueError as error:
            faults.append(str(error))
        if options.list:
            print(f"{mutation.name:32} {mutation.file:32} {mutation.why}")
    if faults:
        print("\n".join(faults), file=sys.stderr)
        sys.exit(2)
    if options.list or options.check:
        print(f"{len(chosen)} mutations, every snippet found once")
        return
    with tempfile.TemporaryDirectory(prefix="scriven-mutations-") as folder:
        copies = Copies(Path(folder), options.jobs)
        if not options.no_baseline:
            with copies.one(None) as source:
                tests = sorted({test for mutation in chosen for test in mutation.tests})
                if by := failing_test(source, tests, 10 * options.timeout):
                    sys.exit(f"{by} fails on the unchanged package; mend that first")
        with ThreadPoolExecutor(options.jobs) as pool:
            outcomes = list(pool.map(lambda m: attempt(m, copies, options.quick, options.timeout), chosen))
    sys.exit(report(outcomes))


if __name__ == "__main__":
    main()
