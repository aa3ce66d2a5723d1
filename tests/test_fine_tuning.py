"""Training that starts from another model: its characters, its language model, the record of its data."""

import pytest

from scriven.base import ModelError, SettingsError
from scriven.images import encode
from scriven.jobs.train import train
from scriven.language.model import CharLM
from scriven.lines import Line, LinesFolder
from scriven.lines.sketch import digest, share_in
from scriven.reader.model import read_info, write_info
from scriven.training.checkpoint import load_net
from toy_training import brief_settings as settings
from toy_training import folder, lines, no_export, picture  # noqa: F401


def test_fine_tuning_extends_the_character_set(lines, tmp_path, caplog):
    train([lines], tmp_path / "a", settings=settings(steps=1, evaluations=1))
    more = folder(tmp_path / "more", extra=[Line("é", encode(picture("cafe")), "café")])
    for other in ({"model": "another"}, {"size": "small"}, {"size": "gigantic"}):
        with pytest.raises(SettingsError, match=next(iter(other.values()))):
            train([more], tmp_path / "x", parent=tmp_path / "a", settings=settings(steps=1, evaluations=1, **other))
    caplog.set_level("INFO")
    grown = train([more], tmp_path / "b", parent=tmp_path / "a", settings=settings(steps=1, evaluations=1))
    said = f"learns 1 character that {tmp_path / 'a'} does not have: 'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE)"
    said += ", which starts from 'e'"
    assert [m for m in caplog.messages if "does not have" in m] == [f"the network {said}"]
    caplog.clear()
    train([lines], tmp_path / "c", parent=tmp_path / "a", settings=settings(steps=1, evaluations=1))
    assert "does not have" not in caplog.text
    old, _ = load_net(tmp_path / "a")
    assert (grown.info.network, grown.info.size) == ("convtext", "tiny") and load_net(tmp_path / "b")
    assert grown.info.charset[: len(old.charset)] == old.charset.characters and "é" in grown.info.charset
    assert grown.info.parents


def test_the_language_model_is_kept_unless_characters_are_new_and_a_missing_one_is_reported_first(
    lines, tmp_path, caplog
):
    brief = settings(steps=1, evaluations=1)
    train([lines], tmp_path / "a", settings=brief)
    CharLM.train(["cad"] * 5, order=2).save(tmp_path / "a" / "language.npz")
    write_info(tmp_path / "a", read_info(tmp_path / "a").model_copy(update={"language_model": "language.npz"}))
    kept = train([lines], tmp_path / "b", parent=tmp_path / "a", settings=brief)
    assert kept.info.language_model == "language.npz" and CharLM.load(tmp_path / "b" / "language.npz")
    more = folder(tmp_path / "more", extra=[Line("é", encode(picture("cafe")), "café")])
    caplog.set_level("INFO")
    grown = train([more], tmp_path / "c", parent=tmp_path / "a", settings=brief)
    assert grown.info.language_model is None and not (tmp_path / "c" / "language.npz").exists()
    assert "is not kept: it lacks the new characters" in caplog.text
    (tmp_path / "a" / "language.npz").unlink()
    with pytest.raises(ModelError, match="language.npz that model.json names is missing"):
        train([lines], tmp_path / "d", parent=tmp_path / "a", settings=brief)
    assert not (tmp_path / "d").exists()


def test_a_model_records_the_data_of_its_parents(lines, tmp_path):
    first = train([lines], tmp_path / "a", settings=settings()).info
    other = folder(tmp_path / "other", count=41)
    second = train([other], tmp_path / "b", parent=tmp_path / "a", settings=settings()).info
    prints = [LinesFolder(one).fingerprint() for one in (lines, other)]
    assert f"\n- started from: {tmp_path / 'a'}\n" in (tmp_path / "b" / "README.md").read_text()
    images = [{digest(line.image) for line in LinesFolder(one).lines()} for one in (lines, other)]
    kept = [one.data[0]["sketch"] for one in (first, second)]
    assert all(0.8 < share_in([one], some) <= 1 for one, some in zip(kept, images, strict=True))
    assert first.sketches() == {kept[0]} and second.sketches() == set(kept)
    assert prints[0] != prints[1] and first.learnt() == {prints[0]} and second.learnt() == set(prints)
