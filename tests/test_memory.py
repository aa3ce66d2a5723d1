"""Memory is bounded: reading ten thousand lines, scoring 25,000 words and training on 100,000."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import scriven as package
from scriven.images import encode
from scriven.lines import Line, LinesWriter
from toy_reader import LETTERS, picture, write_model

pytestmark = pytest.mark.slow

# On Linux, ru_maxrss includes the memory of the parent at the time of the fork; VmHWM does not.
PEAK = """
import resource, sys
from scriven.cli import run
code = run(sys.argv[1:])
if sys.platform == "linux":
    peak = next(int(line.split()[1]) >> 10 for line in open("/proc/self/status") if line.startswith("VmHWM"))
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20
print("PEAK", peak)
sys.exit(code)
"""


def peak(*arguments: object) -> int:
    """Peak resident memory (MB) of a command line, in a separate process."""
    home = str(Path(package.__file__).parents[1])
    policy = {"OMP_WAIT_POLICY": "PASSIVE", "THP_MEM_ALLOC_ENABLE": "1"}  # as `main` sets them
    environment = {**os.environ, **policy, "PYTHONPATH": home, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    megabytes = int(done.stdout.rpartition("PEAK")[2])
    print(arguments[1], megabytes, "MB")
    return megabytes


def word(number: int) -> tuple[str, bytes]:
    text = "".join(LETTERS[(number * 31 + 5 * i) % 7] for i in range(2 + number % 13))
    return text, encode(cv2.resize(picture(text), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100,000 words: 500 small pictures repeated, with different ids and hands."""
    folder, words = tmp_path_factory.mktemp("many") / "words", [word(n) for n in range(500)]
    with LinesWriter(folder, {"command": "test"}) as writer:
        for n in range(100_000):
            text, image = words[n % 500]
            split = "test" if n % 4 == 0 else "valid" if n % 100 == 1 else "train"
            writer.write(Line(f"w{n}", image, text, hand=f"h{n % 90}"), split)
    return folder


def test_ten_thousand_lines_are_read_in_700_mb(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(LETTERS[i] for i in rng.integers(0, 7, rng.integers(30, 90))) for _ in range(50)]
    pictures = [encode(picture(text)) for text in texts]
    with LinesWriter(tmp_path / "lines", {"command": "test"}) as writer:
        for n in range(10_000):
            writer.write(Line(f"l{n}", pictures[n % 50], texts[n % 50]))
    model, out = write_model(tmp_path / "toy"), tmp_path / "out.json"
    assert peak("-q", "read", tmp_path / "lines", "-m", model, "--threads", 1, "-o", out) < 700
    assert out.stat().st_size > 10_000_000


def test_twenty_five_thousand_words_of_a_hundred_thousand_are_scored_in_600_mb(many: Path, tmp_path: Path) -> None:
    model = write_model(tmp_path / "toy")
    assert peak("-q", "score", model, many, "--split", "test", "--threads", 1) < 600


def test_a_hundred_thousand_words_are_trained_on_in_1500_mb(many: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    arguments = ("--steps", 12, "--size", "tiny", "--set", "evaluations=1", "--set", "validate_on=200")
    assert peak("-q", "train", many, "-o", tmp_path / "model", *arguments) < 1500
