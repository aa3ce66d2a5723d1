"""The autoencoder of Stable Diffusion, read from a folder, and that of columns with latents of the same shape."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from scriven.base import ModelError
from scriven.scribes.wordstylist.autoencoder import OwnAutoencoder, external_autoencoder
from scriven.scribes.wordstylist.vae import CONFIG, FILE, ImageAutoencoder, load_image_autoencoder
from toy_wordstylist import SMALL, saved_autoencoder


def test_the_autoencoder_of_stable_diffusion_has_its_names_and_number_of_weights() -> None:
    with torch.device("meta"):
        net = ImageAutoencoder()
    assert sum(weight.numel() for weight in net.parameters()) == 83_653_863
    shapes = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    for name, shape in {
        "encoder.conv_in.weight": (128, 3, 3, 3),
        "encoder.down_blocks.1.resnets.0.conv_shortcut.weight": (256, 128, 1, 1),
        "encoder.down_blocks.2.downsamplers.0.conv.weight": (512, 512, 3, 3),
        "encoder.mid_block.attentions.0.to_out.0.weight": (512, 512), "encoder.conv_norm_out.weight": (512,),
        "encoder.conv_out.weight": (8, 512, 3, 3), "quant_conv.weight": (8, 8, 1, 1),
        "post_quant_conv.weight": (4, 4, 1, 1), "decoder.conv_in.weight": (512, 4, 3, 3),
        "decoder.up_blocks.2.resnets.0.conv_shortcut.weight": (256, 512, 1, 1),
        "decoder.up_blocks.0.upsamplers.0.conv.weight": (512, 512, 3, 3),
        "decoder.up_blocks.3.resnets.2.norm2.bias": (128,),
        "decoder.conv_out.bias": (3,),
    }.items():  # fmt: skip
        assert shapes[name] == shape, name
    assert len(shapes) == 248


@pytest.mark.parametrize("old_names", [False, True])
def test_an_external_autoencoder_is_read_from_its_folder(old_names: bool, tmp_path: Path) -> None:
    net = saved_autoencoder(tmp_path / "sd" / "vae", old_names)
    here = load_image_autoencoder(tmp_path / "sd")
    ink = torch.rand(1, 1, 64, 256)
    latents = net.encode(ink)
    assert latents.shape == (1, 4, 8, 32) and net.decode(latents).shape == ink.shape
    assert torch.equal(here.encode(ink), latents) and torch.equal(here.decode(latents), net.decode(latents))
    assert not any(weight.requires_grad for weight in here.parameters())
    paper = here.decode(torch.zeros(1, 4, 8, 32))
    assert not torch.equal(paper, here.decode(torch.ones(1, 4, 8, 32)))


def test_a_folder_that_is_no_such_autoencoder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"no folder of an autoencoder: .*config\.json is missing; give the folder"):
        external_autoencoder(tmp_path / "empty")
    saved_autoencoder(tmp_path / "other", latent_channels=16)
    with pytest.raises(ModelError, match=r"weights in .*other do not fit its config\.json \("):
        external_autoencoder(tmp_path / "other")
    saved_autoencoder(tmp_path / "damaged")
    (tmp_path / "damaged" / FILE).write_bytes(b"weights")
    with pytest.raises(ModelError, match="damaged or of another kind"):
        external_autoencoder(tmp_path / "damaged")
    (tmp_path / "few").mkdir()
    save_file(ImageAutoencoder((32, 32), 1, 4, 8).state_dict(), tmp_path / "few" / FILE)
    (tmp_path / "few" / CONFIG).write_text(json.dumps({**SMALL, "block_out_channels": [32, 32]}))
    with pytest.raises(ModelError, match="has 4 channels at 1/2 of the size; WordStylist needs 4 at 1/8"):
        external_autoencoder(tmp_path / "few")


def test_the_own_autoencoder_has_latents_of_the_same_shape() -> None:
    net, ink = OwnAutoencoder(), torch.rand(2, 1, 64, 256)
    latents = net.encode(ink)
    assert latents.shape == (2, 4, 8, 32) and torch.equal(
        net.decode(latents), net.columns.decode(net.columns.encode(ink))
    )
