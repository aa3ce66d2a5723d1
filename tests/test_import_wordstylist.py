"""import-model of WordStylist's checkpoints: the published names and shapes, what is assumed, and what is refused."""

import csv
import json
import string
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from scriven import import_model
from scriven.base import InputError, ModelError, SettingsError
from scriven.scribes.specs import scribe_of
from scriven.scribes.wordstylist import WordStylistSettings
from scriven.scribes.wordstylist.model import load_wordstylist
from scriven.scribes.wordstylist.network import PAD, WordStylist
from scriven.scribes.wordstylist.published import as_published, published_wordstylist
from scriven.text import Charset
from toy_wordstylist import saved_autoencoder, toy_network

TABLE = Path(__file__).parent / "data" / "checkpoints.tsv"
LETTERS = string.ascii_uppercase + string.ascii_lowercase


def table() -> dict[str, Tensor]:
    """Tensors of zero with the published names and shapes."""
    with open(TABLE, encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["model"] == "wordstylist-339"]
    return {row["key"]: torch.zeros([int(n) for n in row["shape"].split("x")]) for row in rows}


def small(characters: str = LETTERS, hands: int = 3) -> dict[str, Tensor]:
    """The tensors of a small network, which has all names of the published one."""
    return toy_network(characters=tuple(characters), hands=hands).state_dict()


def saved(file: Path, tensors: dict[str, Tensor]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(tensors, file)
    return file


def test_every_published_tensor_has_its_place(tmp_path: Path) -> None:
    tensors = as_published({f"module.{name}": value for name, value in table().items()})
    assert tensors is not None
    found = published_wordstylist(tensors, "ema_ckpt.pt")
    assert (found.characters, found.hands, found.width) == (52, 339, 320)
    net = found.network(Charset(tuple(LETTERS)))
    assert sum(weight.numel() for weight in net.parameters()) == 40_362_564 and net.longest == 10
    assert {name: value.shape for name, value in net.state_dict().items()} == {k: v.shape for k, v in table().items()}
    with_digits = published_wordstylist(small(LETTERS + string.digits), "ckpt.pt")
    assert with_digits.network(Charset(tuple(LETTERS + string.digits))).longest == 16


def test_an_imported_checkpoint_predicts_as_it_was_trained(tmp_path: Path) -> None:
    """Words are padded with the row of z to 10 characters, all of which are attended to."""
    tensors = small()
    done = import_model(saved(tmp_path / "ema_ckpt.pt", tensors), tmp_path / "m")
    here, info = load_wordstylist(done.folder)
    assert here.padding == "seen" and not info.guided and info.hands == ("0", "1", "2")
    there = WordStylist(Charset(tuple(LETTERS)), 3, width=32, padding="seen")
    there.load_state_dict(tensors)
    word = [1 + LETTERS.index(character) for character in "ink"]
    noisy, time, hand = torch.randn(1, 4, 8, 32), torch.tensor([500]), here.hand(torch.tensor([1]))
    ours = torch.tensor([word + [PAD] * 7])
    theirs = torch.tensor([word + [52] * 7])
    with torch.no_grad():
        found = here.eval()(noisy, time, *here.word(ours, torch.tensor([3])), hand)
        expected = there.eval()(noisy, time, *there.word(theirs, torch.tensor([10])), hand)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_the_command_makes_a_scribe_that_writes(tmp_path: Path, scriven) -> None:
    saved_autoencoder(tmp_path / "sd" / "vae")
    saved(tmp_path / "run" / "models" / "ckpt.pt", small(hands=2))
    saved(tmp_path / "run" / "models" / "ema_ckpt.pt", small())
    (tmp_path / "run" / "writers_dict_train.json").write_text(json.dumps({"000": 1, "025": 0, "588": 2}))
    command = ("import-model", tmp_path / "run", "-o", tmp_path / "m", "--autoencoder", tmp_path / "sd")
    code, out, err = scriven(*command, "--name", "words", "--licence", "MIT")
    assert code == 0 and "ema_ckpt.pt, WordStylist or DiffusionHTR: wordstylist with 52 characters" in out, err
    assert "(assumed: A-Za-z; give others with --chars)" in out and f"write --scribe {tmp_path / 'm'} --texts" in out
    _, info = load_wordstylist(tmp_path / "m")
    assert info.hands == ("025", "000", "588") and info.autoencoder == str(tmp_path / "sd")
    readme = (tmp_path / "m" / "README.md").read_text()
    assert "words that end with it are refused" in readme and "trained without guidance" in readme
    scribe = scribe_of(str(tmp_path / "m"), WordStylistSettings(steps=2, trim=False))
    made = scribe.write("MOVE", np.random.default_rng(0), hand=1)
    assert made.picture.shape == (64, 256) and made.hand == "000" and made.text == "MOVE"
    assert "cannot tell 'z' at the end of 'buzz' from padding" in (scribe.refusal("buzz") or "")
    assert "at most 10" in (scribe.refusal("abcdefghijk") or "") and "U+0031" in (scribe.refusal("7 1") or "")


def test_characters_are_those_of_the_file_beside_it_or_given(tmp_path: Path) -> None:
    file = saved(tmp_path / "ckpt.pt", small("abcde"))
    with pytest.raises(SettingsError, match="does not hold its 5 characters; give the characters with --chars"):
        import_model(file, tmp_path / "m")
    (tmp_path / "letter2index.json").write_text(json.dumps({"c": 0, "a": 1, "b": 2, "e": 4, "d": 3}))
    done = import_model(file, tmp_path / "m")
    assert done.info.charset == tuple("cabde") and done.characters.sentence() == "from letter2index.json"
    assert done.next.endswith("--set autoencoder=FOLDER")
    assert import_model(file, tmp_path / "n", characters="edcba").info.charset == tuple("edcba")
    with pytest.raises(ModelError, match="has no autoencoder"):
        scribe_of(str(tmp_path / "m"))


@pytest.mark.parametrize(
    ("said", "file"),
    [("[]", "should be JSON of names and numbers"), ('{"a": 0, "b": 2, "c": 3}', "should be 0 to 2, each once"),
     ('{"a": 0}', "names 1 writers, and .* has 3; give its own")],
)  # fmt: skip
def test_names_of_writers_that_do_not_fit_are_refused(said: str, file: str, tmp_path: Path) -> None:
    (tmp_path / "writers_dict_train.json").write_text(said)
    with pytest.raises(InputError, match=file):
        import_model(saved(tmp_path / "ckpt.pt", small()), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_foreign_and_damaged_checkpoints_are_refused(tmp_path: Path) -> None:
    refused = "is not of WordStylist or DiffusionHTR as it was published: "

    def why(tensors: dict[str, Tensor]) -> str:
        with pytest.raises(InputError) as error:
            import_model(saved(tmp_path / "ckpt.pt", tensors), tmp_path / "m")
        assert not (tmp_path / "m").exists()
        return str(error.value)

    whole = small()
    name = "output_blocks.3.1.proj_out.weight"
    assert f"{refused}it lacks {name}; give a complete file" in why({k: v for k, v in whole.items() if k != name})
    assert f"{refused}it has more.weight, which they have not" in why({**whole, "more.weight": torch.zeros(1)})
    assert f"{refused}{name} is (32, 16, 1, 1), where (32, 32, 1, 1)" in why({**whole, name: torch.zeros(32, 16, 1, 1)})
    assert f"{name} of" in (said := why({**whole, name: torch.full((32, 32, 1, 1), np.nan)})) and "not finite" in said
    pixels = {**whole, "input_blocks.0.0.weight": torch.zeros(32, 3, 3, 3)}
    assert f"{refused}it has 3 input channels, that is, it draws pixels" in why(pixels)
    letters = {**whole, "word_emb.embedding.weight": torch.zeros(53, 48)}
    assert f"{refused}its width is 48, which 32 does not divide" in why(letters)
    assert f"{refused}it has no table of letters or of hands" in why({**whole, "label_emb.weight": torch.zeros(3)})
    assert "none of the networks that can be imported" in (said := why({"other.weight": torch.zeros(1)}))
    assert "WordStylist or DiffusionHTR" in said
    torch.save({"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-4}]}, tmp_path / "optim.pt")
    with pytest.raises(InputError, match=r"no tensors in .*optim\.pt, only state, param_groups; give a file with the"):
        import_model(tmp_path / "optim.pt", tmp_path / "m")
    (tmp_path / "ckpt.pt").write_bytes(b"damaged")
    with pytest.raises(InputError, match="is damaged, or is not a file of weights"):
        import_model(tmp_path / "ckpt.pt", tmp_path / "m")


def test_an_autoencoder_that_is_none_or_not_needed_is_refused(tmp_path: Path) -> None:
    file = saved(tmp_path / "ckpt.pt", small())
    with pytest.raises(ModelError, match="no folder of an autoencoder"):
        import_model(file, tmp_path / "m", autoencoder=str(tmp_path))
    from toy_published import published_file

    published_file(tmp_path / "w.pth")
    with pytest.raises(SettingsError, match=r"w\.pth is of no scribe, so it needs no autoencoder"):
        import_model(tmp_path / "w.pth", tmp_path / "m", autoencoder=str(tmp_path))
    assert not (tmp_path / "m").exists()


def test_the_place_of_an_autoencoder_is_kept_whatever_the_folder_is_called_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved_autoencoder(tmp_path / "sd" / "vae")
    saved(tmp_path / "ckpt.pt", small())
    monkeypatch.chdir(tmp_path)
    done = import_model("ckpt.pt", "m", autoencoder="sd")
    monkeypatch.chdir(tmp_path / "sd")
    assert scribe_of(str(tmp_path / "m"), WordStylistSettings(steps=1)).hands == 3
    assert done.next == "scriven write --scribe m --texts FILE -o LINES"
