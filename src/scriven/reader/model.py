"""`model.json`, the description of a model: reading, validation and writing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from scriven.base import ModelError, TextError, atomic
from scriven.reader import DEFAULT_MODEL as DEFAULT_MODEL
from scriven.text import Charset

MODEL_FORMAT = 2  # 1 had the keys `graph` and `size` in place of `graphs` and `sizes`
READABLE_FORMATS = (1, MODEL_FORMAT)
HEIGHT, STRIDE = 64, 4  # px; of models that do not state them, and of networks trained without a parent
UNFINISHED = ("state", "rounds")  # folders of a model whose training or adaptation has not finished
BUNDLED = Path(__file__).parent / "bundled"


RECOGNISER = "recogniser"  # the kind of model that reads


class Graph(BaseModel):
    """An exported graph: an ONNX file of the folder and how its weights are stored."""

    model_config = ConfigDict(frozen=True)

    file: str = Field(default="reader.onnx", pattern=r"^[^/\\]+$")
    precision: Literal["fp32", "fp16", "int8"] = "fp32"


class FolderInfo(BaseModel):
    """What the model.json of every kind of model holds. Unknown keys are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False, populate_by_name=True)

    format: int = MODEL_FORMAT
    kind: str
    name: str = ""
    network: str
    sizes: dict[str, Any] = {}  # keyword arguments of the network
    charset: tuple[str, ...] = Field(min_length=1)
    graphs: dict[str, Graph] = {}  # by role
    parents: list[Any] = []
    data: list[dict[str, Any]] = []
    scores: dict[str, Any] = {}
    notes: list[str] = []  # sentences for the model card
    versions: dict[str, str] = {}
    licence: str = ""
    settings: dict[str, Any] = {}  # of the command that made it

    @property
    def characters(self) -> Charset:
        """The character set. Raises TextError if a character is repeated or longer than one code point."""
        return Charset(self.charset)

    @property
    def size(self) -> str:
        """The size of the network as text: `small`, or its size settings."""
        return ", ".join(str(v) if k == "size" else f"{k}={v}" for k, v in self.sizes.items())

    def as_parent(self, path: str | Path) -> dict[str, Any]:
        """The record of this model as a parent in another model.json: name (or path), data and parents."""
        return {"name": self.name or str(path), "data": self.data, "parents": self.parents}

    def came_from(self) -> str:
        """The ancestors of this model, each named once: `a, which came from b`; empty if there is none."""
        return _lineage(self.parents, set())


Info = TypeVar("Info", bound=FolderInfo)


class ModelInfo(FolderInfo):
    """The content of the model.json of a recogniser; `network` is a name in scriven.recognisers.RECOGNISERS."""

    kind: str = RECOGNISER
    height: int = Field(default=HEIGHT, gt=0, le=512)  # px of a prepared picture
    stride: int = Field(default=STRIDE, gt=0)  # px of picture width per frame
    frames: int | None = Field(default=None, gt=0)  # of every picture, whatever its width; None: one every `stride` px
    decoders: tuple[str, ...] = Field(default=("ctc",), min_length=1)  # names in scriven.reader.decoders.DECODERS
    attention_weight: float = Field(default=0.5, ge=0)  # of the attention head where both heads decode
    normalisation: Literal["NFC"] = "NFC"
    stretch: float = Field(default=1.0, ge=0.5, le=2)  # prepared pictures are scaled in width by it before reading
    boundary: float = Field(default=0.5, ge=0, le=1)  # where on the way between two emissions one character ends
    temperature: float = Field(default=1.0, gt=0)  # divides the logits before the softmax
    calibration: tuple[float, float] = (0.0, 1.0)  # bias and slope of the whole-line confidence
    cer_estimate_bias: float = Field(
        default=0.0, validation_alias=AliasChoices("cer_estimate_bias", "optimism")
    )  # logits by which its estimated error rate is too low, because it was trained on its own readings
    language_model: str | None = Field(default=None, pattern=r"^[^/\\]+$")  # a file of the folder, used by default
    languages: list[str] = []

    @model_validator(mode="before")
    @classmethod
    def _upgraded(cls, content: Any) -> Any:
        """Content with the keys of format 1 renamed."""
        if not isinstance(content, dict):
            return content
        content = dict(content)
        if "size" in content:
            content.setdefault("sizes", {"size": content.pop("size")})
        if "graph" in content and (graph := content.pop("graph")) is not None:
            content.setdefault("graphs", {"reader": graph})
        if content.get("format") in READABLE_FORMATS:
            content["format"] = MODEL_FORMAT
        return content

    def frames_of(self, width: int) -> int:
        """How many frames a prepared picture of `width` px has."""
        return self.frames or -(-width // self.stride)

    @property
    def only_typefaces(self) -> bool:
        """Whether the model and all its ancestors were trained only on pictures written by the font scribe."""
        every = list(entries(self.data, self.parents))
        return bool(every) and all(one.get("origin") == "fonts" for one in every)

    def learnt(self) -> set[str]:
        """Fingerprints of the lines folders whose texts this model or an ancestor was trained on."""
        return set(_values("fingerprint", self.data, self.parents))

    def sketches(self) -> set[str]:
        """Sketches (see scriven.lines.sketch) of the pictures that this model or an ancestor was trained on."""
        return set(_values("sketch", self.data, self.parents))


def _lineage(parents: Any, named: set[str]) -> str:
    """Parents and their ancestors as text; one that was named already is replaced by its own, unnamed ancestors."""
    clauses = []
    for one in parents if isinstance(parents, list) else ():
        name, older = (one.get("name"), one.get("parents")) if isinstance(one, dict) else (str(one), None)
        again = name in named
        named |= {name} if name else set()
        before = _lineage(older, named)
        own = [] if again else [str(name or "a model without a name")]
        clauses += [", which came from ".join([*own, *filter(None, [before])])]
    return " and ".join(filter(None, clauses))


def _values(key: str, data: Any, parents: Any) -> Iterator[str]:
    for one in entries(data, parents):
        if isinstance(found := one.get(key), str):
            yield found


def entries(data: Any, parents: Any) -> Iterator[dict[str, Any]]:
    """All records of data, those of ancestors included; values of an unexpected type are ignored."""
    for one in data if isinstance(data, list) else ():
        if isinstance(one, dict):
            yield one
    for one in parents if isinstance(parents, list) else ():
        if isinstance(one, dict):
            yield from entries(one.get("data"), one.get("parents"))


def own_language(folder: Path, info: ModelInfo) -> Path | None:
    """The file of the language model in a model folder; None if it has none. Raises ModelError if it is missing."""
    if info.language_model is None:
        return None
    file = folder / info.language_model
    if not file.is_file():
        raise ModelError(
            f"the language model {file} that model.json names is missing; copy the model folder again, or read "
            "without it: --lm none"
        )
    return file


def read_json(folder: str | Path, kind: str = "") -> dict[str, Any]:
    """The content of the model.json of a folder, not validated; `kind` "" takes a model of any kind.

    Raises ModelError if it is missing, damaged, of a newer format or of another kind.
    """
    file = Path(folder) / "model.json"
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        if any((Path(folder) / part).is_dir() for part in UNFINISHED):
            raise ModelError(
                f"{folder} is an unfinished model; run the `scriven train`, `scriven adapt` or "
                "`scriven train-scribe` that began it again, or give another model"
            ) from None
        raise ModelError(f"{folder} is not a model folder: it has no model.json; check the path") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file} is damaged or cannot be read ({error}); copy the model folder again") from error
    if not isinstance(content, dict):
        raise ModelError(f"{file} does not describe a model; copy the model folder again")
    if content.get("format") not in READABLE_FORMATS:
        raise ModelError(
            f"{file} has the format {content.get('format')!r} and this version reads up to {MODEL_FORMAT}; "
            "update scriven or use another model"
        )
    if kind and content.get("kind") != kind:
        raise ModelError(f"{folder} is a model of the kind {content.get('kind')!r}, not a {kind}; give a {kind}")
    return content


def validated_as(schema: type[Info], content: dict[str, Any], file: Path) -> Info:
    """The content of a model.json as a `schema`. Raises ModelError for the first key that is invalid."""
    try:
        info = schema.model_validate(content)
        info.characters  # noqa: B018  (a charset with a repeated or long character raises)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{file} cannot be used: {where}: {first['msg']}; copy the model folder again") from error
    except TextError as error:
        raise ModelError(f"{file} cannot be used: {error}; copy the model folder again") from error
    return info


def read_info(folder: str | Path) -> ModelInfo:
    """The validated model.json of a recogniser.

    Raises ModelError if it is missing, damaged, of a newer format, of another kind, or invalid.
    """
    return validated_as(ModelInfo, read_json(folder, RECOGNISER), Path(folder) / "model.json")


def write_info(folder: str | Path, info: ModelInfo) -> None:
    """Write the model.json of a recogniser atomically. Raises OutputError."""
    write_model(folder, info)


def write_model(folder: str | Path, info: FolderInfo) -> None:
    """Write a model.json atomically. Raises OutputError."""
    with atomic(Path(folder) / "model.json", "w") as file:
        json.dump(info.model_dump(mode="json"), file, indent=2, ensure_ascii=False)
        file.write("\n")


def bundled() -> list[str]:
    """Names of the bundled models."""
    return sorted(p.parent.name for p in BUNDLED.glob("*/model.json"))


def is_model(name_or_path: str | Path) -> bool:
    """Whether this is a model folder, or the name of a bundled model; a path that exists comes first."""
    path = Path(name_or_path)
    return (path / "model.json").is_file() or (not path.exists() and (BUNDLED / path / "model.json").is_file())


def find_model(name_or_path: str | Path = DEFAULT_MODEL) -> Path:
    """The folder of a model, given its path or the name of a bundled model. Raises ModelError if there is none."""
    path = Path(name_or_path)
    if path.is_dir():
        return path
    if path.exists():
        raise ModelError(f"{path} is a file, not a model folder; give the folder that holds model.json")
    inside = BUNDLED / path
    if len(path.parts) == 1 and (inside / "model.json").is_file():
        return inside
    names = ", ".join(bundled()) or "none"
    raise ModelError(f"there is no model {str(name_or_path)!r}; give a model folder or a bundled model ({names})")
