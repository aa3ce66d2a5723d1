"""Ink and paper in numpy and OpenCV: the parts the font scribe draws with, and `augment` for real pictures."""

from scriven.augment.ink import Ink, ink
from scriven.augment.noise import Sampler, crop, pool
from scriven.augment.paper import Camera, Paper, Ruling, camera, paper, seen_through
from scriven.augment.real import AugmentSettings, augment, blot, hide_spans
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
    "hide_spans",
    "ink",
    "paper",
    "pool",
    "seen_through",
    "warp",
]
