"""How generated pictures are selected."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from scriven.base import SettingsError
from scriven.base.settings import Count, Share, check_choice, validated
from scriven.reader import DEFAULT_MODEL
from scriven.selection.ranking import BY


@validated
@dataclass(frozen=True)
class GateSettings:
    """Which pictures are kept. Without `reader`, `keep` and `precision` nothing is read, and every picture is kept."""

    keep: Annotated[float, Field(gt=0, le=1)] = 1.0  # share of the first tries that is kept, in every bin of lengths
    precision: Share | None = None  # instead of `keep`: share of the kept pictures that is to be read right
    by: str = "confidence"  # a name in BY
    tries: Count = 1  # pictures of a line, at most: a rejected one is drawn again with another seed
    reader: str = ""  # the recogniser that reads them back; "": DEFAULT_MODEL

    def __post_init__(self) -> None:
        check_choice("by", self.by, tuple(BY))
        if self.precision is not None and self.keep < 1:
            raise SettingsError("the settings 'keep' and 'precision' exclude each other; leave out one")
        if self.tries > 1 and not self.selects:
            raise SettingsError("the setting 'tries' needs one that rejects pictures; set keep or precision too")

    @property
    def selects(self) -> bool:
        """Whether pictures can be rejected."""
        return self.keep < 1 or self.precision is not None

    @property
    def reads(self) -> bool:
        """Whether pictures are read back."""
        return self.selects or bool(self.reader)

    @property
    def model(self) -> str:
        """The recogniser that reads."""
        return self.reader or DEFAULT_MODEL


NO_GATE = GateSettings()
