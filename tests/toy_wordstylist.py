"""A small WordStylist with random weights, in which all that it is told reaches the ink."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from scriven.reader.model import write_model
from scriven.scribes.wordstylist.autoencoder import OwnAutoencoder
from scriven.scribes.wordstylist.info import WordStylistInfo
from scriven.scribes.wordstylist.model import AUTOENCODER, WEIGHTS
from scriven.scribes.wordstylist.network import WordStylist
from scriven.scribes.wordstylist.vae import CONFIG, FILE, ImageAutoencoder
from scriven.text import Charset
from scriven.training.checkpoint import save_tensors

CHARACTERS = tuple("abcdefghijklmnopqrstuvwxyz 0123456789é,")
LONGEST = 16
SMALL = {"block_out_channels": [32, 32, 64, 64], "layers_per_block": 1, "latent_channels": 4, "norm_num_groups": 8}


def toy_network(
    seed: int = 0, characters: tuple[str, ...] = CHARACTERS, hands: int = 4, padding: str = "masked"
) -> WordStylist:
    """A network in which no weight is zero."""
    torch.manual_seed(seed)
    net = WordStylist(Charset(characters), hands, width=32, longest=LONGEST, padding=padding)
    with torch.no_grad():
        for weight in net.parameters():
            if not weight.any():
                weight.normal_(0, 0.3)
    return net.eval()


def toy_autoencoder(seed: int = 0) -> OwnAutoencoder:
    """An autoencoder whose pictures are dark strokes on light paper."""
    torch.manual_seed(seed)
    net = OwnAutoencoder()
    last = net.columns.decoder[-2]
    assert isinstance(last, torch.nn.Conv2d) and last.bias is not None
    with torch.no_grad():
        last.bias.fill_(-1.0)
        last.weight.mul_(12.0)
        net.columns.deviation.fill_(1 / 150)  # the latents of a network that predicts no noise are so much too large
    return net.eval()


def toy_wordstylist(folder: Path, hands: int = 4, guided: bool = True, padding: str = "masked") -> Path:
    """Write the finished model folder of a WordStylist with an autoencoder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    net = toy_network(hands=hands, padding=padding)
    save_tensors(folder / WEIGHTS, net.state_dict())
    save_tensors(folder / AUTOENCODER, toy_autoencoder().state_dict())
    names = tuple(f"hand-{number}" for number in range(hands))
    info = WordStylistInfo(
        name="toy", sizes=net.sizes, charset=CHARACTERS, hands=names, guided=guided, steps=2, licence="CC0-1.0"
    )
    write_model(folder, info)
    return folder


def saved_autoencoder(folder: Path, old_names: bool = False, **config: object) -> ImageAutoencoder:
    """Write a folder as diffusers does, with a small autoencoder of random weights; `config` changes what is said."""
    torch.manual_seed(0)
    net = ImageAutoencoder((32, 32, 64, 64), 1, 4, 8, 0.5)
    tensors = net.state_dict()
    if old_names:
        for new, old in (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")):
            tensors = {k.replace(f"attentions.0.{new}.", f"attentions.0.{old}."): v for k, v in tensors.items()}
    folder.mkdir(parents=True)
    save_file(tensors, folder / FILE)
    (folder / CONFIG).write_text(json.dumps({**SMALL, "scaling_factor": 0.5, **config}))
    return net.eval()
