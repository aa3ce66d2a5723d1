"""import-model: a published weight file in, a model folder out."""

from dataclasses import dataclass
from pathlib import Path

from scriven.base import InputError
from scriven.jobs.folders import free
from scriven.reader.model import ModelInfo
from scriven.recognisers import build
from scriven.recognisers.published import recognised, renamed
from scriven.recognisers.published_characters import characters_of
from scriven.text import Charset
from scriven.training.checkpoint import WEIGHTS, save_weights, versions
from scriven.training.publish import publish
from scriven.training.weight_files import load_weight_file, weights_of


@dataclass(frozen=True)
class ImportedModel:
    """The result: the model folder, the published network, and its description."""

    folder: Path
    published: str
    info: ModelInfo

    def sentence(self) -> str:
        """What was imported."""
        return f"{self.published}: {self.info.network} with {len(self.info.charset)} characters"


def import_model(
    file: str | Path, out: str | Path, *, characters: str = "", name: str = "", licence: str = ""
) -> ImportedModel:
    """Make a model folder of a weight file of AttentionHTR or its benchmark, StackMix-OCR, or the label-free learner.

    Only tensors are read: the file runs no code. `characters` are those that the network writes, in the order of its
    classes, or the name of a collection of StackMix; needed where the number does not tell. Raises InputError for a
    file that is damaged or of another network, SettingsError for characters that do not fit, OutputError.

    >>> import scriven
    >>> scriven.import_model("weights.pth", "imported").info.network
    'trba'
    """
    out = Path(out)
    free(out, WEIGHTS)
    tensors = weights_of(load_weight_file(Path(file)))
    published = recognised(tensors)
    charset = Charset(tuple(characters_of(published.network, published.characters(tensors), characters)))
    net = build(published.network, charset, **published.sizes(tensors))
    try:
        net.load_state_dict(renamed(published, tensors))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"{file} is not of {published.name} as it was published ({reason})") from error
    out.mkdir(parents=True, exist_ok=True)
    save_weights(out, net)
    info = ModelInfo(
        name=name,
        network=published.network,
        sizes=net.sizes,
        charset=charset.characters,
        height=net.height,
        stride=net.stride,
        frames=net.frames,
        decoders=net.decoders,
        notes=[f"weights of {published.name}, imported from {Path(file).name}"],
        versions=versions(),
        licence=licence,
    )
    publish(out, info, ())
    return ImportedModel(out, published.name, info)
