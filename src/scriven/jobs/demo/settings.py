"""The settings of `demo`, in a light module, since the help of the command shows the defaults."""

from dataclasses import dataclass, field

from scriven.base.settings import Count, Natural, NonNegative, Positive, Range, Share, validated


@validated
@dataclass(frozen=True)
class LetterSettings:
    """How the box of letters is drawn. Lengths in px of the page; darkness and other amounts 0..1 unless stated.

    A line is cropped from `above` to `below` its baseline. Their sum exceeds the pitch, so that neighbouring lines
    extend into the picture.
    """

    seed: Natural = 0
    characters: Count = 46  # per line, at most
    lines: Count = 24  # per page, at most
    pages: Count | None = None  # number of pages; None: all
    pitch: Count = 49  # from baseline to baseline
    above: Positive = 44.0
    below: Positive = 26.0
    jitter: NonNegative = 2.0  # standard deviation of baselines and of the edges of the crop
    # the hand
    x_height: Positive = 19.0
    slant: float = 0.42  # dx per dy
    wide: Positive = 0.76  # relative to the width of the typeface
    haste: NonNegative = 0.04  # standard deviation of slant and width from line to line
    # the sheet; for every page, a value is drawn from each range
    level: Range[float] = (195, 230)  # grey level of the paper
    stains: Range[NonNegative] = (2.0, 6.0)  # standard deviation in grey levels
    rule: Share = 0.10  # darkness of the ruling
    through: Range[Share] = (0.10, 0.30)  # darkness of the bleed-through
    darkness: Range[Share] = (0.28, 0.46)  # of the ink


@validated
@dataclass(frozen=True)
class DemoSettings:
    """Settings of `demo`. Drawing, and reading before and after, are not included in `minutes`."""

    minutes: Positive = 6.5  # of adaptation
    pictures: Count = 600  # read before and after, at most; the adaptation uses all
    shown: Count = 24  # pictures in the report
    letters: LetterSettings = field(default_factory=LetterSettings)
