"""Adapting without labels: blind to texts, trusting by rank, never worse, resumable."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scriven.base import InputError, OutputError
from scriven.images import encode
from scriven.jobs import adapt as job
from scriven.jobs.adapt import AdaptSettings, adapt
from scriven.lines import Character, Line, LinesFolder, LinesWriter, Reading
from scriven.reader.lm import CharLM
from scriven.reader.model import Graph, ModelInfo, write_info
from scriven.recognisers import build
from scriven.scribes.typefaces import bundled
from scriven.tensors import collate
from scriven.text import Charset
from scriven.workbench.beliefs import Belief, Judgement, trusted
from scriven.workbench.keep import save_weights

WORDS = ("ink", "paper", "quill", "letter", "seal", "wax", "desk", "folio", "hand", "script")


def picture(text: str, lean: float = 0.0) -> np.ndarray:
    image = np.full((64, 26 * len(text) + 40), 255, np.uint8)
    cv2.putText(image, text, (20, 42), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 2)
    matrix = np.array([[1, -lean, 32 * lean], [0, 1, 0]], np.float32)
    return cv2.warpAffine(image, matrix, (image.shape[1], 64), borderValue=(255,))


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """A network that reads upright drawn words, as a model folder without its graph."""
    torch.manual_seed(0)
    net = build("convtext", "tiny", Charset.of(["abcdefghijklmnopqrstuvwxyz .,"]))
    batch = collate([picture(w) for w in WORDS], WORDS)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(45):
        optimizer.zero_grad()
        net.loss(batch).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    folder = tmp_path_factory.mktemp("parent")
    save_weights(folder, net)
    write_info(
        folder,
        ModelInfo(
            name="drawn",
            network="convtext",
            size="tiny",
            charset=net.charset.characters,
            graph=Graph(),
            languages=["en"],
        ),
    )
    return folder


@pytest.fixture(autouse=True)
def small_world(monkeypatch):
    """Three typefaces, a language of ten words, no export: what is slow and tested elsewhere."""
    torch.set_num_threads(1)
    faces = tuple(f for f in bundled() if f.id in ("caveat", "kalam", "homemade-apple"))
    assert len(faces) == 3
    monkeypatch.setattr(job, "bundled", lambda: faces)
    monkeypatch.setattr(job, "language_model", lambda name: CharLM.train(WORDS * 3, order=3))
    monkeypatch.setattr("scriven.workbench.publish.export", lambda net, path: path.write_bytes(b"graph"))


def folder(path, texts=None, lean=0.15):
    with LinesWriter(path, {}) as writer:
        for i in range(30):
            word = WORDS[i % len(WORDS)]
            text = word if texts is None else texts[i]
            writer.write(Line(f"p{i}", encode(picture(word, lean + 0.002 * i)), text))
    return path


def settings(**changes):
    return AdaptSettings(**{"steps": 2, "rounds": 1, "columns": 900, "language": "en", **changes})


def test_hidden_labels_cannot_leak(parent, tmp_path):
    rng = np.random.default_rng(0)
    scrambled = ["".join(rng.permutation(list("scrambled"))) for _ in range(30)]
    for name, texts in (("true", None), ("scrambled", scrambled), ("none", [None] * 30)):
        adapt([folder(tmp_path / f"{name}-lines", texts)], tmp_path / name, parent=parent, settings=settings())
    weights = [load_file(tmp_path / name / "weights.safetensors") for name in ("true", "scrambled", "none")]
    for other in weights[1:]:
        assert all(torch.equal(weights[0][k], other[k]) for k in weights[0])


def test_beliefs_are_a_lines_folder_and_the_model_names_its_parent(parent, tmp_path):
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings())
    believed = list(LinesFolder(tmp_path / "m" / "rounds" / "01").lines("train"))
    assert believed and all(b.origin == "pseudo" and b.text and 0 <= b.confidence <= 1 for b in believed)
    assert len(believed) == done.rounds[1]["believed"] < 30
    info = json.loads((tmp_path / "m" / "model.json").read_text())
    assert info["parents"][0]["name"] == "drawn" and info["data"][0]["labels"] == "none"
    assert [json.loads(r)["round"] for r in (tmp_path / "m" / "log.jsonl").read_text().splitlines()] == [0, 1]


def test_a_worse_student_is_not_kept(parent, tmp_path, monkeypatch):
    judge = job.judge
    seen = []

    def harsh(*arguments):
        seen.append(judge(*arguments))
        return seen[0] if len(seen) == 1 else replace(seen[0], surprise=seen[0].surprise + 1)

    monkeypatch.setattr(job, "judge", harsh)
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings(rounds=3))
    assert not done.helped and "less like the language" in done.why and len(done.rounds) == 2
    old, kept = load_file(parent / "weights.safetensors"), load_file(tmp_path / "m" / "weights.safetensors")
    assert all(torch.equal(old[k], kept[k]) for k in old)


def test_a_stopped_run_goes_on(parent, tmp_path, monkeypatch):
    lines = folder(tmp_path / "lines")
    whole = adapt([lines], tmp_path / "whole", parent=parent, settings=settings())
    learn = job._round

    def stopped(*arguments):
        learn(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "_round", stopped)
    with pytest.raises(KeyboardInterrupt):
        adapt([lines], tmp_path / "cut", parent=parent, settings=settings())
    monkeypatch.setattr(job, "_round", learn)
    cut = adapt([lines], tmp_path / "cut", parent=parent, settings=settings())
    assert cut.rounds == whole.rounds
    a, b = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(a[k], b[k]) for k in a)
    with pytest.raises(OutputError, match="finished"):
        adapt([lines], tmp_path / "cut", parent=parent, settings=settings())


def test_other_settings_do_not_go_on(parent, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "_round", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings())
    with pytest.raises(OutputError, match="other settings"):
        adapt([tmp_path / "lines"], tmp_path / "m", parent=parent, settings=settings(lr=1e-3))


def test_too_few_pictures_say_so(parent, tmp_path):
    (tmp_path / "one.png").write_bytes(encode(picture("ink")))
    with pytest.raises(InputError, match="1 pictures can be used and a hand needs at least 8"):
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
    assert [r.id for r in done.refused] == ["0"]


def test_no_picture_is_lost_to_an_equal_id(tmp_path):
    for name, ids in (("a", ["p", "q"]), ("b", ["b/p", "p"]), ("c", ["b/p", "p"])):
        with LinesWriter(tmp_path / name, {}) as writer:
            for id in ids:
                writer.write(Line(id, encode(picture(f"{name} {id}"))))
    found = job._pictures([tmp_path / n for n in "abc"] + [folder(tmp_path / "d")], settings(), [])
    assert len(found) == 36 and len({id for id, _ in found}) == 36


def test_blank_pictures_keep_the_old_weights(parent, tmp_path):
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for i in range(20):
            writer.write(Line(f"p{i}", encode(np.full((64, 200), 250, np.uint8))))
    done = adapt([tmp_path / "lines"], tmp_path / "m", parent=parent, settings=settings())
    assert not done.helped and done.why
    old, kept = load_file(parent / "weights.safetensors"), load_file(tmp_path / "m" / "weights.safetensors")
    assert all(torch.equal(old[k], kept[k]) for k in old)


def belief(id: str, text: str, trust: float) -> Belief:
    characters = tuple(Character(c, 0.9, i, i + 1) for i, c in enumerate(text))
    return Belief(Reading(id, text, 0.5, characters), trust, 1.0)


def test_trust_is_by_rank_inside_bins_of_length():
    short = [belief(f"s{i}", f"a{chr(97 + i)}", -0.01 * i) for i in range(10)]
    long = [belief(f"l{i}", f"a long reading {chr(97 + i)}", -5.0 - i) for i in range(10)]
    kept = trusted(short + long, 0.5)
    assert sorted(b.reading.id for b in kept) == sorted(f"{k}{i}" for k in "sl" for i in range(5))


def test_empty_and_repeated_readings_are_not_trusted():
    beliefs = [belief(f"e{i}", "", 0.0) for i in range(5)] + [belief(f"r{i}", "the", -0.1) for i in range(50)]
    kept = trusted(beliefs, 1.0)
    assert {b.reading.text for b in kept} == {"the"} and len(kept) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"surprise": 2.5}, "less like the language"),
        ({"disagreement": 0.5, "surprise": 1.5}, "agrees less with itself"),
        ({"characters": 5.0, "surprise": 1.0}, "changed in length"),
        ({}, "no better that one could tell"),
        ({"surprise": 1.9}, None),
        ({"disagreement": 0.15}, None),
    ],
)
def test_a_judgement_refuses_with_a_reason(changes, why):
    old = Judgement(disagreement=0.2, surprise=2.0, characters=10.0)
    reason = replace(old, **changes).worse_than(old)
    assert reason is None if why is None else why in reason
