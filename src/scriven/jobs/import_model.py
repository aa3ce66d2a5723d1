"""import-model: a published weight file in, a model folder out."""

from dataclasses import dataclass
from pathlib import Path

from scriven.base import InputError
from scriven.jobs.folders import free
from scriven.reader.model import ModelInfo
from scriven.recognisers import build
from scriven.recognisers.contract import Recogniser
from scriven.recognisers.published import Converted, converted
from scriven.recognisers.published_characters import characters_of
from scriven.text import Charset
from scriven.training.checkpoint import WEIGHTS, save_weights, versions
from scriven.training.publish import publish
from scriven.training.weight_files import load_weights


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
    found = converted(load_weights(Path(file)), file)
    published = found.published
    charset = Charset(tuple(characters_of(published.network, found.characters, characters)))
    net = build(published.network, charset, **found.sizes)
    _load(net, found, file)
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


def _load(net: Recogniser, found: Converted, file: str | Path) -> None:
    """Load published weights. Raises InputError for a tensor of another shape, or with a value that is not finite."""
    for here, own in net.state_dict().items():
        given, there = found.tensors[here], found.names[here]
        if given.shape != own.shape:
            shapes = f"{tuple(given.shape)}, where {tuple(own.shape)} is expected"
            raise InputError(
                f"{file} is not of {found.published.name} as it was published: {there} is {shapes}; give that file"
            )
        if not bool(given.isfinite().all()):
            raise InputError(f"{there} of {file} has values that are not finite; give another checkpoint")
    net.load_state_dict(found.tensors)
