import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps, TiffImagePlugin

from scriven import images
from scriven.base import ImageError
from scriven.images.files import PILLOW_FORMATS

Grey = images.Grey


def drawing(width: int = 200, height: int = 64, ink: int = 20, paper: int = 235) -> Grey:
    """A slanted row of strokes on paper, without symmetry."""
    image = np.full((height, width), paper, np.uint8)
    for x in range(10, width - 20, 18):
        cv2.line(image, (x, height - 15), (x + 9, 15), ink, 3, cv2.LINE_AA)
    cv2.circle(image, (12, 12), 6, ink, -1, cv2.LINE_AA)
    return image


def file_of(picture: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def off(a: Grey, b: Grey) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


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


def test_all_pages_of_a_sixteen_bit_colour_tiff(tmp_path: Path) -> None:
    sheets = [cv2.merge([drawing(200 + 20 * i, paper=255).astype(np.uint16) * 16] * 3) for i in range(2)]
    assert cv2.imwritemulti(str(tmp_path / "deep.tiff"), sheets)
    for i, (_, page) in enumerate(images.pages_of(tmp_path / "deep.tiff")):
        assert off(page, drawing(200 + 20 * i, paper=255)) < 3


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


def test_mislabelled_pictures_open_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "really_a_png.jpg").write_bytes(images.encode(drawing()))
    assert np.array_equal(images.open_image(tmp_path / "really_a_png.jpg"), drawing())


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1)])
def test_tiny_pictures_are_refused(shape: tuple[int, int]) -> None:
    data = file_of(Image.new("L", shape, 255), "PNG")
    with pytest.raises(ImageError, match="too small"):
        images.open_image(data, name="dot.png")


def test_forty_thousand_pixels_wide() -> None:
    wide = drawing(40_000)
    image = images.open_image(images.encode(wide))
    assert np.array_equal(image, wide)
    assert images.prepare(image, 64).shape == (64, 40_000)
    assert images.prepare(drawing(40_000, 32), 64).shape == (64, 80_000)


def test_light_ink_is_inverted() -> None:
    for image in (drawing(), drawing(600), drawing(ink=150, paper=190)):
        assert images.polarity(image) > 0.5
        assert images.polarity(255 - image) < -0.5
        assert np.array_equal(images.open_image(images.encode(255 - image)), image)
    blank = np.full((64, 200), 30, np.uint8)
    assert np.array_equal(images.dark_ink(blank), blank)


@pytest.mark.real
def test_no_real_line_is_inverted() -> None:
    import pyarrow.parquet as pq

    flipped, back, count = [], 0, 0
    for file in sorted(Path(os.environ["SCRIVEN_REAL_DATA"]).glob("*/*/lines.parquet")):
        for row in pq.read_table(file, columns=["id", "image"]).slice(0, 200).to_pylist():
            image = images.open_image(row["image"]["bytes"], name=row["id"])
            plain = cv2.imdecode(np.frombuffer(row["image"]["bytes"], np.uint8), cv2.IMREAD_GRAYSCALE)
            flipped += [] if np.array_equal(image, plain) else [row["id"]]
            back += np.array_equal(images.dark_ink(np.asarray(255 - plain, np.uint8)), plain)
            count += 1
    assert count > 1000
    assert flipped == []
    assert back / count > 0.99


def test_pages(tmp_path: Path) -> None:
    sheets = [Image.fromarray(drawing(200 + 20 * i)) for i in range(3)]
    sheets[0].save(tmp_path / "act.tiff", save_all=True, append_images=sheets[1:])
    found = list(images.pages_of(tmp_path / "act.tiff"))
    assert [name for name, _ in found] == ["act-001", "act-002", "act-003"]
    assert [image.shape[1] for _, image in found] == [200, 220, 240]
    assert off(found[2][1], drawing(240)) == 0
    sheets[0].save(tmp_path / "act.pdf", save_all=True, append_images=sheets[1:], resolution=150)
    found = list(images.pages_of(tmp_path / "act.pdf", dpi=150))
    assert [(name, image.shape) for name, image in found][1] == ("act-002", (64, 220))
    assert off(found[1][1], drawing(220)) < 4
    sheets[0].save(tmp_path / "one.png")
    assert [name for name, _ in images.pages_of(tmp_path / "one.png")] == ["one"]
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(ImageError, match="bad.pdf"):
        list(images.pages_of(tmp_path / "bad.pdf"))
    with pytest.raises(ImageError, match="megapixels"):
        list(images.pages_of(tmp_path / "act.pdf", dpi=30_000))


def pyramid(path: Path, flags: int | None) -> None:
    """Two pages with two smaller copies each, as viewers of scans store them; `flags` is the tag NewSubfileType."""
    sheets = []
    for width in (400, 300):
        page = Image.fromarray(drawing(width))
        sheets += [page, *(page.resize((page.width // n, page.height // n), Image.Resampling.BOX) for n in (2, 4))]
    with TiffImagePlugin.AppendingTiffWriter(str(path), new=True) as file:
        for number, sheet in enumerate(sheets):
            tags = {254: flags} if flags is not None and number % 3 else {}
            sheet.save(file, "TIFF", tiffinfo=tags)
            file.newFrame()


@pytest.mark.parametrize("flags", [1, None], ids=["named reduced", "unnamed"])
def test_reduced_copies_in_a_tiff_are_not_pages(tmp_path: Path, flags: int | None) -> None:
    pyramid(tmp_path / "scan.tif", flags)
    with Image.open(tmp_path / "scan.tif") as stored:
        assert stored.n_frames == 6  # type: ignore[attr-defined]
    found = list(images.pages_of(tmp_path / "scan.tif"))
    assert [(name, image.shape[1]) for name, image in found] == [("scan-001", 400), ("scan-002", 300)]
    assert images.count_pages(tmp_path / "scan.tif") == 2


def test_a_smaller_page_that_shows_something_else_is_a_page(tmp_path: Path) -> None:
    sheets = [Image.fromarray(drawing(400)), Image.fromarray(255 - drawing(400)).resize((200, 32))]
    sheets[0].save(tmp_path / "act.tiff", save_all=True, append_images=sheets[1:])
    assert images.count_pages(tmp_path / "act.tiff") == 2


def test_page_by_number(tmp_path: Path) -> None:
    sheets = [Image.fromarray(drawing(200 + 20 * i)) for i in range(3)]
    for name in ("act.tiff", "act.pdf"):
        sheets[0].save(tmp_path / name, save_all=True, append_images=sheets[1:])
        every = [image for _, image in images.pages_of(tmp_path / name)]
        assert images.count_pages(tmp_path / name) == 3
        assert np.array_equal(images.page_of(tmp_path / name, 2), every[1])
        for number in (0, 4):
            with pytest.raises(ImageError, match=f"has no page {number}; it has 3"):
                images.page_of(tmp_path / name, number)
    sheets[0].save(tmp_path / "one.png")
    assert images.count_pages(tmp_path / "one.png") == 1
    assert np.array_equal(images.page_of(tmp_path / "one.png", 1), drawing(200))
    with pytest.raises(ImageError, match="has no page 2"):
        images.page_of(tmp_path / "one.png", 2)


def test_a_damaged_page_does_not_affect_the_others(tmp_path: Path) -> None:
    noise = [np.random.default_rng(i).integers(0, 255, (64, 200 + i), dtype=np.uint8) for i in range(3)]
    sheets = [Image.fromarray(sheet) for sheet in noise]
    sheets[0].save(tmp_path / "act.tiff", save_all=True, append_images=sheets[1:], compression="tiff_lzw")
    data = (tmp_path / "act.tiff").read_bytes()
    second = Image.open(tmp_path / "act.tiff")
    second.seek(1)
    at = second.tag_v2[273][0]  # where its strip begins
    second.close()
    (tmp_path / "act.tiff").write_bytes(data[:at] + b"\xff" * 40 + data[at + 40 :])
    found = []
    with pytest.raises(ImageError, match="page 2 of .*act.tiff is damaged"):
        for name, image in images.pages_of(tmp_path / "act.tiff"):
            found.append((name, image.shape[1]))
    assert found == [("act-001", 200), ("act-003", 202)]


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


def test_to_height_keeps_the_aspect_ratio_and_a_minimum_width() -> None:
    assert images.to_height(drawing(300, 100), 64).shape == (64, 192)
    assert images.to_height(drawing(300, 32), 64).shape == (64, 600)
    narrow = images.to_height(np.full((200, 10), 230, np.uint8), 64)
    assert narrow.shape == (64, 32)
    assert (narrow == 230).all()
    assert images.to_height(drawing(10, 5000), 64).shape == (64, 32)


def test_normalise_corrects_illumination_and_contrast() -> None:
    shade = np.linspace(0.4, 1, 600)[None]
    dark_left = (drawing(600) * shade).astype(np.uint8)
    pale = drawing(600, ink=170, paper=210)
    clear = drawing(600, ink=10, paper=250)
    results = [images.normalise(image) for image in (dark_left, pale, clear)]
    for image in results:
        assert np.median(image) > 245
        assert 20 < np.percentile(image, 2) < 90
    assert off(results[1], results[2]) < 10
    assert off(results[0], results[2]) < 10


def test_blank_paper_stays_blank() -> None:
    noise = np.random.default_rng(0).normal(220, 3, (64, 300)).clip(0, 255).astype(np.uint8)
    assert images.normalise(noise).min() > 160
    assert (images.normalise(np.full((64, 300), 17, np.uint8)) == 255).all()
    assert (images.normalise(np.zeros((64, 300), np.uint8)) >= 0).all()


def test_prepare_is_deterministic_and_leaves_its_input_unchanged() -> None:
    image = drawing(300, 90)
    before = image.copy()
    assert np.array_equal(images.prepare(image, 64), images.prepare(image, 64))
    assert np.array_equal(image, before)
    assert images.prepare(image, 64).dtype == np.uint8


@pytest.mark.parametrize("width", [64, 320, 512, 992])
def test_prepare_is_continuous_at_widths_that_are_multiples_of_32(width: int) -> None:
    """One px more or less changes as little there as at neighbouring widths: no scaling, padding or cropping."""
    large, made = drawing(2 * width, 128), []
    for near in range(width - 1, width + 4):
        made.append(images.prepare(cv2.resize(large, (near, 64), interpolation=cv2.INTER_AREA)))
        assert made[-1].shape == (64, near)
    wide = [cv2.resize(picture, (2 * width, 64), interpolation=cv2.INTER_LINEAR) for picture in made]
    steps = [off(one, other) for one, other in zip(wide, wide[1:], strict=False)]
    assert max(steps) < 5 and max(steps[:2]) < 1.3 * min(steps[2:])
    paper = [images.prepare(drawing(width + 1)[:, : width + more])[:, : width - 1] for more in (-1, 0, 1)]
    assert off(paper[0], paper[1]) < 0.1 and off(paper[1], paper[2]) < 0.1


def test_crop_polygon_fills_with_the_background() -> None:
    image = drawing(200, 64, ink=10, paper=200)
    cut = images.crop_polygon(image, [(20, 10), (120, 10), (120, 50), (20, 50)])
    assert cut.shape == (41, 101)
    assert np.array_equal(cut, image[10:51, 20:121])
    triangle = images.crop_polygon(image, [(20, 10), (120, 10), (20, 50)])
    assert triangle[-1, -1] == pytest.approx(200, abs=3)
    assert images.crop_polygon(image, [(-50, -50), (300, -50), (300, 300), (-50, 300)]).shape == image.shape
    with pytest.raises(ImageError, match="outside the picture"):
        images.crop_polygon(image, [(500, 10), (600, 10), (600, 50)])
    with pytest.raises(ImageError, match="has no area"):
        images.crop_polygon(image, [(1, 1), (5, 5)])
