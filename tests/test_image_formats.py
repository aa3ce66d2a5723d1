"""Picture files: every format, depth, colour model, transparency and orientation opens as the same grey picture."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from scriven import images
from scriven.base import ImageError
from scriven.images.files import PILLOW_FORMATS
from toy_drawing import drawing, file_of, off


@pytest.mark.parametrize("format", PILLOW_FORMATS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_every_format_opens(format: str, mode: str) -> None:
    picture = Image.fromarray(drawing()).convert(mode)
    data = file_of(picture, format)
    assert off(images.open_image(data, name="x"), drawing()) < 3
    assert images.size(data) == (200, 64)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_encode_and_decode(format: str) -> None:
    assert off(images.decode(images.encode(drawing(), format), "x"), drawing()) < 3
    with pytest.raises(ImageError, match="use one of"):
        images.encode(drawing(), "gif")


def test_paths_and_bytes_open_alike() -> None:
    data = file_of(Image.fromarray(drawing()), "PNG")
    rewritten = file_of(Image.fromarray(drawing()), "PNG", exif=Image.Exif())  # no longer plain, so Pillow decodes it
    assert np.array_equal(images.decode(data, "x"), drawing())
    assert np.array_equal(images.decode(rewritten, "x"), drawing())


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bit_files_are_scaled_by_the_bits_used(bits: int, format: str) -> None:
    deep = drawing(paper=255).astype(np.uint16) * ((2**bits - 1) // 255)
    assert off(images.open_image(file_of(Image.fromarray(deep), format)), drawing(paper=255)) < 4


@pytest.mark.parametrize("extension", [".png", ".tiff"])
def test_sixteen_bit_colour(extension: str) -> None:
    deep = cv2.merge([drawing(paper=255).astype(np.uint16) * 16] * 3)  # 12 bits used
    done, data = cv2.imencode(extension, deep)
    assert done
    assert off(images.open_image(bytes(data)), drawing(paper=255)) < 3


def test_fractions_in_a_tiff() -> None:
    values = drawing().astype(np.float32) / 255
    assert off(images.open_image(file_of(Image.fromarray(values), "TIFF")), drawing()) < 1
    values[0, 0] = np.nan
    assert off(images.open_image(file_of(Image.fromarray(values), "TIFF")), drawing()) < 1
    assert off(images.open_image(file_of(Image.fromarray(values * 2 - 1), "TIFF")), drawing()) < 30


def test_32_bit_integers() -> None:
    deep = drawing(paper=255).astype(np.int32) * 16
    assert off(images.open_image(file_of(Image.fromarray(deep), "TIFF")), drawing(paper=255)) < 2
    assert off(images.open_image(file_of(Image.fromarray(deep - 2000), "TIFF")), drawing(ink=0, paper=255)) < 10


def test_cmyk_and_one_bit() -> None:
    cmyk = file_of(Image.fromarray(drawing()).convert("RGB").convert("CMYK"), "JPEG", quality=95)
    assert off(images.open_image(cmyk), drawing()) < 4
    hard = np.where(drawing() < 128, 0, 255).astype(np.uint8)
    for format in ("PNG", "TIFF"):
        assert np.array_equal(images.open_image(file_of(Image.fromarray(hard).convert("1"), format)), hard)


@pytest.mark.parametrize("paper", [190, 225])
def test_dithered_one_bit_pictures_become_grey_again(paper: int) -> None:
    page = drawing(ink=120, paper=paper)
    dithered = Image.fromarray(page).convert("1")
    assert off(images.open_image(file_of(dithered, "PNG")), page) < 0.6 * off(np.asarray(dithered.convert("L")), page)


def test_palette_with_transparency() -> None:
    picture = Image.fromarray(np.where(drawing() < 128, 1, 0).astype(np.uint8), "P")
    picture.putpalette([0, 0, 0, 30, 30, 30])
    data = file_of(picture, "PNG", transparency=0)  # the paper is transparent black
    image = images.open_image(data)
    assert image[0, -1] == 255
    assert image[12, 12] < 40


@pytest.mark.parametrize("ink", [0, 255])
def test_ink_in_the_alpha_channel(ink: int) -> None:
    rgba = np.full((64, 200, 4), ink, np.uint8)
    rgba[..., 3] = 255 - drawing(ink=0, paper=255)
    assert off(images.open_image(file_of(Image.fromarray(rgba), "PNG")), drawing(ink=0, paper=255)) < 1


def test_transparency_is_composited_onto_white() -> None:
    rgba = cv2.merge([drawing()] * 3 + [np.full((64, 200), 255, np.uint8)])
    rgba[:, 150:] = 0
    image = images.open_image(file_of(Image.fromarray(rgba), "PNG"))
    assert (image[:, 150:] == 255).all()
    assert off(np.ascontiguousarray(image[:, :150]), np.ascontiguousarray(drawing()[:, :150])) < 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_undone(orientation: int, format: str) -> None:
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpose methods that turn a picture that way
    picture = Image.fromarray(drawing())
    if orientation > 1:
        picture = picture.transpose(Image.Transpose(turn[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = file_of(picture, format, exif=exif)
    assert off(images.open_image(data), drawing()) < 4
    assert images.size(data) == (200, 64)


def test_exif_after_the_pixels_of_a_png_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = file_of(Image.fromarray(drawing()).transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    late = data[:start] + data[end:-12] + data[start:end] + data[-12:]  # before IEND, as libpng may write it
    assert np.array_equal(images.open_image(late), drawing())
    assert images.size(late) == (200, 64)


def test_sixteen_bit_colour_is_rotated_by_exif() -> None:
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        marked = Image.open(io.BytesIO(file_of(Image.fromarray(drawing()), "PNG", exif=exif)))
        expected = np.asarray(ImageOps.exif_transpose(marked))
        assert np.array_equal(images.files.upright(drawing(), orientation), expected)


def test_mislabelled_pictures_open_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "really_a_png.jpg").write_bytes(images.encode(drawing()))
    assert np.array_equal(images.open_image(tmp_path / "really_a_png.jpg"), drawing())
