"""References to pictures: pages of files, folders with equal names, paths in any spelling; all commands agree."""

import csv
import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scriven.base import InputError
from scriven.images import count_pages, encode, page_of
from scriven.importers import IMPORTERS
from scriven.jobs.doctor import doctor
from scriven.jobs.read import ReadSettings, read, read_pages
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.page import formats
from toy_reader import picture
from toy_scans import model  # noqa: F401

ONE = ReadSettings(threads=1)
TEXTS = ("abc", "de", "ffg")
Run = Callable[..., tuple[int, str, str]]


def sheets() -> list[Image.Image]:
    return [Image.fromarray(picture(text)) for text in TEXTS]


def tiff(file: Path) -> None:
    first, *others = sheets()
    first.save(file, save_all=True, append_images=others)


def pyramid(file: Path) -> None:
    """A TIFF in which each page is followed by a smaller copy, flagged as reduced."""
    from PIL import TiffImagePlugin

    with TiffImagePlugin.AppendingTiffWriter(str(file), new=True) as writer:
        for sheet in sheets():
            sheet.save(writer, "TIFF")
            writer.newFrame()
            sheet.resize((sheet.width // 2, sheet.height // 2)).save(writer, "TIFF", tiffinfo={254: 1})
            writer.newFrame()


def pdf(file: Path) -> None:
    first, *others = sheets()
    first.save(file, save_all=True, append_images=others, resolution=300)


FILES = {"x.tif": tiff, "pyramid.tif": pyramid, "x.pdf": pdf}


@pytest.mark.parametrize("name", FILES)
def test_all_commands_agree_about_the_pages_of_a_file(model: Path, tmp_path: Path, name: str) -> None:
    FILES[name](tmp_path / name)
    stem = Path(name).stem
    ids = [f"{stem}-00{n}" for n in (1, 2, 3)]
    assert count_pages(tmp_path / name) == 3

    result = read([tmp_path / name], model, settings=ONE)
    assert [(page.id, page.part, page.text) for page in result.pages] == [
        (id, f"00{n}", text) for n, (id, text) in enumerate(zip(ids, TEXTS, strict=True), start=1)
    ]

    table = tmp_path / "made" / "read.csv"
    read([tmp_path / name], model, table, settings=ONE)
    lines = list(LinesFolder(table).lines())
    assert [(line.id, line.text) for line in lines] == list(zip(ids, TEXTS, strict=True))
    for number, line in enumerate(lines, start=1):
        assert np.array_equal(LinesFolder(table).picture(line), page_of(tmp_path / name, number))
    assert read([table], model, settings=ONE).text.splitlines() == list(TEXTS)

    found = doctor([table])
    assert found.lines == 3 and not found.lost
    (tmp_path / "only").mkdir()
    FILES[name](tmp_path / "only" / name)
    imported = list(IMPORTERS["pictures"](tmp_path / "only"))
    assert (
        [item[1].id for item in imported if isinstance(item, tuple)]
        == ids
        == [page.id for page in read_pages(tmp_path / "only", model, ONE)]
    )
    labelled = [item for item in IMPORTERS["csv"](table) if isinstance(item, tuple)]
    assert [(item[1].id, item[1].text) for item in labelled] == list(zip(ids, TEXTS, strict=True))


def archive(folder: Path) -> Path:
    for number, text in enumerate(TEXTS, start=1):
        (folder / f"page{number}").mkdir(parents=True)
        (folder / f"page{number}" / "line_1.png").write_bytes(encode(picture(text)))
    return folder


def test_results_mirror_the_folders_of_the_pictures(model: Path, tmp_path: Path) -> None:
    folder, out = archive(tmp_path / "archive"), tmp_path / "out"
    read([folder], model, out, settings=ONE)
    assert [(out / f"page{n}" / "line_1.txt").read_text() for n in (1, 2, 3)] == [f"{text}\n" for text in TEXTS]
    assert sorted(p.name for p in out.iterdir()) == ["about.json", "page1", "page2", "page3"]
    apart = tmp_path / "apart"
    read([folder / "page1", folder / "page2" / "line_1.png"], model, apart, settings=ONE)
    assert (apart / "page1" / "line_1.txt").is_file() and (apart / "page2" / "line_1.txt").is_file()
    matched = tmp_path / "matched"
    read([f"{folder}/*/line_1.png"], model, matched, settings=ONE)
    assert (matched / "page3" / "line_1.txt").read_text() == "ffg\n"


@pytest.mark.parametrize("format", [name for name in formats.FORMATS if name != "text"])
def test_every_format_except_text_names_the_picture_of_each_text(model: Path, tmp_path: Path, format: str) -> None:
    folder = archive(tmp_path / "archive")
    out = tmp_path / "out"
    read([folder], model, out, format, settings=ONE)
    file = out / "page2" / f"line_1{formats.FORMATS[format].suffix}"
    if format == "json":
        rows = json.loads(file.read_text())["readings"]
    else:
        rows = list(csv.DictReader(io.StringIO(file.read_text()), dialect="excel-tab" if format == "tsv" else "excel"))
    assert [row["id"] for row in rows] == ["page2/line_1"]
    assert (file.parent / rows[0]["image"]).resolve() == (folder / "page2" / "line_1.png").resolve()


def test_equal_ids_in_two_folders_are_distinguished(model: Path, tmp_path: Path) -> None:
    for name, text in (("one", "abc"), ("two", "de")):
        with LinesWriter(tmp_path / name, {}) as writer:
            writer.write(Line("1", encode(picture(text)), text))
    read([tmp_path / "one", tmp_path / "two"], model, tmp_path / "both.csv", settings=ONE)
    both = LinesFolder(tmp_path / "both.csv")
    assert [(line.id, line.text) for line in both.lines()] == [("1", "abc"), ("two/1", "de")] and not both.skipped


@pytest.mark.parametrize("separator", ["/", "\\"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_input_is_found_by_any_spelling_of_its_path(model: Path, tmp_path: Path, separator: str, form: str) -> None:
    (tmp_path / "été").mkdir()
    (tmp_path / "été" / "Noël.png").write_bytes(encode(picture("abc")))
    given = unicodedata.normalize(form, f"été{separator}Noël.png")  # type: ignore[arg-type]
    assert read(f"{tmp_path}/{given}", model, settings=ONE).text == "abc"


@pytest.mark.parametrize(("name", "why"), [
    ("a.docx", r"it is a document \(\.docx\), not a picture; export its pages as PDF or PNG"),
    ("a.heic", "its picture format cannot be read; save it as PNG or JPEG"),
])  # fmt: skip
def test_other_kinds_of_files_are_named_as_such(model: Path, tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(InputError, match=why):
        read([tmp_path / name], model, settings=ONE)
    (tmp_path / name).write_bytes(encode(picture("abc")))  # a picture is read whatever its extension
    assert read([tmp_path / name], model, settings=ONE).text == "abc"


def test_a_moved_table_gives_one_sentence(model: Path, tmp_path: Path, scriven: Run) -> None:
    archive(tmp_path / "archive")
    table = tmp_path / "read.csv"
    read([tmp_path / "archive"], model, table, settings=ONE)
    (tmp_path / "elsewhere").mkdir()
    moved = table.rename(tmp_path / "elsewhere" / "read.csv")
    for command in (["read", moved, "-m", model], ["score", model, moved], ["look", moved, "-o", tmp_path / "p.html"]):
        code, out, err = scriven(*command)
        assert (code, out) == (2, "") and err.count("archive/page") == 1
        assert "lists 3 pictures, and none of them exists" in err and "relative to its own folder" in err
    moved.rename(table)
    assert read([table], model, settings=ONE).text.splitlines() == list(TEXTS)


# From Python


def test_read_returns_pages_skipped_inputs_and_the_estimate(model: Path, tmp_path: Path) -> None:
    folder = archive(tmp_path / "archive")
    (folder / "page2" / "broken.png").write_bytes(b"no picture")
    for n in range(9):
        (folder / f"more{n}.png").write_bytes(encode(picture("abcd")))
    result = read(folder, model, settings=ONE)
    assert result.read == len(result.pages) == len(result.lines) == 12
    assert [Path(one.id).name for one in result.skipped] == ["broken.png"]
    assert result.estimate is not None and result.estimate.n == 12
    line = result.lines[-3]
    assert line.text == "abc" and line.source == folder / "page1" / "line_1.png" and line.reading is not None
    assert [c.text for c in line.reading.characters] == list("abc")


def test_pages_are_streamed(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scriven.reader import session

    monkeypatch.setattr(session, "LOOK_AHEAD", 256)  # px: a picture or two
    folder = archive(tmp_path / "archive")
    stream = read_pages(folder, model, ONE)
    pages = iter(stream)
    assert next(pages).text == "abc" and stream.result.read < 3
    assert [page.text for page in pages] == ["de", "ffg"]
    assert stream.result.read == 3 and stream.result.pages == [] and stream.result.skipped == []


def test_the_command_prints_what_the_function_returns(model: Path, tmp_path: Path, scriven: Run) -> None:
    folder = archive(tmp_path / "archive")
    code, out, _ = scriven("read", folder, "-m", model, "--threads", "1", "-f", "json")
    assert code == 0
    found = read(folder, model, settings=ONE).lines
    assert [(r["id"], r["text"]) for r in json.loads(out)["readings"]] == [(line.id, line.text) for line in found]
