"""A small bank of lines in four typefaces, cut where the font scribe says that the letters are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scriven.lines import Line
from scriven.scribes.fonts.scribe import FontScribe
from scriven.scribes.fonts.settings import FontSettings
from scriven.scribes.stackmix.measures import measures, upright
from scriven.scribes.stackmix.writer import BankWriter
from scriven.scribes.typefaces import bundled
from scriven.text import normalise

FACES = ("kalam", "caveat", "homemade-apple", "patrick-hand")
TEXTS = (
    "paper and ink", "a quill for the letter", "seal and wax", "desk 7 folio", "hand script", "the quick brown fox",
    "jumps over the lazy dog", "papex", "pack my box with five", "dozen liquor jugs", "ink and paper",
)  # fmt: skip


def scribe_of_faces(height: int = 64) -> FontScribe:
    faces = [face for face in bundled() if face.id in FACES]
    return FontScribe(faces, FontSettings(height=height, hands=1))


def toy_bank(folder: Path, texts: Sequence[str] = TEXTS, *, hands: int = 4, height: int = 64) -> Path:
    """Write a bank of the texts in each hand: a character reaches from the middle between its neighbours' inks."""
    scribe = scribe_of_faces(height)
    with BankWriter(folder, height) as bank:
        for hand in range(hands):
            for number, given in enumerate(texts):
                text = normalise(given)
                seed = [hand, number]
                wrote = scribe.write(text, np.random.default_rng(seed), hand=hand, strength=0.4)
                inked = scribe.extents(text, np.random.default_rng(seed), hand=hand, strength=0.4)
                edges = edges_of(text, inked, wrote.picture.shape[1])
                measured = measures(wrote.picture)
                assert measured is not None
                straight = upright(wrote.picture, measured.slant, round(measured.paper))
                line = Line(f"{hand}-{number}", b"", text, hand=f"hand-{hand}")
                bank.add(line, straight, edges, np.ones(len(text), bool), measured)
        bank.finish({"model": "toy", "source": "toy", "licence": "OFL-1.1", "splits": ["train"]})
    return folder


def edges_of(text: str, inked: dict[int, tuple[float, float]], width: int) -> np.ndarray:
    """Edges (K, 2): cuts halfway between the inks of neighbours; a space is the paper between."""
    known = sorted(inked)
    lefts = np.interp(range(len(text)), known, [inked[k][0] for k in known])
    rights = np.interp(range(len(text)), known, [inked[k][1] for k in known])
    cuts = (rights[:-1] + lefts[1:]) / 2
    for k, character in enumerate(text):
        if character == " " and 0 < k < len(text) - 1:
            cuts[k - 1], cuts[k] = rights[k - 1], max(lefts[k + 1], rights[k - 1] + 3)
    ordered = np.maximum.accumulate(np.clip(np.concatenate([lefts[:1], cuts, rights[-1:]]), 0, width))
    return np.stack([ordered[:-1], ordered[1:]], axis=1)
