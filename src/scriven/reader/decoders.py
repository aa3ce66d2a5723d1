"""The registry of decoders, by the names used in networks and model.json."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from scriven.base import ModelError, SettingsError
from scriven.reader.attention_decoder import AttentionDecoder
from scriven.reader.both_decoder import BothDecoder
from scriven.reader.ctc_decoder import CtcDecoder
from scriven.reader.decoder_contract import Decoder, DecodeSettings
from scriven.reader.engines import RunGraph
from scriven.reader.model import ModelInfo

if TYPE_CHECKING:
    from scriven.language.model import CharLM

DECODERS: dict[str, type[Decoder]] = {
    "ctc": CtcDecoder, "attention": AttentionDecoder, "both": BothDecoder,
}  # fmt: skip


def decoder_kind(info: ModelInfo, name: str | None = None) -> type[Decoder]:
    """The class of the decoder `name` of a model, by default the first that it lists.

    Raises ModelError for an unknown one, SettingsError for one that the model does not have.
    """
    if name is not None and name not in info.decoders:
        model = f"model {info.name}" if info.name else f"model, of the network {info.network},"
        raise SettingsError(f"the {model} has no decoder {name!r}; it has: {', '.join(info.decoders)}")
    name = name or info.decoders[0]
    if name not in DECODERS:
        raise ModelError(f"the model needs the decoder {name!r}, which this version does not have; update scriven")
    return DECODERS[name]


def frames_source(info: ModelInfo) -> tuple[str, str]:
    """The role of the graph that a Reader runs over pictures, and the output that is decoded.

    With several decoders it is the output for both heads, whichever of them decodes it.
    """
    kind = BothDecoder if "both" in info.decoders else decoder_kind(info)
    return kind.role, kind.output


def decoder_of(
    info: ModelInfo,
    settings: DecodeSettings | None = None,
    lm: "CharLM | None" = None,
    words: Iterable[str] = (),
    runs: Mapping[str, RunGraph] | None = None,
) -> Decoder:
    """The decoder of a model; `runs` are its graphs by role. Raises as `decoder_kind` does."""
    return decoder_kind(info, settings.decoder if settings else None)(info, settings, lm, words, runs)
