"""Augmentation in numpy and OpenCV: synthetic ink, paper and camera, and `augment` for given pictures.

Every random function takes an `rng` or a Sampler.
"""

from scriven.augment.ink import Ink, ink
from scriven.augment.noise import Sampler, crop, pool
from scriven.augment.paper import Camera, Paper, Ruling, bleed_through, camera, paper
from scriven.augment.pictures import AugmentSettings, augment, blot, mask_spans
from scriven.augment.warp import STILL, Affine, Wobble, warp

__all__ = [
    "STILL",
    "Affine",
    "AugmentSettings",
    "Camera",
    "Sampler",
    "Ink",
    "Paper",
    "Ruling",
    "Wobble",
    "augment",
    "blot",
    "camera",
    "crop",
    "mask_spans",
    "ink",
    "paper",
    "pool",
    "bleed_through",
    "warp",
]
