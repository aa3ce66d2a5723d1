"""Pictures that cannot be read: each is named with a reason, and the others are read."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scriven.images import encode
from scriven.lines import LinesFolder
from toy_bad_input import INK, JPEG, PNG, Scriven, told, toy  # noqa: F401
from toy_reader import picture


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def bomb() -> bytes:
    """A PNG whose header says 300 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 15_000, 8, 0, 0, 0, 0)
    return PNG[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(Image.fromarray(INK).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)


def alpha() -> bytes:
    drawn = np.zeros((*INK.shape, 4), np.uint8)
    drawn[..., 3] = 255 - INK
    return saved(Image.fromarray(drawn), "PNG")


def deep() -> bytes:
    return saved(Image.fromarray(INK.astype(np.uint16) * 16), "PNG")  # 12 bits of 16


GOOD = {
    "mislabelled.png": JPEG,
    "deep.png": deep(),
    "cmyk.jpg": saved(Image.fromarray(INK).convert("CMYK"), "JPEG"),
    "cmyk.tif": saved(Image.fromarray(INK).convert("CMYK"), "TIFF"),
    "palette.png": saved(Image.fromarray(INK).convert("P"), "PNG"),
    "alpha.png": alpha(),
    "turned.jpg": turned(),
    "light.png": encode(np.asarray(255 - INK, np.uint8)),
}
BAD = {
    "truncated.png": (PNG[: len(PNG) // 2], "damaged or cut short"),
    "truncated.jpg": (JPEG[: -len(JPEG) // 3], "damaged"),
    "empty.png": (b"", "is empty"),
    "text.png": (b"hello", "not a picture"),
    "bomb.png": (bomb(), "300 megapixels"),
    "one.png": (encode(np.zeros((1, 1), np.uint8)), "1 x 1 pixels"),
}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, data in {**GOOD, **{name: data for name, (data, _) in BAD.items()}}.items():
        (folder / name).write_bytes(data)
    (folder / "folder.png").mkdir()
    return folder


def test_pictures_of_all_formats_are_read_and_bad_ones_named(scriven: Scriven, toy: Path, pictures: Path) -> None:
    result = scriven("read", pictures, "-m", toy, "-f", "csv")
    rows = [row.split(",") for row in result[1].splitlines()[1:]]
    assert sorted(Path(row[1]).name for row in rows) == sorted(GOOD) and {row[2] for row in rows} == {"abc d"}
    told(result, 1, *(f"{pictures / name}: " for name in BAD), *(why for _, why in BAD.values()), f"{len(BAD)} skipped")


@pytest.mark.parametrize("name", BAD)
def test_a_single_bad_picture_gives_exit_code_2(scriven: Scriven, toy: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BAD[name][0])
    told(scriven("read", tmp_path / name, "-m", toy), 2, f"{tmp_path / name}: ", BAD[name][1])
    told(scriven("import", "pictures", tmp_path, "-o", tmp_path / "out"), 2, BAD[name][1])
    assert not (tmp_path / "out").exists()


def test_import_keeps_every_good_picture(scriven: Scriven, pictures: Path, tmp_path: Path) -> None:
    told(scriven("import", "pictures", pictures, "-o", tmp_path / "out"), 1, *(why for _, why in BAD.values()))
    kept = {line.id for line in LinesFolder(tmp_path / "out").lines()}
    assert len(kept) == len(GOOD) and {"cmyk", "cmyk.tif"} <= kept  # two pictures with one stem


def test_very_wide_pictures(scriven: Scriven, toy: Path, tmp_path: Path) -> None:
    (tmp_path / "wide.png").write_bytes(encode(picture("abc d" * 500)[:, :40_000]))
    (tmp_path / "sliver.png").write_bytes(encode(np.full((2, 40_000), 255, np.uint8)))
    result = scriven("read", tmp_path, "-m", toy)
    told(result, 1, "sliver: ", "cannot be a line of writing")
    assert result[1].startswith("abc dabc d") and len(result[1]) > 2_400
