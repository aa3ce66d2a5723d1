"""The gate of `train --from`: a model that reads worse than its parent is not kept.

Both are compared on the validation pictures and, where something is replayed, on pictures of that, which tell what was
forgotten. The readings are greedy, without language model, and of networks with two heads those of CTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from scriven.base import counted
from scriven.reader.model import ModelInfo, find_model, read_info
from scriven.recognisers.contract import Recogniser
from scriven.recognisers.ctc_head import ctc_read
from scriven.training.checkpoint import load_net, versions
from scriven.training.data import TrainingData
from scriven.training.publish import copy_parent, with_language_model
from scriven.training.sources import Source
from scriven.training.validation import two_headed, validate

REPLAY_CER = "replay_cer"  # key of a row of the log: CER on the pictures of what is replayed


@dataclass(frozen=True)
class ParentScore:
    """How the parent reads the validation pictures and those of what is replayed: CER, a fraction."""

    valid: float
    replay: float | None  # None: nothing is replayed


def baseline(parent: str | Path, data: TrainingData, batch_width_px: int, fabric: Fabric) -> ParentScore:
    """Measure the parent before training; torch's generators are not changed."""
    with torch.random.fork_rng(devices=[]):
        net, _ = load_net(find_model(parent))
    net.to(fabric.device, memory_format=torch.channels_last)
    valid = measure(net, data.valid, batch_width_px, fabric)
    return ParentScore(valid, measure(net, data.replay_valid, batch_width_px, fabric) if data.replay_valid else None)


def measure(net: Recogniser, sources: Sequence[Source], batch_width_px: int, fabric: Fabric) -> float:
    """The CER of a network on all items of some sources, a fraction; of its CTC head if it has one."""
    with fabric.autocast():
        return validate(net, sources, batch_width_px, ctc_read if two_headed(net) else None).cer


def measured_for_gate(net: Recogniser, data: TrainingData, batch_width_px: int, fabric: Fabric) -> dict[str, float]:
    """What `refusal` needs beside the CER in a row of the log."""
    return {REPLAY_CER: measure(net, data.replay_valid, batch_width_px, fabric)} if data.replay_valid else {}


def refusal(before: ParentScore, best: Mapping[str, Any], data: TrainingData, forgetting: float) -> str | None:
    """Why the best weights of a run are worse than those of the parent, as a clause; None if they are not.

    `best`: their row of the log. On what is replayed the CER may rise by `forgetting`, a fraction.
    """
    cer = best["cer"]
    if cer > before.valid:
        measured = counted(sum(map(len, data.valid)), data.validated_on)
        return f"CER {cer:.2%} on {measured}, before {before.valid:.2%}"
    after = best.get(REPLAY_CER)
    if before.replay is not None and after is not None and after > before.replay + forgetting:
        measured = counted(sum(map(len, data.replay_valid)), "replayed picture")
        return f"CER {after:.2%} on {measured}, before {before.replay:.2%}: more than forgetting={forgetting:g} is lost"
    return None


def keep_parent(out: Path, parent: str | Path, made: ModelInfo, before: ParentScore, why: str) -> None:
    """Make the model folder `out` of the parent, its weights and reading graphs byte for byte.

    `made`: the model.json that the refused model would have had; its name, licence, parents and settings are kept.
    """
    folder = find_model(parent)
    old = read_info(folder)
    scores = {"valid": {**made.scores["valid"], "cer": before.valid, "step": 0}}
    note = f"training did not help ({why}): it reads exactly as the model that it started from"
    own = {"name": made.name, "licence": made.licence or old.licence, "parents": made.parents, "graphs": {}}
    own |= {"scores": scores, "notes": [note], "versions": versions(), "settings": made.settings}
    info = old.model_copy(update=own)
    copy_parent(out, with_language_model(out, info, folder), folder)
