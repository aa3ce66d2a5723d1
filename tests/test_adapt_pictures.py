"""Adapting: which pictures are learnt, and which only judge."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scriven.base import InputError
from scriven.images import encode
from scriven.jobs import adapt as job
from scriven.jobs.adapt import adapt
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.reader.model import read_info, write_info
from scriven.scribes import SCRIBES
from scriven.selftrain import rounds as learning
from scriven.selftrain.pictures import gather, share_of_lines
from toy_hand import WORDS, folder, parent, picture, settings, small_world  # noqa: F401
from toy_scribe import ToyScribe, toy_scribe


def test_the_share_of_lines_is_told_by_their_width():
    wide, narrow = np.full((64, 900), 255, np.uint8), np.full((64, 150), 255, np.uint8)
    assert share_of_lines([("a", wide), ("b", narrow), ("c", wide), ("d", wide)]) == 0.75


def test_of_many_pictures_put_aside_only_some_are_estimated_and_shown(parent, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "VIEWED", 3)
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings())
    assert done.estimates[0] and done.estimates[0].n == 3
    assert "3 of the 4 pictures that were not learnt from" in (tmp_path / "m" / "report.html").read_text()


def test_a_test_split_is_never_adapted_to(tmp_path):
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for i in range(10):
            for split in ("train", "test"):
                writer.write(Line(f"{split}{i}", encode(picture(f"{i} {split}"))), split)
    skipped = []
    assert {id for id, _ in gather([tmp_path / "lines"], "lines", skipped)} == {f"train{i}" for i in range(10)}
    assert not skipped


def test_too_few_pictures_say_so(parent, tmp_path):
    (tmp_path / "one.png").write_bytes(encode(picture("ink")))
    with pytest.raises(InputError, match="1 picture can be used and a hand needs at least 8"):
        adapt([tmp_path / "one.png"], tmp_path / "m", parent=parent, settings=settings())


def test_pictures_too_wide_to_learn_are_left_out_before_they_are_believed(parent, tmp_path):
    """A round whose believed pictures could all not be trained on ended in an IndexError."""
    wide = np.hstack([picture("ink")] * 40)
    for i in range(8):
        (tmp_path / f"{i}.png").write_bytes(encode(wide))
    found = [tmp_path / f"{i}.png" for i in range(8)]
    with pytest.raises(InputError, match="0 pictures can be used .* 0: its picture is 4720 px wide"):
        adapt(found, tmp_path / "m", parent=parent, settings=settings())
    done = adapt([folder(tmp_path / "lines"), *found[:1]], tmp_path / "m", parent=parent, settings=settings())
    assert [r.id for r in done.skipped] == ["0"]


def test_believed_pictures_are_as_wide_as_they_are_read_and_have_room_for_what_they_say(parent, tmp_path, monkeypatch):
    started = shutil.copytree(parent, tmp_path / "parent")
    write_info(started, read_info(started).model_copy(update={"stretch": 1.3}))
    pseudo_label = learning.pseudo_label

    def dense(*given):
        for number, belief in enumerate(pseudo_label(*given)):
            reading = replace(belief.reading, text="ink" * 60) if number % 3 == 0 else belief.reading
            yield replace(belief, reading=reading, trust=0.0 if number % 3 == 0 else belief.trust)

    monkeypatch.setattr(learning, "believe", dense)
    adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=started, settings=settings(keep_fraction=1.0))
    believed = LinesFolder(tmp_path / "m" / "rounds" / "01")
    widths = {line.id: line.width for line in LinesFolder(tmp_path / "lines").lines()}
    plain = dict(gather([tmp_path / "lines"], "lines", []))
    assert widths.keys() == plain.keys()
    for line in believed.lines():
        assert len(line.text) < 60 and line.width == round(1.3 * plain[line.id].shape[1])
    assert json.loads((tmp_path / "m" / "log.jsonl").read_text().splitlines()[1])["pseudo_labels"] == believed.count(
        "train"
    )


def test_no_picture_is_lost_to_an_equal_id(tmp_path):
    for name, ids in (("a", ["p", "q"]), ("b", ["b/p", "p"]), ("c", ["b/p", "p"])):
        with LinesWriter(tmp_path / name, {}) as writer:
            for id in ids:
                writer.write(Line(id, encode(picture(f"{name} {id}"))))
    found = gather([tmp_path / n for n in "abc"] + [folder(tmp_path / "d")], "lines", [])
    assert len(found) == 36 and len({id for id, _ in found}) == 36


def test_blank_pictures_keep_the_old_weights(parent, tmp_path):
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for i in range(20):
            writer.write(Line(f"p{i}", encode(np.full((64, 200 + 4 * i), 250, np.uint8))))
    done = adapt([tmp_path / "lines"], tmp_path / "m", parent=parent, settings=settings())
    assert not done.helped and done.why
    old, kept = load_file(parent / "weights.safetensors"), load_file(tmp_path / "m" / "weights.safetensors")
    assert all(torch.equal(old[k], kept[k]) for k in old)


def test_of_pictures_that_are_the_same_one_is_learnt(parent, tmp_path):
    """So none that was learnt judges; ten times one picture is no hand."""
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for i in range(30):
            writer.write(Line(f"p{i}", encode(picture(WORDS[i % 10]))))
    skipped = []
    assert gather([tmp_path / "lines"], "lines", skipped).ids == [f"p{i}" for i in range(10)]
    assert [one.sentence() for one in skipped[:2]] == ["p10: the same picture as p0", "p11: the same picture as p1"]
    with LinesWriter(tmp_path / "ten", {}) as writer:
        for i in range(10):
            writer.write(Line(f"p{i}", encode(picture("ink"))))
    with pytest.raises(
        InputError, match="1 picture can be used and a hand needs at least 8.*p1: the same picture as p0"
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
