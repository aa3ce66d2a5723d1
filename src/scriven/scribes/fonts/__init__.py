"""The font scribe, which writes with handwriting typefaces: `scribe` is its entry, `rendering` makes a picture."""

from pathlib import Path

from scriven.scribes.contract import Scribe
from scriven.scribes.fonts.settings import FONT_DEFAULTS, FontSettings
from scriven.scribes.typefaces import bundled, covering, from_folder


def font_scribe(argument: str = "", settings: FontSettings = FONT_DEFAULTS) -> Scribe:
    """The scribe `fonts`: the bundled typefaces, or with `fonts:FOLDER` those of a folder, that have any of the tags.

    Raises InputError if the folder has no font file, ModuleNotFoundError without the extra `train`.
    """
    from scriven.scribes.fonts.scribe import FontScribe  # HarfBuzz and FreeType are loaded when something is written

    faces, skipped = from_folder(Path(argument)) if argument else (bundled(), [])
    tagged = covering(faces, "", settings.tags)
    excluded = tuple(face for face in faces if face not in tagged)
    return FontScribe(tagged, settings, excluded=excluded, skipped=skipped)
