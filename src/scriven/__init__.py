"""Scriven reads handwriting, and adapts to a new hand without labels.

The public interface: `load` a model and read with it, or call a command as a function of the same name. Everything is
imported on first use; see docs/python.md.

    >>> import scriven
    >>> model = scriven.load("scriven-general")
    >>> print(model.read("line.png").text)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scriven.jobs import fonts as fonts
    from scriven.jobs import models as models
    from scriven.jobs import texts as texts
    from scriven.jobs.adapt import adapt as adapt
    from scriven.jobs.align import align as align
    from scriven.jobs.bench import bench as bench
    from scriven.jobs.cut import cut as cut
    from scriven.jobs.demo import demo as demo
    from scriven.jobs.doctor import doctor as doctor
    from scriven.jobs.export import export as export
    from scriven.jobs.fetch import fetch as fetch
    from scriven.jobs.import_ import import_lines as import_lines
    from scriven.jobs.import_model import import_model as import_model
    from scriven.jobs.judge import judge as judge
    from scriven.jobs.load import load as load
    from scriven.jobs.look import look as look
    from scriven.jobs.pick import pick as pick
    from scriven.jobs.publish import publish as publish
    from scriven.jobs.read import read as read
    from scriven.jobs.regenerate import regenerate as regenerate
    from scriven.jobs.score import score as score
    from scriven.jobs.train import train as train
    from scriven.jobs.train_scribe import train_scribe as train_scribe
    from scriven.jobs.write import write as write

__version__ = "0.1.0"

_FUNCTIONS = {  # name: module of scriven.jobs that defines it
    "adapt": "adapt",
    "align": "align",
    "bench": "bench",
    "cut": "cut",
    "demo": "demo",
    "doctor": "doctor",
    "export": "export",
    "fetch": "fetch",
    "import_lines": "import_",
    "import_model": "import_model",
    "judge": "judge",
    "load": "load",
    "look": "look",
    "pick": "pick",
    "publish": "publish",
    "read": "read",
    "regenerate": "regenerate",
    "score": "score",
    "train": "train",
    "train_scribe": "train_scribe",
    "write": "write",
}
_MODULES = ("fonts", "models", "texts")  # commands with subcommands: modules of scriven.jobs with a function for each

__all__ = [
    "adapt",
    "align",
    "bench",
    "cut",
    "demo",
    "doctor",
    "export",
    "fetch",
    "fonts",
    "import_lines",
    "import_model",
    "judge",
    "load",
    "look",
    "models",
    "pick",
    "publish",
    "read",
    "regenerate",
    "score",
    "texts",
    "train",
    "train_scribe",
    "write",
]


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        value = getattr(import_module(f"scriven.jobs.{_FUNCTIONS[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"scriven.jobs.{name}")
    else:
        raise AttributeError(f"module 'scriven' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
