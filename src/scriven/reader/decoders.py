"""The registry of decoders, by the names used in networks and model.json."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from scriven.base import ModelError
from scriven.reader.attention_decoder import AttentionDecoder
from scriven.reader.ctc_decoder import CtcDecoder
from scriven.reader.decoder_contract import Decoder, DecodeSettings
from scriven.reader.engines import RunGraph
from scriven.reader.model import ModelInfo

if TYPE_CHECKING:
    from scriven.language.model import CharLM

DECODERS: dict[str, type[Decoder]] = {"ctc": CtcDecoder, "attention": AttentionDecoder}


def decoder_kind(info: ModelInfo) -> type[Decoder]:
    """The class of a model's decoder: the first that it lists. Raises ModelError for an unknown one."""
    name = info.decoders[0]
    if name not in DECODERS:
        raise ModelError(f"the model needs the decoder {name!r}, which this version does not have; update scriven")
    return DECODERS[name]


def decoder_of(
    info: ModelInfo,
    settings: DecodeSettings | None = None,
    lm: "CharLM | None" = None,
    words: Iterable[str] = (),
    runs: Mapping[str, RunGraph] | None = None,
) -> Decoder:
    """The decoder of a model; `runs` are its graphs by role. Raises ModelError as `decoder_kind` does."""
    return decoder_kind(info)(info, settings, lm, words, runs)
