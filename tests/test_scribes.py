"""The contract of scribes, over SCRIBES and a toy scribe; a new scribe needs only a file and a row."""

import dataclasses
import inspect
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from scriven.base import SettingsError, TextError
from scriven.jobs.train import TrainSettings, train
from scriven.jobs.write import settings_with, write
from scriven.lines import LinesFolder
from scriven.scribes import SCRIBES, Scribe
from scriven.scribes.specs import SyntheticInput, default_settings, maker_of, scribe_of, synthetic_input
from toy_bank import toy_bank
from toy_flow import toy_flow
from toy_lines import some
from toy_lines import write as lines_folder
from toy_scribe import ToySettings, toy_scribe
from toy_wordstylist import toy_wordstylist

NAMES = [*SCRIBES, "toy"]  # "stackmix" is tested with a small bank, "flow" and "wordstylist" with random weights
ORIGINS = {"flow": "generated", "wordstylist": "generated"}  # of others their names
WORDS = ("ink", "paper", "quill", "letter", "seal", "wax", "desk", "folio", "hand", "script")


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCRIBES, "toy", toy_scribe)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_bank(tmp_path_factory.mktemp("stackmix") / "bank")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_flow(tmp_path_factory.mktemp("flow") / "model", hands=4)


@pytest.fixture(scope="module")
def diffusion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_wordstylist(tmp_path_factory.mktemp("wordstylist") / "model")


@pytest.fixture(params=NAMES)
def spec(request: pytest.FixtureRequest) -> str:
    needed = {"stackmix": "bank", "flow": "model", "wordstylist": "diffusion"}.get(request.param)
    return f"{request.param}:{request.getfixturevalue(needed)}" if needed else str(request.param)


@pytest.fixture
def scribe(spec: str) -> Scribe:
    return scribe_of(spec)


def ink(scribe: Scribe, text: str, seed: int, hand: int | None = None, strength: float = 1.0) -> np.ndarray:
    return scribe.write(text, np.random.default_rng(seed), hand=hand, strength=strength).picture


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.array_equal(a, b)


def test_text_hand_and_seed_each_change_the_ink(scribe: Scribe, spec: str) -> None:
    first = ink(scribe, "paper", 1, hand=2)
    assert same(first, ink(scribe, "paper", 1, hand=2)) and same(first, ink(scribe_of(spec), "paper", 1, hand=2))
    assert not same(first, ink(scribe, "papex", 1, hand=2))
    assert not same(first, ink(scribe, "paper", 1, hand=3))
    assert not same(first, ink(scribe, "paper", 2, hand=2))
    assert same(ink(scribe, "paper", 1, hand=2, strength=0), ink(scribe, "paper", 2, hand=2, strength=0))


def test_a_picture_is_grey_with_dark_ink_on_light_paper(scribe: Scribe) -> None:
    for text in ("a", "paper and ink"):
        picture = ink(scribe, text, 0, strength=0)
        assert picture.dtype == np.uint8 and picture.ndim == 2
        assert np.median(picture) > 200 and picture.min() < 100


def test_pictures_do_not_depend_on_earlier_ones(scribe: Scribe, spec: str) -> None:
    texts = ["ink", "a quill", "seal and wax", "7 folio"]
    forth = [scribe.write(text, np.random.default_rng(i)) for i, text in enumerate(texts)]
    other = scribe_of(spec)
    back = [other.write(texts[i], np.random.default_rng(i)) for i in reversed(range(len(texts)))][::-1]
    for a, b in zip(forth, back, strict=True):
        assert same(a.picture, b.picture) and (a.text, a.hand) == (b.text, b.hand)


def test_the_label_is_the_normalised_text(scribe: Scribe) -> None:
    assert scribe.write(" ink  and\tpaper ", np.random.default_rng(0)).text == "ink and paper"


def test_hands_are_numbered_and_named(scribe: Scribe) -> None:
    assert scribe.hands >= 2
    numbers = [0, 1, scribe.hands - 1]
    names = {scribe.write("ink", np.random.default_rng(0), hand=number).hand for number in numbers}
    assert len(names) == len(numbers) and all(names)
    drawn = {scribe.write("ink", np.random.default_rng(seed)).hand for seed in range(12)}
    assert len(drawn) > 1  # none given: a random one


def test_characters_that_no_hand_can_write_are_refused_by_name(scribe: Scribe) -> None:
    assert scribe.refusal("paper") is None
    assert "U+4E2D" in (scribe.refusal("ink 中") or "") and "empty" in (scribe.refusal(" ") or "")
    for hand in (None, 0):
        with pytest.raises(TextError, match="U\\+4E2D"):
            scribe.write("ink 中", np.random.default_rng(0), hand=hand)
        with pytest.raises(TextError, match="empty"):
            scribe.write(" ", np.random.default_rng(0), hand=hand)


def test_origin_licence_settings_and_skipped(scribe: Scribe, spec: str) -> None:
    assert scribe.origin and isinstance(scribe.licence, str) and not list(scribe.skipped)
    assert scribe.settings == default_settings(spec)
    assert json.loads(json.dumps(dataclasses.asdict(scribe.settings)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        scribe.settings.height = 1
    assert list(inspect.signature(maker_of(spec)[0]).parameters) == ["argument", "settings"]


def test_a_scribe_travels_to_another_process(scribe: Scribe) -> None:
    other = pickle.loads(pickle.dumps(scribe))
    assert same(ink(other, "paper", 3), ink(scribe, "paper", 3)) and other.refusal("中") == scribe.refusal("中")


def test_an_item_is_the_same_with_any_number_of_workers(spec: str, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("paper\nink\n中\n", "utf-8")
    for workers in (1, 2):
        done = write(tmp_path / f"{workers}", str(tmp_path / "texts.txt"), scribe=spec, count=70, workers=workers)
        assert done.lines == 47 and len(done.skipped) == 23 and "U+4E2D" in done.skipped[0].reason
    one, two = (sorted((tmp_path / n).iterdir()) for n in "12")
    assert [f.read_bytes() for f in one] == [f.read_bytes() for f in two]
    lines = list(LinesFolder(tmp_path / "1").lines())
    assert {line.text for line in lines} == {"paper", "ink"}
    assert {line.origin for line in lines} == {ORIGINS.get(name := spec.partition(":")[0], name)}
    assert len({line.hand for line in lines}) > 1


# --- a second scribe ------------------------------------------------------------------------------------------------


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    (tmp_path / "words.txt").write_text("\n".join(WORDS), "utf-8")
    return tmp_path / "words.txt"


def test_write_accepts_the_scribe_with_settings_and_argument(texts: Path, tmp_path: Path, scriven) -> None:
    command = ("write", "--texts", texts, "--scribe", "toy:q", "--set", "size=0.5", "--set", "top=10", "--json")
    code, out, err = scriven(*command, "-o", tmp_path / "out")
    assert code == 1 and json.loads(out)["lines"] == 9 and "U+0071" in err  # quill
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    assert about["settings"]["toy"] == {"height": 64, "size": 0.5} and "OpenCV" in about["licence"]
    assert "--scribe toy:q " in about["command"]
    thin = write(tmp_path / "thin", str(texts), scribe="toy")
    ink_of = [next(LinesFolder(tmp_path / name).lines()).image for name in ("out", "thin")]
    assert thin.lines == 10 and ink_of[0] != ink_of[1]
    with pytest.raises(SettingsError, match="did you mean 'size'"):
        settings_with(["sise=3"], "toy")
    with pytest.raises(SettingsError, match="no setting 'slant'"):
        settings_with(["slant=0,0"], "toy")


def test_a_network_can_be_trained_on_the_scribe(texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone and with a lines folder; model.json records the training data."""
    monkeypatch.setattr("scriven.training.publish.export", lambda net, path: path.write_bytes(b"graph"))
    chosen = TrainSettings(steps=2, size="tiny", batch_width_px=1200, evaluations=1, ramp=1, validate_fonts=4)
    done = train([f"toy:{texts}"], tmp_path / "alone", settings=chosen)
    assert done.info.data == [{"path": f"toy:{texts}", "origin": "toy"}] and not done.info.only_typefaces
    assert done.validated_on == "synthetic picture" and done.progress.step == 2
    write(tmp_path / "lines", str(texts), scribe="toy")
    mixed = train([tmp_path / "lines", f"toy:x@{texts}"], tmp_path / "mixed", settings=chosen)
    assert [row.get("origin") for row in mixed.info.data] == [None, "toy"]


# --- specs ----------------------------------------------------------------------------------------------------------


def test_specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for given, expected in (
        ("fonts:fr+de", ("fonts", "fr+de")),
        ("toy:qx@fr", ("toy:qx", "fr")),
        ("fonts:a@b/@fr", ("fonts:a@b/", "fr")),
        ("fonts:list.csv", ("fonts", "list.csv")),
    ):
        assert synthetic_input(given) == SyntheticInput(*expected)
    (tmp_path / "me@home.txt").write_text("ink\n")
    assert synthetic_input("fonts:me@home.txt") == SyntheticInput("fonts", "me@home.txt")
    (tmp_path / "odd:name").mkdir()
    for path in ("letters/", "odd:name", "C:/letters", Path("x"), "https://example.org/x", "fonts"):
        assert synthetic_input(path) is None
    assert scribe_of("toy", ToySettings(size=0.4)).settings.size == 0.4


def test_an_unknown_scribe_is_refused_with_a_list(texts: Path, tmp_path: Path, scriven) -> None:
    lines_folder(tmp_path / "lines", some(4))
    said = "there is no scribe 'pen'; there are: fonts, stackmix, flow, wordstylist, toy"
    for command in (
        ("write", "--texts", texts, "--scribe", "pen:x", "-o", tmp_path / "out"),
        ("train", "pen:fr", "--steps", 1, "-o", tmp_path / "out"),
        ("train", tmp_path / "lines", "pen:fr", "--steps", 1, "-o", tmp_path / "out"),
        ("adapt", tmp_path / "lines", "--set", "scribe=pen", "-o", tmp_path / "out"),
    ):
        code, _, err = scriven(*command)
        assert code == 2 and said in err, command
        assert not (tmp_path / "out").exists()
