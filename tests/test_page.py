"""Room page: what every output format preserves, and the names of output files."""

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriven.base import SettingsError, Skipped
from scriven.images import encode
from scriven.importers import IMPORTERS
from scriven.lines import Character, LinesFolder, Reading
from scriven.page import Page, PageLine, Region, lines_of, page_of_line
from scriven.page.formats import FORMATS, choose_format
from scriven.page.names import output_names
from scriven.text import normalise

TEXTS = ("plain", "", 'say "yes"', '"Oui" dit-il', '"', "a, b; c", "NaN", "null", "'=1+1", "été — œuvre", "a # b")
CONFIDENCES = (0.81234, 1.234e-5, 1.21e-5, 3e-40)
SUFFIXES = {name: format.suffix for name, format in FORMATS.items()}

Row = tuple[str, str, str, float]  # id, picture, text, confidence


def of_json(written: str) -> list[Row]:
    return [(r["id"], r["image"], r["text"], r["confidence"]) for r in json.loads(written)["readings"]]


def of_table(written: str, dialect: str) -> list[Row]:
    rows = csv.DictReader(io.StringIO(written), dialect=dialect)
    return [(r["id"], r["image"], r["text"], float(r["confidence"])) for r in rows]


READ_BACK: dict[str, Callable[[str], list[Row]]] = {  # formats that name their pictures
    "json": of_json,
    "csv": lambda written: of_table(written, "excel"),
    "tsv": lambda written: of_table(written, "excel-tab"),
}


def page(id: str, text: str, confidence: float = 0.5, part: str = "") -> Page:
    characters = tuple(Character(c, 0.9, 4.0 * i, 4.0 * i + 4, (("x", 0.05),)) for i, c in enumerate(text))
    return page_of_line(id, Path("scans") / f"{id}.png", part, Reading(id, text, confidence, characters))


def written(format: str, *pages: Page | Skipped, folder: Path | None = None) -> str:
    stream = io.StringIO()
    FORMATS[format].write(iter(pages), stream, folder)
    return stream.getvalue()


def test_a_page_is_regions_of_lines_in_reading_order() -> None:
    lines = [PageLine(str(i), Path("p.tif"), "002", Reading(str(i), text, 1.0)) for i, text in enumerate("abc")]
    whole = Page("p", Path("p.tif"), "002", (Region((lines[0],), "title"), Region((lines[1], lines[2]), "text")))
    assert whole.text == "a\nb\nc" and whole.lines == tuple(lines)
    assert lines_of([whole, page("x", "d")])[-1].text == "d"
    assert lines[0].picture() == "p.tif#002" and lines[0].picture(Path("out")) == "../p.tif#002"
    assert PageLine("x", Path("-")).picture(Path("out")) == "-" and PageLine("x", Path("-")).text == ""


# What every format preserves


@pytest.mark.parametrize("format", FORMATS)
def test_every_line_of_a_page_has_a_line_in_the_file(format: str) -> None:
    lines = written(format, *(page(str(i), text) for i, text in enumerate(TEXTS))).splitlines()
    found = [line for line in lines if any(text in line for text in ("plain", "œuvre"))]
    assert len(found) == 2 and len(lines) >= len(TEXTS)


@pytest.mark.parametrize("format", FORMATS)
def test_pages_of_several_lines_are_written_line_by_line(format: str) -> None:
    lines = tuple(PageLine(f"p/{c}", Path("p.png"), "", Reading(f"p/{c}", c * 3, 0.5)) for c in "abc")
    whole = written(format, Page("p", Path("p.png"), "", (Region(lines[:2]), Region(lines[2:]))))
    assert whole.index("aaa") < whole.index("bbb") < whole.index("ccc")


@pytest.mark.parametrize("format", FORMATS)
def test_formats_write_each_page_before_requesting_the_next(format: str) -> None:
    stream, seen = io.StringIO(), list[str]()

    def pages() -> Iterator[Page]:
        for text in ("aaa", "bbb", "ccc"):
            yield page(text, text)
            seen.append(stream.getvalue())

    FORMATS[format].write(pages(), stream, None)
    assert [text in so_far for text, so_far in zip(("aaa", "bbb", "ccc"), seen, strict=True)] == [True] * 3


@pytest.mark.parametrize("format", FORMATS)
def test_skipped_inputs_alone_give_a_complete_file(format: str) -> None:
    empty = written(format, Skipped("a", "damaged"))
    assert empty == "" or empty.endswith("\n")
    if format in READ_BACK:
        assert READ_BACK[format](empty) == []
    assert written(format, Skipped("a", "damaged"), page("b", "text"), Skipped("c", "empty")).count("text") >= 1


@pytest.mark.parametrize("format", READ_BACK)
def test_id_picture_text_and_confidence_are_read_back(format: str) -> None:
    pages = [page(str(i), text, 0.25) for i, text in enumerate(TEXTS)]
    expected = [(str(i), f"scans/{i}.png", text, 0.25) for i, text in enumerate(TEXTS)]
    assert READ_BACK[format](written(format, *pages)) == expected
    seen = READ_BACK[format](written(format, *pages, folder=Path("out/deep")))
    assert seen[0][1] == "../../scans/0.png"
    assert READ_BACK[format](written(format, page("a", "b", part="003")))[0][1] == "scans/a.png#003"


@pytest.mark.parametrize("format", READ_BACK)
def test_very_small_confidences_can_be_sorted(format: str) -> None:
    rows = READ_BACK[format](written(format, *(page(str(i), "text", c) for i, c in enumerate(CONFIDENCES))))
    found = [row[3] for row in rows]
    assert found == pytest.approx(CONFIDENCES, rel=5e-3) and found == sorted(set(found), reverse=True)


def test_json_has_a_schema_and_skipped_inputs() -> None:
    whole = json.loads(written("json", Skipped("a", "damaged"), page("b", "ok"), Skipped("c", "empty")))
    assert list(whole) == ["schema", "readings", "skipped"] and whole["schema"] == 2
    assert whole["skipped"] == [{"id": "a", "reason": "damaged"}, {"id": "c", "reason": "empty"}]
    (reading,) = whole["readings"]
    assert {"id", "page", "image", "text", "confidence", "characters"} == set(reading)
    assert reading["characters"][1] == {
        "text": "k", "confidence": 0.9, "span": [4.0, 8.0], "alternatives": [["x", 0.05]]
    }  # fmt: skip
    line = PageLine("l", Path("p.png"), "", None, ((0, 1.25), (9, 1)), ((0, 5), (9, 5)))
    (drawn,) = json.loads(written("json", Page("p", Path("p.png"), "", (Region((line,)),))))["readings"]
    assert drawn["polygon"] == [[0, 1.2], [9, 1]] and drawn["baseline"] == [[0, 5], [9, 5]]
    assert drawn["confidence"] is None and drawn["page"] == "p"


# Tables are read back by every reader


ANY = st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from("\",;\t'#\\ \u2028\x0b\ufeff="), max_size=30)
TABLES = {"csv": ("csv",), "tsv": ("csv", "tsv")}  # formats, and the importers that take them


@pytest.mark.parametrize("format", TABLES)
@given(texts=st.lists(ANY, min_size=1, max_size=6))
def test_any_text_is_read_back_from_a_table(
    format: str, texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("table")
    texts = [normalise(text) for text in texts]
    (folder / "scans").mkdir()
    for i in range(len(texts)):
        (folder / "scans" / f"{i}.png").write_bytes(encode(np.full((20, 60), 200, np.uint8)))
    table = folder / f"read.{format}"
    with open(table, "w", encoding="utf-8", newline="") as stream:
        FORMATS[format].write([page(str(i), text) for i, text in enumerate(texts)], stream, None)
    lines = LinesFolder(table)
    assert [line.text for line in lines.lines()] == texts and not lines.skipped
    for importer in TABLES[format]:
        found = list(IMPORTERS[importer](table))
        kept = [item[1].text for item in found if not isinstance(item, Skipped)]
        assert kept == [text for text in texts if text or text in kept], (importer, found)


# Names


def names(folder: Path, *given: str, roots: dict[str, str] | None = None) -> list[str]:
    for name in given:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return output_names([(folder / n, folder / (roots or {}).get(n, ".")) for n in given], ("about",))


def test_output_names_mirror_the_folders(tmp_path: Path) -> None:
    assert names(tmp_path, "page1/line_1.png", "page2/line_1.png", "top.x.png") == [
        "page1/line_1",
        "page2/line_1",
        "top.x",
    ]


def test_equal_names_in_two_folders_start_with_their_folders(tmp_path: Path) -> None:
    given = ("a/deep/1.png", "a/2.png", "b/deep/1.png")
    assert names(tmp_path, *given, roots={"a/deep/1.png": "a", "a/2.png": "a", "b/deep/1.png": "b"}) == [
        "a/deep/1",
        "a/2",
        "b/deep/1",
    ]
    assert names(tmp_path, "a/1.png", "b/2.png", roots={"a/1.png": "a", "b/2.png": "b"}) == ["1", "2"]


def test_pictures_that_differ_in_their_extension_keep_it(tmp_path: Path) -> None:
    assert names(tmp_path, "a.png", "a.jpg", "b.png", "about.png") == ["a.png", "a.jpg", "b", "about.png"]


def test_names_are_unique_on_case_insensitive_file_systems(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))  # type: ignore[arg-type]
    found = names(tmp_path, f"{composed}.png", f"{apart}.png", "A.png", "a.png")
    keys = {unicodedata.normalize("NFC", name).casefold() for name in found}
    assert len(keys) == 4
    again = output_names([(tmp_path / "a.png", tmp_path)] * 3)
    assert again == ["a.png", "a.png-2", "a.png-3"]


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(("1", "2", "É", "é")), st.sampled_from((".png", ".jpg"))))
)
def test_names_are_unique_for_any_inputs(given: list[tuple[str, str, str]]) -> None:
    files = [(Path(f"/nowhere/{folder}/{name}{suffix}"), Path(f"/nowhere/{folder}")) for folder, name, suffix in given]
    found = output_names(files, ("about", "1"))
    keys = [name.casefold() for name in found]
    assert len(set(keys)) == len(keys) == len(given) and not {"about", "1"} & set(keys)


# Formats by the name of a file


def test_the_extension_of_a_file_chooses_the_format(tmp_path: Path) -> None:
    assert choose_format(Path("x.CSV"), None, SUFFIXES, "text") == ("csv", True)
    assert choose_format(Path("folder"), None, SUFFIXES, "text") == ("text", False)
    assert choose_format(None, "json", SUFFIXES, "text") == ("json", False)
    with pytest.raises(SettingsError, match=r"cannot write \.xlsx files; .* name it x\.csv"):
        choose_format(Path("x.xlsx"), None, SUFFIXES, "text")
    with pytest.raises(SettingsError, match=r"does not match the format 'text'; name it x\.txt"):
        choose_format(Path("x.docx"), None, SUFFIXES, "text")
    with pytest.raises(SettingsError, match=r"does not match the format 'json'; name it x\.json"):
        choose_format(Path("x.csv"), "json", SUFFIXES, "text")
    with pytest.raises(SettingsError, match=r"'alto'; use one of text, json, tsv, csv"):
        choose_format(None, "alto", SUFFIXES, "text")
