"""Importing published weights: the same logits, a model folder that reads, and what is refused."""

from pathlib import Path

import pytest
import torch

from scriven import import_model
from scriven.base import InputError, OutputError, SettingsError
from scriven.jobs.read import read
from scriven.recognisers.published_characters import CASE_SENSITIVE, COLLECTIONS, characters_of
from scriven.training.checkpoint import load_net
from toy_pictures import drawn_line
from toy_published import CHARACTERS, published_file


@pytest.mark.parametrize("attention", [False, True], ids=["ctc", "attention"])
def test_imported_weights_give_the_logits_of_the_published_network(attention: bool, tmp_path: Path) -> None:
    there = published_file(tmp_path / "w.pth", attention)
    done = import_model(tmp_path / "w.pth", tmp_path / "m", name="crnn", licence="Apache-2.0")
    assert done.info.network == "trba" and "".join(done.info.charset) == CHARACTERS
    here, info = load_net(done.folder)
    assert info.frames == 24 and info.graphs.keys() == ({"encoder", "start", "step"} if attention else {"reader"})
    ink = torch.rand(2, 1, 32, 100)
    frames, steps = here(ink, torch.tensor([100, 100]))
    with torch.no_grad():
        if attention:
            previous = torch.tensor([[0, 5, 9], [0, 30, 2]])
            found, expected = here.head.forced(frames, steps, previous), there(1 - 2 * ink, previous)
        else:
            found, expected = frames, there(1 - 2 * ink)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("attention", [False, True], ids=["ctc", "attention"])
def test_an_imported_model_reads(attention: bool, tmp_path: Path) -> None:
    published_file(tmp_path / "w.pth", attention)
    import_model(tmp_path / "w.pth", tmp_path / "m")
    drawn_line(tmp_path / "line.png", "quill")
    assert read([tmp_path / "line.png"], tmp_path / "m").read == 1


def test_the_command_says_what_was_imported(tmp_path: Path, scriven) -> None:
    published_file(tmp_path / "w.pth")
    code, out, _ = scriven("import-model", tmp_path / "w.pth", "-o", tmp_path / "m")
    assert code == 0 and "AttentionHTR: trba with 36 characters" in out
    code, _, err = scriven("import-model", tmp_path / "w.pth", "-o", tmp_path / "m")
    assert code == 2 and "is a finished model folder" in err


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
    assert characters_of("trba", 94) == CASE_SENSITIVE and len(set(CASE_SENSITIVE)) == 94
    assert characters_of("resnet34", 79) == characters_of("resnet34", 79, "iam") == COLLECTIONS["iam"]
    assert characters_of("trba", 3, "abc") == "abc"
    with pytest.raises(SettingsError, match="37 characters; give the characters with --chars"):
        characters_of("trba", 37)
    with pytest.raises(SettingsError, match="give one of patzig, washington|washington, patzig"):
        characters_of("resnet34", 68)
    with pytest.raises(SettingsError, match="writes 79 characters and --chars has 3"):
        characters_of("resnet34", 79, "abc")
    counts = {"bentham": 87, "iam": 79, "peter": 65, "hkr": 84, "saintgall": 50, "washington": 68, "konzil": 70}
    counts |= {"schiller": 62, "patzig": 68, "ricordi": 69, "schwerin": 50}
    assert {name: len(characters) for name, characters in COLLECTIONS.items()} == counts
    assert all(list(characters) == sorted(characters) for characters in COLLECTIONS.values())
