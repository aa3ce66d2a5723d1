"""Right-to-left text in training, reading and scoring."""

from pathlib import Path

import numpy as np
import pytest

from scriven.images import encode
from scriven.jobs.score import score
from scriven.language.model import CharLM
from scriven.lines import Line, LinesFolder, LinesWriter, Reading
from scriven.lines.training_set import training_characters
from scriven.reader.ctc_decoder import CtcDecoder
from scriven.reader.model import read_info
from scriven.reader.session import Reader
from scriven.reader.trainable import InputSpec, faults
from scriven.text import Charset, visual
from toy_reader import LETTERS, picture, write_model

HEBREW = tuple("אבגדה1( ")  # the letters of a to e, and 1 for f
TEXTS = ["אב גד", "דבא", "הא בגד הה", "אב 11 גד"]


def drawn(text: str) -> np.ndarray:
    """The picture of a Hebrew text: its letters from right to left."""
    return picture("".join(LETTERS[HEBREW.index(c)] for c in visual(text)))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("rtl") / "model", charset=HEBREW)


def read(model: Path, text: str, decoder: CtcDecoder | None = None) -> Reading:
    return next(Reader.load(model, threads=1).read([("x", drawn(text))], decoder))


def test_readings_are_in_logical_order(model: Path) -> None:
    for text in TEXTS:
        reading = read(model, text)
        assert reading.text == text == "".join(c.text for c in reading.characters)
    starts = [c.start for c in read(model, "אב גד").characters]
    assert starts == sorted(starts, reverse=True)  # the first letter is the rightmost
    one, other = (c.start for c in read(model, "אב 11 גד").characters if c.text == "1")
    assert one < other


def test_language_models_and_word_lists_use_visual_order(model: Path) -> None:
    info = read_info(model)
    frames = np.full((5, len(HEBREW) + 1), -9, np.float32)  # two letters, each א or ב
    frames[::2, 0] = 9
    frames[1::2, 1:3] = 9
    lm = CharLM.train(["אב גד הא אב"] * 9)
    words = CharLM.train((), words={"אב": 5.0, "גד": 1.0})
    for decoder in (CtcDecoder(info, None, lm), CtcDecoder(info, None, words), CtcDecoder(info, None, None, ["אב"])):
        assert decoder.reading("x", frames).text == "אב"
    assert CtcDecoder(info, None, None, ["בא"]).reading("x", frames).text == "בא"
    assert lm.logprob("אב גד") > lm.logprob("דג בא") + 1 and words.logprob("אב") > words.logprob("בא") + 1


def test_scores_compare_logical_texts(model: Path, tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "l", {}) as writer:
        for n, text in enumerate(TEXTS):
            writer.write(Line(f"{n}", encode(drawn(text)), text), "test")
    scores = score(model, [tmp_path / "l"])
    assert scores.overall().cer == 0 and scores.overall().n == len(TEXTS) and not scores.missing


def test_the_character_set_and_the_checks_of_lines_use_visual_order(tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "l", {}) as writer:
        writer.write(Line("a", encode(drawn("אב")), "(אב"))  # the bracket is seen as its mirror image
    assert training_characters(LinesFolder(tmp_path / "l")) == set("אב) ")
    closing, opening = (InputSpec(64, 4, Charset(tuple(letters))) for letters in ("אב)", "אב("))
    assert not faults("(אב", 64, closing) and faults("(אב", 64, opening)


def test_the_loss_uses_visual_order() -> None:
    torch = pytest.importorskip("torch")
    from scriven.recognisers.ctc_head import ctc_loss

    torch.manual_seed(0)
    hebrew, latin = Charset(tuple("אבגד ")), Charset(tuple("abcd "))
    logits, steps = torch.randn(2, 30, 6), torch.tensor([30, 25])
    right = ctc_loss(logits, steps, ["אבג דא", "דדא"], hebrew)
    left = ctc_loss(logits, steps, ["ad cba", "add"], latin)
    assert float(right) == pytest.approx(float(left))
    assert float(ctc_loss(logits, steps, ["abc da", "dda"], latin)) != pytest.approx(float(left))
