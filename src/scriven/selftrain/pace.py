"""How the time of a run is spent: what is left of it, and how far along it is."""

import time
from dataclasses import dataclass

from scriven.base.progress import percent
from scriven.selftrain.settings import AdaptSettings

END = 0.99  # what comes after the last round is told as done at the very end


@dataclass
class Pace:
    """The time since a run began (`begun`, on the clock of time.monotonic), that of stopped processes included."""

    settings: AdaptSettings
    begun: float
    judging: float = 0.0  # minutes that judging a network takes

    def earlier(self, seconds: float) -> None:
        """Other processes spent so many seconds before."""
        self.begun -= seconds

    @property
    def spent(self) -> float:
        """Minutes."""
        return (time.monotonic() - self.begun) / 60

    @property
    def left(self) -> float:
        """Minutes; without meaning where rounds are so many batches."""
        return self.settings.minutes - self.spent

    def tell(self, number: int, fraction: float = 0.0) -> None:
        """Say how far the run is: by its minutes, else by how much of round `number`, from 1 on, is done."""
        done = (number - 1 + fraction) / self.settings.all_rounds
        percent("adapting", min(END, done if self.settings.steps else self.spent / self.settings.minutes))
