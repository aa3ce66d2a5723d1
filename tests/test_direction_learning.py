"""Text from right to left is learnt exactly as the same pictures labelled from left to right in visual order."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scriven.images import decode, encode
from scriven.jobs.score import score
from scriven.jobs.train import TrainSettings, train
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.metrics import score as measured
from scriven.reader.session import Reader
from scriven.scribes.fonts import FontSettings
from scriven.scribes.fonts.scribe import FontScribe
from scriven.scribes.typefaces import bundled
from scriven.text import logical, visual

pytestmark = pytest.mark.slow

HEBREW = "אגלש"
DRAWN = "cgto"  # the shapes that stand for these letters
LEFT_TO_RIGHT = "აბგდ"  # Georgian: labels of the same shapes which no algorithm reorders; sorted as the Hebrew ones are
LATIN = "ab"
STEPS = 150


def by_hand(text: str) -> str:
    """The visual order of a text, without the bidirectional algorithm: all reversed, Latin letters and digits back."""
    runs: list[str] = []
    for character in text:
        if runs and (character in HEBREW + " ()") == (runs[-1][-1] in HEBREW + " ()"):
            runs[-1] += character
        else:
            runs.append(character)
    swapped = str.maketrans("()", ")(")
    return "".join(run[::-1].translate(swapped) if run[0] in HEBREW + " ()" else run for run in reversed(runs))


def texts(rng: np.random.Generator, count: int) -> list[str]:
    """Words of Hebrew letters, as in the reported case, and every third line with Latin letters, digits or brackets."""

    def word(letters: str, most: int) -> str:
        return "".join(rng.choice(list(letters), rng.integers(2, most + 1)))

    made = []
    for number in range(count):
        text = word(HEBREW, 5)
        if number % 3 == 0:
            middle = (word(LATIN, 2), word("12", 2), f"({word(HEBREW, 2)})")[number // 3 % 3]
            text = f"{text} {middle} {word(HEBREW, 3)}"
        made.append(text)
    return made


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same pictures twice: labelled in logical order, and with Georgian letters in the visual order."""
    home = tmp_path_factory.mktemp("lines")
    rng = np.random.default_rng(4)
    scribe = FontScribe(
        [face for face in bundled() if face.id == "patrick-hand"], FontSettings(hands=4, tight=0.0, tight_words=0.0)
    )
    pictures = []
    for text in texts(rng, 240):
        seen = by_hand(text)
        drawn = scribe.write(seen.translate(str.maketrans(HEBREW, DRAWN)), rng, strength=0.1).picture
        pictures.append((encode(drawn), text, seen.translate(str.maketrans(HEBREW, LEFT_TO_RIGHT))))
    for name, column in (("logical", 1), ("visual", 2)):
        with LinesWriter(home / name, {}) as writer:
            for number, row in enumerate(pictures):
                writer.write(Line(f"l{number:03d}", row[0], row[column]), "train" if number < 200 else "test")
    return home / "logical", home / "visual"


def test_the_order_by_hand_is_that_of_the_bidirectional_algorithm() -> None:
    lines = texts(np.random.default_rng(5), 300)
    assert [visual(text) for text in lines] == [by_hand(text) for text in lines]
    assert [logical(by_hand(text)) for text in lines] == lines


def test_logical_order_is_learnt_as_the_visual_order_is(folders: tuple[Path, Path], tmp_path: Path) -> None:
    settings = TrainSettings(
        steps=STEPS, size="tiny", batch_width_px=512, evaluations=3, seed=1, replicas=1, lr=3e-3, ema=0.97
    )
    threads = torch.get_num_threads()
    readings, weights = [], []
    for folder in folders:
        model = tmp_path / folder.name
        torch.set_num_threads(1)  # sums in the same order, so that the weights are equal to the last bit
        train([folder], model, settings=settings)
        torch.set_num_threads(threads)
        weights.append(load_file(model / "weights.safetensors"))
        pictures = [(line.id, decode(line.image, line.id)) for line in LinesFolder(folder).lines("test")]
        readings.append([reading.text for reading in Reader.load(model, threads=1).read(pictures)])
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])
    assert readings[0] == [logical(text.translate(str.maketrans(LEFT_TO_RIGHT, HEBREW))) for text in readings[1]]

    logical_labels, visual_labels = ([line.text or "" for line in LinesFolder(f).lines("test")] for f in folders)
    mixed = [" " in text for text in logical_labels]
    pure_logical, pure_visual = (
        measured([t for t, m in zip(labels, mixed, strict=True) if not m],
                 [t for t, m in zip(texts, mixed, strict=True) if not m])
        for labels, texts in ((logical_labels, readings[0]), (visual_labels, readings[1]))
    )  # fmt: skip
    assert pure_logical.edits == pure_visual.edits and pure_logical.cer < 0.1
    overall = score(tmp_path / "logical", [folders[0]], split="test").overall()
    assert overall.cer == measured(logical_labels, readings[0]).cer < 0.15  # scored in logical order
    exact = [a == b for a, b, m in zip(logical_labels, readings[0], mixed, strict=True) if m]
    assert sum(exact) > 0.5 * len(exact)  # lines of both directions come back in logical order
