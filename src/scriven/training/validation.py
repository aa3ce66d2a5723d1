"""The score of a network on validation pictures."""

from collections.abc import Callable, Sequence

from scriven.metrics import Score, score
from scriven.recognisers.contract import Recogniser
from scriven.tensors import Batch
from scriven.training.loader import unaugmented_batches
from scriven.training.sources import Source

ATTENTION_CER = "attention_cer"  # in the log of networks with two heads; their CER is that of CTC, which reads faster


def two_headed(net: Recogniser) -> bool:
    """Whether a network is read by CTC and by attention; its method `read` is by attention."""
    return len(net.decoders) > 1


def validate(
    net: Recogniser,
    valid: Sequence[Source],
    batch_width_px: int,
    read: Callable[[Recogniser, Batch], list[str]] | None = None,
) -> Score:
    """The score of a network's greedy readings of all items of some sources, without augmentation.

    `read`: reads in place of the network's own method.
    """
    device = next(net.parameters()).device
    texts, predictions, hands = list[str](), list[str](), list[str]()
    for source in valid:
        for batch in unaugmented_batches(source, batch_width_px):
            texts += batch.texts
            hands += batch.hands
            batch = batch.to(device)
            predictions += read(net, batch) if read else net.read(batch)
    return score(texts, predictions, groups=hands if any(hands) else None)
