"""The model folder of a WordStylist: model.json with the names of its hands, its weights, and its autoencoder."""

from pathlib import Path

import torch
from pydantic import Field

from scriven.base import ModelError, ScrivenError
from scriven.reader.model import FolderInfo, find_model, read_json, validated_as
from scriven.reader.parameters import WEIGHTS as WEIGHTS
from scriven.scribes.wordstylist.autoencoder import Autoencoder, OwnAutoencoder, external_autoencoder
from scriven.scribes.wordstylist.network import WordStylist
from scriven.scribes.wordstylist.settings import NOISE_STEPS
from scriven.tensors import load_tensors

KIND, NETWORK = "scribe", "wordstylist"
AUTOENCODER = "autoencoder.safetensors"


class WordStylistInfo(FolderInfo):
    """The content of the model.json of a WordStylist."""

    kind: str = KIND
    network: str = NETWORK
    hands: tuple[str, ...]  # names, by number
    guided: bool = (
        True  # whether it was trained without text and hand, too, so that there is something to guide against
    )
    steps: int = Field(default=50, ge=1, lt=NOISE_STEPS)  # of sampling, where the setting is None
    autoencoder: str = ""  # folder of an external autoencoder; "": that of the folder, or one that has to be given


def read_wordstylist_info(folder: str | Path) -> WordStylistInfo:
    """The model.json of a WordStylist. Raises ModelError as `read_json` does, and for another network."""
    file = Path(folder) / "model.json"
    content = read_json(folder, KIND)
    if content.get("network") != NETWORK:
        raise ModelError(f"{folder} is a scribe of the network {content.get('network')!r}; give a {NETWORK} one")
    info = validated_as(WordStylistInfo, content, file)
    if len(info.hands) != info.sizes.get("hands"):
        raise ModelError(
            f"{file} names {len(info.hands)} hands and its network has {info.sizes.get('hands')}; copy the folder again"
        )
    return info


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
