"""Weights of published networks: how a file is told, its names here, and what a file may hold."""

import csv
import os
from collections import Counter, OrderedDict, defaultdict, deque
from pathlib import Path

import pytest
import torch
from torch import Tensor

from scriven.base import InputError
from scriven.recognisers import build
from scriven.recognisers.published import converted
from scriven.text import Charset
from scriven.training.weight_files import load_weight_file, load_weights, weights_of

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
    found = converted(given, "w.pth")
    assert (found.published.network, found.characters) == (network, characters)
    with torch.device("meta"):
        net = build(network, Charset(tuple(chr(33 + i) for i in range(characters))), **found.sizes)
    own = net.state_dict()
    assert {k: v.shape for k, v in own.items()} == {k: v.shape for k, v in found.tensors.items()}
    assert len({id(v) for v in found.tensors.values()}) == len(own)  # no tensor is used twice


def test_tensors_of_no_published_network_are_refused():
    message = r"tensors of w\.pth \(encoder\.weight, \.\.\.\) are of none of the networks .* give a file of one of them"
    with pytest.raises(InputError, match=message):
        converted({"encoder.weight": torch.zeros(1)}, "w.pth")


def test_a_tensor_too_many_is_named():
    given = {**tensors("stackmix-80"), "bilstm.extra": torch.zeros(1)}
    with pytest.raises(
        InputError, match=r"w\.pth is not of StackMix.* it has bilstm\.extra, which they have not; give"
    ):
        converted(given, "w.pth")


@pytest.mark.parametrize("name", FILES)
def test_every_tensor_too_few_is_named_with_the_file_and_what_to_give(name):
    given, _, _ = FILES[name]
    for missing in given:
        if missing.endswith(("inv_delta_C", "P_hat")):  # tables that are computed
            continue
        with pytest.raises(InputError) as caught:
            converted({k: v for k, v in given.items() if k != missing}, "w.pth")
        said = str(caught.value)
        assert said.startswith("w.pth is not of ") and said.endswith("; give a complete file"), missing
        layer = missing.rsplit(".", 1)[0]  # where layers tell the stages, another tensor of the stage may be the first
        assert layer in said or missing.startswith("module."), (missing, said)


@pytest.mark.parametrize(
    ("name", "without", "named"),
    [
        ("vgg", "module.Prediction.", "lacks module.Prediction.bias"),
        ("vgg", "module.FeatureExtraction.ConvNet.18.", "lacks module.FeatureExtraction.ConvNet.18.weight"),
        ("rcnn", "module.FeatureExtraction.ConvNet.9.", "lacks module.FeatureExtraction.ConvNet.9.weight"),
        ("trba, case-sensitive", "module.Prediction.generator.bias", "lacks module.Prediction.generator.bias"),
        ("stackmix", "classifier.", "lacks classifier."),
        ("lafhtr", "decoder.", "lacks decoder.linear.bias"),
    ],
)
def test_parts_that_tell_the_sizes_may_be_missing(name, without, named):
    given = {k: v for k, v in FILES[name][0].items() if not k.startswith(without)}
    with pytest.raises(InputError, match=rf"w\.pth is not of .*: it {named}.*; give a complete file"):
        converted(given, "w.pth")


def test_a_tensor_that_tells_a_size_and_has_too_few_axes_is_named():
    given = {**tensors("lafhtr-encoder", prefix="encoder."), "encoder.gru2.weight_hh_l0": torch.zeros(3)}
    with pytest.raises(InputError, match=r"it has another shape of encoder\.gru2\.weight_hh_l0"):
        converted(given, "w.pth")


@pytest.mark.parametrize(
    ("tensor", "shape", "said"),
    [
        ("module.FeatureExtraction.ConvNet.18.weight", (0, 512, 2, 2), "has another shape of .*ConvNet.18.weight"),
        ("module.Prediction.bias", (), "has another shape of module.Prediction.bias"),
        ("module.Prediction.bias", (1,), "writes no characters"),
    ],
)
def test_a_tensor_without_a_size_is_named(tensor, shape, said):
    with pytest.raises(InputError, match=rf"w\.pth is not of .*: it {said}; give a complete file"):
        converted({**FILES["vgg"][0], tensor: torch.zeros(shape)}, "w.pth")


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "model.module.", "module.model."])
def test_what_wrapped_a_network_does_not_matter(prefix):
    for name in ("vgg", "stackmix"):
        given, _, characters = FILES[name]
        wrapped = {prefix + k.removeprefix("module."): v for k, v in given.items()}
        found = converted(wrapped, "w.pth")
        assert found.characters == characters and found.tensors.keys() == converted(given, "w.pth").tensors.keys()


@pytest.mark.parametrize("name", ["vgg", "trba, case-insensitive"])
def test_weights_that_read_colours_are_refused(name):
    given = dict(FILES[name][0])
    first = next(k for k in given if k.endswith(("ConvNet.0.weight", "ConvNet.conv0_1.weight")))
    given[first] = given[first].expand(-1, 3, -1, -1)
    with pytest.raises(InputError, match=r"3 input channels \(--rgb\), which are not supported; give one for grey"):
        converted(given, "w.pth")


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
    found = load_weights(tmp_path / "last.pt")
    assert found.keys() == {"weight", "bias"} and torch.equal(found["weight"], net.weight)
    assert not (tmp_path / "ran").exists()


class Counts(dict):
    """A mapping of a program's own class."""


class Lines(list):
    """A list of a program's own class."""


class Names(set):
    """A set of a program's own class."""


BESIDE = {
    "defaultdict": defaultdict(list, {"cer": [1.0]}),
    "defaultdict of own class": defaultdict(Counts, {"cer": Counts(a=1)}),
    "deque": deque([1, 2], maxlen=3),
    "counter": Counter("abca"),
    "own dict": Counts(a=1, b=[2]),
    "own list": Lines([1, 2]),
    "own list of one": Lines([1]),
    "own set": Names({1, 2}),
    "plain": [OrderedDict(a=1), {1, 2}, frozenset({3}), (4,), None, 1.5, "x", b"y"],
    "paths": [Path("a"), {Path("b"): Names()}],
}


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_weights_are_read_whatever_containers_lie_beside_them(beside, zipped, tmp_path):
    weight = torch.rand(2, 3)
    contents = {"metrics": BESIDE[beside], "model_state_dict": OrderedDict(a=weight), "code": Harmful(tmp_path / "ran")}
    torch.save(contents, tmp_path / "last.pt", _use_new_zipfile_serialization=zipped)
    assert torch.equal(load_weights(tmp_path / "last.pt")["a"], weight)
    assert not (tmp_path / "ran").exists()


def test_plain_containers_of_the_collections_module_are_kept(tmp_path):
    kept = defaultdict(list, {"a": [torch.ones(1)]})
    torch.save({"kept": kept, "queue": deque([1, 2], maxlen=2), "other": Names()}, tmp_path / "w.pt")
    found = load_weight_file(tmp_path / "w.pt")
    assert found["kept"] == kept and found["queue"] == deque([1, 2])
    with pytest.raises(InputError, match="holds an object of a Python class.*save `network.state_dict"):
        torch.save(Counts(a=torch.ones(1)), tmp_path / "w.pt")
        load_weight_file(tmp_path / "w.pt")


class Calls:
    """An object whose unpickling calls a function of a class that is admitted, on a name that is not."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return defaultdict, (os.mkdir,), None, None, iter([(self.path, os.mkdir)])


def test_a_factory_that_is_not_admitted_is_never_called(tmp_path):
    torch.save({"model": {"a": torch.ones(1)}, "calls": Calls(tmp_path / "made")}, tmp_path / "w.pt")
    found = load_weight_file(tmp_path / "w.pt")
    assert found["calls"]["anything"] is not None  # made by the factory of the file, which is inert
    assert [path.name for path in tmp_path.iterdir()] == ["w.pt"]


def test_weights_of_several_networks_are_named_after_them(tmp_path):
    contents = {"models": {"encoder": {"a": torch.ones(1)}, "decoder": {"a": torch.zeros(1)}}, "optimizers": {}}
    torch.save(contents, tmp_path / "checkpoint.pt")
    assert load_weights(tmp_path / "checkpoint.pt").keys() == {"encoder.a", "decoder.a"}


@pytest.mark.parametrize("beside", [None, 3, {"step": 5, "names": ["a"]}])
def test_what_is_no_tensor_among_several_networks_is_left_out(beside):
    contents = {"models": {"encoder": {"a": torch.ones(1), "epoch": 3}, "decoder": beside}}
    assert weights_of(contents, "w.pt").keys() == {"encoder.a"}
    with pytest.raises(InputError, match=r"no tensors in w\.pt, only models; give"):
        weights_of({"models": {"encoder": beside}}, "w.pt")


def test_tensors_that_are_not_dense_are_left_out_and_mappings_in_themselves_end():
    given = {"a": torch.ones(2, 2), "sparse": torch.eye(2).to_sparse()}
    assert weights_of(given, "w.pt").keys() == {"a"}
    itself = dict(given)
    itself["model"] = {"state_dict": itself}
    assert weights_of(itself, "w.pt").keys() == {"a"}


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04"])
def test_a_damaged_file_is_named(content, tmp_path):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"w\.pth is damaged, or is not a file of weights.*download it again"):
        load_weight_file(tmp_path / "w.pth")


def test_a_file_without_tensors_is_named(tmp_path):
    torch.save({"epoch": 3, "names": ["a"]}, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"there are no tensors in .*w\.pth, only epoch, names; give"):
        load_weights(tmp_path / "w.pth")
    torch.save([1], tmp_path / "w.pth")
    with pytest.raises(InputError, match="holds a list"):
        load_weight_file(tmp_path / "w.pth")
    for other in (tmp_path / "gone.pth", tmp_path):
        with pytest.raises(InputError, match=r"cannot open .*; give a file of weights"):
            load_weight_file(other)
