"""The WordStylist scribe: writes words in the hands of its table of writers, or between two of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from scriven.base import SettingsError, Skipped, TextError
from scriven.images import Grey
from scriven.scribes.contract import Handwriting
from scriven.scribes.trained import chosen_hand, licence_of, number_of, refusal_of
from scriven.scribes.wordstylist.autoencoder import Autoencoder
from scriven.scribes.wordstylist.info import WordStylistInfo
from scriven.scribes.wordstylist.model import autoencoder_of, load_wordstylist
from scriven.scribes.wordstylist.network import Words, WordStylist
from scriven.scribes.wordstylist.sampling import SHAPE, Sampling, sampled
from scriven.scribes.wordstylist.settings import GUIDANCE, WORDSTYLIST_DEFAULTS, WordStylistSettings
from scriven.tensors import torch_threads
from scriven.text import normalise, visual

INK = 200  # grey values below it are ink where paper is cut


class WordStylistScribe:
    """Writes with a trained network. A picture depends on the arguments of `write`, the settings and the model."""

    origin = "generated"
    augmented = True
    skipped: Sequence[Skipped] = ()

    def __init__(
        self,
        model: str | Path,
        settings: WordStylistSettings = WORDSTYLIST_DEFAULTS,
        loaded: tuple[WordStylist, WordStylistInfo, Autoencoder] | None = None,
    ):
        """`loaded`: network, model.json and autoencoder, if they are loaded already.

        Raises ModelError if there is no such model at the path, SettingsError for hands, a device or a guidance that it
        does not have.
        """
        self.model, self.settings = Path(model), settings
        device = settings.device
        if not {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}.get(device, True):
            raise SettingsError(f"the setting 'device' is {device}, which torch does not find here; use cpu")
        if loaded is None:
            net, self.info = load_wordstylist(model)
            autoencoder = autoencoder_of(model, self.info, settings.autoencoder)
        else:
            net, self.info, autoencoder = loaded
        self.charset, self._names = self.info.characters, self.info.hands
        self._net = net.to(device)
        self._autoencoder = autoencoder.to(device) if isinstance(autoencoder, torch.nn.Module) else autoencoder
        self._how = self._sampling()
        self._between = [number_of(one, self._names) for one in settings.between]

    def __reduce__(self) -> tuple[Callable[..., "WordStylistScribe"], tuple[Path, WordStylistSettings]]:
        """Pickled as its arguments: a worker process loads the model itself."""
        return WordStylistScribe, (self.model, self.settings)

    @property
    def licence(self) -> str:
        """The licence of the model."""
        return licence_of(self.info.licence)

    @property
    def hands(self) -> int:
        """The number of hands; they are numbered 0 .. hands - 1. One where it writes between two."""
        return 1 if self._between else len(self._names)

    @property
    def names(self) -> Sequence[str]:
        """The names of its hands, by number; none where it writes between two."""
        return () if self._between else self._names

    def refusal(self, text: str) -> str | None:
        """Why a text cannot be written: it is empty, too long, or has characters that the model lacks; else None."""
        text = visual(normalise(text))
        if why := refusal_of(text, list(self.charset.missing([text]))):
            return why
        if len(text) > self._net.longest:
            return (
                f"{text!r} has {len(text)} characters, and the model writes words of at most {self._net.longest}; "
                "write its words one by one, or leave it out"
            )
        if self._net.padding != "masked" and text[-1] == self.charset.characters[-1]:
            return (
                f"the model cannot tell {text[-1]!r} at the end of {text!r} from padding, as it was published; "
                "train it further with `scriven train-scribe --from`, or leave the text out"
            )
        return None

    def write(
        self, text: str, rng: np.random.Generator, *, hand: int | None = None, strength: float = 1.0
    ) -> Handwriting:
        """Write a word, 64 px high. Raises TextError, naming the characters that the model lacks."""
        text, settings = normalise(text), self.settings
        if why := self.refusal(text):
            raise TextError(why)
        number = chosen_hand(hand, self.hands, rng)
        share, fixed = strength * settings.strength, np.random.default_rng(0)

        def draw() -> Tensor:
            """Noise, of which `share` differs, of unit variance."""
            noise = (1 - share**2) ** 0.5 * fixed.standard_normal(SHAPE)
            noise += share * rng.standard_normal(SHAPE) if share else 0
            return torch.from_numpy(noise.astype(np.float32)).to(settings.device)

        with torch_threads(settings.threads), torch.inference_mode():
            word = Words.of([visual(text)], self.charset, self._net.longest).to(settings.device)
            code, named = self._hand(number)
            latents = sampled(self._net, word, code, draw, self._how)
            ink = self._autoencoder.decode(latents)[0, 0].float().cpu().numpy()
        picture = np.asarray(255 - np.rint(255 * np.clip(ink, 0, 1)), np.uint8)
        return Handwriting(trimmed(picture, settings.margin) if settings.trim else picture, text, named)

    def _hand(self, number: int) -> tuple[Tensor, str]:
        """The code (1, 4 d) of a hand, or of that between two, and its name."""
        numbers = torch.tensor(self._between or [number], device=self.settings.device)
        codes = self._net.hand(numbers)
        if not self._between:
            return codes, self._names[number]
        first, second = self.settings.between
        blend = self.settings.blend
        return torch.lerp(codes[:1], codes[1:], blend), f"{blend:g} from {first} to {second}"

    def _sampling(self) -> Sampling:
        """Sampler, steps and guidance: those of the settings, else those of the model."""
        settings, text = self.settings, self.settings.guidance
        if not self.info.guided and (text not in (None, 1.0) or settings.style_guidance != 1.0):
            raise SettingsError(
                "the model was never trained without the text or the hand, so there is nothing to guide it against; "
                "leave guidance and style_guidance out, or train it further with `scriven train-scribe --from`"
            )
        own = GUIDANCE if self.info.guided else 1.0
        steps = settings.steps or self.info.steps
        return Sampling(settings.sampler, steps, own if text is None else text, settings.style_guidance)


def trimmed(picture: Grey, margin: int) -> Grey:
    """The picture (H, W) without the paper left and right of its ink, except `margin` px; unchanged without ink."""
    columns = np.flatnonzero((picture < INK).any(axis=0))
    if not len(columns):
        return picture
    return np.ascontiguousarray(picture[:, max(0, columns[0] - margin) : columns[-1] + 1 + margin])
