"""demo: a model reads pictures of an unseen hand, adapts to them without labels, and reads them again.

    from scriven.jobs.demo import DemoSettings, demo

The pictures are the user's own, or a synthetic box of letters (`letters`). Names are imported on first use, since the
help of the command only needs the settings.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from scriven.jobs.demo.settings import DemoSettings, LetterSettings

if TYPE_CHECKING:
    from scriven.jobs.demo.letters import write_letters
    from scriven.jobs.demo.result import Demo, Scored
    from scriven.jobs.demo.run import demo

__all__ = ["Demo", "DemoSettings", "LetterSettings", "Scored", "demo", "write_letters"]

_LAZY = {"Demo": "result", "Scored": "result", "demo": "run", "write_letters": "letters"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    return value
