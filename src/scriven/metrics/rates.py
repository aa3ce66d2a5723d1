"""Character and word error rates with n and bootstrap intervals, in several protocols.

The default protocol is `nfc`: texts normalised by `scriven.text`, edits summed over all lines and divided by all
reference characters (or whitespace-separated words). Protocols of earlier systems are available under their own names;
see docs/metrics.md. Rates are fractions here and percentages only in the rows of `table`.
"""

import re
import unicodedata
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from scriven.base import InputError
from scriven.text import normalise

Floats = npt.NDArray[np.float64]

RESAMPLES = 1000
MIN_GROUPS = 5  # hands or pages, for an interval over them


# Protocols


@dataclass(frozen=True)
class Protocol:
    """How texts are normalised, and over what rates are averaged: `all` characters, each `line`, or each `batch`."""

    text: Callable[[str], str]
    over: str
    spaces: bool = True  # whether spaces count as characters


def _alphanumeric(text: str) -> str:
    words = (re.sub("[^0-9a-z]", "", word) for word in normalise(text).lower().split(" "))
    return " ".join(word for word in words if word)


def _without_punctuation(text: str) -> str:
    return normalise("".join(c for c in normalise(text) if not unicodedata.category(c).startswith("P")).lower())


PROTOCOLS = {
    "nfc": Protocol(normalise, "all"),
    "cer_mean_per_word": Protocol(normalise, "line"),
    "alnum_insensitive": Protocol(_alphanumeric, "all", spaces=False),
    "alnum_mean_per_word": Protocol(_alphanumeric, "line", spaces=False),
    "batch_mean": Protocol(normalise, "batch"),
    "asr": Protocol(_without_punctuation, "all"),
}


# Scores


@dataclass(frozen=True)
class Score:
    """Error rates of a set of predictions, as fractions; `interval` is the 95 % bootstrap interval of the CER."""

    cer: float
    wer: float
    exact: float
    n: int  # lines
    characters: int  # in the references
    words: int
    edits: int  # character insertions, deletions and substitutions
    interval: tuple[float, float]
    resampled: str  # unit of the bootstrap: "groups" (hands or pages), "lines" if there were too few, or "batches"
    protocol: str

    def as_json(self) -> dict[str, Any]:
        """`cer wer exact n interval` and the other fields, ready for JSON."""
        return {
            "cer": self.cer,
            "wer": self.wer,
            "exact": self.exact,
            "n": self.n,
            "interval": list(self.interval),
            "characters": self.characters,
            "words": self.words,
            "edits": self.edits,
            "resampled": self.resampled,
            "protocol": self.protocol,
        }

    def row(self) -> dict[str, str]:
        """One row for `table`, in percent."""
        low, high = self.interval
        return {
            "CER %": f"{100 * self.cer:.2f}",
            "95 %": f"{100 * low:.2f}-{100 * high:.2f}",
            "WER %": f"{100 * self.wer:.2f}",
            "exact %": f"{100 * self.exact:.2f}",
            "n": str(self.n),
        }


def distance(reference: Sequence[Hashable], prediction: Sequence[Hashable]) -> int:
    """Levenshtein distance between two texts, or between two lists of words."""
    return Levenshtein.distance(reference, prediction)


def score(
    references: Sequence[str],
    predictions: Sequence[str],
    *,
    groups: Sequence[str] | None = None,
    protocol: str = "nfc",
    batch: int = 64,
    resamples: int = RESAMPLES,
    rng: np.random.Generator | None = None,
) -> Score:
    """Score predictions against references, line by line.

    `groups` names the hand or page of each line: the bootstrap draws whole groups (see `groups_of`). Without groups, or
    with fewer than two, it draws lines; `resampled` tells which. `batch`: lines per batch of the protocol `batch_mean`.
    Without `rng` the seed is 0. Raises InputError for no lines, unequal numbers or an unknown protocol.
    """
    check(references, predictions, groups)
    if protocol not in PROTOCOLS:
        raise InputError(f"there is no protocol {protocol!r}; use one of {', '.join(PROTOCOLS)}")
    rules = PROTOCOLS[protocol]
    truths, guesses = [rules.text(t) for t in references], [rules.text(p) for p in predictions]
    edits, lengths = _character_edits(truths, guesses, rules.spaces)
    word_edits, words = _word_edits(truths, guesses)
    top, bottom = _averaged(edits, lengths, rules.over, batch)
    word_top, word_bottom = _averaged(word_edits, words, rules.over, batch)
    grouped = rules.over != "batch" and groups is not None and len(set(groups)) > 1
    if grouped:
        top_by_group, bottom_by_group = _summed(groups or [], top, bottom)
    else:
        top_by_group, bottom_by_group = top, bottom
    return Score(
        cer=_rate(top.sum(), bottom.sum()),
        wer=_rate(word_top.sum(), word_bottom.sum()),
        exact=float((edits == 0).mean()),
        n=len(truths),
        characters=int(lengths.sum()),
        words=int(words.sum()),
        edits=int(edits.sum()),
        interval=_interval(_resampled_rates(top_by_group[None], bottom_by_group, resamples, rng)[0]),
        resampled="batches" if rules.over == "batch" else "groups" if grouped else "lines",
        protocol=protocol,
    )


def groups_of(hands: Sequence[str], pages: Sequence[str]) -> tuple[list[str] | None, str]:
    """The groups a bootstrap should draw, and their kind: hands if there are five or more, else pages, else lines."""
    for names, unit in ((hands, "hands"), (pages, "pages")):
        if len(set(names)) >= MIN_GROUPS and all(names):
            return list(names), unit
    return None, "lines"


@dataclass(frozen=True)
class Difference:
    """CER of b minus CER of a on the same lines, a fraction (negative: b is better), with its paired 95 % interval."""

    difference: float
    interval: tuple[float, float]
    n: int


def paired_difference(
    references: Sequence[str],
    predictions_a: Sequence[str],
    predictions_b: Sequence[str],
    groups: Sequence[str] | None = None,
    *,
    resamples: int = RESAMPLES,
    rng: np.random.Generator | None = None,
) -> Difference:
    """Compare two recognisers on the same lines; both are resampled together, by groups where they are given.

    Raises InputError as `score` does.
    """
    check(references, predictions_a, groups)
    check(references, predictions_b, groups)
    truths = [normalise(t) for t in references]
    edits_a, lengths = _character_edits(truths, [normalise(p) for p in predictions_a], spaces=True)
    edits_b, _ = _character_edits(truths, [normalise(p) for p in predictions_b], spaces=True)
    difference = _rate(edits_b.sum(), lengths.sum()) - _rate(edits_a.sum(), lengths.sum())
    tops = (edits_a, edits_b)
    if groups is not None and len(set(groups)) > 1:
        tops = (_summed(groups, edits_a, lengths)[0], _summed(groups, edits_b, lengths)[0])
        lengths = _summed(groups, edits_a, lengths)[1]
    rates = _resampled_rates(np.stack(tops), lengths, resamples, rng)
    return Difference(difference, _interval(rates[1] - rates[0]), len(truths))


def check(references: Sequence[str], predictions: Sequence[str], groups: Sequence[str] | None) -> None:
    """Raises InputError for no lines, or lists that differ in length."""
    if not references:
        raise InputError("there are no lines to score; give at least one line with text")
    if len(references) != len(predictions):
        raise InputError(f"{len(references)} references but {len(predictions)} predictions; give one for each line")
    if groups is not None and len(groups) != len(references):
        raise InputError(f"{len(references)} references but {len(groups)} groups; name one for each line")


def _character_edits(truths: Sequence[str], guesses: Sequence[str], spaces: bool) -> tuple[Floats, Floats]:
    if not spaces:
        truths, guesses = [t.replace(" ", "") for t in truths], [g.replace(" ", "") for g in guesses]
    edits = np.array([distance(t, g) for t, g in zip(truths, guesses, strict=True)], np.float64)
    return edits, np.array([len(t) for t in truths], np.float64)


def _word_edits(truths: Sequence[str], guesses: Sequence[str]) -> tuple[Floats, Floats]:
    pairs = [(t.split(), g.split()) for t, g in zip(truths, guesses, strict=True)]
    return np.array([distance(t, g) for t, g in pairs], np.float64), np.array([len(t) for t, _ in pairs], np.float64)


def _averaged(edits: Floats, lengths: Floats, over: str, batch: int) -> tuple[Floats, Floats]:
    """Numerators and denominators, the ratio of whose sums is the rate over all characters or the mean of rates."""
    if over == "all":
        return edits, lengths
    if over == "batch":
        starts = np.arange(0, len(edits), batch)
        edits = np.add.reduceat(edits, starts).astype(np.float64)
        lengths = np.add.reduceat(lengths, starts).astype(np.float64)
    rates = np.where(lengths > 0, edits / np.maximum(lengths, 1), edits > 0)  # insertions into an empty reference: 1
    return rates.astype(np.float64), np.ones(len(rates))


def _summed(groups: Sequence[str], top: Floats, bottom: Floats) -> tuple[Floats, Floats]:
    names, group = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    tops, bottoms = np.bincount(group, top, len(names)), np.bincount(group, bottom, len(names))
    return tops.astype(np.float64), bottoms.astype(np.float64)


def _rate(top: float, bottom: float) -> float:
    """Edits divided by length; by 1 where all references are empty, so that insertions count (as in jiwer 4)."""
    return float(top) / max(float(bottom), 1.0)


def _resampled_rates(tops: Floats, bottom: Floats, resamples: int, rng: np.random.Generator | None) -> Floats:
    """Rates (K, resamples) of K numerators (K, G) over one denominator (G,), groups drawn with replacement."""
    rng = rng or np.random.default_rng(0)
    groups = len(bottom)
    at_once = max(1, 2_000_000 // groups)
    parts = []
    for start in range(0, resamples, at_once):
        drawn = rng.integers(groups, size=(min(at_once, resamples - start), groups))
        parts.append(tops[:, drawn].sum(axis=2) / np.maximum(bottom[drawn].sum(axis=1), 1))
    return np.concatenate(parts, axis=1)


def _interval(rates: Floats) -> tuple[float, float]:
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)
