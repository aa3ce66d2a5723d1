"""A small flow scribe with random weights, whose hands are the drawn strokes of toy_drawing."""

from pathlib import Path

import numpy as np
import torch

from scriven.scribes.flow.columns import ink_of
from scriven.scribes.flow.model import Hand, ScribeInfo
from scriven.scribes.flow.network import FlowNetwork
from scriven.text import Charset
from scriven.training.checkpoint import WEIGHTS, save_tensors
from scriven.training.devices import fabric_of
from scriven.training.flow_publish import publish_scribe
from scriven.training.settings import FitSettings
from toy_drawing import drawing

CHARACTERS = tuple("abcdefghijklmnopqrstuvwxyz 0123456789é,")
FABRIC = fabric_of(FitSettings(steps=1, device="cpu", precision="32-true"))
COLUMNS = 20  # of the writing of each hand


def toy_network(latent: int = 0, seed: int = 0, characters: tuple[str, ...] = CHARACTERS) -> FlowNetwork:
    """A network in which no weight is zero, so that all it is told reaches the ink, on light paper."""
    torch.manual_seed(seed)
    net = FlowNetwork(Charset(characters), width=32, layers=1, latent=latent)
    with torch.no_grad():
        for weight in net.parameters():
            if not weight.any():
                weight.normal_(0, 0.2)
        net.character_widths.out.bias.copy_(torch.tensor([2.7, -1.5]))
        if not latent:
            net.out.bias.fill_(-1.5)  # paper
        else:
            assert isinstance(net.codec.decoder[-2], torch.nn.Conv2d) and net.codec.decoder[-2].bias is not None
            net.codec.decoder[-2].bias.fill_(-1.0)
            net.codec.decoder[-2].weight.mul_(12.0)
    return net.eval()


def toy_hand(number: int, charset: Charset, text: str = "some words") -> Hand:
    """A hand: strokes of its own width and grey, with characters of 16 px."""
    ink = ink_of(drawing(COLUMNS * 8, ink=20 + 25 * number))
    ink = np.roll(ink, 5 * number, axis=1)
    edges = np.arange(len(text))[:, None] * 16.0 + [0, 16]
    return Hand(f"hand-{number}", ink, np.array(charset.encode(text), np.int64), edges)


def toy_flow(folder: Path, latent: int = 0, hands: int = 3, characters: tuple[str, ...] = CHARACTERS) -> Path:
    """Write the finished model folder of a flow scribe."""
    folder.mkdir(parents=True, exist_ok=True)
    net = toy_network(latent, characters=characters)
    save_tensors(folder / WEIGHTS, net.state_dict())
    info = ScribeInfo(name="toy", sizes=net.sizes, charset=characters, licence="CC0-1.0")
    publish_scribe(folder, net, info, [toy_hand(number, net.charset) for number in range(hands)])
    return folder
