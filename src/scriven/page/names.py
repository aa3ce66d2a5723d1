"""Names of output files: the path of an input below the given folder, so that outputs mirror the input folders."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, count
from pathlib import Path

STANDARD_INPUT = "-"


def output_names(found: Sequence[tuple[Path, Path]], reserved: Iterable[str] = ()) -> list[str]:
    """A name for each input, given as (its path, the folder it was found in); folders are separated by `/`.

    The name is the path relative to that folder, without the extension. If inputs of two folders would get the same
    name, all names are relative to the common parent of the folders. If a.png and a.jpg are in one folder, both keep
    the extension. Names that still collide, with each other or with `reserved`, are numbered. Names that differ only in
    case or Unicode normal form collide.
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
    """The path relative to a folder, without the extension of a file."""
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
    """The common parent of several folders; None if there is none (different drives)."""
    try:
        return Path(os.path.commonpath([_absolute(root) for root in roots]))
    except ValueError:
        return None


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
