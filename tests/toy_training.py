"""Small lines folders of words, and settings with which a network trains on them in seconds."""

import cv2
import numpy as np
import pytest

from scriven.images import encode
from scriven.jobs.train import TrainSettings
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.reader.trainable import InputSpec
from scriven.training.loader import Mixture, Plan
from scriven.training.sources import FolderSource

WORDS = ("ink", "paper", "quill", "letter", "seal", "wax", "desk", "folio", "hand", "script")


def picture(text: str, size: float = 1.0) -> np.ndarray:
    image = np.full((64, int(26 * len(text) * size) + 16), 255, np.uint8)
    cv2.putText(image, text, (6, 42), cv2.FONT_HERSHEY_SIMPLEX, size, 0, 2)
    return image


def folder(path, count=40, extra=(), splits=("train", "valid")):
    with LinesWriter(path, {"command": "test"}) as writer:
        for split in splits:
            for i in range(count if split == "train" else 8):
                text = WORDS[i % len(WORDS)]
                writer.write(Line(f"{split}{i}", encode(picture(text)), text, hand=f"h{i % 3}"), split)
        for line in extra:
            writer.write(line)
    return path


def settings(**changes):
    return TrainSettings(**{"steps": 6, "size": "tiny", "batch_width_px": 1200, "evaluations": 3, "ramp": 2, **changes})


def brief_settings(**changes):
    return TrainSettings(**{"steps": 2, "size": "tiny", "batch_width_px": 600, "evaluations": 1, "ramp": 2, **changes})


class Stopped(Exception):
    """Raised by a test in place of what follows."""


def captured_plans(monkeypatch, module):
    """The plans of training runs that `module` begins from now on; each run ends with Stopped instead of training."""
    plans = []

    def fit(run, plan, *rest):
        plans.append(plan)
        raise Stopped

    monkeypatch.setattr(module, "fit", fit)
    return plans


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("data") / "lines")


@pytest.fixture(autouse=True)
def no_export(monkeypatch):
    """No export of the reading graph, which has its own tests."""
    monkeypatch.setattr("scriven.training.publish.export", lambda net, path: path.write_bytes(b"graph"))


def plan(lines, batch_width_px=1200):
    source = FolderSource(LinesFolder(lines), "train", InputSpec(64, 4))
    return Plan(Mixture.of([source]), seed=3, batch_width_px=batch_width_px)
