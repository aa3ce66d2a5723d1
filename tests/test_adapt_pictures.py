"""Adapting: which pictures are trained on, and which are held out."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scriven.base import InputError
from scriven.images import encode
from scriven.jobs.adapt import adapt
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.reader.model import read_info, write_info
from scriven.scribes import SCRIBES
from scriven.selftrain import held_out
from scriven.selftrain import pseudo_labels as labelling
from scriven.selftrain.pictures import gather, share_of_lines
from toy_hand import WORDS, folder, parent, picture, settings, small_world  # noqa: F401
from toy_scribe import ToyScribe, toy_scribe


def test_the_share_of_lines_is_estimated_from_aspect_ratios():
    wide, narrow = np.full((64, 900), 255, np.uint8), np.full((64, 150), 255, np.uint8)
    assert share_of_lines([("a", wide), ("b", narrow), ("c", wide), ("d", wide)]) == 0.75


def test_of_many_held_out_pictures_a_sample_is_estimated_and_shown(parent, tmp_path, monkeypatch):
    monkeypatch.setattr(held_out, "MAX_VIEWED", 3)
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings())
    assert done.estimates[0] and done.estimates[0].n == 3
    assert "3 of the 4 held-out pictures" in (tmp_path / "m" / "report.html").read_text()


def test_a_test_split_is_never_adapted_to(tmp_path):
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for i in range(10):
            for split in ("train", "test"):
                writer.write(Line(f"{split}{i}", encode(picture(f"{i} {split}"))), split)
    found = gather([tmp_path / "lines"], "lines", 64)
    assert {id for id, _ in found.pictures} == {f"train{i}" for i in range(10)} and not found.skipped


def test_too_few_pictures_are_refused(parent, tmp_path):
    (tmp_path / "one.png").write_bytes(encode(picture("ink")))
    with pytest.raises(InputError, match="1 picture can be used, and adapting needs at least 8"):
        adapt([tmp_path / "one.png"], tmp_path / "m", parent=parent, settings=settings())


def test_pictures_too_wide_to_train_on_are_skipped_before_they_are_read(parent, tmp_path):
    """A round in which no pseudo-label could be trained on ended in an IndexError."""
    wide = np.hstack([picture("ink")] * 40)
    for i in range(8):
        (tmp_path / f"{i}.png").write_bytes(encode(wide))
    found = [tmp_path / f"{i}.png" for i in range(8)]
    with pytest.raises(InputError, match="0 pictures can be used.* 0: its picture is 4720 px wide"):
        adapt(found, tmp_path / "m", parent=parent, settings=settings())
    done = adapt([folder(tmp_path / "lines"), *found[:1]], tmp_path / "m", parent=parent, settings=settings())
    assert [r.id for r in done.skipped] == ["0"]


def test_pictures_of_pseudo_labels_are_as_wide_as_they_are_read_and_long_enough_for_them(parent, tmp_path, monkeypatch):
    started = shutil.copytree(parent, tmp_path / "parent")
    write_info(started, read_info(started).model_copy(update={"stretch": 1.3}))
    pseudo_label = labelling.pseudo_label

    def dense(*given):
        for number, label in enumerate(pseudo_label(*given)):
            reading = replace(label.reading, text="ink" * 60) if number % 3 == 0 else label.reading
            yield replace(label, reading=reading, score=0.0 if number % 3 == 0 else label.score)

    monkeypatch.setattr(labelling, "pseudo_label", dense)
    adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=started, settings=settings(keep_fraction=1.0))
    labels = LinesFolder(tmp_path / "m" / "rounds" / "01")
    widths = {line.id: line.width for line in LinesFolder(tmp_path / "lines").lines()}
    plain = dict(gather([tmp_path / "lines"], "lines", 64).pictures)
    assert widths.keys() == plain.keys()
    for line in labels.lines():
        assert len(line.text) < 60 and line.width == round(1.3 * plain[line.id].shape[1])
    assert json.loads((tmp_path / "m" / "log.jsonl").read_text().splitlines()[1])["pseudo_labels"] == labels.count(
        "train"
    )


def test_pictures_with_equal_ids_are_all_used(tmp_path):
    for name, ids in (("a", ["p", "q"]), ("b", ["b/p", "p"]), ("c", ["b/p", "p"])):
        with LinesWriter(tmp_path / name, {}) as writer:
            for id in ids:
                writer.write(Line(id, encode(picture(f"{name} {id}"))))
    found = gather([tmp_path / n for n in "abc"] + [folder(tmp_path / "d")], "lines", 64).pictures
    assert len(found) == 36 and len({id for id, _ in found}) == 36


def test_blank_pictures_keep_the_weights_of_the_parent(parent, tmp_path):
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for i in range(20):
            writer.write(Line(f"p{i}", encode(np.full((64, 200 + 4 * i), 250, np.uint8))))
    done = adapt([tmp_path / "lines"], tmp_path / "m", parent=parent, settings=settings())
    assert not done.helped and done.why
    old, kept = load_file(parent / "weights.safetensors"), load_file(tmp_path / "m" / "weights.safetensors")
    assert all(torch.equal(old[k], kept[k]) for k in old)


def test_of_identical_pictures_one_is_used(parent, tmp_path):
    """So no training picture is also held out; ten copies of one picture are too few."""
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for i in range(30):
            writer.write(Line(f"p{i}", encode(picture(WORDS[i % 10]))))
    found = gather([tmp_path / "lines"], "lines", 64)
    assert found.pictures.ids == [f"p{i}" for i in range(10)]
    assert [one.sentence() for one in found.skipped[:2]] == [
        "p10: the same picture as p0",
        "p11: the same picture as p1",
    ]
    with LinesWriter(tmp_path / "ten", {}) as writer:
        for i in range(10):
            writer.write(Line(f"p{i}", encode(picture("ink"))))
    with pytest.raises(
        InputError, match="1 picture can be used, and adapting needs at least 8.*p1: the same picture as p0"
    ):
        adapt([tmp_path / "ten"], tmp_path / "m", parent=parent, settings=settings())


def test_the_synthetic_pictures_are_written_by_the_scribe_that_the_settings_name(parent, tmp_path, monkeypatch):
    monkeypatch.setitem(SCRIBES, "toy", toy_scribe)
    written, write = [], ToyScribe.write
    monkeypatch.setattr(
        ToyScribe, "write", lambda self, text, *a, **k: written.append(text) or write(self, text, *a, **k)
    )
    given = settings(scribe="toy:q", synthetic_fraction=0.5)
    adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=given)
    assert len(written) > 5 and read_info(tmp_path / "m").settings["scribe"] == "toy:q"
