"""The model folder of a WordStylist: model.json, its weights, and its autoencoder."""

from pathlib import Path

import torch

from scriven.base import ModelError, ScrivenError
from scriven.reader.model import find_model
from scriven.reader.parameters import WEIGHTS as WEIGHTS
from scriven.scribes.wordstylist.autoencoder import Autoencoder, OwnAutoencoder, external_autoencoder
from scriven.scribes.wordstylist.info import WordStylistInfo, read_wordstylist_info
from scriven.scribes.wordstylist.network import WordStylist
from scriven.tensors import load_tensors

AUTOENCODER = "autoencoder.safetensors"


def load_wordstylist(model: str | Path) -> tuple[WordStylist, WordStylistInfo]:
    """The network of a model folder, in evaluation mode on the CPU. Raises ModelError."""
    folder = find_model(model)
    info = read_wordstylist_info(folder)
    tensors = {name: value.float() for name, value in load_tensors(folder / WEIGHTS).items()}
    try:
        with torch.device("meta"):
            net = WordStylist(info.characters, **info.sizes)
        net.load_state_dict(tensors, assign=True)
    except (RuntimeError, TypeError, ValueError, ScrivenError) as error:
        detail = str(error).splitlines()[-1].strip()
        raise ModelError(
            f"the weights in {folder} do not fit its model.json ({detail}); copy the folder again"
        ) from error
    return net.eval(), info


def autoencoder_of(model: str | Path, info: WordStylistInfo, given: str = "") -> Autoencoder:
    """The autoencoder of a model: that in the folder `given`, else that it was trained with. Raises ModelError."""
    if place := given or info.autoencoder:
        return external_autoencoder(place)
    folder = find_model(model)
    if not (folder / AUTOENCODER).is_file():
        raise ModelError(
            f"{folder} has no autoencoder, without which it cannot draw; give the folder `vae` of the Stable Diffusion "
            "model it was trained with: --set autoencoder=FOLDER"
        )
    net = OwnAutoencoder()
    try:
        net.load_state_dict({name: value.float() for name, value in load_tensors(folder / AUTOENCODER).items()})
    except RuntimeError as error:
        detail = str(error).splitlines()[-1].strip()
        raise ModelError(f"{folder / AUTOENCODER} is damaged ({detail}); copy the folder again") from error
    return net.eval()
