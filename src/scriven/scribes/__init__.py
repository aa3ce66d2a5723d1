"""Scribes write texts as pictures. To add one: a file or folder with a maker, see `contract`, and a row in SCRIBES.

A maker imports what it draws with when it is called: importing this room loads neither HarfBuzz nor torch.

from scriven.scribes.specs import scribe_of
scribe_of("fonts").write("Příliš žluťoučký kůň", np.random.default_rng(0)).picture
"""

from scriven.scribes.contract import Handwriting, MakeScribe, Scribe
from scriven.scribes.flow import flow_scribe
from scriven.scribes.fonts import font_scribe
from scriven.scribes.stackmix import stackmix_scribe
from scriven.scribes.wordstylist import wordstylist_scribe

__all__ = ["SCRIBES", "Handwriting", "MakeScribe", "Scribe"]

SCRIBES: dict[str, MakeScribe] = {
    "fonts": font_scribe,
    "stackmix": stackmix_scribe,
    "flow": flow_scribe,
    "wordstylist": wordstylist_scribe,
}
