"""Names of results: an input's path below the folder that was given, so that results mirror the folders."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, count
from pathlib import Path

STANDARD_INPUT = "-"


def output_names(found: Sequence[tuple[Path, Path]], reserved: Iterable[str] = ()) -> list[str]:
    """A name for each input, given as (its path, the folder it was found in); folders are separated by `/`.

    It is the path below that folder without the extension. Where inputs of two folders would share one, the names of
    all begin with their folders; where a.png stands beside a.jpg, with their extensions; where both is not enough, or
    the name is one of `reserved`, they are numbered. Names that differ in case or normal form only count as equal.
    """
    short = [_short(path, root) for path, root in found]
    owners: dict[str, set[Path]] = {}
    for name, (_, root) in zip(short, found, strict=True):
        owners.setdefault(_key(name), set()).add(_absolute(root))
    if any(len(roots) > 1 for roots in owners.values()):
        common = _common([root for _, root in found])
        short = [_short(path, common or root) for path, root in found]
    counts = Counter(map(_key, short))
    taken, names = set(map(_key, reserved)), []
    for name, (path, _) in zip(short, found, strict=True):
        whole = f"{name}{_suffix(path)}"
        tries = chain([name] if counts[_key(name)] == 1 else [], [whole], (f"{whole}-{n}" for n in count(2)))
        names.append(next(one for one in tries if _key(one) not in taken))
        taken.add(_key(names[-1]))
    return names


def _short(path: Path, root: Path) -> str:
    """A path below a folder, without the extension of a file."""
    if str(path) == STANDARD_INPUT:
        return "stdin"
    relative = os.path.relpath(_absolute(path), _absolute(root))
    name = Path(relative if not relative.startswith(os.pardir) and relative != os.curdir else _absolute(path).name)
    suffix = _suffix(path)
    return name.as_posix()[: -len(suffix)] if suffix else name.as_posix() or "lines"


def _suffix(path: Path) -> str:
    """The extension of a file; folders have none."""
    return path.suffix if path.suffix and path.is_file() else ""


def _common(roots: Iterable[Path]) -> Path | None:
    """The folder that holds all of some folders; None where there is none, on several drives."""
    try:
        return Path(os.path.commonpath([_absolute(root) for root in roots]))
    except ValueError:
        return None


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
