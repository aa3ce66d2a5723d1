"""Parts of a network from a file of weights: trunks of torchvision by their names, own weights, and what is refused."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from scriven.base import InputError, SettingsError
from scriven.jobs.train import train
from scriven.recognisers import build
from scriven.recognisers.contract import Recogniser
from scriven.text import Charset
from scriven.training.checkpoint import load_net, load_tensors, save_tensors
from scriven.training.initial_weights import OTHER_CHARACTERS, initialised
from toy_published import published_file
from toy_training import brief_settings, folder, no_export  # noqa: F401

CHARSET = Charset(tuple("abc "))


def norm(name: str, c: int) -> dict[str, Tensor]:
    shapes = {"weight": (c,), "bias": (c,), "running_mean": (c,), "running_var": (c,), "num_batches_tracked": ()}
    return {f"{name}.{part}": torch.rand(shape) for part, shape in shapes.items()}


def resnet34(c: int = 64) -> dict[str, Tensor]:
    """The state of torchvision's resnet34, `c` channels in its first stage: names and shapes as in its files."""
    made = {"conv1.weight": torch.rand(c, 3, 7, 7), **norm("bn1", c)}
    before = c
    for stage, blocks in enumerate((3, 4, 6, 3), 1):
        width = c * 2 ** (stage - 1)
        for block in range(blocks):
            here = f"layer{stage}.{block}"
            made[f"{here}.conv1.weight"] = torch.rand(width, before, 3, 3)
            made |= norm(f"{here}.bn1", width)
            made[f"{here}.conv2.weight"] = torch.rand(width, width, 3, 3)
            made |= norm(f"{here}.bn2", width)
            if before != width:
                made[f"{here}.downsample.0.weight"] = torch.rand(width, before, 1, 1)
                made |= norm(f"{here}.downsample.1", width)
            before = width
    return made | {"fc.weight": torch.rand(1000, before), "fc.bias": torch.rand(1000)}


def vgg19_bn(c: int = 64) -> dict[str, Tensor]:
    """The state of torchvision's vgg19_bn: convolutions and norms numbered through activations and poolings."""
    made, at, before = {}, 0, 3
    for width in (1, 1, 0, 2, 2, 0, 4, 4, 4, 4, 0, 8, 8, 8, 8, 0, 8, 8, 8, 8, 0):
        if not width:
            at += 1
            continue
        made[f"features.{at}.weight"] = torch.rand(width * c, before, 3, 3)
        made[f"features.{at}.bias"] = torch.rand(width * c)
        made |= norm(f"features.{at + 1}", width * c)
        before, at = width * c, at + 3
    assert at == 53  # torchvision's last pooling is features.52
    return made | {"classifier.0.weight": torch.rand(4, 4), "classifier.6.bias": torch.rand(1000)}


def net_of(network: str, **sizes: object) -> Recogniser:
    torch.manual_seed(0)
    return build(network, CHARSET, **sizes)


def test_the_trunk_of_torchvision_s_resnet34_is_loaded_by_its_names(tmp_path: Path) -> None:
    given = resnet34(8)
    torch.save(given, tmp_path / "resnet34.pth")
    net, plain = net_of("resnet34", channels=8, hidden=16), net_of("resnet34", channels=8, hidden=16)
    done = initialised(net, "resnet34", tmp_path / "resnet34.pth")
    own, before = net.state_dict(), plain.state_dict()
    for here, there in (
        ("stem.weight", "conv1.weight"),
        ("norm.running_var", "bn1.running_var"),
        ("stages.0.2.conv2.weight", "layer1.2.conv2.weight"),
        ("stages.1.0.skip.weight", "layer2.0.downsample.0.weight"),
        ("stages.1.0.skip_norm.bias", "layer2.0.downsample.1.bias"),
        ("stages.2.5.norm1.weight", "layer3.5.bn1.weight"),
    ):
        assert torch.equal(own[here], given[there]), here
    trunk = [name for name in given if not name.startswith(("layer4", "fc"))]
    assert len(done.loaded) == len(trunk) and set(done.left_out) == set(given) - set(trunk)
    assert set(done.left_out.values()) == {"the network has no such part"}
    assert set(done.random) == {n for n in own if n.startswith(("sequence", "hidden", "head"))} | {"stem.bias"}
    assert all(torch.equal(own[name], before[name]) for name in done.random)
    assert f"{len(trunk)} tensors of {tmp_path / 'resnet34.pth'} loaded, by the names of ResNet-34 in torchvision" in (
        done.sentence()
    )


def test_the_convolutions_of_vgg19_are_loaded_into_lafhtr_with_a_prefix_too(tmp_path: Path) -> None:
    given = vgg19_bn(8)
    torch.save({"state_dict": {f"module.{k}": v for k, v in given.items()}}, tmp_path / "vgg.pt")
    net = net_of("lafhtr", channels=8, hidden=16)
    done = initialised(net, "lafhtr", tmp_path / "vgg.pt")
    own = net.state_dict()
    assert torch.equal(own["blocks.4.3.conv.weight"], given["features.49.weight"])
    assert torch.equal(own["blocks.1.0.norm.running_mean"], given["features.8.running_mean"])
    assert len(done.loaded) == 16 * 7 and set(done.left_out) == {"classifier.0.weight", "classifier.6.bias"}


def test_published_recognisers_are_known_by_their_names(tmp_path: Path) -> None:
    published_file(tmp_path / "w.pth")
    sizes = {"transformation": "none", "features": "vgg", "prediction": "ctc", "channels": 64, "hidden": 32}
    net = net_of("trba", **sizes)
    done = initialised(net, "trba", tmp_path / "w.pth")
    assert "AttentionHTR" in done.scheme and set(done.random) == {"head.weight", "head.bias"}
    assert done.left_out["module.Prediction.weight"] == OTHER_CHARACTERS


def test_own_weights_are_loaded_except_what_depends_on_the_characters_or_has_another_shape(tmp_path: Path) -> None:
    parent = net_of("convtext", size="tiny", depth=2)
    save_tensors(tmp_path / "weights.safetensors", parent.state_dict())
    torch.manual_seed(1)
    same_count = build("convtext", Charset(tuple("xyz ")), size="tiny", depth=3)
    for file in (tmp_path, tmp_path / "weights.safetensors"):
        done = initialised(same_count, "convtext", file)
        own, theirs = same_count.state_dict(), parent.state_dict()
        assert set(done.left_out) == {"head.weight", "head.bias"}  # other characters, though as many
        assert all(torch.equal(own[name], theirs[name]) for name in done.loaded)
        assert {name.split(".")[1] for name in done.random if name.startswith("context")} == {"2"}
    wider = build("convtext", CHARSET, size="tiny", depth=2, width=96)
    done = initialised(wider, "convtext", tmp_path)
    assert done.left_out["context.0.a.conv.weight"] == (
        "its shape is 192x192x1x3, that of the network's context.0.a.conv.weight 96x96x1x3"
    )
    assert "stem.conv.weight" in done.loaded


def test_a_file_of_which_nothing_fits_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    torch.save({"encoder.weight": torch.zeros(3, 4)}, tmp_path / "other.pth")
    message = (
        r"no tensor of .*other\.pth \(encoder\.weight 3x4, \.\.\.\) fits the network resnet34.*"
        r"ResNet-34 in torchvision \(conv1\.weight 8x3x7x7"
    )
    with pytest.raises(InputError, match=message):
        initialised(net_of("resnet34", channels=8), "resnet34", tmp_path / "other.pth")
    torch.save(resnet34(4), tmp_path / "narrow.pth")
    with pytest.raises(InputError, match="no tensor of"):  # its counts of batches have the shape of ours
        initialised(net_of("resnet34", channels=32), "resnet34", tmp_path / "narrow.pth")
    with pytest.raises(InputError, match=r"there is no file of weights .*gone\.pth"):
        initialised(net_of("resnet34", channels=8), "resnet34", tmp_path / "gone.pth")


def test_train_starts_from_the_file_and_says_so(tmp_path: Path, scriven) -> None:
    lines = folder(tmp_path / "lines")
    first = train([lines], tmp_path / "a", settings=brief_settings()).folder
    never = brief_settings(seed=5, init=str(first), lr=1e-9, ema=0.0, weight_decay=0.0)
    info = train([lines], tmp_path / "b", settings=never).info
    assert "loaded, by the names of the network convtext" in info.notes[0] and info.settings["init"] == str(first)
    mine, theirs = (load_tensors(tmp_path / name / "weights.safetensors") for name in "ab")
    torch.testing.assert_close(mine["stem.conv.weight"], theirs["stem.conv.weight"], atol=1e-5, rtol=0)
    assert not torch.allclose(mine["head.weight"], theirs["head.weight"], atol=1e-3) and load_net(tmp_path / "b")
    with pytest.raises(SettingsError, match="leave the setting init out"):
        train([lines], tmp_path / "c", parent=first, settings=never)
    code, _, err = scriven("train", lines, "-o", tmp_path / "d", "--steps", 1, "--init", tmp_path / "gone.pth")
    assert code == 2 and "there is no file of weights" in err
