"""scriven judge: the table, the page, and what it refuses."""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

import scriven
from scriven.base import InputError, LinesError, ModelError, OutputError
from scriven.cli import run
from scriven.images import Grey, encode
from scriven.judging.features import OWN
from scriven.judging.legibility import scored, vocabulary
from scriven.judging.sets import JudgedSet
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.lines.sketch import digest, sketch
from scriven.reader.model import ModelInfo
from toy_pictures import drawn

WORDS = ("the", "quick", "brown", "fox", "jumps", "over", "lazy", "dogs")
SLANTS = {"upright": 0.0, "slanted": 0.5, "backward": -0.5}


def written(text: str, hand: str, seed: int) -> Grey:
    """A word in a hand: a slant."""
    picture = drawn(text, seed)
    slant = np.array([[1, -SLANTS[hand], 32 * SLANTS[hand]], [0, 1, 0]], np.float32)
    padded = np.pad(picture, ((0, 0), (24, 24)), constant_values=255)
    return np.asarray(cv2.warpAffine(padded, slant, padded.shape[::-1], borderValue=255), np.uint8)


def folder(path: Path, hands: Sequence[str], seed: int, named: Sequence[str] = (), count: int = 6) -> Path:
    """`count` words in each of some hands, which may go by other names."""
    with LinesWriter(path, {}) as writer:
        for number, (hand, name) in enumerate(zip(hands, named or hands, strict=True)):
            for i in range(count):
                text = WORDS[(i + seed) % len(WORDS)]
                picture = encode(written(text, hand, 100 * seed + 10 * number + i))
                writer.write(Line(f"{number}-{i}", picture, text, hand=name), "train")
    return path


@pytest.fixture
def real(tmp_path: Path) -> Path:
    return folder(tmp_path / "real", tuple(SLANTS), 1, count=8)


def test_the_bundled_network_is_small_and_stored_in_16_bits() -> None:
    assert OWN.stat().st_size < 2_000_000
    about = json.loads((OWN.parent / "hands.json").read_text("utf-8"))
    assert about["hands"] > 500 and about["graph"] == OWN.name
    card = (OWN.parent / "README.md").read_text("utf-8")
    assert "CC BY 4.0" in card and not {"peraire", "hooker", "czech16"} & set(about["collections"])


def test_right_hands_are_told_from_exchanged_ones(real: Path, tmp_path: Path) -> None:
    hands = tuple(SLANTS)
    right = scriven.judge(folder(tmp_path / "right", hands, 2), real, model="none")
    wrong = scriven.judge(folder(tmp_path / "wrong", hands, 2, hands[1:] + hands[:1]), real, model="none")
    good, bad = right.verdict, wrong.verdict
    for better, worse in ((good.recognised, bad.recognised), (good.rank, bad.rank)):
        assert better.generated and worse.generated and better.generated.value > worse.generated.value + 0.3
    assert good.hands_apart.generated and bad.hands_apart.generated
    assert good.hands_apart.generated.value < bad.hands_apart.generated.value
    assert good.frechet.generated and good.frechet.generated.n == (12, 12) and good.recognised.real
    assert right.legibility is None and "nearest hand is its own %" in right.text()


def test_one_hand_among_others(real: Path, tmp_path: Path) -> None:
    """As written with --like: all pictures in one hand, whose name is not in the folder of generated pictures."""
    one = folder(tmp_path / "one", ["slanted"], 1, ["me"], count=8)
    made = folder(tmp_path / "made", ["slanted"], 2, ["scans"])
    done = scriven.judge(made, one, model="none", others=[real])
    assert set(done.generated.hands) == {"me"}
    rank = done.verdict.rank.generated
    assert rank is not None and (rank.hands, rank.n) == (1, 6)
    named = scriven.judge(made, real, model="none", hand="slanted")
    away = scriven.judge(made, real, model="none", hand="backward")
    assert named.verdict.rank.generated and away.verdict.rank.generated
    assert named.verdict.rank.generated.value > away.verdict.rank.generated.value
    with pytest.raises(InputError, match="real has no hand 'me'; it has upright, slanted, backward"):
        scriven.judge(made, real, model="none", hand="me")
    prefixed = folder(tmp_path / "prefixed", ["slanted"], 2, ["real/slanted"])
    assert set(scriven.judge(prefixed, real, model="none").generated.hands) == {"slanted"}


def test_words_of_the_real_texts_and_others_are_scored_apart(real: Path, tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "made", {}) as writer:
        for i, text in enumerate(("quick", "fox", "zebra", "zebra fox")):
            writer.write(Line(f"m{i}", encode(written(text, "upright", i)), text, hand="upright"), "train")
    found = scriven.judge(tmp_path / "made", real, model="scriven-synthetic").legibility
    assert found is not None and found.known and found.unknown and found.generated and found.real
    assert (found.known.n, found.unknown.n, found.generated.n, found.real.n) == (2, 2, 4, 24)
    assert found.known.cer < 1 and found.ratio(found.known) == pytest.approx(found.known.cer / found.real.cer)


def test_the_command_prints_a_table_and_writes_a_page(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "made", tuple(SLANTS), 2)
    assert run(["judge", "made", "real", "-m", "none"]) == 0
    printed = capsys.readouterr().out
    assert "Frechet distance" in printed and "made: 18 generated pictures in 3 hands" in printed
    page = (tmp_path / "made-judge.html").read_text("utf-8")
    assert "left, generated" in page and "Nearest to a real picture" in page and page.count("data:image/png") > 10
    assert run(["judge", "made", "real", "-m", "none", "--json"]) == 0  # its own page is overwritten
    data = json.loads(capsys.readouterr().out)
    assert data["kernel"]["generated"]["n"] == [12, 12] and data["recognised"]["real"]["n"] == 12
    (tmp_path / "notes.html").write_text("mine")
    with pytest.raises(OutputError, match="is not a page of `scriven judge`"):
        scriven.judge("made", "real", page="notes.html")


def test_folders_that_cannot_be_judged_are_named(real: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(LinesError, match="empty"):
        scriven.judge(tmp_path / "empty", real, model="none")
    single = folder(tmp_path / "single", ["upright"], 2, count=1)
    with pytest.raises(InputError, match="a set of 1 pictures has no spread"):
        scriven.judge(single, real, model="none")
    with LinesWriter(tmp_path / "blank", {}) as writer:
        for i in range(3):
            writer.write(Line(f"b{i}", encode(np.full((64, 99), 255, np.uint8)), "x"), "train")
    with pytest.raises(InputError, match="no picture that can be judged: .*shows no writing"):
        scriven.judge(tmp_path / "blank", real, model="none")
    with pytest.raises(LinesError, match="has no split 'test'; it has train"):
        scriven.judge(real, real, model="none", settings=scriven.jobs.judge.JudgeSettings(split="test"))
    (tmp_path / "foreign.onnx").write_text("nothing")
    with pytest.raises(ModelError, match="foreign.onnx is damaged or of an unknown kind"):
        scriven.judge(real, real, model="none", features=tmp_path / "foreign.onnx")


def test_a_reader_that_knows_the_real_lines_or_chose_the_pictures_is_pointed_out(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder(tmp_path / "made", tuple(SLANTS), 2)
    assert scriven.judge(made, real, model="scriven-synthetic").notes == ()
    (made / "gate.json").write_text(json.dumps({"reader": "scriven-synthetic"}), "utf-8")
    told = scriven.judge(made, real, model="scriven-synthetic")
    assert len(told.notes) == 1 and "scriven-synthetic also read these pictures back" in told.text()
    assert told.as_json()["notes"] == list(told.notes)
    images = [line.image for line in LinesFolder(real).lines()]
    monkeypatch.setattr(ModelInfo, "sketches", lambda self: {sketch(map(digest, images))})
    told = scriven.judge(made, real, model="scriven-synthetic")
    assert "scriven-synthetic was trained on about 100 %" in told.notes[0] and len(told.notes) == 2


def test_punctuation_and_case_make_no_word_unknown(tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "real", {}) as writer:
        writer.write(Line("a", encode(drawn("x", 1)), "The House, (fox)"), "train")
    words = vocabulary(tmp_path / "real")
    assert {"the", "house", "fox"} <= words
    some = JudgedSet("", np.zeros((2, 1), np.float32), ("1", "2"), ("house fox.", "house dogs"), ("", ""), (b"", b""))
    known, unknown = (scored(some, ["house fox.", "house dogs"], words, one) for one in (True, False))
    assert known is not None and unknown is not None and known.n == unknown.n == 1 and known.cer == 0
