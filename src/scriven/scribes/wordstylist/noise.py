"""The noise of a diffusion model, and two samplers that remove it step by step.

DDPM (Ho et al. 2020, arXiv:2006.11239), as WordStylist samples with all 999 steps; DDIM (Song et al. 2021,
arXiv:2010.02502), which needs fewer. Both take any number of steps.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from scriven.scribes.wordstylist.settings import NOISE_STEPS

FIRST, LAST = 1e-4, 0.02  # variances that the first and the last step add

Predict = Callable[[Tensor, int], Tensor]  # latents, noise step -> the noise in them
Draw = Callable[[], Tensor]  # noise of the shape of the latents


def kept_shares() -> Tensor:
    """The share of the variance (NOISE_STEPS,) that is left of a picture after each step."""
    return (1 - torch.linspace(FIRST, LAST, NOISE_STEPS)).cumprod(0)


def noised(latents: Tensor, noise: Tensor, time: Tensor) -> Tensor:
    """Latents (N, C, H, W) with as much of `noise`, of the same shape, as they have after noise steps (N,)."""
    kept = kept_shares().to(latents)[time][:, None, None, None]
    return kept.sqrt() * latents + (1 - kept).sqrt() * noise


def sampled_times(steps: int) -> list[int]:
    """`steps` noise steps from the last down to 1, at equal distances; at most NOISE_STEPS - 1 of them."""
    count = min(steps, NOISE_STEPS - 1)
    if count == 1:
        return [NOISE_STEPS - 1]
    return [round(float(one)) for one in torch.linspace(NOISE_STEPS - 1, 1, count, dtype=torch.float64)]


def ddpm(predict: Predict, start: Tensor, draw: Draw, steps: int) -> Tensor:
    """Latents from noise `start`: at each step the noise found is removed and a little new noise is drawn.

    The variance of the new noise is that which the step added, as published; where steps are left out, that of the
    posterior, which is smaller, since the other would be left in the picture.
    """
    kept, x = kept_shares(), start
    for time, before in pairwise([*sampled_times(steps), 0]):
        alpha = kept[time] / kept[before]
        noise = predict(x, time)
        x = (x - (1 - alpha) / (1 - kept[time]).sqrt() * noise) / alpha.sqrt()
        if before:
            share = 1 if time - before == 1 else (1 - kept[before]) / (1 - kept[time])
            x = x + (share * (1 - alpha)).sqrt() * draw()
    return x


def ddim(predict: Predict, start: Tensor, draw: Draw, steps: int) -> Tensor:
    """Latents from noise `start`, without new noise: `draw` is not called."""
    kept, x = torch.cat([kept_shares(), torch.ones(1)]), start
    for time, before in pairwise([*sampled_times(steps), NOISE_STEPS]):  # the last one stands for no noise at all
        noise = predict(x, time)
        clean = (x - (1 - kept[time]).sqrt() * noise) / kept[time].sqrt()
        x = kept[before].sqrt() * clean + (1 - kept[before]).sqrt() * noise
    return x


SAMPLERS: dict[str, Callable[[Predict, Tensor, Draw, int], Tensor]] = {"ddim": ddim, "ddpm": ddpm}
