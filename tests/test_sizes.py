"""Size settings of networks: every keyword of a constructor is a setting of `train`, checked wherever it is given."""

from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import scriven
from scriven.base import ModelError, OutputError, SettingsError
from scriven.base.settings import override
from scriven.cli.common import changes_of
from scriven.images import encode
from scriven.jobs import train as job
from scriven.jobs.doctor import DoctorSettings, doctor
from scriven.jobs.train import TrainSettings
from scriven.jobs.train_network import network_of
from scriven.lines import Line, LinesWriter
from scriven.reader.model import read_info, write_info
from scriven.recognisers import RECOGNISERS, build, sizes_of
from scriven.text import Charset
from scriven.training.checkpoint import load_net
from toy_reader import picture

SMALL = ("sizes.channels=8,8,8,8", "sizes.blocks=0,0,0", "sizes.width=16", "sizes.depth=1")
AS_KEPT = {"size": "tiny", "channels": [8, 8, 8, 8], "blocks": [0, 0, 0], "width": 16, "depth": 1}
OTHER = {
    "convtext": {
        "size": "tiny", "channels": "8,8,8,8", "blocks": "1,0,0", "width": "96", "depth": "2",
        "decoder_layers": "1", "decoder_width": "64",
    },
    "trba": {
        "transformation": "none", "features": "vgg", "sequence": "none", "prediction": "ctc", "width": "variable",
        "channels": "64", "hidden": "32",
    },
    "resnet34": {"channels": "8", "hidden": "32"},
    "lafhtr": {"channels": "8", "hidden": "32"},
}  # fmt: skip
LETTERS = Charset(tuple("abcdefg "))


def settings(*changes: str) -> TrainSettings:
    return override(TrainSettings(steps=1, size="tiny", batch_width_px=300, evaluations=1, replicas=1), changes)


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("scriven.training.publish.export", lambda net, path: path.write_bytes(b"graph"))
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for i in range(6):
            writer.write(Line(f"a{i}", encode(picture("abc")), "abc"), "valid" if i > 3 else "train")
    return tmp_path / "lines"


@pytest.mark.parametrize("network", RECOGNISERS)
def test_every_keyword_of_a_network_is_a_setting(network: str) -> None:
    keywords = list(signature(RECOGNISERS[network]).parameters)[1:]
    assert set(keywords) == set(OTHER[network]), "add a value of the new keyword to OTHER"
    needed = {"decoder_width": ["sizes.decoder_layers=1"]}
    for key in keywords:
        changed = override(
            TrainSettings(steps=1, model=network), [f"sizes.{key}={OTHER[network][key]}", *needed.get(key, ())]
        )
        found, sizes = network_of(changed, None)
        assert found == network and sizes != sizes_of(network) and key in sizes


def test_sizes_from_the_command_line_are_trained_kept_and_read(lines: Path, tmp_path: Path) -> None:
    done = scriven.train([lines], tmp_path / "m", settings=settings(*SMALL))
    assert done.info.sizes == read_info(tmp_path / "m").sizes == AS_KEPT
    assert "width=16" in done.info.size
    net, _ = load_net(tmp_path / "m")
    assert net.sizes == AS_KEPT and sum(p.numel() for p in net.parameters()) < 8_000


def test_a_network_has_the_dimensions_that_were_asked_for() -> None:
    net: Any = build("convtext", LETTERS, size="tiny", width="96", depth=2, channels=[8, 16, 24, 32], blocks="1,0,2")
    assert net.head.in_features == 96 and len(net.context) == 2
    assert [c.conv.out_channels for c in (net.stem, *net.enter)] == [8, 16, 24, 32]
    assert [len(stage) for stage in net.stages] == [1, 0, 2]
    assert build("convtext", LETTERS, size="tiny", width=192).sizes == {"size": "tiny"}  # what it has anyway
    logits, _ = net.eval()(torch.zeros(1, 1, 64, 40), torch.tensor([40]))
    assert logits.shape == (1, 10, len(LETTERS) + 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "sizes.wdth=96",
            "has no size setting 'wdth'; it has: sizes.size, sizes.channels, .*, sizes.decoder_width",
        ),
        ("sizes.decoder_width=64", "'decoder_width' has no effect without decoder_layers"),
        ("sizes.width=wide", "'sizes.width' is 'wide'.*a whole number of 1 or more"),
        ("sizes.width=0", "'sizes.width' is 0"),
        ("sizes.channels=8,8", "'sizes.channels' is '8,8'.*4 values"),
        ("sizes.size=huge", "no size 'huge'; there are: tiny, small, base"),
        ("sizes=tiny", "set each as sizes.NAME=VALUE"),
        ("lr.x=1", "write it as lr=VALUE"),
        ("model=lstm", "no recogniser 'lstm'"),
    ],
)
def test_wrong_sizes_are_refused_by_name(change: str, words: str, lines: Path, tmp_path: Path) -> None:
    for parent in (None, "scriven-synthetic"):
        with pytest.raises(SettingsError, match=words):
            chosen = override(TrainSettings(steps=1), [change])
            scriven.train([lines], tmp_path / "m", parent=parent, settings=chosen)
    assert not (tmp_path / "m").exists()


def test_a_size_that_is_given_twice_is_refused() -> None:
    with pytest.raises(SettingsError, match="'size' and 'sizes.size' are tiny and base"):
        network_of(settings("sizes.size=base"), None)


def test_a_parent_keeps_its_sizes(lines: Path, tmp_path: Path) -> None:
    scriven.train([lines], tmp_path / "m", settings=settings(*SMALL))
    same = scriven.train([lines], tmp_path / "same", parent=tmp_path / "m", settings=settings(*SMALL))
    untold = TrainSettings(steps=1, batch_width_px=300, evaluations=1, replicas=1)
    plain = scriven.train([lines], tmp_path / "plain", parent=tmp_path / "m", settings=untold)
    assert same.info.sizes == plain.info.sizes == AS_KEPT
    for change in ("sizes.width=24", "size=small", "sizes.channels=8,8,8,16"):
        key, _, value = change.partition("=")
        with pytest.raises(SettingsError, match=f"'{key}' is {value}.*width=16.*leave {key} out"):
            scriven.train([lines], tmp_path / "x", parent=tmp_path / "m", settings=override(untold, [change]))


def test_a_parent_without_an_attention_head_can_be_given_one(lines: Path, tmp_path: Path) -> None:
    scriven.train([lines], tmp_path / "m", settings=settings(*SMALL))
    head = ("sizes.decoder_layers=1", "sizes.decoder_width=16")
    alone = override(TrainSettings(steps=2, batch_width_px=300, evaluations=1, replicas=1), head)
    parts = "stem,enter,column,context,head"
    frozen = override(alone, [f"freeze={parts}", "ema=0"])
    made = scriven.train([lines], tmp_path / "two", parent=tmp_path / "m", settings=frozen)
    assert made.info.sizes == {**AS_KEPT, "decoder_layers": 1, "decoder_width": 16}
    assert made.info.decoders == ("ctc", "attention", "both")
    row = made.progress.rows[0]
    assert not made.refused and row["attention_cer"] != row["cer"]  # the gate compares the readings by CTC
    assert f"CER {row['cer']:.2%} by CTC, {row['attention_cer']:.2%} by attention, on " in made.sentence()
    (old, _), (new, _) = load_net(tmp_path / "m"), load_net(tmp_path / "two")
    kept = new.state_dict()
    assert all(torch.equal(value, kept[key]) for key, value in old.state_dict().items())
    with pytest.raises(SettingsError, match="leave sizes.decoder_width out"):
        other = override(alone, ["sizes.decoder_width=32"])
        scriven.train([lines], tmp_path / "x", parent=tmp_path / "two", settings=other)


def test_a_run_goes_on_with_the_same_sizes_only(lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(job, "publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            scriven.train([lines], tmp_path / "m", settings=settings(*SMALL))
    with pytest.raises(OutputError, match=r"other settings \(sizes\)"):
        scriven.train([lines], tmp_path / "m", settings=settings(*SMALL, "sizes.depth=2"))
    assert scriven.train([lines], tmp_path / "m", settings=settings(*SMALL)).info.sizes == AS_KEPT


def test_sizes_from_a_yaml_file(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text("lr: 0.001\nsizes:\n  width: 96\n  channels: [8, 8, 8, 8]\n", "utf-8")
    changes = changes_of(["sizes.depth=1"], tmp_path / "train.yaml", steps=1)
    chosen = override(TrainSettings(steps=2), changes)
    _, sizes = network_of(chosen, None)
    assert (chosen.lr, sizes) == (0.001, {"size": "small", "channels": [8, 8, 8, 8], "width": 96, "depth": 1})


def test_a_model_with_sizes_that_do_not_fit_is_refused(lines: Path, tmp_path: Path) -> None:
    info = scriven.train([lines], tmp_path / "m", settings=settings()).info
    for sizes in ({"size": "tiny", "heads": 4}, {"size": "tiny", "width": "wide"}):
        write_info(tmp_path / "m", info.model_copy(update={"sizes": sizes}))
        with pytest.raises(ModelError, match="heads|sizes.width"):
            load_net(tmp_path / "m")


def test_doctor_refuses_an_unknown_size(lines: Path) -> None:
    with pytest.raises(SettingsError, match="'size' is 'gigantic'; set it to tiny or small or base"):
        doctor([lines], settings=DoctorSettings(size="gigantic"))


def test_doctor_forecasts_the_network_of_the_model(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scriven.train([lines], tmp_path / "m", settings=settings(*SMALL))
    timed: list[Any] = []
    monkeypatch.setattr("scriven.jobs.bench.training_columns", lambda *network: timed.append(network) or 1000.0)
    found = doctor([lines], tmp_path / "m", DoctorSettings(calibrate=True)).forecast
    assert found is not None and "width=16" in found.size and timed == [("convtext", AS_KEPT)]


def test_a_row_may_be_a_function_with_sizes_of_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Net(nn.Module):
        def __init__(self, charset: Charset, **sizes: Any):
            super().__init__()
            self.sizes = sizes

    monkeypatch.setitem(RECOGNISERS, "free", lambda charset, width: Net(charset, width=width))  # type: ignore
    monkeypatch.setitem(RECOGNISERS, "open", Net)  # type: ignore
    assert sizes_of("free", width="3") == {"width": "3"} and sizes_of("open", anything=1) == {"anything": 1}
    with pytest.raises(SettingsError, match="'depth'; it has: sizes.width"):
        sizes_of("free", depth=1)
