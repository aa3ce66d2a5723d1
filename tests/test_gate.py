"""`train --from` keeps its parent if the new model reads worse, or has forgotten what is replayed."""

import json
import shutil
from functools import partial

import pytest
import torch

from scriven.base.settings import override
from scriven.images import encode
from scriven.jobs.train import TrainSettings, train
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.reader.model import Graph, ModelInfo, read_info, write_info
from scriven.reader.trainable import InputSpec
from scriven.recognisers import build
from scriven.tensors import collate
from scriven.text import Charset
from scriven.training.checkpoint import load_net, load_tensors, save_weights
from scriven.training.data import TrainingData
from scriven.training.fit import Progress
from scriven.training.gate import ParentScore, refusal
from scriven.training.loader import unaugmented_batches
from scriven.training.sources import FixedSource, FolderSource
from toy_training import WORDS, brief_settings, folder, lines, no_export, picture  # noqa: F401

settings = partial(brief_settings, batch_width_px=300)
CHARSET = Charset.of([" ".join(WORDS)])
SPEC = InputSpec(64, 4, CHARSET)
FILES = ("weights.safetensors", "reader.onnx")


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """A model with random weights, which reads something in every picture, but no spaces."""
    torch.manual_seed(0)
    net, path = build("convtext", CHARSET, size="tiny"), tmp_path_factory.mktemp("parent")
    words = collate([picture(word) for word in WORDS], WORDS)
    net.eval().head.weight.data *= 100
    with torch.no_grad():  # without what all frames have in common
        net.head.bias.copy_(-net(words.images, words.widths)[0].flatten(0, 1).mean(0))
    net.head.bias.data[CHARSET.encode(" ")[0]] = -1e4
    save_weights(path, net)
    network = {"network": "convtext", "sizes": {"size": "tiny"}, "charset": CHARSET.characters}
    write_info(path, ModelInfo(**network, graphs={"reader": Graph()}, languages=["en"], data=[{"path": "before"}]))
    (path / "reader.onnx").write_bytes(b"the graph of the parent")
    return path


@pytest.fixture(scope="module")
def own(lines, parent, tmp_path_factory):  # noqa: F811
    """Lines whose texts are what the parent reads in them: its CER is 0, and every other reading is worse."""
    net, _ = load_net(parent)
    path = tmp_path_factory.mktemp("data") / "own"
    with LinesWriter(path, {}) as writer:
        for split in ("train", "valid"):
            source = FolderSource(LinesFolder(lines), split, SPEC)
            order = sorted(range(len(source)), key=source.width)
            read = [text for batch in unaugmented_batches(source, 1200) for text in net.read(batch)]
            assert len(set(read)) > 3 and all(read)
            for at, text in zip(order, read, strict=True):
                writer.write(Line(f"{split}-{at}", encode(source.picture(at)), text), split)
    return path


def contents(path):
    return [(path / name).read_bytes() for name in FILES]


def test_a_model_that_reads_worse_is_refused_and_its_folder_is_the_parent(own, tmp_path, parent, scriven):
    chosen = ["--steps", "2", "--set", "lr=0.5", "--set", "batch_width_px=300", "--set", "evaluations=1"]
    code, out, _ = scriven("train", own, "-o", tmp_path / "m", "--from", parent, *chosen)
    assert code == 0
    assert "not improved, the parent's weights are kept: CER " in out and "% on 8 validation lines, before 0.00%" in out
    assert "--set gate=no" in out
    assert contents(tmp_path / "m") == contents(parent)
    info, old = read_info(tmp_path / "m"), read_info(parent)
    assert (info.charset, info.languages, info.data) == (old.charset, old.languages, old.data)
    assert info.parents == [old.as_parent(str(parent))] and info.settings["lr"] == 0.5
    assert (info.scores["valid"]["cer"], info.scores["valid"]["step"]) == (0.0, 0)
    assert "training did not help (CER " in (tmp_path / "m" / "README.md").read_text()
    code, out, _ = scriven("train", own, "-o", tmp_path / "n", "--from", parent, *chosen, "--set", "gate=no", "--json")
    said = json.loads(out)
    assert (code, said["helped"], said["why"]) == (0, True, "") and said["cer"] > 0
    assert contents(tmp_path / "n")[0] != contents(parent)[0]


def test_a_model_that_reads_no_worse_is_kept(lines, tmp_path, parent):  # noqa: F811
    done = train([lines], tmp_path / "m", parent=parent, settings=settings())
    assert not done.refused and contents(tmp_path / "m")[0] != contents(parent)[0]
    assert done.sentence().startswith("CER ") and not done.info.notes


def test_a_refused_model_has_no_new_characters(own, tmp_path, parent):
    path = shutil.copytree(own, tmp_path / "lines")
    with LinesWriter(tmp_path / "more", {}) as writer:
        writer.write(Line("new", encode(picture("cafe")), "café"))
    shutil.copy(tmp_path / "more" / "train-00000.parquet", path / "train-00001.parquet")
    done = train([path], tmp_path / "m", parent=parent, settings=settings(lr=0.5))
    assert done.refused and done.info.charset == CHARSET.characters and contents(tmp_path / "m") == contents(parent)


def test_a_model_that_has_forgotten_is_refused(lines, own, tmp_path, parent):  # noqa: F811
    """It reads the validation lines no worse, and those of the parent, which it read without error, worse."""
    replayed = {"replay": 0.01, "replay_from": (str(own),), "lr": 0.5}
    done = train([lines], tmp_path / "m", parent=parent, settings=settings(**replayed))
    assert "on 8 replayed pictures, before 0.00%: more than forgetting=0.02 is lost" in done.refused
    assert contents(tmp_path / "m") == contents(parent)
    (row,) = [json.loads(line) for line in (tmp_path / "m" / "log.jsonl").read_text().splitlines()]
    assert row["replay_cer"] > 0.02
    kept = train([lines], tmp_path / "n", parent=parent, settings=settings(**replayed, gate=False))
    assert not kept.refused and contents(tmp_path / "n")[0] != contents(parent)[0]


def test_a_run_killed_while_the_parent_is_copied_is_refused_again(own, lines, tmp_path, parent, monkeypatch):  # noqa: F811
    """The verdict follows from the log, not from the weights in the folder, which are the parent's by then."""
    chosen = settings(replay=0.01, replay_from=(str(own),), lr=0.5)
    with monkeypatch.context() as patch:
        patch.setattr("scriven.training.publish.card", lambda info: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            train([lines], tmp_path / "m", parent=parent, settings=chosen)
    assert contents(tmp_path / "m") == contents(parent) and not (tmp_path / "m" / "model.json").exists()
    assert train([lines], tmp_path / "m", parent=parent, settings=chosen).refused


def test_the_gate_does_not_change_the_training(lines, tmp_path, parent):  # noqa: F811
    torch.set_num_threads(1)
    for gate in (True, False):
        train([lines], tmp_path / str(gate), parent=parent, settings=settings(gate=gate, replicas=1))
    one, other = (load_tensors(tmp_path / gate / "state" / "run.safetensors") for gate in ("True", "False"))
    assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(
    ("before", "after", "forgetting", "words"),
    [
        ((0.10, None), (0.10, None), 0.0, None),
        ((0.10, None), (0.11, None), 0.5, "CER 11.00% on 2 validation lines, before 10.00%"),
        ((0.10, 0.20), (0.09, 0.22), 0.02, None),
        (
            (0.10, 0.20),
            (0.09, 0.23),
            0.02,
            "CER 23.00% on 3 replayed pictures, before 20.00%: more than forgetting=0.02",
        ),
        ((0.10, 0.20), (0.12, 0.10), 0.02, "CER 12.00% on 2 validation lines"),
    ],
)
def test_the_best_evaluation_is_compared(lines, before, after, forgetting, words):  # noqa: F811
    source = FolderSource(LinesFolder(lines), "valid", SPEC)
    valid, replay = (FixedSource(source, range(count)) for count in (2, 3))
    data = TrainingData.of([lines], SPEC, TrainSettings(steps=1))
    data = type(data)(data.mixture, (valid,), (), (), "validation line", (replay,))
    rows = [
        {"cer": 0.5, "replay_cer": 0.0, "best": True},
        {"cer": after[0], "replay_cer": after[1], "best": True},
        {"cer": 0.4, "best": False},
    ]
    said = refusal(ParentScore(*before), Progress(rows=rows).best_row, data, forgetting)
    assert said is None if words is None else said is not None and said.startswith(words)


def test_settings_of_the_gate_may_change_when_a_run_is_resumed(lines, tmp_path, parent, monkeypatch):  # noqa: F811
    with monkeypatch.context() as patch:
        patch.setattr("scriven.training.publish.card", lambda info: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            train([lines], tmp_path / "m", parent=parent, settings=settings())
    chosen = override(settings(), ["gate=no", "forgetting=0.5"])
    assert train([lines], tmp_path / "m", parent=parent, settings=chosen).progress.step == 2
