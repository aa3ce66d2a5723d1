"""SIGKILL during `write`, `train` and `adapt`: the same command resumes, with the result of an uninterrupted run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import scriven as package
from scriven.images import encode
from scriven.lines import Line, LinesFolder, LinesWriter

pytestmark = pytest.mark.slow

SMALL_SHARDS = (
    "from functools import partial; import scriven.jobs.write as job; from scriven.lines import StreamSizes; "
    "job.filling = partial(job.filling, sizes=StreamSizes(shard_rows=20)); "
)


def start(arguments: list[str], before: str = "") -> "subprocess.Popen[bytes]":
    home = str(Path(package.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": home, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    call = [sys.executable, "-c", before + "from scriven.cli import main; main()", *arguments]
    return subprocess.Popen(call, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE)


def finished(arguments: list[str], before: str = "") -> None:
    with start(arguments, before) as running:
        _, said = running.communicate(timeout=600)
    assert running.returncode == 0, said.decode()


def killed(arguments: list[str], when: Callable[[], bool], before: str = "") -> None:
    """Run until `when` is true, then send SIGKILL."""
    with start(arguments, before) as running:
        end = time.monotonic() + 300
        while not when() and running.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        assert running.poll() is None, running.stderr.read().decode() if running.stderr else ""
        running.send_signal(signal.SIGKILL)
    assert running.returncode == -signal.SIGKILL


def content(folder: Path, *left: str) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name not in left}


def test_write_resumes_after_two_kills(tmp_path: Path) -> None:
    pytest.importorskip("uharfbuzz")
    (tmp_path / "texts.txt").write_text("bad cab\ndab fed\nabc\n")

    def arguments(out: Path) -> list[str]:
        return ["write", "-o", str(out), "--texts", str(tmp_path / "texts.txt"), "--count", "150"]

    finished(arguments(tmp_path / "whole"), SMALL_SHARDS)
    out = tmp_path / "cut"
    for shard in ("train-00000.parquet", "train-00003.parquet"):
        killed(arguments(out), (out / shard).exists, SMALL_SHARDS)
        assert not LinesFolder(out).about["finished"] and sum(1 for _ in LinesFolder(out).lines())  # it loads
    finished(arguments(out), SMALL_SHARDS)
    assert content(out) == content(tmp_path / "whole")
    with start(arguments(out), SMALL_SHARDS) as again:
        _, said = again.communicate(timeout=60)
    assert again.returncode == 2 and b"finished" in said


def test_train_resumes_after_two_kills(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    lines = tmp_path / "lines"
    with LinesWriter(lines, {"command": "test"}) as writer:
        for n in range(60):
            text = ("ink", "paper", "quill", "letter")[n % 4]
            image = np.full((64, 26 * len(text) + 16), 255, np.uint8)
            cv2.putText(image, text, (6, 42), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 2)
            writer.write(Line(f"l{n}", encode(image), text, hand=f"h{n % 12}"))

    def arguments(out: Path) -> list[str]:
        chosen = [f for pair in ("evaluations=12", "batch_width_px=1200", "ramp=2") for f in ("--set", pair)]
        return ["train", str(lines), "-o", str(out), "--steps", "12", "--size", "tiny", *chosen]

    def rows(out: Path) -> int:
        return len((out / "log.jsonl").read_text().splitlines()) if (out / "log.jsonl").is_file() else 0

    finished(arguments(tmp_path / "whole"))
    out = tmp_path / "cut"
    killed(arguments(out), (out / "weights.safetensors").exists)  # perhaps before there is a state to go on from
    killed(arguments(out), lambda: rows(out) >= 4)
    assert not (out / "model.json").exists()
    finished(arguments(out))
    whole, cut = (content(folder, "README.md") for folder in (tmp_path / "whole", out))
    assert cut.keys() == whole.keys()  # and no half-written file is left
    assert cut["weights.safetensors"] == whole["weights.safetensors"]
    assert cut["reader.onnx"] == whole["reader.onnx"]


def test_adapt_resumes_after_five_kills(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("uharfbuzz")
    accepting = "import scriven.selftrain.rounds as r; r.rejection = r.drift = lambda new, old: None; "
    with LinesWriter(tmp_path / "lines", {"command": "test"}) as writer:
        for n in range(24):
            text = ("ink", "paper", "quill", "letter")[n % 4]
            image = np.full((64, 26 * len(text) + 16), 255, np.uint8)
            cv2.putText(image, text, (4 + n // 4, 42), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 2)
            writer.write(Line(f"l{n}", encode(image)))

    def arguments(out: Path) -> list[str]:
        given = ["adapt", str(tmp_path / "lines"), "-o", str(out), "-m", "scriven-synthetic", "--rounds", "2"]
        return [*given, "--lang", "en", "--set", "steps=2", "--set", "batch_width_px=900"]

    finished(arguments(tmp_path / "whole"), accepting)
    out = tmp_path / "cut"
    for file in ("01/weights.safetensors", "01/done.json", "02/about.json", "02/weights.safetensors", "02/done.json"):
        killed(arguments(out), (out / "rounds" / file).exists, accepting)
        assert not (out / "model.json").exists()
    finished(arguments(out), accepting)
    whole, cut = content(tmp_path / "whole"), content(out)
    assert cut.keys() == whole.keys()  # and no half-written file is left
    for name in ("weights.safetensors", "reader.onnx", "log.jsonl", "report.html", "rounds/02/train-00000.parquet"):
        assert cut[name] == whole[name]
