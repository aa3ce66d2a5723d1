"""The settings of `scriven demo`. Nothing heavy is imported here: the help of the command shows the defaults."""

from dataclasses import dataclass, field

from scriven.base.settings import Count, Natural, NonNegative, Positive, Range, Share, validated


@validated
@dataclass(frozen=True)
class LetterSettings:
    """How the box of letters is drawn. Lengths in px of the page; darkness and other amounts 0..1, if no unit is named.

    A line is cut `above` and `below` its baseline. The pitch is hardly larger than both together, so that neighbouring
    lines reach into the picture.
    """

    seed: Natural = 0
    characters: Count = 46  # of a line, at most
    lines: Count = 24  # of a page, at most
    pages: Count | None = None  # how many, from the first; None: all
    pitch: Count = 49  # from baseline to baseline
    above: Positive = 44.0
    below: Positive = 26.0
    jitter: NonNegative = 2.0  # standard deviation of baselines and of the edges of the cut
    # the hand
    x_height: Positive = 19.0
    slant: float = 0.42  # dx per dy
    wide: Positive = 0.76  # of the typeface's own width
    haste: NonNegative = 0.04  # standard deviation of slant and width from line to line
    # the sheet; a span is drawn from anew for every page
    level: Range[float] = (195, 230)  # grey level of the paper
    stains: Range[NonNegative] = (2.0, 6.0)  # standard deviation in grey levels
    rule: Share = 0.10  # darkness of the ruling
    through: Range[Share] = (0.10, 0.30)  # darkness of the other side's writing
    darkness: Range[Share] = (0.28, 0.46)  # of the ink


@validated
@dataclass(frozen=True)
class DemoSettings:
    """What the demo does. Drawing, and reading before and after, come on top of `minutes`."""

    minutes: Positive = 6.5  # of adaptation
    pictures: Count = 600  # that are read before and after, at most; all are adapted to
    shown: Count = 24  # pictures in the report
    letters: LetterSettings = field(default_factory=LetterSettings)
