"""Training with spawned processes and without `os.pread`, as on Windows."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import scriven
from scriven.lines import LinesFolder
from scriven.reader.trainable import InputSpec
from scriven.training.image_cache import ImageCache
from scriven.training.sources import FixedSource, FolderSource
from toy_pictures import drawn_folder

TEXTS = [f"line {number}" for number in range(12)]
SCRIPT = """
import multiprocessing, os, sys
from scriven.jobs.train import TrainSettings, train

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    del os.pread
    few = TrainSettings(steps=3, size="tiny", evaluations=1, batch_width_px=600, workers=2)
    print(train([sys.argv[1], "fonts:en"], sys.argv[2], settings=few).progress.step)
"""


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pread", raising=False)
    monkeypatch.setattr("multiprocessing.get_start_method", lambda *_: "spawn")


def test_a_source_reads_the_same_without_pread_and_as_a_copy(
    tmp_path: Path, windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = LinesFolder(drawn_folder(tmp_path / "letters", TEXTS))
    source = FolderSource(folder, "train", InputSpec(64, 4))
    fixed = FixedSource(source, [3, 1])
    for made, count in ((source, 12), (fixed, 2)):
        copy = pickle.loads(pickle.dumps(made))
        assert len(copy) == count
        for index in range(count):
            for got, wanted in zip(copy.make(index, 0.0), made.make(index, 0.0), strict=True):
                assert np.array_equal(got, wanted)
    monkeypatch.undo()
    plain = FolderSource(LinesFolder(folder.path), "train", InputSpec(64, 4))
    assert all(np.array_equal(plain.picture(i), source.picture(i)) for i in range(12))


def test_a_cache_with_a_name_is_removed_with_its_owner(
    tmp_path: Path, windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cache = ImageCache(2)
    cache.add(np.arange(6, dtype=np.uint8).reshape(2, 3))
    copy = pickle.loads(pickle.dumps(cache))
    assert copy.get(0).tolist() == [[0, 1, 2], [3, 4, 5]] and len(list(tmp_path.iterdir())) == 1
    del copy
    assert cache.get(0).shape == (2, 3)
    del cache
    assert not list(tmp_path.iterdir())


def test_pictures_are_read_without_pread_and_fork(windows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork", raising=False)
    line = Path(__file__).parent / "data" / "line.webp"
    assert scriven.load("scriven-synthetic").read(line) and scriven.read([line, line], "scriven-synthetic").read == 2


@pytest.mark.slow
def test_workers_can_be_spawned(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    lines = drawn_folder(tmp_path / "letters", TEXTS)
    command = [sys.executable, str(script), str(lines), str(tmp_path / "model")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0 and done.stdout.strip() == "3", done.stderr
    assert (tmp_path / "model" / "reader.onnx").is_file()
