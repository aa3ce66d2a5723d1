"""Files that are pictures, but of a kind that cannot be read: named instead of passed over."""

from pathlib import Path

SAVE = "it is a picture of a kind that cannot be read here; save it as PNG or JPEG"
NOT_READABLE = (  # pictures, but of kinds that are not opened
    *(".avif", ".heic", ".heif", ".jfif", ".jif", ".jxl", ".j2k", ".jpx", ".pbm", ".pnm", ".tga", ".psd", ".djvu"),
    *(".eps", ".svg", ".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw"),
)


def not_readable(folder: Path) -> list[Path]:
    """The pictures below a folder that are of a kind that cannot be read, sorted; hidden ones are not looked at."""
    found = (p for p in folder.rglob("*") if p.suffix.lower() in NOT_READABLE and not p.is_dir())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))
