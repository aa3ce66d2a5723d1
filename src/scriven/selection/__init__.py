"""Which generated pictures are kept: each is read back by a recogniser, scored, and compared with its like.

`read_back` measures a picture, `ranking` decides, `summary` counts what was rejected, `page` shows it.
"""

from scriven.selection.measured import Measured, StyleTarget
from scriven.selection.ranking import BY, Gate, fit
from scriven.selection.read_back import read_back
from scriven.selection.settings import GateSettings

__all__ = ["BY", "Gate", "GateSettings", "Measured", "StyleTarget", "fit", "read_back"]
