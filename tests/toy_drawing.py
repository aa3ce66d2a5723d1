"""A drawing of strokes, the bytes of a picture file, and how far two pictures differ."""

import io

import cv2
import numpy as np
from PIL import Image

from scriven import images

Grey = images.Grey


def drawing(width: int = 200, height: int = 64, ink: int = 20, paper: int = 235) -> Grey:
    """A slanted row of strokes on paper, without symmetry."""
    image = np.full((height, width), paper, np.uint8)
    for x in range(10, width - 20, 18):
        cv2.line(image, (x, height - 15), (x + 9, 15), ink, 3, cv2.LINE_AA)
    cv2.circle(image, (12, 12), 6, ink, -1, cv2.LINE_AA)
    return image


def file_of(picture: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def off(a: Grey, b: Grey) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())
