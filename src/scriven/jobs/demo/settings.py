"""The settings of `scriven demo`. Nothing heavy is imported here: the help of the command shows the defaults."""

from dataclasses import dataclass, field

from scriven.base import within

Span = tuple[float, float]


@dataclass(frozen=True)
class LetterSettings:
    """How the box of letters is drawn. Lengths in px of the page; darkness and other amounts 0..1, if no unit is named.

    A line is cut `above` and `below` its baseline. The pitch is hardly larger than both together, so that neighbouring
    lines reach into the picture.
    """

    seed: int = 0
    characters: int = 46  # of a line, at most
    lines: int = 24  # of a page, at most
    pages: int | None = None  # how many, from the first; None: all
    pitch: int = 49  # from baseline to baseline
    above: float = 44.0
    below: float = 26.0
    jitter: float = 2.0  # standard deviation of baselines and of the edges of the cut
    # the hand
    x_height: float = 19.0
    slant: float = 0.42  # dx per dy
    wide: float = 0.76  # of the typeface's own width
    haste: float = 0.04  # standard deviation of slant and width from line to line
    # the sheet; a span is drawn from anew for every page
    level: Span = (195, 230)  # grey level of the paper
    stains: Span = (2.0, 6.0)  # standard deviation in grey levels
    rule: float = 0.10  # darkness of the ruling
    through: Span = (0.10, 0.30)  # darkness of the other side's writing
    darkness: Span = (0.28, 0.46)  # of the ink


@dataclass(frozen=True)
class DemoSettings:
    """What the demo does. Drawing, and reading before and after, come on top of `minutes`."""

    minutes: float = 6.5  # of adaptation
    pictures: int = 600  # that are read before and after, at most; all are adapted to
    shown: int = 24  # pictures in the report
    letters: LetterSettings = field(default_factory=LetterSettings)

    def __post_init__(self) -> None:
        within("minutes", self.minutes, 0, above=True)
        within("pictures", self.pictures, 1)
        within("shown", self.shown, 1)
