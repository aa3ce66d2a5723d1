"""Parent and adapted model compared on held-out pictures; whether the language model of the labels is kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from scriven.base import evenly
from scriven.estimate.cer import MAX_VIEWED, MIN_LINES, CerEstimate, cer_estimate_bias, change_interval
from scriven.images import Grey
from scriven.language.identify import in_modern_spelling
from scriven.language.model import CharLM
from scriven.lines import Reading
from scriven.recognisers.contract import Recogniser
from scriven.selftrain.context import AdaptContext
from scriven.selftrain.gates import lm_helps
from scriven.selftrain.metrics import Assessment, assess


@dataclass(frozen=True)
class HeldOut:
    """Held-out pictures with their readings before and after adaptation; their texts are unknown."""

    count: int  # held out in all; `pictures` is an even sample
    pictures: Sequence[tuple[str, Grey]]
    before: Sequence[Reading]
    after: Sequence[Reading]
    estimates: tuple[CerEstimate | None, CerEstimate | None]  # of the CER before and after
    improved: bool | None = None  # whether the estimated CER fell by more than chance; None: too few pictures


@dataclass(frozen=True)
class Comparison:
    """The held-out pictures, the language model to keep (None: the parent's), and the bias of the CER estimate."""

    held_out: HeldOut
    lm: CharLM | None
    cer_estimate_bias: float


def compare(
    context: AdaptContext, parent: Recogniser, adapted: Recogniser, own: CharLM | None, offered: CharLM | None
) -> Comparison:
    """Read held-out pictures with `parent` and its `own` language model, and with `adapted`.

    The adapted model is read with the `offered` language model, and keeps it, if that lowers the estimated CER clearly
    and, unless it was made of the user's texts, the readings are in modern spelling.
    """
    sample, count = evenly(context.held_out, MAX_VIEWED), len(context.held_out)
    bias = context.info.cer_estimate_bias

    def assessed(net: Recogniser, lm: CharLM | None) -> Assessment:
        reader = context.reader(net)
        return assess(reader, sample, context.decoder(reader, lm))

    before = assessed(parent, own)
    if adapted is parent:
        same = (before.estimate, before.estimate)
        return Comparison(HeldOut(count, sample, before.readings, before.readings, same), None, bias)
    after = assessed(adapted, own)
    more, lm = cer_estimate_bias(before.estimate, after.estimate), None
    improved = improvement(before, after)
    if offered is not None:
        plain = assessed(adapted, None) if own else after
        with_lm = assessed(adapted, offered)
        texts = [reading.text for reading in with_lm.readings]
        modern = bool(context.settings.texts) or in_modern_spelling(texts, context.language)
        if lm_helps(plain.estimate, with_lm.estimate) and modern:
            after, lm = with_lm, offered
    estimates = (before.estimate, after.estimate and after.estimate.raised(more))
    return Comparison(HeldOut(count, sample, before.readings, after.readings, estimates, improved), lm, bias + more)


def improvement(before: Assessment, after: Assessment) -> bool | None:
    """Whether the estimated CER fell by more than chance (paired bootstrap, 95 %); None for fewer than MIN_LINES."""
    if len(before.features) < MIN_LINES:
        return None
    interval = change_interval(before.features, after.features)
    return None if interval is None else interval[1] < 0
