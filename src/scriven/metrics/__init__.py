"""Error rates with n and interval, confusions, calibration. See docs/metrics.md."""

from scriven.metrics.confusion import Confusion, confusions
from scriven.metrics.rates import (
    PROTOCOLS,
    Difference,
    Protocol,
    Score,
    distance,
    groups_of,
    paired_difference,
    score,
)
from scriven.metrics.reliability import Bin, Calibration, calibration
from scriven.metrics.tables import table

__all__ = [
    "PROTOCOLS",
    "Bin",
    "Calibration",
    "Confusion",
    "Difference",
    "Protocol",
    "Score",
    "calibration",
    "confusions",
    "distance",
    "groups_of",
    "paired_difference",
    "score",
    "table",
]
