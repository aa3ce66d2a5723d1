"""What all rounds of an adaptation share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lightning_fabric import Fabric

from scriven.language.model import CharLM
from scriven.reader.decoder_contract import Decoder, DecodeSettings
from scriven.reader.model import ModelInfo
from scriven.reader.session import Reader
from scriven.recognisers.contract import Recogniser
from scriven.selftrain.metrics import reader_of
from scriven.selftrain.pictures import Pictures
from scriven.selftrain.prior import LanguagePrior
from scriven.selftrain.settings import AdaptSettings


@dataclass(frozen=True)
class AdaptContext:
    """What a round needs besides its teacher. `out` is the new model folder, `info` the parent's model.json."""

    out: Path
    info: ModelInfo
    fabric: Fabric
    language: str
    prior: LanguagePrior
    train: Pictures  # to pseudo-label and train on
    held_out: Pictures  # to measure networks on; never trained on
    settings: AdaptSettings

    def reader(self, net: Recogniser) -> Reader:
        """A reader that runs a network on the device of the run."""
        return reader_of(net, self.info, self.fabric)

    def decoder(self, reader: Reader, lm: CharLM | None = None, words: Sequence[str] = ()) -> Decoder:
        """The decoder of a reader with a language model and a word list; at the level of words it decodes no spaces."""
        return reader.decoder(self._decoding, lm, words)

    def prior_decoder(self, reader: Reader) -> Decoder:
        """The decoder of pseudo-labels, with the language model and the words of the prior."""
        settings = replace(self._decoding, decoder=self.settings.decoder)
        return reader.decoder(settings, self.prior.lm, self.prior.words)

    @property
    def _decoding(self) -> DecodeSettings:
        return DecodeSettings(word=self.settings.level == "words")
