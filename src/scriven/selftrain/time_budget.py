"""The time budget of a run, and its progress."""

import time
from dataclasses import dataclass

from scriven.base.progress import percent
from scriven.selftrain.settings import AdaptSettings

BEFORE_END = 0.99  # largest fraction that is reported before the end


@dataclass
class TimeBudget:
    """The time since a run began (`begun`, on the clock of time.monotonic), including that of interrupted processes."""

    settings: AdaptSettings
    begun: float
    gating: float = 0.0  # minutes needed to measure a network on the held-out pictures

    def count_earlier(self, seconds: float) -> None:
        """Add seconds that earlier processes spent on the same run."""
        self.begun -= seconds

    @property
    def spent(self) -> float:
        """Minutes."""
        return (time.monotonic() - self.begun) / 60

    @property
    def left(self) -> float:
        """Minutes; not meaningful if rounds have a fixed number of steps."""
        return self.settings.minutes - self.spent

    def report(self, number: int, fraction: float = 0.0) -> None:
        """Report progress: by minutes, or with a fixed number of steps by the `fraction` of round `number` (from 1)."""
        done = (number - 1 + fraction) / self.settings.all_rounds
        percent("adapting", min(BEFORE_END, done if self.settings.steps else self.spent / self.settings.minutes))
