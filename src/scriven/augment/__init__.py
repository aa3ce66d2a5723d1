"""Augmentation in numpy and OpenCV: synthetic ink, paper and camera, and `augment` for given pictures.

Every random function takes an `rng` or a Sampler.
"""

from scriven.augment.blots import blot
from scriven.augment.ink import Ink, ink
from scriven.augment.noise import Sampler, crop, pool
from scriven.augment.paper import Camera, Paper, Ruling, bleed_through, camera, paper
from scriven.augment.pictures import augment, mask_spans
from scriven.augment.settings import SETS, AugmentSettings, SetName, settings_of
from scriven.augment.warp import STILL, Affine, Wobble, warp

__all__ = [
    "SETS",
    "STILL",
    "Affine",
    "AugmentSettings",
    "Camera",
    "Sampler",
    "Ink",
    "Paper",
    "Ruling",
    "SetName",
    "Wobble",
    "augment",
    "blot",
    "settings_of",
    "camera",
    "crop",
    "mask_spans",
    "ink",
    "paper",
    "pool",
    "bleed_through",
    "warp",
]
