"""train-scribe --network wordstylist: exact resumption, both autoencoders, growth from a parent, what is left out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scriven.base import InputError, OutputError, SettingsError, Skipped
from scriven.images import decode
from scriven.jobs.scribe_networks import network_for
from scriven.jobs.train_wordstylist import WordStylistTrainSettings, train_wordstylist
from scriven.lines import Line
from scriven.scribes.specs import scribe_of
from scriven.scribes.wordstylist import WordStylistSettings
from scriven.scribes.wordstylist.model import AUTOENCODER, load_wordstylist
from scriven.training.checkpoint import LOG, WEIGHTS
from scriven.training.words_of_hands import WordsOfHands, on_canvas
from scriven.training.wordstylist_fit import Batches
from toy_flow import toy_flow
from toy_hands import Stopped, folder, lines_of
from toy_reader import write_model
from toy_wordstylist import saved_autoencoder, toy_wordstylist

TEXTS = ("abc", "dad", "cab", "bad", "acdc", "bcd")
FEW = WordStylistTrainSettings(
    steps=8, width=32, longest=6, batch=2, evaluations=4, validate_on=1, read_back=1, sampling=2, device="cpu",
    precision="32-true", autoencoder_share=0.5,
)  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("toy") / "reader")


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("lines") / "letters", [*lines_of(TEXTS * 2)])


def added(lines: list[Line], longest: int = 6) -> tuple[WordsOfHands, list[Skipped]]:
    words = WordsOfHands(longest)
    done = list(words.add([(line, lambda line=line: decode(line.image, line.id)) for line in lines], ""))
    return words, [one for one in done if isinstance(one, Skipped)]


# --- words ------------------------------------------------------------------------------------------------------------


def test_words_stand_in_the_middle_of_a_canvas_and_wide_ones_are_squeezed() -> None:
    narrow = on_canvas(np.zeros((64, 50), np.uint8))
    assert narrow.shape == (64, 256) and np.flatnonzero(narrow[0] == 0).tolist() == list(range(103, 153))
    assert on_canvas(np.zeros((64, 700), np.uint8)).shape == (64, 256) and not on_canvas(np.zeros((64, 256))).any()


def test_words_that_cannot_be_used_are_named() -> None:
    good = lines_of(TEXTS)
    bad = {
        "has no text": replace(good[0], text=None),
        "has 7 characters, and words have at most longest=6; raise that": replace(good[0], text="abcdabc"),
        "is damaged or not a picture": replace(good[0], image=b"no picture"),
    }
    words, skipped = added([*(replace(line, id=f"bad{n}") for n, line in enumerate(bad.values())), *good])
    reasons = {one.id: one.reason for one in skipped}
    assert len(words) == 6 and words.names == ["l-0", "l-1"] and words.hands == [0, 1] * 3
    assert words.characters == list("abcd") and all(said in reasons[f"bad{n}"] for n, said in enumerate(bad))
    ink = words.ink([1])
    assert ink.shape == (1, 1, 64, 256) and 0 < ink.mean() < 0.3 and ink.max() > 0.7


def test_held_out_words_are_not_trained_on_and_every_hand_keeps_two() -> None:
    words, _ = added([replace(line, id=f"{n}") for n, line in enumerate(lines_of(TEXTS * 5, hands=7))])
    train, valid = words.split(64, 0)
    assert sorted(train + valid) == list(range(30)) and len(valid) == 3 and words.split(64, 0) == (train, valid)
    assert min(np.bincount([words.hands[i] for i in train])) >= 2 and words.split(0, 0)[1] == []


# --- the job ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("external", [False, True], ids=["own", "external"])
def test_an_interrupted_run_ends_with_the_same_weights(
    external: bool, letters: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = FEW
    if external:
        saved_autoencoder(tmp_path / "vae")
        settings = replace(FEW, autoencoder=str(tmp_path / "vae"))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    done = train_wordstylist([letters], whole, model=model, settings=settings)
    assert done.hands == 2 and not done.skipped and done.info.scores["read_back"]["n"] == 1
    assert done.info.charset == tuple("abcd") and done.sentence().startswith("writes 4 characters in 2 hands; CER of 1")
    chosen, stops = Batches.chosen, [3, 7]  # evaluated and saved after 2 and 6

    def stopping(self: Batches, number: int) -> list[int]:
        if number == stops[0]:
            raise Stopped
        return chosen(self, number)

    while stops:
        with monkeypatch.context() as patch, pytest.raises(Stopped):
            patch.setattr(Batches, "chosen", stopping)
            train_wordstylist([letters], parts, model=model, settings=settings)
        assert not (parts / "model.json").exists() and stops.pop(0)
    with pytest.raises(OutputError, match=r"begun with other settings \(lr\); choose another -o"):
        train_wordstylist([letters], parts, model=model, settings=replace(settings, lr=1e-3))
    train_wordstylist([letters], parts, model=model, settings=settings)
    assert (whole / WEIGHTS).read_bytes() == (parts / WEIGHTS).read_bytes()
    assert (whole / AUTOENCODER).is_file() is not external
    logs = [(each / LOG).read_text().splitlines() for each in (whole, parts)]
    rows = [[json.loads(line) | {"minutes": 0} for line in one] for one in logs]
    assert rows[0] == rows[1] and [row["step"] for row in rows[0]] == [2, 4, 6, 8]
    assert [row["phase"] for row in rows[0]] == ["network"] * 4 if external else ["autoencoder"] * 2 + ["network"] * 2
    assert "generated in the same hand" in (parts / "report.html").read_text()
    with pytest.raises(OutputError, match="is a finished model folder"):
        train_wordstylist([letters], parts, model=model, settings=settings)
    scribe = scribe_of(str(parts))
    made = scribe.write("dab", np.random.default_rng(0), hand=1)
    assert made.hand == "l-1" and made.picture.shape[0] == 64 and "at most 6" in (scribe.refusal("abcdabc") or "")
    net, info = load_wordstylist(parts)
    assert info.guided and info.steps == 2 and net.padding == "masked"


def test_training_lowers_the_loss(letters: Path, model: Path, tmp_path: Path) -> None:
    settings = replace(FEW, steps=30, evaluations=3, read_back=0, lr=3e-3, batch=4, autoencoder_share=0.3)
    train_wordstylist([letters], tmp_path / "m", model=model, settings=settings)
    rows = [json.loads(line) for line in (tmp_path / "m" / LOG).read_text().splitlines()]
    assert [row["phase"] for row in rows] == ["network"] * 3 and rows[0]["loss"] > 1.1 * rows[2]["loss"]


def test_a_parent_keeps_its_hands_and_characters_and_gets_new_ones(letters: Path, model: Path, tmp_path: Path) -> None:
    """A network as published is mended: padding is masked, and there is something to guide against."""
    parent = toy_wordstylist(tmp_path / "parent", guided=False, padding="seen")
    done = train_wordstylist([letters], tmp_path / "m", parent=parent, model=model, settings=replace(FEW, steps=1))
    (old, before), (new, info) = load_wordstylist(parent), load_wordstylist(tmp_path / "m")
    assert info.hands == (*before.hands, "l-0", "l-1") and done.hands == 6 and info.charset == before.charset
    assert new.padding == "masked" and info.guided and new.longest == old.longest
    assert (new.label_emb.weight[:4] - old.label_emb.weight).abs().max() < 1e-2
    assert info.parents[0]["name"] == "toy"
    scribe = scribe_of(str(tmp_path / "m"), WordStylistSettings(guidance=2.0))
    assert scribe.write("wax,", np.random.default_rng(0), hand=5).hand == "l-1"
    kept, other = (load_own(place) for place in (parent, tmp_path / "m"))
    assert kept.keys() == other.keys() and all(torch.equal(kept[name], other[name]) for name in kept)


def load_own(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / AUTOENCODER)


def test_inputs_without_a_usable_word_and_other_networks_are_refused(model: Path, tmp_path: Path) -> None:
    lines = folder(tmp_path / "lines", [replace(one, text="abcdabcd") for one in lines_of(TEXTS)])
    with pytest.raises(InputError, match=r"no line of .*lines can be used; the first of 6: l0: its text has 8 char"):
        train_wordstylist([lines], tmp_path / "m", model=model, settings=FEW)
    with pytest.raises(SettingsError, match="there is no network 'gan'; there are: flow, wordstylist"):
        network_for("gan")
    parent = toy_wordstylist(tmp_path / "parent")
    assert network_for("", parent) == network_for("wordstylist") != network_for() == network_for("flow")
    with pytest.raises(SettingsError, match="parent is a scribe of the network wordstylist; leave out --network"):
        network_for("flow", parent)
    assert network_for("", toy_flow(tmp_path / "flow")) == network_for("flow")
    with pytest.raises(SettingsError, match="'width' is 64, which heads=3 does not divide"):
        replace(FEW, width=64, heads=3)


def test_the_command_trains_on_words_and_on_typefaces(letters: Path, model: Path, tmp_path: Path, scriven) -> None:
    few = ("width=32", "batch=2", "read_back=0", "font_lines=30", "evaluations=1")
    command = ("train-scribe", letters, "fonts:en", "-o", tmp_path / "m", "--network", "wordstylist", "-m", model)
    code, out, err = scriven(*command, "--steps", 2, *(part for one in few for part in ("--set", one)), "--json")
    found = json.loads(out)
    assert code in (0, 1) and found["hands"] > 2, err
    assert found["skipped"] == err.count("characters, and words have at most longest=16")
    (tmp_path / "texts.txt").write_text("dab\nDab\n")
    written = ("write", "--scribe", tmp_path / "m", "--texts", tmp_path / "texts.txt", "--set", "steps=2")
    code, out, _ = scriven(*written, "-o", tmp_path / "out", "--json")
    assert code in (0, 1) and json.loads(out)["lines"] in (1, 2)
