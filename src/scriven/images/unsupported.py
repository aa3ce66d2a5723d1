"""Picture formats that cannot be read, so that commands report such files instead of ignoring them."""

from pathlib import Path

REASON = "its picture format cannot be read; save it as PNG or JPEG"
UNSUPPORTED = (
    *(".avif", ".heic", ".heif", ".jfif", ".jif", ".jxl", ".j2k", ".jpx", ".pbm", ".pnm", ".tga", ".psd", ".djvu"),
    *(".eps", ".svg", ".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw"),
)


def unsupported(folder: Path) -> list[Path]:
    """The picture files of unsupported formats below a folder, sorted; hidden files and folders are ignored."""
    found = (p for p in folder.rglob("*") if p.suffix.lower() in UNSUPPORTED and not p.is_dir())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))
