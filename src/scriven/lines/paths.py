"""Resolving the paths written in tables; see also `base.paths`."""

import os
import re
import unicodedata
from pathlib import Path, PureWindowsPath

from scriven.base.paths import existing as existing_path

_ESCAPED = re.compile(r"%(0[9AD])|\\udc([89a-f][0-9a-f])")  # by `delimited.write_row`; by `base.printable`


def existing(root: Path, name: str) -> Path:
    """The existing file or folder that `name` refers to in a table in the folder `root`; else `root / name`.

    Separators and Unicode normal forms of other systems are accepted, and the escapes of our writers undone.
    """
    for form in dict.fromkeys((name, _unescaped(name))):
        if os.path.exists(found := existing_path(root / form)):
            return found
    return root / name


def below(root: Path, name: str) -> Path:
    """As `existing`; for an absolute path, its longest tail that exists below `root`.

    `C:\\scans\\1.png` and `/home/anna/scans/1.png` refer to `root/scans/1.png`, else to `root/1.png`.
    """
    windows = PureWindowsPath(name)
    parts = windows.parts[1:] if windows.drive else Path(name).parts[1:] if Path(name).is_absolute() else ()
    for first in range(len(parts)):
        found = existing(root, "/".join(parts[first:]))
        if os.path.exists(found):
            return found
    return root / parts[-1] if parts else existing(root, name)


def same(name: str) -> str:
    """The form in which names are compared: NFC."""
    return unicodedata.normalize("NFC", name)


def _unescaped(name: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16) if found[1] else 0xDC00 + int(found[2], 16)), name)
