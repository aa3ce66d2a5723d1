"""The result of a demo: error rates before and after, measured if transcriptions are known, and estimated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scriven.base import Skipped, counted
from scriven.jobs.adapt import Adapted
from scriven.jobs.demo.pictures import Key, key_of
from scriven.lines import Reading
from scriven.metrics import Difference, Score, groups_of, paired_difference, score
from scriven.page.inputs import LinePicture


@dataclass(frozen=True)
class Scored:
    """Error rates on the pictures with a transcription. `unit`: the unit of bootstrap resampling."""

    before: Score
    after: Score
    without_lm: Score  # after, without the language model of the adapted model
    difference: Difference  # after minus before
    unit: str


@dataclass(frozen=True)
class Demo:
    """The result of `demo`. `n`: pictures read before and after; `drawn`: whether they are the box of letters.

    `adapted.estimates`: the CER before and after, estimated on pictures held out of the adaptation.
    """

    folder: Path
    n: int
    drawn: bool
    scored: Scored | None  # None if no picture has a transcription
    adapted: Adapted
    seconds: float  # of the whole demo
    skipped: tuple[Skipped, ...]

    @property
    def page(self) -> Path:
        """The report."""
        return self.folder / "report.html"

    def as_json(self) -> dict[str, Any]:
        """The output of `--json`. CERs are fractions with 95 % intervals; None if no transcription is known."""
        found = self.scored
        rates = {"before": found and found.before, "after": found and found.after}
        rates["after_without_lm"] = found and found.without_lm
        before, after = (one and one.as_json() for one in self.adapted.estimates)
        return {
            "report": str(self.page),
            **{f"cer_{name}": rate and rate.cer for name, rate in rates.items()},
            **{f"interval_{name}": rate and list(rate.interval) for name, rate in rates.items()},
            "interval_of_change": found and list(found.difference.interval),
            "estimate_before": before,
            "estimate_after": after,
            "n": self.n,
            "n_scored": found.before.n if found else 0,
            "seconds": round(self.seconds, 1),
            "helped": self.adapted.helped,
            "rounds": self.adapted.rounds,
        }

    def sentence(self) -> str:
        """The error rates, and the reason if the adaptation did not help, one line each."""
        took = f"({self.seconds:.0f} s)"
        before, after = self.adapted.estimates
        if self.scored:
            rates = self.scored
            alone = "" if rates.without_lm == rates.after else f" ({rates.without_lm.cer:.1%} without language model)"
            result = (
                f"CER before {rates.before.cer:.1%}, after {rates.after.cer:.1%}{alone}, on {rates.before.n} pictures"
            )
        elif before and after:
            low, high = after.interval
            result = (
                f"Estimated CER before {before.cer:.1%}, after {after.cer:.1%} (95 % interval {low:.0%} to "
                f"{high:.0%}), of {self.n} pictures without transcriptions"
            )
        else:
            result = f"{counted(self.n, 'picture')} read before and after; too few to estimate the error rate"
        lines = [f"{result} {took}"]
        if not self.adapted.helped:
            lines.append(f"The adaptation did not help, the weights of the parent are kept: {self.adapted.why}")
        return "\n".join(lines)


def compare(
    read: Sequence[LinePicture],
    before: Mapping[Key, Reading],
    after: Mapping[Key, Reading],
    without_lm: Mapping[Key, Reading],
) -> Scored | None:
    """The error rates of three sets of readings on the pictures with a transcription; None if there are none."""
    known = [item for item in read if item.text is not None]
    if not known:
        return None
    texts = [item.text or "" for item in known]
    groups, unit = groups_of([item.hand for item in known], [item.page for item in known])
    first, second, third = ([found[key_of(item)].text for item in known] for found in (before, after, without_lm))
    return Scored(
        score(texts, first, groups=groups),
        score(texts, second, groups=groups),
        score(texts, third, groups=groups),
        paired_difference(texts, first, second, groups),
        unit,
    )
