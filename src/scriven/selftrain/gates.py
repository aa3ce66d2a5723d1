"""Gates: whether a student replaces its teacher, and whether a language model helps, decided without labels.

Measured on five hands (docs/experiments/2026-11-26-adapt-gate.md).
"""

from scriven.estimate.cer import CerEstimate
from scriven.selftrain.metrics import UnsupervisedMetrics

MIN_METRIC_GAIN = 0.01  # relative reduction of the bits per character, or five times it of the disagreement
MIN_AGREEMENT_GAIN = 0.02  # relative reduction of the disagreement; every round that helped had at least that
MIN_AGREEMENT_GAIN_CHARACTERS = 0.005  # the same as a share of the characters; less may be chance
MAX_LENGTH_CHANGE, MAX_LENGTH_DRIFT = 0.15, 0.25  # relative, of the mean length, in one round and in all
MAX_EMPTIER = 0.02  # share of the pictures whose reading may become empty
MIN_LM_GAIN = 0.1  # relative reduction of the estimated CER that a language model must bring


def rejection(new: UnsupervisedMetrics, old: UnsupervisedMetrics) -> str | None:
    """Why a student with the metrics `new` must not replace a teacher with `old`, as a clause; None if it may."""
    if max(new.characters, old.characters) < 1:
        return "the model reads almost nothing in these pictures"
    if changed := _length_change(new, old, MAX_LENGTH_CHANGE):
        return f"its readings changed in length ({changed})"
    if new.empty > old.empty + MAX_EMPTIER:  # neither metric below counts what is not read
        return f"it reads nothing in {new.empty:.0%} of the pictures, before in {old.empty:.0%}"
    bits = f"{new.lm_bits_per_char:.2f} language-model bits per character, before {old.lm_bits_per_char:.2f}"
    if new.lm_bits_per_char > old.lm_bits_per_char:
        return f"its readings are less plausible in the language ({bits})"
    differ = f"{new.view_disagreement:.2%} of the characters differ, before {old.view_disagreement:.2%}"
    if new.view_disagreement > old.view_disagreement:
        return f"two views of a picture agree less than before ({differ})"
    least = max(MIN_AGREEMENT_GAIN * old.view_disagreement, MIN_AGREEMENT_GAIN_CHARACTERS)
    if new.view_disagreement > old.view_disagreement - least:  # so near-perfect agreement leaves nothing to gain
        return f"two views of a picture agree no more than before, within chance ({differ})"
    if (
        new.lm_bits_per_char > (1 - MIN_METRIC_GAIN) * old.lm_bits_per_char
        and new.view_disagreement > (1 - 5 * MIN_METRIC_GAIN) * old.view_disagreement
    ):
        return f"no improvement beyond chance ({bits}; of two views {differ})"
    return None


def drift(new: UnsupervisedMetrics, first: UnsupervisedMetrics) -> str | None:
    """Why a student is too far from the network before the first round, as a clause; None if it is not."""
    changed = _length_change(new, first, MAX_LENGTH_DRIFT)
    return f"its readings drifted in length ({changed})" if changed else None


def lm_helps(without_lm: CerEstimate | None, with_lm: CerEstimate | None) -> bool:
    """Whether decoding with a language model lowers the estimated CER by at least MIN_LM_GAIN.

    A language model of another period or spelling lowers it only a little and raises the true CER
    (docs/experiments/2026-11-26-adapted-language-model.md).
    """
    return bool(without_lm and with_lm and with_lm.cer <= (1 - MIN_LM_GAIN) * without_lm.cer)


def _length_change(new: UnsupervisedMetrics, old: UnsupervisedMetrics, most: float) -> str:
    if abs(new.characters / max(old.characters, 1e-9) - 1) <= most:
        return ""
    return f"{new.characters:.1f} characters, before {old.characters:.1f}"
