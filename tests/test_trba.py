"""The four-stage recogniser: its 24 combinations, its spline, and the sizes of the published networks."""

import itertools
import string

import numpy as np
import onnxruntime
import pytest
import torch
from torch.nn import functional as F

from scriven.base import SettingsError
from scriven.recognisers import build
from scriven.recognisers.export import export, inference_graphs
from scriven.recognisers.trba.features import FEATURES
from scriven.recognisers.trba.network import PREDICTIONS, SEQUENCES, TRANSFORMATIONS
from scriven.recognisers.trba.resample import squashed
from scriven.recognisers.trba.tps import ThinPlateSpline, base_points, inverse_system
from scriven.tensors import Batch, length_mask
from scriven.text import Charset

INSENSITIVE = Charset(tuple(string.printable[:36]))
SENSITIVE = Charset(tuple(string.printable[:-6]))
COMBINATIONS = list(itertools.product(TRANSFORMATIONS, FEATURES, SEQUENCES, PREDICTIONS))
WORDS = Charset.of(["ink"])


def small(combination: tuple[str, ...], width: str = "fixed") -> dict[str, object]:
    """Sizes of a combination at an eighth of the historical width."""
    stages = dict(zip(("transformation", "features", "sequence", "prediction"), combination, strict=True))
    return {**stages, "width": width, "channels": 64, "hidden": 32}


def batch(seed: int = 0) -> Batch:
    images = torch.rand(2, 1, 32, 128, generator=torch.Generator().manual_seed(seed))
    widths = torch.tensor([128, 75])
    images[1, :, :, 75:] = 0
    return Batch(images, widths, ("ink", "kin"), ("", ""))


@pytest.mark.parametrize("width", ["fixed", "variable"])
@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
def test_every_combination_builds_learns_and_reads_alone_as_in_a_batch(combination, width):
    torch.manual_seed(0)
    net = build("trba", WORDS, **small(combination, width))
    given = batch()
    net.loss(given).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())
    net.eval()
    frames, steps = net(given.images, given.widths)
    expected = 32 if width == "variable" else 24 if "vgg" in combination else 26
    assert frames.shape[1] == expected and steps.tolist() == ([32, 19] if width == "variable" else [expected] * 2)
    alone, count = net(given.images[1:, :, :, :96], given.widths[1:])
    torch.testing.assert_close(alone[0, : count[0]], frames[1, : count[0]], atol=1e-4, rtol=1e-4)
    assert len(net.read(given)) == 2


@pytest.mark.parametrize(("features", "width"), [("vgg", "fixed"), ("rcnn", "variable")])
def test_a_bent_spline_is_exported_as_torch_computes_it(features, width, tmp_path):
    """Its points follow the picture, as after training, and every px of the pictures is an edge."""
    torch.manual_seed(1)
    net = build("trba", WORDS, **small(("tps", features, "none", "ctc"), width))
    torch.nn.init.normal_(net.transformation.localiser.out.weight, std=0.02)
    with torch.no_grad():
        for seed in range(30):  # the statistics of the norms settle
            net.loss(batch(seed))
    (graph,) = inference_graphs(net.eval()).values()
    export(graph, tmp_path / "reader.onnx")
    widths = torch.tensor([240, 171, 38])
    ink = torch.from_numpy(np.random.default_rng(0).choice([0.0, 1.0], (3, 1, 32, 240))).float()
    images = ink * length_mask(widths, 240)[:, None, None]
    session = onnxruntime.InferenceSession(str(tmp_path / "reader.onnx"))
    found = session.run([*graph.outputs], {"images": images.numpy(), "widths": widths.numpy()})
    with torch.no_grad():
        expected = graph.module(images, widths)
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, want.numpy(), atol=1e-3)


@pytest.mark.parametrize(
    ("charset", "sizes", "parameters"),
    [
        (SENSITIVE, {}, 49_629_480),
        (INSENSITIVE, {}, 49_555_182),
        (SENSITIVE, {"prediction": "ctc"}, 48_872_999),
        (INSENSITIVE, {"transformation": "none", "features": "vgg", "prediction": "ctc"}, 8_451_621),
        (INSENSITIVE, {"transformation": "none", "features": "rcnn", "prediction": "ctc"}, 4_761_765),
    ],
)
def test_the_published_sizes_to_the_parameter(charset, sizes, parameters):
    with torch.device("meta"):
        net = build("trba", charset, **sizes)
    assert sum(p.numel() for p in net.parameters()) == parameters


def test_the_other_published_networks_to_the_parameter():
    with torch.device("meta"):
        lines = build("resnet34", Charset(tuple(chr(33 + i) for i in range(79))))
        words = build("lafhtr", Charset(tuple(string.ascii_letters)))
    assert sum(p.numel() for p in lines.parameters()) == 12_528_848
    assert sum(p.numel() for p in words.parameters()) == 21_445_299


def test_an_unknown_stage_is_refused_by_name():
    with pytest.raises(SettingsError, match="no features 'vgg19'; there are: vgg, rcnn, resnet"):
        build("trba", WORDS, features="vgg19")


def test_the_spline_is_the_identity_when_the_points_stay_and_follows_them_when_they_move():
    spline = ThinPlateSpline(20, 64).eval()
    base = torch.from_numpy(base_points(20)).float()
    waves = torch.sin(torch.arange(100) / 8), torch.sin(torch.arange(32) / 8)  # px by px at most 1/16 apart
    images = (waves[0][None] + waves[1][:, None])[None, None] / 4 + 0.5
    spline.localiser.forward = lambda images, widths: base[None]
    torch.testing.assert_close(spline(images, torch.tensor([100])), images, atol=0.05, rtol=0)
    spline.localiser.forward = lambda images, widths: base[None] + torch.tensor([0.2, 0.0])
    moved = spline(images, torch.tensor([100]))
    torch.testing.assert_close(moved[..., 10:80], images[..., 20:90], atol=0.1, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_spline_is_as_exact_where_autocast_computes_with_16_bits(dtype):
    spline = ThinPlateSpline(20, 64).eval()
    images = torch.rand(1, 1, 32, 100, generator=torch.Generator().manual_seed(0))
    points = torch.from_numpy(base_points(20)).float()[None] * 0.9
    spline.localiser.forward = lambda images, widths: points
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        found = spline(images, torch.tensor([100]))
    grid = (
        torch.stack(torch.meshgrid(*[(2 * torch.arange(n) + 1 - n) / n for n in (32, 100)], indexing="ij")[::-1], -1)
        * 0.9
    )
    torch.testing.assert_close(
        found, F.grid_sample(images, grid[None], padding_mode="border", align_corners=True), atol=1e-4, rtol=0
    )


def test_the_inverse_of_the_spline_is_exact():
    base = base_points(20)
    inverse = inverse_system(base)
    weights = inverse[:, :20] @ base
    np.testing.assert_allclose(weights[3:], 0, atol=1e-9)  # the identity needs no bending
    np.testing.assert_allclose(weights[:3], [[0, 0], [1, 0], [0, 1]], atol=1e-9)


@pytest.mark.parametrize("width", [30, 100, 333])
def test_pictures_are_resampled_as_pillow_does(width):
    from PIL import Image

    rng = np.random.default_rng(0)
    grey = np.asarray(Image.fromarray(rng.integers(0, 255, (8, 12), np.uint8)).resize((width, 32)), np.uint8)
    wanted = np.asarray(Image.fromarray(grey).resize((100, 32), Image.Resampling.BICUBIC), np.float32)
    images = F.pad(torch.from_numpy(255 - grey.astype(np.float32))[None, None] / 255, (0, 40))
    found = 255 - 255 * squashed(images, torch.tensor([width]), 100)[0, 0]
    assert np.abs(found.numpy() - wanted).max() < 1.5  # Pillow rounds to integers


def test_an_ended_text_is_not_written_on():
    torch.manual_seed(0)
    net = build("trba", WORDS, **small(("none", "vgg", "none", "attention"))).eval()
    with torch.no_grad():
        net.head.out.bias[1] += 100  # the end class
    assert net.read(batch()) == ["", ""]
    with torch.no_grad():
        net.head.out.bias[1] -= 200
    assert [len(text) for text in net.read(batch())] == [96, 96]  # four characters for each of 24 frames
