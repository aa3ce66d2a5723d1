"""WordStylist's network, samplers, autoencoder and scribe: the published tensors, and the mended faults."""

import csv
import json
import re
import string
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from scriven.base import ModelError, SettingsError, TextError
from scriven.scribes.specs import scribe_of
from scriven.scribes.wordstylist import WordStylistSettings
from scriven.scribes.wordstylist.blocks import word_places
from scriven.scribes.wordstylist.network import PAD, Draws, Words, WordStylist
from scriven.scribes.wordstylist.noise import ddim, ddpm, kept_shares, noised, sampled_times
from scriven.text import Charset
from toy_wordstylist import CHARACTERS, LONGEST, saved_autoencoder, toy_network, toy_wordstylist

TABLE = Path(__file__).parent / "data" / "checkpoints.tsv"
LETTERS = Charset(tuple(string.ascii_uppercase + string.ascii_lowercase))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_wordstylist(tmp_path_factory.mktemp("wordstylist") / "model")


def written(model: Path, text: str = "paper", seed: int = 1, hand: int = 2, **changed: object) -> np.ndarray:
    scribe = scribe_of(str(model), WordStylistSettings(**changed))  # type: ignore[arg-type]
    return scribe.write(text, np.random.default_rng(seed), hand=hand).picture


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.array_equal(a, b)


# --- the network ------------------------------------------------------------------------------------------------------


def test_names_shapes_and_number_of_weights_are_the_published_ones() -> None:
    with open(TABLE, encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["model"] == "wordstylist-339"]
    with torch.device("meta"):
        net = WordStylist(LETTERS, 339)
    own = [(name, "x".join(map(str, value.shape))) for name, value in net.state_dict().items()]
    assert own == [(row["key"], row["shape"]) for row in rows] and len(own) == 246
    assert sum(weight.numel() for weight in net.parameters()) == 40_362_564
    unused = [w.numel() for n, w in net.named_parameters() if ".to_kv." in n or ".attnc." in n]
    assert sum(unused) == 4_097_280


def test_unused_tensors_get_no_gradient_and_all_others_do() -> None:
    net, random = toy_network(), torch.Generator().manual_seed(0)
    words = Words.of(["ink", "wax"], net.charset, LONGEST)
    drawn = Draws.of(2, random)._replace(chance=torch.tensor([0.5, 0.5]))
    net.loss(torch.randn(2, 4, 8, 32, generator=random), words, torch.tensor([0, 1]), drawn).backward()
    without = {name for name, weight in net.named_parameters() if weight.grad is None}
    assert without and all(".to_kv." in name or ".attnc." in name for name in without)


@pytest.mark.parametrize(("characters", "hands"), [("ab", 1), (string.printable[:94], 7), ("абв", 500)])
def test_no_number_of_hands_or_characters_is_built_in(characters: str, hands: int) -> None:
    net = WordStylist(Charset(tuple(characters)), hands, width=32)
    assert net.word_emb.embedding.num_embeddings == 1 + len(characters) and net.label_emb.num_embeddings == hands
    words = Words.of([characters[-1]], net.charset, net.longest)
    assert int(words.classes.max()) == len(characters)  # the last character has a row


def test_padding_is_no_letter_and_changes_nothing() -> None:
    """Historically z and padding were one row, so that `bu`, `buz` and `buzz` were one word."""
    charset = Charset(tuple(string.ascii_lowercase))
    words = Words.of(["buzz", "buz", "bu", "z" * LONGEST], charset, LONGEST)
    assert all(PAD not in row[:length] for row, length in zip(words.classes.tolist(), words.lengths, strict=True))
    assert len({tuple(row) for row in words.classes.tolist()}) == 4
    net = toy_network()
    few, many = (Words.of(["buz"], net.charset, longest) for longest in (4, LONGEST))
    noisy, hand, time = torch.randn(1, 4, 8, 32), net.hand(torch.tensor([1])), torch.tensor([500])
    found = [net(noisy, time, *net.word(*one), hand) for one in (few, many)]
    torch.testing.assert_close(*found, atol=1e-4, rtol=1e-4)
    other = net(noisy, time, *net.word(*Words.of(["bu"], net.charset, LONGEST)), hand)
    assert (other - found[1]).abs().max() > 1e-2


def test_codes_of_places_and_of_no_word() -> None:
    places = word_places(3, 4)
    assert places[0].tolist() == [0, 1, 0, 1]
    assert places[2].tolist() == pytest.approx(
        [np.sin(2), np.cos(2 / 10000**0.25), np.sin(2 / 10000**0.5), np.cos(2 / 10000**0.75)], abs=1e-6
    )
    _, seen = toy_network().word(torch.zeros(1, 5, dtype=torch.int64), torch.tensor([0]))
    assert seen.tolist() == [[True, False, False, False, False]]
    _, seen = toy_network(padding="seen").word(torch.zeros(1, 5, dtype=torch.int64), torch.tensor([2]))
    assert seen.all()


def test_word_and_hand_are_left_out_of_parts_of_the_training() -> None:
    net = toy_network()
    latents, words = torch.randn(1, 4, 8, 32), Words.of(["ink"], net.charset, LONGEST)
    other = Words.of(["wax"], net.charset, LONGEST)
    drawn = Draws.of(1, torch.Generator().manual_seed(0))

    @torch.no_grad()
    def loss(chance: float, words: Words, hand: int) -> float:
        return float(net.loss(latents, words, torch.tensor([hand]), drawn._replace(chance=torch.tensor([chance]))))

    assert loss(0.01, words, 0) == loss(0.01, other, 1)  # neither
    assert loss(0.1, words, 0) == loss(0.1, other, 0) != loss(0.1, words, 1)  # no word
    assert loss(0.95, words, 0) == loss(0.95, words, 1) != loss(0.95, other, 0)  # no hand
    assert loss(0.5, words, 0) != loss(0.5, words, 1) and loss(0.5, words, 0) != loss(0.5, other, 0)


def test_a_grown_network_keeps_what_it_knew() -> None:
    net = toy_network(hands=2, padding="seen")
    new = net.grown(Charset((*CHARACTERS, "É")), 3, {"É": "é"})
    assert new.sizes == {**net.sizes, "hands": 3, "padding": "masked"}
    assert torch.equal(new.label_emb.weight[:2], net.label_emb.weight)
    assert torch.equal(new.label_emb.weight[2], net.label_emb.weight.mean(0))
    rows = new.word_emb.embedding.weight
    assert torch.equal(rows[: len(CHARACTERS) + 1], net.word_emb.embedding.weight)
    assert torch.equal(rows[-1], rows[1 + CHARACTERS.index("é")])
    assert torch.equal(new.out[2].weight, net.out[2].weight)


def test_a_width_that_the_norms_do_not_divide_is_refused() -> None:
    with pytest.raises(SettingsError, match="width of the network is 48; it must be a multiple of 32"):
        WordStylist(LETTERS, 2, width=48)


# --- samplers ---------------------------------------------------------------------------------------------------------


def published(predict, x: Tensor, draw) -> Tensor:
    """The loop of 999 steps by the formula of the paper."""
    beta = torch.linspace(1e-4, 0.02, 1000)
    alpha, kept = 1 - beta, (1 - beta).cumprod(0)
    for i in range(999, 0, -1):
        x = (x - (1 - alpha[i]) / (1 - kept[i]).sqrt() * predict(x, i)) / alpha[i].sqrt()
        if i > 1:
            x = x + beta[i].sqrt() * draw()
    return x


def test_ddpm_with_all_steps_is_the_published_loop() -> None:
    def run(loop) -> tuple[Tensor, list[int]]:
        random, times = torch.Generator().manual_seed(0), list[int]()

        def predict(x: Tensor, time: int) -> Tensor:
            times.append(time)
            return torch.tanh(x + time / 1000)

        return loop(predict, torch.ones(1, 4, 2, 2), lambda: torch.randn(1, 4, 2, 2, generator=random)), times

    (mine, times), (theirs, all_times) = run(lambda p, x, d: ddpm(p, x, d, 999)), run(published)
    assert times == all_times == list(range(999, 0, -1))
    torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("steps", [1, 2, 20, 50, 999])
@pytest.mark.parametrize("sampler", [ddim, ddpm])
def test_a_perfect_prediction_is_sampled_back(sampler, steps: int) -> None:
    """If the network knows the picture, every number of steps ends at it."""
    clean, random = torch.randn(1, 4, 8, 32, generator=torch.Generator().manual_seed(1)), torch.Generator()
    kept = kept_shares()

    def predict(x: Tensor, time: int) -> Tensor:
        return (x - kept[time].sqrt() * clean) / (1 - kept[time]).sqrt()

    start = noised(clean, torch.randn(clean.shape, generator=random), torch.tensor([999]))
    found = sampler(predict, start, lambda: torch.randn(clean.shape, generator=random), steps)
    assert (found - clean).abs().max() < 0.06  # DDPM ends at noise step 0, whose deviation is 0.01
    times = sampled_times(steps)
    assert len(set(times)) == steps and times[0] == 999 and (steps == 1 or times[-1] == 1)


# --- the scribe -------------------------------------------------------------------------------------------------------


def test_guidance_of_text_and_of_hand_changes_the_ink(model: Path) -> None:
    """Historically a prediction was guided against itself, which changes nothing."""
    plain = written(model, guidance=1.0)
    assert same(plain, written(model, guidance=1.0, style_guidance=1.0))
    assert not same(plain, written(model, guidance=3.0)) and same(written(model), written(model, guidance=3.0))
    assert not same(plain, written(model, guidance=1.0, style_guidance=3.0))
    without = written(model, guidance=0.0)
    assert same(without, written(model, "wax", guidance=0.0)) and not same(without, plain)


def test_samplers_and_steps_change_the_ink(model: Path) -> None:
    pictures = [written(model, sampler=s, steps=n) for s, n in (("ddim", 2), ("ddim", 5), ("ddpm", 2), ("ddpm", 5))]
    assert len({picture.tobytes() for picture in pictures}) == 4
    assert same(pictures[0], written(model)) and same(pictures[3], written(model, sampler="ddpm", steps=5))


def test_between_two_hands_is_deterministic_and_ends_at_them(model: Path) -> None:
    """Historically two random hands were drawn at every step."""
    ends = [written(model, hand=1), written(model, hand=3)]
    between = {"between": ("hand-1", "hand-3"), "hand": 0}
    assert same(written(model, blend=0.0, **between), ends[0]) and same(written(model, blend=1.0, **between), ends[1])
    middle = written(model, blend=0.3, **between)
    assert same(middle, written(model, blend=0.3, **between)) and not any(same(middle, end) for end in ends)
    scribe = scribe_of(str(model), WordStylistSettings(between=("hand-1", "hand-3"), blend=0.3))
    assert scribe.hands == 1
    assert scribe.write("ink", np.random.default_rng(0)).hand == "0.3 from hand-1 to hand-3"
    with pytest.raises(SettingsError, match=r"no hand 'x'; it has hand-0, hand-1, hand-2, hand-3; see them"):
        scribe_of(str(model), WordStylistSettings(between=("x", "hand-1")))
    with pytest.raises(SettingsError, match="names 1 hands; name two"):
        WordStylistSettings(between=("x",))


def test_paper_is_cut_unless_the_whole_canvas_is_wanted(model: Path) -> None:
    assert written(model, trim=False).shape == (64, 256)
    whole = written(model, trim=False)
    ink = np.flatnonzero((whole < 200).any(axis=0))
    assert written(model, margin=0).shape[1] == ink[-1] - ink[0] + 1


def test_texts_that_cannot_be_written_are_named(model: Path) -> None:
    scribe = scribe_of(str(model))
    assert "has 17 characters, and the model writes words of at most 16" in (scribe.refusal("a" * 17) or "")
    with pytest.raises(TextError, match=r"no hand 4; its hands are numbered 0 to 3"):
        scribe.write("ink", np.random.default_rng(0), hand=4)


def test_a_network_as_published_refuses_what_it_cannot_tell_from_padding(tmp_path: Path) -> None:
    scribe = scribe_of(str(toy_wordstylist(tmp_path / "m", guided=False, padding="seen")))
    last = CHARACTERS[-1]
    assert f"cannot tell '{last}' at the end of 'wax{last}' from padding" in (scribe.refusal(f"wax{last}") or "")
    assert scribe.refusal(f"wa{last}x") is None and scribe.write("wax", np.random.default_rng(0)).picture.size
    for changed in ({"guidance": 2.0}, {"style_guidance": 2.0}):
        with pytest.raises(SettingsError, match="nothing to guide it against"):
            scribe_of(str(tmp_path / "m"), WordStylistSettings(**changed))


def test_a_scribe_that_is_none_or_damaged_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs a model: wordstylist:MODEL; make one with"):
        scribe_of("wordstylist")
    folder = toy_wordstylist(tmp_path / "m")
    about = json.loads((folder / "model.json").read_text())

    def with_json(**changed: object) -> str:
        (folder / "model.json").write_text(json.dumps({**about, **changed}))
        return f"wordstylist:{folder}"

    with pytest.raises(ModelError, match=re.escape("is a scribe of the network 'flow'; give a wordstylist one")):
        scribe_of(with_json(network="flow"))
    with pytest.raises(ModelError, match=re.escape("is a scribe of the network 'wordstylist'; give a flow one")):
        scribe_of(with_json().replace("wordstylist:", "flow:"))
    with pytest.raises(ModelError, match="names 3 hands and its network has 4"):
        scribe_of(with_json(hands=["a", "b", "c"]))
    with pytest.raises(ModelError, match=r"do not fit its model\.json"):
        scribe_of(with_json(sizes={**about["sizes"], "width": 64}))
    with_json()
    (folder / "autoencoder.safetensors").unlink()
    with pytest.raises(ModelError, match="has no autoencoder, without which it cannot draw; give the folder `vae`"):
        scribe_of(str(folder))
    saved_autoencoder(tmp_path / "vae")
    assert written(folder, trim=False, autoencoder=str(tmp_path / "vae")).shape == (64, 256)


def test_the_strength_scales_the_noise_that_differs(model: Path) -> None:
    scribe = scribe_of(str(model))
    ink = [scribe.write("ink", np.random.default_rng(n), hand=0, strength=0.5).picture for n in (0, 0, 1)]
    assert same(ink[0], ink[1]) and not same(ink[0], ink[2])
    half = replace(scribe.settings, strength=0.5)
    assert same(ink[0], scribe_of(str(model), half).write("ink", np.random.default_rng(0), hand=0).picture)


def test_look_shows_the_names_of_the_hands(model: Path, tmp_path: Path, scriven) -> None:
    code, _, err = scriven("look", model, "-o", tmp_path / "page.html")
    assert code == 0, err
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "hand-0, hand-1, hand-2, hand-3" in page and "Scribe: wordstylist" in page and "CC0-1.0" in page
