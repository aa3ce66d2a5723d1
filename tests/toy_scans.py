"""Fixtures: pictures of toy lines as a folder, as a lines folder, and a model that reads them."""

from pathlib import Path

import numpy as np
import pytest

from scriven.images import encode
from scriven.lines import Line, LinesWriter
from toy_reader import LETTERS, picture, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    rng = np.random.default_rng(0)
    return ["".join(rng.choice(LETTERS[:-1], rng.integers(2, 9))) for _ in range(40)]


@pytest.fixture
def scans(tmp_path: Path, texts: list[str]) -> Path:
    """A folder of 40 pictures, 00.png to 39.png."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for i, text in enumerate(texts):
        (folder / f"{i:02d}.png").write_bytes(encode(picture(text)))
    return folder


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Path:
    """A lines folder: 30 labelled test lines and one without text, 10 train lines."""
    folder = tmp_path_factory.mktemp("letters") / "letters"
    with LinesWriter(folder, {"command": "test"}) as writer:
        for i, text in enumerate(texts):
            split = "test" if i < 30 else "train"
            writer.write(Line(f"l{i}", encode(picture(text)), text, hand=f"h{i % 6}", page=f"p{i // 10}"), split)
        writer.write(Line("unlabelled", encode(picture("abc"))), "test")
    return folder
