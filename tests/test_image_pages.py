"""Pages of TIFF and PDF files: all, by number, without reduced copies, and those beside a damaged one."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from scriven import images
from scriven.base import ImageError
from toy_drawing import drawing, off


def test_all_pages_of_a_sixteen_bit_colour_tiff(tmp_path: Path) -> None:
    sheets = [cv2.merge([drawing(200 + 20 * i, paper=255).astype(np.uint16) * 16] * 3) for i in range(2)]
    assert cv2.imwritemulti(str(tmp_path / "deep.tiff"), sheets)
    for i, (_, page) in enumerate(images.pages_of(tmp_path / "deep.tiff")):
        assert off(page, drawing(200 + 20 * i, paper=255)) < 3


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
