"""The training loop of WordStylist: its own autoencoder if it has one, then the network that predicts noise.

A batch and its random numbers depend on the seed and the number of the step alone, so that a run is resumed exactly.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from scriven.scribes.wordstylist.autoencoder import Autoencoder, OwnAutoencoder
from scriven.scribes.wordstylist.network import COLUMNS, Draws, Words, WordStylist
from scriven.training.run_state import AveragedRun, RunProgress, averaged_loop, require_finite
from scriven.training.settings import learning_rate
from scriven.training.words_of_hands import WordsOfHands
from scriven.training.wordstylist_settings import WordStylistTrainSettings

NETWORK, AUTOENCODER = "network", "autoencoder"  # the parts of a run
WHITENED_ON = 256  # words that mean and deviation of the own latents are measured on
ENCODED = 32  # words that are encoded at once
VALIDATION_SEED = 1_000_003  # added to that of the batches


@dataclass
class WordStylistProgress(RunProgress):
    """Where a run is."""

    encoded: bool = False  # whether the autoencoder is finished


@dataclass
class WordStylistRun(AveragedRun):
    """A network in training, with its own autoencoder if it has one, and the moving average of their weights."""

    parts: nn.ModuleDict
    average: nn.ModuleDict
    external: Autoencoder | None  # None: the own one
    optimizer: torch.optim.AdamW
    progress: WordStylistProgress
    device: torch.device

    @classmethod
    def begin(
        cls,
        net: WordStylist,
        autoencoder: Autoencoder,
        finished: bool,
        settings: WordStylistTrainSettings,
        fabric: Fabric,
    ) -> "WordStylistRun":
        """A new run on the device of `fabric`. An own autoencoder is trained first unless it is `finished`."""
        parts = nn.ModuleDict({NETWORK: net})
        own = isinstance(autoencoder, OwnAutoencoder)
        if own:
            parts[AUTOENCODER] = cast(nn.Module, autoencoder)
        parts = parts.to(fabric.device)
        groups = [
            {
                "params": [w for w in module.parameters() if (w.ndim > 1) == matrices],
                "weight_decay": decay,
                "part": name,
            }
            for name, module in parts.items()
            for matrices, decay in ((True, settings.weight_decay), (False, 0.0))
        ]
        external = None if own else cast(Autoencoder, cast(nn.Module, autoencoder).to(fabric.device))
        progress = WordStylistProgress(encoded=finished or not own)
        average = copy.deepcopy(parts).requires_grad_(False).eval()
        return cls(parts, average, external, torch.optim.AdamW(groups, settings.lr), progress, fabric.device)

    @property
    def trained(self) -> nn.Module:
        """All parts."""
        return self.parts

    @property
    def network(self) -> WordStylist:
        return cast(WordStylist, self.parts[NETWORK])

    @property
    def averaged(self) -> WordStylist:
        return cast(WordStylist, self.average[NETWORK])

    @property
    def autoencoder(self) -> Autoencoder:
        """The one by which pictures are encoded and drawn: the external one, or the average of the own one."""
        return self.external or cast(Autoencoder, self.average[AUTOENCODER])


@dataclass
class Batches:
    """Words by the number of a batch, and their latents once the autoencoder is finished."""

    lines: WordsOfHands
    words: Words
    train: list[int]
    settings: WordStylistTrainSettings
    latents: Tensor | None = None  # (all words, 4, 8, 32)

    def chosen(self, number: int) -> list[int]:
        """The words of batch `number`."""
        rng = np.random.default_rng([self.settings.seed, number])
        return [self.train[i] for i in rng.integers(len(self.train), size=self.settings.batch).tolist()]

    @torch.no_grad()
    def encode(self, autoencoder: Autoencoder, device: torch.device) -> None:
        """Encode all words, once."""
        every = list(range(len(self.lines)))
        parts = [every[at : at + ENCODED] for at in range(0, len(every), ENCODED)]
        self.latents = torch.cat([autoencoder.encode(self.lines.ink(part).to(device)).cpu() for part in parts])

    def loss(self, net: WordStylist, indices: list[int], seed: int, device: torch.device) -> Tensor:
        """The loss of the noise of some words, with random numbers of `seed`."""
        assert self.latents is not None
        drawn = Draws.of(len(indices), torch.Generator().manual_seed(seed)).to(device)
        latents = self.latents[indices].to(device)
        words = Words(self.words.classes[indices], self.words.lengths[indices]).to(device)
        return net.loss(latents, words, torch.tensor([self.lines.hands[i] for i in indices], device=device), drawn)


Evaluate = Callable[[WordStylistRun, dict[str, Any]], None]  # the run, and the row of the log, which it may extend


def fit_wordstylist(
    run: WordStylistRun,
    batches: Batches,
    valid: list[int],
    settings: WordStylistTrainSettings,
    fabric: Fabric,
    evaluate: Evaluate,
    tell: Callable[[float], None] = lambda fraction: None,
) -> WordStylistProgress:
    """Train for the steps or minutes of `settings`. `evaluate(run, row)` is called after every evaluation.

    `valid`: the words whose loss is logged. `tell(fraction)`: the fraction that is done, after every step.
    Raises SettingsError for a loss that is not finite.
    """
    now: dict[str, Any] = {}  # phase of the last step

    def step() -> Tensor:
        now.update(phase=_phase(run, batches, settings))
        return _step(run, batches, settings, fabric, now["phase"])

    def row() -> dict[str, Any]:
        return {**now, "valid": _validation_loss(run, batches, valid) if now["phase"] == NETWORK else None}

    averaged_loop(run, settings, step, row, partial(evaluate, run), tell)
    return run.progress


def _phase(run: WordStylistRun, batches: Batches, settings: WordStylistTrainSettings) -> str:
    """What is trained now. At the end of the first phase the own latents are whitened and the autoencoder is frozen."""
    progress = run.progress
    if not progress.encoded and progress.fraction(settings) < settings.autoencoder_share:
        return AUTOENCODER
    if not progress.encoded:
        average = cast(OwnAutoencoder, run.average[AUTOENCODER])
        average.columns.whiten(batches.lines.ink(batches.train[:WHITENED_ON]).to(run.device))
        run.parts[AUTOENCODER].load_state_dict(average.state_dict())
        progress.encoded = True
    if batches.latents is None:
        batches.encode(run.autoencoder, run.device)
    return NETWORK


def _step(
    run: WordStylistRun, batches: Batches, settings: WordStylistTrainSettings, fabric: Fabric, phase: str
) -> Tensor:
    """One update; returns the loss. Raises SettingsError for a loss that is not finite."""
    number, indices = run.progress.step, batches.chosen(run.progress.step)
    seed = settings.seed * 1_000_003 + number
    rate = learning_rate(settings.schedule, run.progress.fraction(settings))
    for group in run.optimizer.param_groups:
        group["lr"] = settings.autoencoder_lr if group["part"] == AUTOENCODER else rate
    run.optimizer.zero_grad(set_to_none=True)
    with fabric.autocast():
        if phase == NETWORK:
            loss = batches.loss(run.network, indices, seed, run.device)
        else:
            own = cast(OwnAutoencoder, run.parts[AUTOENCODER]).columns
            noise = torch.randn(len(indices), own.latent, COLUMNS, generator=torch.Generator().manual_seed(seed))
            loss = own.loss(batches.lines.ink(indices).to(run.device), noise.to(run.device))
    loss.backward()
    require_finite(loss, number + 1)
    nn.utils.clip_grad_norm_(run.parts.parameters(), settings.clip)
    run.optimizer.step()
    return loss.detach()


@torch.no_grad()
def _validation_loss(run: WordStylistRun, batches: Batches, valid: list[int]) -> float | None:
    """The loss of the averaged weights on held-out words, with the same random numbers at every evaluation."""
    if not valid:
        return None
    size = batches.settings.batch
    parts = [valid[at : at + size] for at in range(0, len(valid), size)]
    losses = [batches.loss(run.averaged, part, VALIDATION_SEED + at, run.device) for at, part in enumerate(parts)]
    return float(torch.stack(losses).mean())
