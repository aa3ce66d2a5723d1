"""The model.json of a WordStylist, with the names of its hands. It is read without torch."""

from pathlib import Path

from pydantic import Field

from scriven.base import ModelError
from scriven.reader.model import FolderInfo, read_json, validated_as
from scriven.scribes.wordstylist.settings import NOISE_STEPS

KIND, NETWORK = "scribe", "wordstylist"


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
