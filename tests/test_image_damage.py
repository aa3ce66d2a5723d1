"""Damaged, oversized and foreign files raise `ImageError` and name the file."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from scriven import images
from scriven.base import ImageError
from scriven.images.files import PILLOW_FORMATS
from toy_drawing import drawing, file_of


def png_claiming(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [11_000, 17_321, 60_000])  # 121 and 300 megapixels, and 3.6 gigapixels
def test_decompression_bombs_are_refused_by_their_header(side: int) -> None:
    with pytest.raises(ImageError, match="bomb.png.*megapixels.*scale it down"):
        images.open_image(png_claiming(side, side), name="bomb.png")
    deep = bytearray(png_claiming(side, side))
    deep[24] = 16  # no longer plain: Pillow reads this header
    deep[29:33] = struct.pack(">I", zlib.crc32(bytes(deep[12:29])))
    with pytest.raises(ImageError, match="megapixels"):
        images.open_image(bytes(deep), name="bomb.png")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused_by_name(format: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 200), dtype=np.uint8)
    data = file_of(Image.fromarray(noise), format)
    with pytest.raises(ImageError, match="letter.x.*(damaged|again)"):
        images.open_image(data[: int(len(data) * share)], name="letter.x")


def test_a_want_of_memory_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    data = file_of(Image.fromarray(drawing()), "TIFF")

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "load", fail)
    with pytest.raises(ImageError, match="there is not enough memory to decode a.tif") as caught:
        images.decode(data, "a.tif")
    assert isinstance(caught.value.__cause__, MemoryError)


def test_corrupt_pixel_data_is_refused() -> None:
    data = bytearray(file_of(Image.fromarray(drawing()), "PNG"))
    middle = len(data) // 2
    data[middle : middle + 20] = b"\0" * 20
    with pytest.raises(ImageError, match="letter.png"):
        images.open_image(bytes(data), name="letter.png")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("these are notes")
    with pytest.raises(ImageError, match="notes.png is damaged or not a picture"):
        images.open_image(tmp_path / "notes.png")
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(ImageError, match="empty.jpg is empty"):
        images.open_image(tmp_path / "empty.jpg")
    with pytest.raises(ImageError, match="cannot open .*gone.png.*No such file"):
        images.open_image(tmp_path / "gone.png")
    with pytest.raises(ImageError, match="cannot open"):
        images.open_image(tmp_path)


@pytest.mark.parametrize(
    ("name", "said"), [("a.HEIC", "format cannot be read; save it"), ("a.docx", "is damaged or not a picture")]
)
def test_an_unsupported_format_is_named(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(ImageError, match=said):
        images.open_image(tmp_path / name)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1)])
def test_tiny_pictures_are_refused(shape: tuple[int, int]) -> None:
    data = file_of(Image.new("L", shape, 255), "PNG")
    with pytest.raises(ImageError, match="too small"):
        images.open_image(data, name="dot.png")


@pytest.mark.parametrize("format", PILLOW_FORMATS)
def test_random_bytes_raise_image_error_only(format: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(PILLOW_FORMATS.index(format))
    data = file_of(Image.fromarray(drawing()).convert("RGB"), format)
    skipped = 0
    for i in range(25):
        broken = bytearray(data)
        for at in rng.integers(0, len(data) if i % 2 else min(len(data), 80), 4):
            broken[at] = rng.integers(0, 256)
        (tmp_path / "x.tiff").write_bytes(broken)
        for look in (
            lambda b: images.decode(b, "x"),
            images.size,
            lambda b: list(images.pages_of(tmp_path / "x.tiff")),
        ):
            try:
                look(bytes(broken))
            except ImageError:
                skipped += 1
    assert skipped
