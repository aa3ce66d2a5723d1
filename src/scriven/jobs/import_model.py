"""import-model: a published weight file in, a model folder out."""

from dataclasses import dataclass
from pathlib import Path

from scriven.base import InputError, SettingsError
from scriven.jobs.folders import free
from scriven.jobs.import_scribe import ImportOptions, checkpoint_in, import_scribe
from scriven.reader.model import FolderInfo, ModelInfo
from scriven.recognisers import build
from scriven.recognisers.contract import Recogniser
from scriven.recognisers.published import Converted, converted
from scriven.recognisers.published_characters import PublishedCharacters, characters_of
from scriven.scribes.wordstylist.info import KIND as SCRIBE
from scriven.scribes.wordstylist.published import NAME as WORDSTYLIST
from scriven.scribes.wordstylist.published import as_published
from scriven.text import Charset
from scriven.training.checkpoint import WEIGHTS, save_weights, versions
from scriven.training.publish import publish
from scriven.training.session_folders import configured_characters, newest_checkpoint
from scriven.training.weight_files import load_weights


@dataclass(frozen=True)
class ImportedModel:
    """The result: the model folder, the file it was made of, the published network, its characters, its description."""

    folder: Path
    file: Path
    published: str
    characters: PublishedCharacters
    info: FolderInfo

    @property
    def next(self) -> str:
        """The command that uses it."""
        if self.info.kind == SCRIBE:
            needed = "" if getattr(self.info, "autoencoder", "") else " --set autoencoder=FOLDER"
            return f"scriven write --scribe {self.folder} --texts FILE -o LINES{needed}"
        return f"scriven read -m {self.folder} PICTURES"

    def sentence(self) -> str:
        """What was imported, and where its characters are from."""
        count = len(self.info.charset)
        return f"{self.published}: {self.info.network} with {count} characters ({self.characters.sentence()})"


def import_model(
    file: str | Path,
    out: str | Path,
    *,
    characters: str = "",
    name: str = "",
    licence: str = "",
    autoencoder: str = "",
) -> ImportedModel:
    """Make a model folder of a weight file of AttentionHTR or its benchmark, StackMix-OCR, or the label-free learner.

    Of a session folder of the latter the newest checkpoint is taken. A checkpoint of WordStylist or DiffusionHTR, or
    the folder of one, becomes a scribe; `autoencoder` is the folder of the one that it was trained with. Only tensors
    are read: the file runs no code.
    `characters` are those that the network writes, in the order of its classes, or the name of a collection of
    StackMix; without them those of the `config.json` of a session, else those that published files have by their
    number. Raises InputError for a file that is damaged or of another network, SettingsError for characters that do not
    fit, OutputError.

    >>> import scriven
    >>> scriven.import_model("weights.pth", "imported").info.network
    'trba'
    """
    file, out = Path(file), Path(out)
    free(out, WEIGHTS)
    if file.is_dir():
        file = checkpoint_in(file) or newest_checkpoint(file)
    tensors = load_weights(file)
    if (scribe := as_published(tensors)) is not None:
        options = ImportOptions(characters, name, licence, autoencoder)
        made, known = import_scribe(scribe, file, out, options)
        return ImportedModel(out, file, WORDSTYLIST, known, made)
    if autoencoder:
        raise SettingsError(f"{file} is of no scribe, so it needs no autoencoder; leave out --autoencoder")
    found = converted(tensors, file)
    network, published = found.published.network, found.published.name
    configured = configured_characters(file) if network == "lafhtr" and not characters else ""
    written = characters_of(network, found.characters, characters, configured)
    charset = Charset(tuple(written.characters))
    net = build(network, charset, **found.sizes)
    _load(net, found, file)
    out.mkdir(parents=True, exist_ok=True)
    save_weights(out, net)
    info = ModelInfo(
        name=name,
        network=network,
        sizes=net.sizes,
        charset=charset.characters,
        height=net.height,
        stride=net.stride,
        frames=net.frames,
        decoders=net.decoders,
        notes=[f"weights of {published}, imported from {file.name}", f"characters {written.sentence()}"],
        versions=versions(),
        licence=licence,
    )
    publish(out, info, ())
    return ImportedModel(out, file, published, written, info)


def _load(net: Recogniser, found: Converted, file: Path) -> None:
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
