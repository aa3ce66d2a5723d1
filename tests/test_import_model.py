"""Importing published weights: the same logits, a model folder that reads, and what is refused."""

import json
import string
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from scriven import import_model
from scriven.base import InputError, OutputError, SettingsError
from scriven.jobs.read import read
from scriven.recognisers import build
from scriven.recognisers.published import converted
from scriven.recognisers.published_characters import CASE_SENSITIVE, COLLECTIONS, characters_of
from scriven.text import Charset
from scriven.training.checkpoint import load_net
from scriven.training.session_folders import configured_characters, newest_checkpoint
from scriven.training.weight_files import weights_of
from toy_pictures import drawn_line
from toy_published import CHARACTERS, LabelFree, Published, StackMix, contents, published_file, scrambled


@torch.no_grad()
def both_logits(here: Any, there: nn.Module, attention: bool, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits of two pictures, and with attention of two forced texts, by a network here and a published one."""
    ink = torch.rand(2, 1, 32, 100, dtype=dtype)
    frames, steps = here(ink, torch.tensor([100, 100]))
    if not attention:
        return frames, there(1 - 2 * ink)
    previous = torch.tensor([[0, 5, 9], [0, 30, 2]])
    return here.head.forced(frames, steps, previous), there(1 - 2 * ink, previous)


@pytest.mark.parametrize("attention", [False, True], ids=["ctc", "attention"])
def test_imported_weights_give_the_logits_of_the_published_network(attention: bool, tmp_path: Path) -> None:
    there = published_file(tmp_path / "w.pth", attention)
    done = import_model(tmp_path / "w.pth", tmp_path / "m", name="crnn", licence="Apache-2.0")
    assert done.info.network == "trba" and "".join(done.info.charset) == CHARACTERS
    here, info = load_net(done.folder)
    assert info.frames == 24 and info.graphs.keys() == ({"encoder", "start", "step"} if attention else {"reader"})
    torch.testing.assert_close(*both_logits(here, there, attention, torch.float32), atol=1e-4, rtol=1e-4)


def converted_net(there: nn.Module) -> nn.Module:
    """The network here, in float64, with the weights of a published one, by the names and sizes of its file."""
    found = converted(weights_of(contents(there), "w.pth"), "w.pth")
    charset = Charset(tuple(map(chr, range(33, 33 + found.characters))))
    net = build(found.published.network, charset, **found.sizes)
    net.load_state_dict(found.tensors)
    return net.eval().double()


@pytest.mark.parametrize("attention", [False, True], ids=["ctc", "attention"])
@pytest.mark.parametrize("sequence", [False, True], ids=["none", "bilstm"])
@pytest.mark.parametrize("features", ["vgg", "rcnn", "resnet"])
@pytest.mark.parametrize("tps", [False, True], ids=["none", "tps"])
@torch.no_grad()
def test_all_24_networks_of_the_benchmark_give_the_published_logits(
    tps: bool, features: str, sequence: bool, attention: bool
) -> None:
    torch.manual_seed(0)
    there = scrambled(Published(attention, features, tps, sequence, channels=32, hidden=16))
    found = both_logits(converted_net(there), there, attention, torch.float64)
    torch.testing.assert_close(*found, atol=1e-8, rtol=1e-8)


@torch.no_grad()
def test_stackmix_gives_the_published_logits() -> None:
    torch.manual_seed(0)
    there = scrambled(StackMix())
    ink = torch.rand(2, 1, 128, 256, dtype=torch.float64)
    found, steps = converted_net(there)(ink, torch.tensor([256, 256]))
    assert steps.tolist() == [32, 32]
    torch.testing.assert_close(found, there(1 - ink), atol=1e-8, rtol=1e-8)


@torch.no_grad()
def test_the_label_free_learner_gives_the_published_logits() -> None:
    torch.manual_seed(0)
    there = scrambled(LabelFree())
    here, ink = converted_net(there), torch.rand(2, 1, 64, 256, dtype=torch.float64)
    frames, steps = here(ink, torch.tensor([256, 256]))
    found = here.head.forced(frames, steps, torch.tensor([[0, 2, 9], [0, 30, 1]]))
    expected = there(1 - ink, torch.tensor([[0, 3, 10], [0, 31, 1]]))  # 2 is the unknown character there
    torch.testing.assert_close(found, torch.cat([expected[..., :2], expected[..., 3:]], 2), atol=1e-8, rtol=1e-8)


@pytest.mark.parametrize("attention", [False, True], ids=["ctc", "attention"])
def test_an_imported_model_reads(attention: bool, tmp_path: Path) -> None:
    published_file(tmp_path / "w.pth", attention)
    import_model(tmp_path / "w.pth", tmp_path / "m")
    drawn_line(tmp_path / "line.png", "quill")
    assert read([tmp_path / "line.png"], tmp_path / "m").read == 1


def test_the_command_says_what_was_imported(tmp_path: Path, scriven) -> None:
    published_file(tmp_path / "w.pth")
    code, out, _ = scriven("import-model", tmp_path / "w.pth", "-o", tmp_path / "m")
    assert code == 0 and "w.pth, deep-text-recognition-benchmark or AttentionHTR: trba with 36 characters" in out
    assert "(assumed: 0-9a-z; give others with --chars)" in out
    assert "- characters assumed: 0-9a-z; give others with --chars" in (tmp_path / "m" / "README.md").read_text("utf-8")
    code, out, _ = scriven(
        "import-model", tmp_path / "w.pth", "-o", tmp_path / "n", "--chars", CHARACTERS[::-1], "--json"
    )
    found = json.loads(out)
    assert code == 0 and found["characters"] == CHARACTERS[::-1] and found["assumed"] is False
    assert found["file"] == str(tmp_path / "w.pth")
    code, _, err = scriven("import-model", tmp_path / "w.pth", "-o", tmp_path / "m")
    assert code == 2 and "is a finished model folder" in err


def session(folder: Path, *checkpoints: str, charset: object = string.ascii_letters) -> Path:
    """A session folder of the label-free learner whose checkpoints are empty files."""
    for place in checkpoints:
        (folder / place).mkdir(parents=True)
        (folder / place / "checkpoint.pt").touch()
    (folder / "config.json").write_text(json.dumps({"class": "a.Config", "fields": {"charset": charset, "epochs": 5}}))
    return folder


def test_of_a_session_folder_the_newest_checkpoint_is_imported_with_its_characters(tmp_path: Path, scriven) -> None:
    other = string.ascii_letters[::-1]  # as many as the published set
    one = session(tmp_path / "s", "checkpoints/2", "checkpoints/10", "checkpoints/x", charset=other)
    file = one / "checkpoints" / "10" / "checkpoint.pt"
    torch.save(contents(scrambled(LabelFree(characters=52)).float()), file)
    code, out, _ = scriven("import-model", one, "-o", tmp_path / "m", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["file"] == str(file) and found["characters"] == other and found["assumed"] is False
    assert "- characters from config.json" in (tmp_path / "m" / "README.md").read_text("utf-8")
    (one / "config.json").write_text("damaged")  # and not needed where the characters are given
    given = import_model(file, tmp_path / "g", characters=string.ascii_letters)
    assert "".join(given.info.charset) == string.ascii_letters and not given.characters.assumed


def test_checkpoints_of_self_training_are_newer_than_those_of_pretraining(tmp_path: Path) -> None:
    one = session(tmp_path / "s", "checkpoints/10")
    assert newest_checkpoint(one) == one / "checkpoints" / "10" / "checkpoint.pt"
    for number in (0, 3, 12):
        session(one, f"tuning_checkpoints/{number}")
        assert newest_checkpoint(one) == one / "tuning_checkpoints" / str(number) / "checkpoint.pt"


def test_characters_are_those_of_the_configuration_beside_a_checkpoint_or_of_its_session(tmp_path: Path) -> None:
    one = session(tmp_path / "s", "checkpoints/1", "other/1", charset=list("xyz"))
    assert configured_characters(one / "checkpoints" / "1" / "checkpoint.pt") == "xyz"
    assert configured_characters(one / "checkpoint.pt") == "xyz"
    assert configured_characters(one / "other" / "1" / "checkpoint.pt") == ""  # of no session


@pytest.mark.parametrize(
    "config", ["", "[]", "{}", '{"fields": {}}', '{"fields": {"charset": 3}}', '{"charset": ""}', "\udcff"]
)
def test_a_configuration_without_characters_is_named(config: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(config.encode("utf-8", "surrogateescape"))
    with pytest.raises(
        InputError, match=r"give the characters .* with --chars, or mend .*config\.json: its `charset` cannot"
    ):
        configured_characters(tmp_path / "checkpoint.pt")


def test_a_folder_that_is_no_session_is_refused_with_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "s" / "checkpoints" / "1").mkdir(parents=True)
    with pytest.raises(InputError, match=r"s is no session .*checkpoints/<number>/checkpoint\.pt is expected"):
        import_model(tmp_path / "s", tmp_path / "m")


def test_files_that_are_not_published_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="none of the networks that can be imported"):
        import_model(tmp_path / "other.pth", tmp_path / "m")
    with pytest.raises(InputError, match=r"cannot open .*gone\.pth"):
        import_model(tmp_path / "gone.pth", tmp_path / "m")
    weights = torch.load(Path(published_file(tmp_path / "w.pth") and tmp_path / "w.pth"), weights_only=True)
    weights["module.Prediction.weight"] = torch.zeros(37, 31)
    torch.save(weights, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"not of deep-text.* as it was published: .* is \(37, 31\), where"):
        import_model(tmp_path / "w.pth", tmp_path / "m")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    weights = published_file(tmp_path / "w.pth").state_dict()
    weights["SequenceModeling.1.linear.bias"][3] = value
    torch.save(weights, tmp_path / "w.pth")
    with pytest.raises(
        InputError, match=r"module\.SequenceModeling\.1\.linear\.bias of .*w\.pth has values that are not"
    ):
        import_model(tmp_path / "w.pth", tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_an_existing_folder_is_not_overwritten(tmp_path: Path) -> None:
    published_file(tmp_path / "w.pth")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError):
        import_model(tmp_path / "w.pth", tmp_path / "m")


def test_characters_are_told_by_their_number_or_asked_for() -> None:
    found = characters_of("trba", 94)
    assert found.characters == CASE_SENSITIVE and found.assumed and len(set(CASE_SENSITIVE)) == 94
    assert found.sentence() == "assumed: the 94 printable ones of ASCII; give others with --chars"
    assert characters_of("trba", 36).sentence() == "assumed: 0-9a-z; give others with --chars"
    assert characters_of("lafhtr", 52).sentence() == "assumed: a-zA-Z; give others with --chars"
    found, given = characters_of("resnet34", 79), characters_of("resnet34", 79, "iam")
    assert found.characters == given.characters == COLLECTIONS["iam"] and not given.assumed
    assert found.sentence() == "assumed: those of the collection iam; give others with --chars"
    found = characters_of("trba", 3, "abc")
    assert found.characters == "abc" and found.sentence() == "given with --chars"
    with pytest.raises(SettingsError, match="37 characters; give the characters with --chars"):
        characters_of("trba", 37)
    with pytest.raises(SettingsError, match="give one of patzig, washington|washington, patzig"):
        characters_of("resnet34", 68)
    with pytest.raises(SettingsError, match="writes 79 characters and --chars has 3"):
        characters_of("resnet34", 79, "abc")
    with pytest.raises(SettingsError, match="writes 52 characters and its config.json has 3 .* with --chars"):
        characters_of("lafhtr", 52, configured="abc")
    counts = {"bentham": 87, "iam": 79, "peter": 65, "hkr": 84, "saintgall": 50, "washington": 68, "konzil": 70}
    counts |= {"schiller": 62, "patzig": 68, "ricordi": 69, "schwerin": 50}
    assert {name: len(characters) for name, characters in COLLECTIONS.items()} == counts
    assert all(list(characters) == sorted(characters) for characters in COLLECTIONS.values())
