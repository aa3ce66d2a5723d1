"""The flow scribe: writes any text in the hands of its model, in that of some pictures, or between two hands."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from scriven.base import Skipped, TextError
from scriven.scribes.contract import Handwriting
from scriven.scribes.flow.borrowed import glyphs_in, stand_ins, typefaces_with
from scriven.scribes.flow.columns import HEIGHT, PARTS
from scriven.scribes.flow.examples import hand_of
from scriven.scribes.flow.generator import Generator, Styled, laid_out
from scriven.scribes.flow.model import Hand
from scriven.scribes.flow.settings import FLOW_DEFAULTS, FlowSettings
from scriven.scribes.trained import chosen_hand, licence_of, number_of, refusal_of
from scriven.text import name, normalise, visual

log = logging.getLogger("scriven.write")

KEPT_STYLES = 64  # hands in memory, half a megabyte each
Styles = list[tuple[Styled, float]]


class FlowScribe:
    """Writes with a trained generator. A picture depends on the arguments of `write`, the settings and the model."""

    origin = "generated"
    augmented = True

    def __init__(self, model: str | Path, settings: FlowSettings = FLOW_DEFAULTS, generator: Generator | None = None):
        """`generator`: of the model, if it is loaded already.

        Raises ModelError if there is no scribe at the path, SettingsError for hands that it does not have.
        """
        self.model, self.settings = Path(model), settings
        self.generator = generator or Generator.load(model, threads=1)
        self._names = [hand.name for hand in self.generator.hands]
        self.skipped: Sequence[Skipped] = ()
        self._styles = OrderedDict[int, Styled]()
        self._stand_ins: dict[str, str] = {}
        self._given: Styles | None = None
        self._hand = ""
        self.shown: Sequence[Hand] = [hand for hand in self.generator.hands if isinstance(hand, Hand)]  # with writing
        if settings.like:
            hand, self.skipped = hand_of(settings.like, self.generator.charset)
            self._given, self._hand = [(self.generator.styled(hand), 1.0)], hand.name
            self.shown = [hand]
        elif settings.between:
            first, second = (number_of(one, self._names) for one in settings.between)
            self._given = [(self._style(first), 1 - settings.blend), (self._style(second), settings.blend)]
            self.shown = ()
            self._hand = f"{settings.blend:g} from {settings.between[0]} to {settings.between[1]}"

    @classmethod
    def of(cls, generator: Generator, settings: FlowSettings = FLOW_DEFAULTS) -> "FlowScribe":
        """A scribe of a generator without a folder, which cannot be pickled."""
        return cls("", settings, generator)

    def __reduce__(self) -> tuple[Callable[..., "FlowScribe"], tuple[Path, FlowSettings]]:
        """Pickled as its arguments: a worker process loads the model itself."""
        return FlowScribe, (self.model, self.settings)

    @property
    def licence(self) -> str:
        """The licence of the model."""
        return licence_of(self.generator.info.licence)

    @property
    def hands(self) -> int:
        """The number of hands; they are numbered 0 .. hands - 1. One where it writes like pictures or between hands."""
        return 1 if self._given else len(self._names)

    @property
    def names(self) -> Sequence[str]:
        """The names of its hands, by number; none where it writes like pictures or between hands."""
        return () if self._given else self._names

    def refusal(self, text: str) -> str | None:
        """Why a text cannot be written, naming the characters that the model lacks; None if it can."""
        text = visual(normalise(text))
        return refusal_of(text, [one for one in self.generator.charset.missing([text]) if not self._stand_in(one)])

    def write(
        self, text: str, rng: np.random.Generator, *, hand: int | None = None, strength: float = 1.0
    ) -> Handwriting:
        """Write a word or a line, 64 px high. Raises TextError, naming the characters that the model lacks."""
        text, settings = normalise(text), self.settings
        if why := self.refusal(text):
            raise TextError(why)
        number = chosen_hand(hand, self.hands, rng)
        styles, named = (
            (self._given, self._hand) if self._given else ([(self._style(number), 1.0)], self._names[number])
        )
        strength = strength * settings.strength
        noise = rng if strength else np.random.default_rng(0)
        seen = visual(text)
        classes = np.array(self.generator.charset.encode("".join(self._stand_in(c) for c in seen)), np.int64)
        low, high = settings.margin
        left, right = low + (high - low) * (noise.random(2) if strength else np.full(2, 0.5))
        normal = noise.standard_normal(len(classes)) * settings.variety * strength
        each = [share * self.generator.edges(classes, style, normal, left) for style, share in styles]
        edges = np.sum(each, axis=0)
        layout = laid_out(classes, edges, right)
        columns = len(layout.places) // PARTS
        start = noise.standard_normal((columns, self.generator.code)).astype(np.float32)
        picture = self.generator.draw(layout, styles, start, settings)
        if missing := self.generator.charset.missing([seen]):
            faces = {one: typefaces_with(one) for one in missing}
            borrowed = {one: some[int(noise.integers(len(some)))] for one, some in faces.items()}
            glyphs = glyphs_in(picture, seen, edges, borrowed)
            picture = self.generator.draw(layout, styles, start, settings, glyphs)
        assert picture.shape[0] == HEIGHT
        return Handwriting(picture, text, named)

    def _style(self, number: int) -> Styled:
        if number not in self._styles:
            while len(self._styles) >= KEPT_STYLES:
                self._styles.popitem(last=False)
            self._styles[number] = self.generator.styled(self.generator.hands[number])
        self._styles.move_to_end(number)
        return self._styles[number]

    def _stand_in(self, character: str) -> str:
        """A known character itself, of another the known one that looks most like it; "" if it cannot be drawn."""
        if character in self.generator.charset:
            return character
        if character not in self._stand_ins:
            found = stand_ins([character], self.generator.charset) if self.generator.draws_pixels else {}
            self._stand_ins[character] = found.get(character, "")
            if found:
                log.info("%s is drawn from typefaces: the model has never seen it written", name(character))
        return self._stand_ins[character]
