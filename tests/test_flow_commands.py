"""The commands around a trained scribe: train-scribe, write --like and --between, look."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from scriven.base import InputError
from scriven.images import encode
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.scribes.flow.examples import certainty, hand_of
from scriven.scribes.flow.model import REFERENCE_COLUMNS
from scriven.text import Charset
from toy_flow import toy_flow
from toy_reader import picture, write_model

Run = Callable[..., tuple[int, str, str]]
TEXTS = ("abcd", "dcba", "bad cab", "a cab", "dab", "cad bad")


@pytest.fixture(scope="module")
def scribe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_flow(tmp_path_factory.mktemp("flow") / "hands", hands=2)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    (tmp_path / "texts.txt").write_text("a cab\nbad cab\n", "utf-8")
    return tmp_path / "texts.txt"


def scans(folder: Path) -> Path:
    folder.mkdir()
    for number, text in enumerate(TEXTS):
        (folder / f"{number}.png").write_bytes(encode(picture(text)))
    return folder


def test_generated_pictures_say_so_in_origin_and_in_their_metadata(
    scriven: Run, scribe: Path, texts: Path, tmp_path: Path
) -> None:
    code, out, err = scriven("write", "--scribe", scribe, "--texts", texts, "-o", tmp_path / "out", "--set", "steps=2")
    assert code == 0 and "2 lines written" in out, err
    lines = list(LinesFolder(tmp_path / "out").lines())
    assert [line.text for line in lines] == ["a cab", "bad cab"] and {line.origin for line in lines} == {"generated"}
    assert all(b"tEXtComment\0Generated handwriting" in (line.image or b"") for line in lines)
    assert all(LinesFolder(tmp_path / "out").picture(line).shape[0] == 64 for line in lines)


def test_writing_between_two_hands(scriven: Run, scribe: Path, texts: Path, tmp_path: Path) -> None:
    given = ("write", "--scribe", scribe, "--texts", texts, "--set", "steps=2")
    code, _, err = scriven(*given, "-o", tmp_path / "out", "--between", "hand-0,hand-1", "--set", "blend=0.3")
    assert code == 0, err
    assert {line.hand for line in LinesFolder(tmp_path / "out").lines()} == {"0.3 from hand-0 to hand-1"}
    code, _, err = scriven(*given, "-o", tmp_path / "no", "--between", "hand-0,hand-9")
    assert code == 2 and "no hand 'hand-9'; it has hand-0, hand-1" in err and not (tmp_path / "no").exists()
    code, _, err = scriven("write", "--texts", texts, "-o", tmp_path / "no", "--between", "a,b")
    assert code == 2 and "between" in err


def test_writing_like_pictures(scriven: Run, scribe: Path, texts: Path, tmp_path: Path) -> None:
    given = ("write", "--scribe", scribe, "--texts", texts, "--set", "steps=2")
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "line.webp").write_bytes((Path(__file__).parent / "data" / "line.webp").read_bytes())
    code, _, err = scriven(*given, "-o", tmp_path / "out", "--like", tmp_path / "scans")
    assert code == 0, err
    assert {line.hand for line in LinesFolder(tmp_path / "out").lines()} == {"scans"}
    code, _, err = scriven(*given, "-o", tmp_path / "no", "--like", tmp_path / "none")
    assert code == 2 and "none" in err and "no picture of handwriting" in err
    (tmp_path / "empty").mkdir()
    code, _, err = scriven(*given, "-o", tmp_path / "no", "--like", tmp_path / "empty")
    assert code == 2 and "holds no picture of handwriting" in err


def cloud(seed: int) -> np.ndarray:
    """A picture (100, 900) of something that is no writing."""
    rng, found = np.random.default_rng(seed), np.zeros((100, 900))
    for level in range(7):
        size = (max(2, 900 >> (6 - level)), max(2, 100 >> (6 - level)))
        found += cv2.resize(rng.standard_normal(size[::-1]), (900, 100), interpolation=cv2.INTER_CUBIC) / 1.6**level
    return np.clip(128 + 50 * found, 0, 255).astype(np.uint8)


def test_pictures_that_show_no_writing_are_named(tmp_path: Path) -> None:
    charset, real = Charset(tuple("abcdefghijklmnopqrstuvwxyz ")), Path(__file__).parent / "data" / "line.webp"
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number in range(3):
        (folder / f"cloud-{number}.png").write_bytes(encode(cloud(number)))
    with pytest.raises(InputError, match="holds no picture of handwriting that can be used; the first of 3: cloud-0"):
        hand_of(folder, charset)
    (folder / "line.webp").write_bytes(real.read_bytes())
    hand, skipped = hand_of(folder, charset)
    assert hand.ink.any() and len(skipped) == 3
    said = [one.reason for one in skipped]
    assert all("no writing is read" in one or "is hardly a picture of a line" in one for one in said)


def test_certainty_is_of_the_frames_that_emit_a_character() -> None:
    log_probs = np.log(np.array([[0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [0.3, 0.2, 0.5], [0.99, 0.005, 0.005]]))
    assert certainty(log_probs) == pytest.approx(0.6) and certainty(log_probs[:1]) == 0


def test_a_hand_of_pictures_has_their_ink_and_their_characters(tmp_path: Path) -> None:
    model, charset = write_model(tmp_path / "reader"), Charset(tuple("abcd "))
    hand, skipped = hand_of(scans(tmp_path / "scans"), charset, model)
    assert not skipped and hand.ink.max() > 0.5 and len(hand.ink) <= 8 * REFERENCE_COLUMNS
    assert hand.classes.max() > 0 and (hand.edges[:, 1] >= hand.edges[:, 0]).all()
    alone, _ = hand_of(tmp_path / "scans" / "0.png", charset, model)
    assert "".join(charset.characters[k - 1] for k in alone.classes) == "abcd" and alone.name == "0.png"
    (tmp_path / "scans" / "0.png").write_bytes(b"no picture")
    _, skipped = hand_of(tmp_path / "scans", charset, model)
    assert [Path(one.id).name for one in skipped] == ["0.png"]
    stretched = json.loads((model / "model.json").read_text()) | {"stretch": 1.25}
    (model / "model.json").write_text(json.dumps(stretched))
    wider, _ = hand_of(tmp_path / "scans" / "1.png", charset, model)
    original, _ = hand_of(tmp_path / "scans" / "1.png", charset, write_model(tmp_path / "other"))
    assert np.array_equal(wider.ink, original.ink)  # the picture of the hand is not stretched


def test_look_shows_the_hands_of_a_scribe(scriven: Run, scribe: Path, tmp_path: Path) -> None:
    code, _, err = scriven("look", scribe, "-o", tmp_path / "look.html")
    page = (tmp_path / "look.html").read_text("utf-8")
    assert code == 0 and "hand-0" in page and "hand-1" in page and page.count("data:image/png") == 2, err


def test_training_from_the_command_line(scriven: Run, tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "letters", {"command": "test"}) as writer:
        for number, text in enumerate(TEXTS * 3):
            writer.write(Line(f"l{number}", encode(picture(text)), text, hand=f"h{number % 2}"))
        writer.write(Line("none", encode(picture("ab")), None, hand="h0"))
    small = [
        part for one in ("width=32", "layers=1", "batch=2", "evaluations=1", "read_back=2") for part in ("--set", one)
    ]
    given = (
        "train-scribe",
        tmp_path / "letters",
        "-m",
        write_model(tmp_path / "reader"),
        "--steps",
        2,
        *small,
        "--json",
    )
    code, out, err = scriven(*given, "-o", tmp_path / "hand")
    assert code == 1 and "skipped none" in err, err  # the line without a text is named
    found = json.loads(out)
    assert found["hands"] == 2 and found["skipped"] == 1 and found["read_back"]["n"] == 1
    assert (tmp_path / "hand" / "report.html").is_file() and "writes" in (tmp_path / "hand" / "README.md").read_text()
    code, _, err = scriven(*given, "-o", tmp_path / "hand")
    assert code == 2 and "finished" in err
    code, _, err = scriven("read", "-m", tmp_path / "hand", tmp_path / "letters")
    assert code == 2 and "kind 'scribe', not a recogniser" in err
