"""The StackMix scribe: what it assembles and refuses, paper, training with it. Its contract is in test_scribes."""

import json
from pathlib import Path

import numpy as np
import pytest

from scriven.base import InputError, SettingsError, TextError
from scriven.base.settings import override
from scriven.images import ink_mask
from scriven.jobs.train import TrainSettings, train
from scriven.jobs.write import write
from scriven.lines import Line, LinesFolder
from scriven.reader.trainable import InputSpec
from scriven.recognisers import build
from scriven.scribes.specs import SyntheticInput, scribe_of, synthetic_input
from scriven.scribes.stackmix import stackmix_scribe
from scriven.scribes.stackmix.assembly import smoothed
from scriven.scribes.stackmix.bank import ABOUT, CHARACTERS, KEYS, LINES, ORDER, PIXELS, Bank
from scriven.scribes.stackmix.choice import Chooser
from scriven.scribes.stackmix.measures import Measures, measures, shifts, slant_of, upright
from scriven.scribes.stackmix.scribe import StackMixScribe
from scriven.scribes.stackmix.settings import StackMixSettings
from scriven.scribes.stackmix.writer import BankWriter
from scriven.text import Charset, normalise, visual
from scriven.training.data import TrainingData
from scriven.training.sources import ScribeSource
from toy_bank import TEXTS, toy_bank
from toy_drawing import drawing

SOME = Measures(32.0, 0.0, 20.0, 0.0, 3.0, 20.0, 235.0, 0.0)
CLEAN = StackMixSettings(variety=0, smoothing=0, seam=0, margin=(0, 0))


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_bank(tmp_path_factory.mktemp("stackmix") / "bank")


@pytest.fixture(scope="module")
def scribe(bank: Path) -> StackMixScribe:
    return StackMixScribe(bank)


def bars(folder: Path, rows: list[tuple[str, str, int]], height: int = 64) -> Bank:
    """A bank of lines of vertical bars: (text, hand, grey value); a character is 20 px wide, its bar 8 px."""
    with BankWriter(folder, height) as writer:
        for number, (given, hand, grey) in enumerate(rows):
            size = len(normalise(given))
            picture = np.full((height, 20 * size), 235, np.uint8)
            for k, character in enumerate(visual(normalise(given))):
                if character != " ":
                    picture[20 + ord(character) % 7 : 44, 20 * k + 6 : 20 * k + 14] = grey
            edges = np.arange(size)[:, None] * 20.0 + [0, 20]
            measured = SOME._replace(ink=float(grey))
            writer.add(Line(f"{number}", b"", given, hand=hand), picture, edges, np.ones(size, bool), measured)
        writer.finish({})
    return Bank.open(folder)


def column_ink(picture: np.ndarray) -> int:
    """The number of bars in a picture."""
    dark = (picture < 150).any(axis=0)
    return int(np.count_nonzero(np.diff(np.concatenate([[False], dark])) & dark))


# --- what is assembled ------------------------------------------------------------------------------------------------


def test_every_character_of_a_text_is_in_the_picture(tmp_path: Path) -> None:
    """Each is a bar, so that a picture has as many as its text has letters, whatever the spans."""
    bars(tmp_path / "bank", [("abcdefgh", "x", 20), ("hgfedcba", "y", 20), ("ab cd ef", "x", 30)])
    for mixing in ("free", "hand"):
        scribe = StackMixScribe(tmp_path / "bank", StackMixSettings(mixing=mixing, smoothing=0))
        for seed, text in enumerate(("abc", "dd", "hab cafe", "fed ba", "a", "abcdefgh abcdefgh")):
            if scribe.refusal(text) is None:
                made = scribe.write(text, np.random.default_rng(seed))
                assert made.text == text and column_ink(made.picture) == len(text.replace(" ", "")), text


def test_a_text_of_a_line_is_assembled_as_that_line(tmp_path: Path) -> None:
    """Without variation, up to eight characters of a line come back pixel by pixel."""
    bank = bars(tmp_path / "bank", [("abc", "x", 20), ("xyz", "y", 60)])
    picture = StackMixScribe(tmp_path / "bank", CLEAN).write("xyz", np.random.default_rng(0), strength=0).picture
    whole = np.asarray(bank.pixels[60:120]).T
    inked = np.flatnonzero((whole < 200).any(axis=0))
    assert np.array_equal(picture, whole[:, inked[0] - 1 : inked[-1] + 2])


def test_slanted_writing_is_cut_upright_and_comes_back_slanted() -> None:
    picture = drawing(240)
    found = measures(picture)
    assert found is not None and 0.15 < found.slant < 0.5  # 9 px in 34
    assert slant_of(ink_mask(np.ascontiguousarray(picture[:, ::-1]))) == pytest.approx(-found.slant, abs=0.1)
    straight = upright(picture, found.slant, 235)
    assert abs(slant_of(ink_mask(straight))) < 0.1
    back = upright(straight, -found.slant, 235)
    inside = slice(40, -40)
    assert np.array_equal(back[:, inside], picture[:, inside])
    assert (shifts(64, 0.5)[[0, 32, 63]] == [16, 0, -16]).all()
    assert upright(picture, 9.0, 235).shape == picture.shape  # moved out of the picture: paper


@pytest.mark.parametrize("hands", [("dark", "pale"), ("same", "same")])
def test_the_first_span_decides_and_alike_ones_are_preferred(tmp_path: Path, hands: tuple[str, str]) -> None:
    """By the measurements of their lines, and where these are the same by hand."""
    inks = (20, 120) if hands[0] == hands[1] else (20, 20)
    rows = [(text, hand, ink) for hand, ink in zip(hands, inks, strict=True) for text in ("ab", "cd", "ab", "cd")]
    bank = bars(tmp_path / "bank", rows)
    firsts = set()
    for seed in range(20):
        places = Chooser(bank).places("abcd", bank.tokens("abcd", 8), np.random.default_rng(seed), 0.1)
        assert len({place // 12 for place in places.tolist()}) == 1  # four lines of two characters and a break
        firsts.add(int(places[0]) // 12)
    assert firsts == {0, 1}


def test_spans_of_other_ink_paper_and_height_are_made_like_the_first(tmp_path: Path) -> None:
    bars(tmp_path / "bank", [("ab", "x", 20), ("cd", "y", 120)])
    scribe = StackMixScribe(tmp_path / "bank", CLEAN)
    picture = scribe.write("abcd", np.random.default_rng(0), strength=0).picture
    dark = picture.min(axis=0)
    assert column_ink(picture) == 4 and set(dark[dark < 200].tolist()) <= {19, 20, 21}


def test_spans_that_stood_beside_the_same_letters_are_preferred(tmp_path: Path) -> None:
    bank = bars(tmp_path / "bank", [("qa", "x", 20), ("za", "x", 20), ("ya", "x", 20), ("zb", "x", 20)])
    for before in "qzy":
        places = Chooser(bank).places(f"{before}a", bank.tokens(f"{before}a", 1), None, 0)
        assert bank.text[places[1] - 1] == before


def test_mixing_by_hand_takes_one_hand_only_and_says_when_none_has_all_characters(tmp_path: Path) -> None:
    bank = bars(tmp_path / "bank", [("abc", "x", 20), ("bcd", "y", 20)])
    alone = StackMixScribe(tmp_path / "bank", StackMixSettings(mixing="hand"))
    assert {alone.write("cab", np.random.default_rng(seed)).hand for seed in range(9)} == {"x"}
    assert {alone.write("bc", np.random.default_rng(seed)).hand for seed in range(30)} == {"x", "y"}
    assert "no single hand" in (alone.refusal("ad") or "") and StackMixScribe(bank.folder).refusal("ad") is None
    with pytest.raises(TextError, match="'y' has no picture of 'a'"):
        alone.write("ab", np.random.default_rng(0), hand=1)
    with pytest.raises(TextError, match="no hand 2; its hands are numbered 0 to 1"):
        alone.write("ab", np.random.default_rng(0), hand=2)


@pytest.mark.parametrize("height", [32, 64, 128])
def test_pictures_are_as_high_as_the_bank(tmp_path: Path, height: int) -> None:
    scribe = StackMixScribe(toy_bank(tmp_path / "bank", ("paper and", "pink"), hands=1, height=height))
    assert scribe.write("pink paper", np.random.default_rng(0)).picture.shape[0] == height


def test_right_to_left_text_is_assembled_as_it_is_seen_and_labelled_as_it_is_read(tmp_path: Path) -> None:
    texts = ["שלום עולם", "אב (גד) 12", "מלך abc"]
    bank = bars(tmp_path / "bank", [(text, "x", 20) for text in texts])
    scribe = StackMixScribe(tmp_path / "bank", CLEAN)
    assert scribe.texts == texts and visual(texts[0]) in bank.text
    made = scribe.write(texts[0], np.random.default_rng(0), strength=0)
    assert made.text == texts[0]
    tops = [int(np.flatnonzero(made.picture[:, at] < 100)[0]) for at in (3, 23)]
    assert tops == [20 + ord(one) % 7 for one in visual(texts[0])[:2]]
    assert scribe.refusal("שם") is None and "U+05E6" in (scribe.refusal("צב") or "")


def test_a_text_that_the_bank_cannot_write_is_refused_and_never_another_one(scribe: StackMixScribe) -> None:
    """StackMix-OCR returned a real picture with the text it could not assemble."""
    for text in ("§", "paper § ink", "Paper"):
        with pytest.raises(TextError, match=r"no picture of '(§|P)' \(U\+00"):
            scribe.write(text, np.random.default_rng(0))
    assert "'§' (U+00A7" in (scribe.refusal("a § b") or "") and "leave the text out" in (scribe.refusal("§") or "")


def test_what_cannot_be_written_is_named_and_left_out(bank: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("ink\npaper § ink\nwax\n", "utf-8")
    done = write(tmp_path / "out", str(tmp_path / "texts.txt"), scribe=f"stackmix:{bank}")
    assert [line.text for line in LinesFolder(tmp_path / "out").lines()] == ["ink", "wax"]
    assert len(done.skipped) == 1 and "'§' (U+00A7" in done.skipped[0].reason
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    assert "assembled from lines under OFL-1.1" in about["licence"]


def test_the_settings_change_what_is_assembled(bank: Path) -> None:
    def made(seed: int = 0, **settings: object) -> np.ndarray:
        return (
            StackMixScribe(bank, StackMixSettings(**settings)).write("quick paper", np.random.default_rng(seed)).picture
        )  # type: ignore[arg-type]

    narrow, wide = made(margin=(0, 0)), made(margin=(60, 60))
    assert 115 <= wide.shape[1] - narrow.shape[1] <= 120
    assert not np.array_equal(made(smoothing=0), made(smoothing=1))
    one, many = (made(longest=(0,) * n + (1,)) for n in (0, 7))
    assert one.shape != many.shape
    with pytest.raises(SettingsError, match="'longest' is 0 for every length"):
        StackMixSettings(longest=(0, 0))


# --- paper ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paper", [240, 180, 110, 70])
@pytest.mark.parametrize("width", [31, 32, 33, 320, 321, 352, 1024])
def test_the_paper_is_smoothed_whatever_its_width_and_tone(width: int, paper: int) -> None:
    """StackMix-OCR's did nothing at multiples of 32 px, and knew yellowish paper only."""
    rng = np.random.default_rng(width)
    ink = paper - 60
    image = np.clip(paper + 7 * rng.standard_normal((64, width)), 0, 255).astype(np.uint8)
    image[20:44, width // 2 - 4 : width // 2 + 4] = ink
    made = smoothed(image, SOME._replace(paper=float(paper), ink=float(ink), grain=7.0))
    outside = np.ones(width, bool)
    outside[width // 2 - 8 : width // 2 + 8] = False
    assert image[:, outside].std() > 6 and made[:, outside].std() < 2
    assert made.mean() == pytest.approx(image.mean(), abs=1.5)
    assert np.array_equal(made[22:42, width // 2 - 3 : width // 2 + 3], image[22:42, width // 2 - 3 : width // 2 + 3])


def test_smoothed_paper_keeps_its_gradient_and_a_picture_of_ink_alone_its_tone() -> None:
    image = np.repeat(np.linspace(200, 240, 640).astype(np.uint8)[None], 64, axis=0)
    made = smoothed(image, SOME._replace(paper=220.0, ink=30.0))
    assert made[0, 30] < 205 and made[0, -30] > 235
    black = smoothed(np.zeros((64, 100), np.uint8), SOME)
    assert not black.any()


# --- specs and training -----------------------------------------------------------------------------------------------


def test_a_bank_is_an_input_with_its_own_texts_or_others(bank: Path) -> None:
    assert synthetic_input(f"stackmix:{bank}") == SyntheticInput(f"stackmix:{bank}", str(bank / "own-texts.txt"))
    assert synthetic_input(f"stackmix:{bank}@fr") == SyntheticInput(f"stackmix:{bank}", "fr")
    assert list(dict.fromkeys(StackMixScribe(bank).texts)) == list(TEXTS)


def test_without_a_bank_the_command_to_make_one_is_named(tmp_path: Path, scriven) -> None:
    with pytest.raises(
        SettingsError, match="needs the folder of a bank: stackmix:BANK or .* make one with `scriven cut"
    ):
        stackmix_scribe("")
    with pytest.raises(InputError, match="is not a finished bank"):
        scribe_of(f"stackmix:{tmp_path}")
    for given in (f"stackmix:{tmp_path / 'none'}", f"stackmix:{tmp_path / 'none'}@fr"):
        with pytest.raises(InputError, match="none is not a finished bank"):
            TrainSettings(steps=1, mix=(given,)) and scribe_of(synthetic_input(given).scribe)
    (tmp_path / "t.txt").write_text("ink\n")
    code, _, err = scriven("train", f"stackmix:{tmp_path / 'none'}", "-o", tmp_path / "o")
    assert code == 2 and "none is not a finished bank" in err and not (tmp_path / "o").exists()
    code, _, err = scriven("write", "--texts", tmp_path / "t.txt", "--scribe", "stackmix", "-o", tmp_path / "o")
    assert code == 2 and "needs the folder of a bank" in err and not (tmp_path / "o").exists()


def test_training_with_a_bank_mixed_in(bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scriven.training.publish.export", lambda net, path: path.write_bytes(b"graph"))
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), "utf-8")
    write(tmp_path / "lines", str(tmp_path / "texts.txt"), count=12)
    chosen = TrainSettings(
        steps=2, size="tiny", batch_width_px=1200, evaluations=1, ramp=1, validate_on=4, mix=(f"stackmix:{bank}",)
    )
    done = train([tmp_path / "lines"], tmp_path / "model", settings=chosen)
    assert [row.get("origin") for row in done.info.data] == [None, "stackmix"] and done.progress.step == 2
    assert done.validated_on == "validation line"
    with pytest.raises(SettingsError, match="'mix' names 'letters/', which is no scribe"):
        TrainSettings(steps=1, mix=("letters/",))


def test_settings_of_the_scribes_that_are_mixed_in(bank: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), "utf-8")
    write(tmp_path / "lines", str(tmp_path / "texts.txt"), count=12)
    given = ["mix_settings.mixing=hand", "mix_settings.seam=2"]
    settings = override(TrainSettings(steps=1, mix=(f"stackmix:{bank}",)), given)
    spec = InputSpec.of(build("convtext", Charset.of(TEXTS), size="tiny"))
    sources = TrainingData.of([tmp_path / "lines"], spec, settings).mixture.sources
    (scribe,) = (one.scribe for one in sources if isinstance(one, ScribeSource))
    assert scribe.settings == StackMixSettings(mixing="hand", seam=2)
    with pytest.raises(SettingsError, match="no setting 'mixin'.*mixing"):
        override(TrainSettings(steps=1, mix=(f"stackmix:{bank}",)), ["mix_settings.mixin=hand"])
    with pytest.raises(SettingsError, match="'mix_settings' is of the scribes of mix"):
        TrainSettings(steps=1, mix_settings={"mixing": "hand"})


# --- damage -----------------------------------------------------------------------------------------------------------


def copied(bank: Path, to: Path) -> Path:
    to.mkdir()
    for file in bank.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


@pytest.mark.parametrize("name", [PIXELS, CHARACTERS, ORDER, KEYS, LINES, ABOUT])
@pytest.mark.parametrize("damage", ["missing", "empty", "half", "other"])
def test_a_damaged_bank_is_named(bank: Path, tmp_path: Path, name: str, damage: str) -> None:
    broken = copied(bank, tmp_path / "broken")
    data = (broken / name).read_bytes()
    if damage == "missing":
        (broken / name).unlink()
    elif damage == "other":
        other = toy_bank(tmp_path / "other", ("pink wax", "ink"), hands=1)
        (broken / name).write_bytes((other / name).read_bytes())
    else:
        (broken / name).write_bytes(data[: len(data) // 2 if damage == "half" else 0])
    with pytest.raises(InputError, match="broken"):
        Bank.open(broken)


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 99}', '{"format": 1, "checksums": {}}', "\x00", '{"format"'])
def test_a_bank_of_another_format_is_named(bank: Path, tmp_path: Path, text: str) -> None:
    broken = copied(bank, tmp_path / "broken")
    (broken / ABOUT).write_text(text)
    with pytest.raises(InputError, match="broken is damaged"):
        Bank.open(broken)
