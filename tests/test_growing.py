"""A larger character set: which old character a new one starts from, and that old ones read as before."""

from pathlib import Path

import pytest
import torch

from scriven import models
from scriven.base import OutputError, SettingsError
from scriven.jobs.read import read
from scriven.reader.model import find_model
from scriven.recognisers.ctc_head import NEW_PENALTY
from scriven.scribes.fonts.likeness import nearest
from scriven.text import Charset
from scriven.training.checkpoint import load_net
from scriven.training.growing import grown
from toy_pictures import drawn_line
from toy_recogniser import ToyNetwork

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,"


def test_a_character_is_nearest_to_the_one_that_looks_like_it() -> None:
    found = nearest("éşøđŁþ;", LETTERS)
    assert found == {"é": "e", "ş": "s", "ø": "o", "đ": "d", "Ł": "L", "þ": "p", ";": ","}


def test_case_and_height_count_and_not_only_the_shape() -> None:
    assert nearest("őŐ", "oO0") == {"ő": "o", "Ő": "O"}
    assert nearest("’", ",'") == {"’": "'"}  # the same shape, above the baseline or on it


def test_characters_that_no_typeface_draws_have_no_nearest_one() -> None:
    assert nearest("\u2ebf ", LETTERS) == {}
    assert nearest("é", " ") == {} == nearest("é", "")


def test_new_rows_are_those_of_the_nearest_character_and_old_rows_stay() -> None:
    torch.manual_seed(0)
    net = ToyNetwork(Charset(tuple(LETTERS)))
    larger, like = grown(net, net.charset.grow("éþ"))
    assert isinstance(larger, ToyNetwork) and like == {"é": "e", "þ": "p"}
    old = len(LETTERS) + 1
    assert torch.equal(larger.head.weight[:old], net.head.weight) and torch.equal(larger.head.bias[:old], net.head.bias)
    for character, known in like.items():
        at, source = larger.charset.encode(character)[0], net.charset.encode(known)[0]
        assert torch.equal(larger.head.weight[at], net.head.weight[source])
        assert larger.head.bias[at] == net.head.bias[source] - NEW_PENALTY


def test_a_grown_bundled_model_reads_as_before_and_names_where_new_characters_start(tmp_path: Path, scriven) -> None:
    code, out, err = scriven("models", "grow", "scriven-general", "--chars", "\u0111 \u03b1e", "-o", tmp_path / "m")
    assert code == 0 and "Next: scriven train LINES" in out
    assert "'\u0111' (U+0111 LATIN SMALL LETTER D WITH STROKE), which starts from 'd'" in err
    assert "it has 'e' (U+0065 LATIN SMALL LETTER E) already" in err and "which starts from the mean of all" in err
    assert "the output layer alone: --set freeze=stem,enter,stages,column,context --set lr=0.004" in err
    (old, before), (new, after) = load_net(find_model("scriven-general")), load_net(tmp_path / "m")
    assert after.charset == (*before.charset, "\u0111", "\u03b1") and after.parents[0]["name"] == "scriven-general"
    assert (after.temperature, after.calibration, after.stretch) == (
        before.temperature,
        before.calibration,
        before.stretch,
    )
    ink, widths = torch.rand(1, 1, 64, 160), torch.tensor([160])
    with torch.no_grad():
        torch.testing.assert_close(
            new(ink, widths)[0][:, :, : len(before.charset) + 1], old(ink, widths)[0], atol=1e-4, rtol=1e-4
        )
    drawn_line(tmp_path / "line.png", "quill")
    (line,) = read(tmp_path / "line.png", tmp_path / "m").lines
    assert line.text == read(tmp_path / "line.png").text


def test_growing_refuses_characters_that_a_model_has_and_finished_folders(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="has all of the characters 'ab c'"):
        models.grow("scriven-general", "ab c", tmp_path / "m")
    with pytest.raises(SettingsError, match="no characters to add; name at least one"):
        models.grow("scriven-general", "", tmp_path / "m")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.json").write_text("{}")
    with pytest.raises(OutputError, match="is a finished model folder"):
        models.grow("scriven-general", "\u0111", tmp_path / "m")
