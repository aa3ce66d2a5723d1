"""Weights of published networks: how a file is told, its names here, and what a file may hold."""

import csv
import os
from collections import defaultdict
from pathlib import Path

import pytest
import torch
from torch import Tensor

from scriven.base import InputError
from scriven.recognisers import build
from scriven.recognisers.published import recognised, renamed
from scriven.text import Charset
from scriven.training.weight_files import load_weight_file, weights_of

TABLE = Path(__file__).parent / "data" / "checkpoints.tsv"  # names and shapes of the tensors of the four codes


def tensors(*models: str, prefix: str = "", without: str = "-") -> dict[str, Tensor]:
    """Tensors without data, with the names and shapes of the table; rows of later models replace those of earlier."""
    rows = defaultdict[str, dict[str, Tensor]](dict)
    with open(TABLE, encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            shape = [] if row["shape"] == "scalar" else [int(n) for n in row["shape"].split("x")]
            rows[row["model"]][prefix + row["key"]] = torch.empty(shape, device="meta")
    first = {k: v for k, v in rows[models[0]].items() if not k.startswith(without)}
    return first | {k: v for model in models[1:] for k, v in rows[model].items()}


FILES = {
    "trba, case-insensitive": (tensors("trba-38"), "trba", 36),
    "trba, case-sensitive": (tensors("trba-38", "trba-96-delta"), "trba", 94),
    "trbc, case-insensitive": (tensors("trba-38", "trbc-37-delta", without="module.Prediction."), "trba", 36),
    "trbc, case-sensitive": (tensors("trba-38", "trbc-95-delta", without="module.Prediction."), "trba", 94),
    "vgg": (tensors("vgg-ctc-37"), "trba", 36),
    "rcnn": (tensors("rcnn-ctc-37"), "trba", 36),
    "stackmix": (tensors("stackmix-80"), "resnet34", 79),
    "lafhtr": (
        tensors("lafhtr-encoder", prefix="encoder.") | tensors("lafhtr-decoder", prefix="decoder."),
        "lafhtr",
        52,
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_every_tensor_of_a_published_file_has_its_place_and_shape(name):
    given, network, characters = FILES[name]
    one = recognised(given)
    assert (one.network, one.characters(given)) == (network, characters)
    with torch.device("meta"):
        net = build(network, Charset(tuple(chr(33 + i) for i in range(characters))), **one.sizes(given))
    found = renamed(one, given)
    assert {k: v.shape for k, v in net.state_dict().items()} == {k: v.shape for k, v in found.items()}
    assert len({id(v) for v in found.values()}) == len(found)  # no tensor is used twice


def test_tensors_of_no_published_network_are_refused():
    with pytest.raises(InputError, match="none of the networks that can be imported"):
        recognised({"encoder.weight": torch.zeros(1)})


def test_a_tensor_too_few_or_too_many_is_named():
    given = tensors("stackmix-80")
    one = recognised(given)
    with pytest.raises(InputError, match="it has bilstm.extra, which they have not"):
        renamed(one, {**given, "bilstm.extra": torch.zeros(1)})
    del given["classifier.3.bias"]
    with pytest.raises(InputError, match="it lacks classifier.3.bias"):
        renamed(one, given)


# What a file may hold


class Harmful:
    """An object whose unpickling runs a command."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_of_a_file_with_code_in_it_only_the_tensors_are_read(zipped, tmp_path):
    net = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=10)
    contents = {
        "model_state_dict": net.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(),
        "scheduler_state_dict": {**scheduler.state_dict(), "anneal": scheduler.get_lr},  # a bound method
        "more": Harmful(tmp_path / "ran"),
    }
    torch.save(contents, tmp_path / "last.pt", _use_new_zipfile_serialization=zipped)
    found = weights_of(load_weight_file(tmp_path / "last.pt"))
    assert found.keys() == {"weight", "bias"} and torch.equal(found["weight"], net.weight)
    assert not (tmp_path / "ran").exists()


def test_weights_of_several_networks_are_named_after_them(tmp_path):
    contents = {"models": {"encoder": {"a": torch.ones(1)}, "decoder": {"a": torch.zeros(1)}}, "optimizers": {}}
    torch.save(contents, tmp_path / "checkpoint.pt")
    assert weights_of(load_weight_file(tmp_path / "checkpoint.pt")).keys() == {"encoder.a", "decoder.a"}


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04"])
def test_a_damaged_file_is_named(content, tmp_path):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(InputError, match="w.pth is damaged, or is not a file of weights"):
        load_weight_file(tmp_path / "w.pth")


def test_a_file_without_tensors_is_named(tmp_path):
    torch.save({"epoch": 3, "names": ["a"]}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="there are no tensors in it, only epoch, names"):
        weights_of(load_weight_file(tmp_path / "w.pth"))
    torch.save([1], tmp_path / "w.pth")
    with pytest.raises(InputError, match="holds a list"):
        load_weight_file(tmp_path / "w.pth")
    with pytest.raises(InputError, match="cannot open"):
        load_weight_file(tmp_path / "gone.pth")
