"""Numbers: character and word error rates with their n and interval, confusions, calibration. See docs/metrics.md."""

from scriven.score.forecast import Forecast, forecast
from scriven.score.mistakes import Confusion, confusions
from scriven.score.rates import (
    PROTOCOLS,
    Difference,
    Protocol,
    Score,
    distance,
    groups_of,
    paired_difference,
    score,
)
from scriven.score.tables import table
from scriven.score.trust import Bin, Calibration, calibration

__all__ = [
    "PROTOCOLS",
    "Bin",
    "Calibration",
    "Confusion",
    "Difference",
    "Forecast",
    "Protocol",
    "Score",
    "calibration",
    "confusions",
    "distance",
    "forecast",
    "groups_of",
    "paired_difference",
    "score",
    "table",
]
