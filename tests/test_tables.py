"""Tables (CSV, TSV) and the paths in them: any text is read back; a bad row skips only itself."""

import io
import json
import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from scriven.base import LinesError, Skipped
from scriven.exporters import EXPORTERS
from scriven.images import encode
from scriven.importers import IMPORTERS
from scriven.jobs.export import export
from scriven.jobs.import_ import import_lines
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.lines.delimited import read_header, read_rows, split_row, write_row
from scriven.lines.paths import below, existing
from scriven.text import normalise

PNG = encode(np.full((20, 60), 200, np.uint8), "png")
TEXTS = st.one_of(
    st.text(max_size=30),
    st.text("\"',;\t\n\r\u2028\u2029\x0b\x0c\x1c\x85 a=#", max_size=12),
    st.sampled_from(["", '"']),
)
CELLS = st.lists(st.one_of(st.none(), TEXTS.map(normalise)), min_size=2, max_size=5)
SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def save(path: Path, data: bytes | str = PNG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def imported(format: str, source: Path, **options: object) -> tuple[list[Line], list[Skipped]]:
    items = list(IMPORTERS[format](source, **options))
    return [i[1] for i in items if isinstance(i, tuple)], [i for i in items if isinstance(i, Skipped)]


def readers(file: Path) -> Iterator[tuple[str, list[Line], list[Skipped]]]:
    """A table, read as a lines folder and by every importer of tables."""
    folder = LinesFolder(file)
    yield "folder", list(folder.lines()), folder.skipped
    for format in ("csv", "tsv") if file.suffix == ".tsv" else ("csv",):
        yield format, *imported(format, file)


def pictures(folder: Path, count: int) -> None:
    for number in range(count):
        save(folder / f"{number}.png")


# ---- quotation marks


@given(st.lists(CELLS, max_size=6), st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n", "\r"]))
def test_written_cells_are_read_back(rows: list[list[str | None]], delimiter: str, end: str) -> None:
    width = 5
    rows = [["x", *row, *[None] * (width - 1 - len(row))] for row in rows if len(row) < width]
    names = [f"c{n}" for n in range(width)]
    data = "".join(write_row(row, delimiter) for row in [names, *rows]).replace("\n", end).encode()
    stream = io.BytesIO(data)
    header = read_header(stream, Path("t.csv"))
    assert list(header.names) == names
    found = list(read_rows(stream, header))
    assert [list(row.cells.values()) for row in found if row.cells is not None] == rows
    assert [row.number for row in found] == list(range(2, len(rows) + 2))
    for row in found:  # a reader may start at any row
        stream.seek(row.start)
        assert next(read_rows(stream, header, row.number)) == row


@given(st.text('"a,;\t ', max_size=20), st.sampled_from(",;\t"))
def test_split_row_loses_no_characters(row: str, delimiter: str) -> None:
    cells = split_row(row, delimiter)
    if cells is not None:  # no characters other than quotation marks are lost
        assert delimiter.join(cell or "" for cell in cells).replace('"', "") == row.replace('"', "")
    else:
        assert delimiter != "\t" and row.count('"') % 2 or '"' in row


@SLOW
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), format=st.sampled_from(["csv", "tsv"]))
def test_every_reader_reads_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], format: str
) -> None:
    folder = tmp_path_factory.mktemp("t")
    pictures(folder, len(texts))
    delimiter = {"csv": ",", "tsv": "\t"}[format]
    rows = [("id", "image", "text", "confidence")]
    rows += [(str(n), f"{n}.png", normalise(text), "0.5") for n, text in enumerate(texts)]
    file = save(folder / f"r.{format}", "".join(write_row(row, delimiter) for row in rows))
    for name, lines, skipped in readers(file):
        assert [line.text for line in lines] == [normalise(text) for text in texts], name
        assert not skipped and [line.confidence for line in lines] == [0.5] * len(texts)


@SLOW
@given(texts=st.lists(TEXTS.map(normalise), min_size=1, max_size=3), format=st.sampled_from(sorted(EXPORTERS)))
def test_any_text_survives_export_and_import(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], format: str
) -> None:
    folder = tmp_path_factory.mktemp("t")
    texts = [text for text in texts if not any("\ud800" <= c <= "\udfff" for c in text)]
    with LinesWriter(folder / "l", {}) as writer:
        for number, text in enumerate([*texts, "last"]):
            writer.write(Line(f"{number}", PNG, text))
    export(format, folder / "l", folder / "out")
    done = import_lines(folder / "out", folder / "back", format)
    assert not done.skipped
    assert sorted(line.text or "" for line in LinesFolder(folder / "back").lines()) == sorted([*texts, "last"])


def test_an_unclosed_quotation_mark_skips_its_row_only(tmp_path: Path) -> None:
    """The rows between two stray quotation marks used to become one text silently."""
    pictures(tmp_path, 5)
    rows = ["0,0.png,Paris,0.5", '1,1.png,"je vous,0.5', '2,2.png,le temps ici",0.5', "3,3.png,demain,0.5"]
    file = save(tmp_path / "t.csv", "\n".join(["id,image,text,confidence", *rows]))
    for name, lines, skipped in readers(file):
        assert [line.text for line in lines] == ["Paris", 'le temps ici"', "demain"], name
        assert [(r.id, "not closed" in r.reason) for r in skipped] == [("t.csv:3", True)], name


def test_a_text_with_a_line_break_is_refused(tmp_path: Path) -> None:
    pictures(tmp_path, 4)
    rows = [
        '0,0.png,"one, two',
        'three",n',
        "1,1.png,x,n",
        '2,2.png,"quoted, text","a note',
        'of two lines"',
        "3,3.png,y,",
    ]
    file = save(tmp_path / "t.csv", "\n".join(["id,image,text,note", *rows]))
    for name, lines, skipped in readers(file):
        assert [line.text for line in lines] == ["x", "quoted, text", "y"], name
        assert [(r.id, "text contains a line break" in r.reason) for r in skipped] == [("t.csv:2", True)], name
    assert LinesFolder(file).find("2").extra == {"note": "a note\nof two lines"}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('"Oui" dit-il', '"Oui" dit-il'),
        ('"Oui, non" dit-il', '"Oui, non" dit-il'),
        ('dit "oui"', 'dit "oui"'),
        ('"""Oui"""', '"Oui"'),
        ('"Oui"', "Oui"),
        ('""', ""),
        ("", None),
    ],
)
def test_quotation_marks_inside_a_cell_are_kept(tmp_path: Path, written: str, text: str | None) -> None:
    pictures(tmp_path, 1)
    for name, lines, skipped in readers(save(tmp_path / "t.csv", f"id,image,text\n0,0.png,{written}\n")):
        assert [line.text for line in lines] == [text] and not skipped, name


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_tsv_without_quoting_is_read_completely(tmp_path: Path, end: str) -> None:
    """As earlier versions wrote it."""
    pictures(tmp_path, 5)
    texts = ['"Venez ce soir', "dit-elle alors”", "nous partons", '"Oui" dit-il', '"Oui"']
    rows = ["id\timage\ttext\tconfidence", *(f"{n}\t{n}.png\t{text}\t0.5" for n, text in enumerate(texts))]
    for name, lines, skipped in readers(save(tmp_path / "r.tsv", end.join(rows) + end)):
        assert [line.text for line in lines] == texts and not skipped, name
    quoted = "\n".join('"{}"'.format(row.replace('"', '""').replace("\t", '"\t"')) for row in rows)
    for name, lines, skipped in readers(save(tmp_path / "q.tsv", quoted)):
        assert [line.text for line in lines] == texts and not skipped, name


def test_quotation_marks_in_gt_files_are_kept(tmp_path: Path) -> None:
    pictures(tmp_path, 1)
    save(tmp_path / "gt.txt", '0.png\t"Oui"\n\n0.jpg\n')
    lines, skipped = imported("tsv", tmp_path)
    assert [line.text for line in lines] == ['"Oui"']
    assert [(r.id, r.reason) for r in skipped] == [("gt.txt:3", "it has no tab between path and text")]


def test_unusable_rows_are_named_by_line_number(tmp_path: Path) -> None:
    pictures(tmp_path, 1)
    long = "y" * 300_000
    rows = ["id,image,text,note", "a,0.png,x", "", f"b,0.png,{long},", "c,0.png,é,", "d,0.png,\xe9,", "e,0.png,ok,\xe9"]
    data = "\n".join(rows).encode("latin-1").replace(b"c,0.png,\xe9", "c,0.png,é".encode())
    folder = LinesFolder(save(tmp_path / "t.csv", data))
    assert [(line.id, line.text, line.extra) for line in folder.lines()] == [
        ("c", "é", {"note": None}), ("e", "ok", {"note": "\\udce9"}),
    ]  # fmt: skip
    reasons = {r.id: r.reason for r in folder.skipped}
    assert list(reasons) == ["t.csv:2", "t.csv:4", "t.csv:6"]
    assert "too few" in reasons["t.csv:2"] and "128 kB" in reasons["t.csv:4"] and "UTF-8" in reasons["t.csv:6"]


# ---- numbers, columns


def test_decimal_commas_are_accepted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pictures(tmp_path, 3)
    rows = ["id;image;text;confidence;width", "0;0.png;a;0,46;60,0", "1;1.png;b;half;", "2;2.png;c;;x"]
    for name, lines, skipped in readers(save(tmp_path / "t.csv", "\n".join(rows))):
        assert [line.confidence for line in lines] == [0.46, None, None] and not skipped, name
    assert any("'half'" in record.message for record in caplog.records)


def test_column_names_can_be_given(tmp_path: Path, scriven: Callable[..., tuple[int, str, str]]) -> None:
    pictures(tmp_path, 2)
    save(tmp_path / "t.csv", "scan,words,reading\n0.png,1,ink\n1.png,2,pen\n")
    arguments = ("--set", "image=scan", "--set", "text=reading")
    assert scriven("import", "csv", tmp_path / "t.csv", "-o", tmp_path / "out", *arguments)[0] == 0
    assert [line.text for line in LinesFolder(tmp_path / "out").lines()] == ["ink", "pen"]
    with pytest.raises(LinesError, match="needs the columns path and text.*--set image=NAME"):
        imported("csv", tmp_path / "t.csv")


def test_empty_and_unknown_texts_differ(tmp_path: Path) -> None:
    pictures(tmp_path, 2)
    with LinesWriter(tmp_path / "l", {}) as writer:
        for id, text in (("empty", ""), ("unknown", None), ("ink", "ink")):
            writer.write(Line(id, PNG, text))
    assert [line.text for line in LinesFolder(tmp_path / "l").lines()] == ["", None, "ink"]
    for format in ("csv", "imagefolder", "pairs", "tsv", "lmdb"):
        done = export(format, tmp_path / "l", tmp_path / format)
        assert done.lines == 2 and [r.id for r in done.skipped] == ["unknown"]
        back = {line.id: line.text for line in imported(format, tmp_path / format)[0]}
        assert set(back.values()) == {"", "ink"}, format
    save(
        tmp_path / "j" / "metadata.jsonl", '{"file_name": "0.png", "text": null}\n{"file_name": "1.png", "text": ""}\n'
    )
    pictures(tmp_path / "j", 2)
    assert [line.text for line in imported("imagefolder", tmp_path / "j")[0]] == [None, ""]


def test_json_is_not_accepted_as_a_label(tmp_path: Path) -> None:
    pictures(tmp_path, 3)
    texts = (json.dumps({"gt_parse": {"a": 1}}), {"a": 1}, "{ink}")
    rows = (json.dumps({"file_name": f"{n}.png", "text": text}) for n, text in enumerate(texts))
    save(tmp_path / "metadata.jsonl", "\n".join(rows))
    lines, skipped = imported("imagefolder", tmp_path)
    assert [line.text for line in lines] == ["{ink}"]
    assert ["JSON object" in skipped[0].reason, "of type dict" in skipped[1].reason] == [True, True]


# ---- paths


@SLOW
@given(name=st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_table_can_refer_to_any_file_name(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("t")
    if name in (".", "..") or len(name.encode()) > 200:
        return
    save(folder / "in" / name, PNG)
    for delimiter, suffix in ((",", "csv"), ("\t", "tsv")):
        rows = [("id", "image", "text"), ("a", f"in/{name}", "ink")]
        file = save(folder / f"t.{suffix}", "".join(write_row(row, delimiter) for row in rows))
        for reader, lines, skipped in readers(file):
            assert [(line.id, line.text) for line in lines] == [("a", "ink")], (reader, skipped)


@pytest.mark.parametrize("table", ["gt.txt", "marking.csv", "lines.csv", "metadata.csv"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_paths_in_tables_match_in_any_spelling(tmp_path: Path, table: str, form: str) -> None:
    r"""`\` separates folders where no such file is, and NFC equals NFD, on disk as in tables."""
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    save(tmp_path / "train" / unicodedata.normalize(form, "été é.png"))
    save(tmp_path / "train" / "b.png")
    rows = [("train\\b.png", "b"), (unicodedata.normalize(other, "train\\été é.png"), "e")]
    if table == "gt.txt":
        save(tmp_path / table, "".join(f"{path}\t{text}\n" for path, text in rows))
    else:
        named = {"marking.csv": "path", "lines.csv": "image", "metadata.csv": "file_name"}[table]
        save(tmp_path / table, f"id,{named},text\n" + "".join(f"{text},{path},{text}\n" for path, text in rows))
    if table == "lines.csv":
        lines, skipped = list(LinesFolder(tmp_path / table).lines()), LinesFolder(tmp_path / table).skipped
    else:
        lines, skipped = imported({"gt.txt": "tsv", "metadata.csv": "imagefolder"}.get(table, "csv"), tmp_path)
    assert [line.text for line in lines] == ["b", "e"] and not skipped
    if table == "gt.txt":
        assert [line.id for line in lines] == ["b", "été é"]  # split folder and backslash understood


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_an_existing_file_is_preferred_to_other_spellings(tmp_path: Path) -> None:
    save(tmp_path / "a\\b.png", b"1")
    save(tmp_path / "a" / "b.png", b"2")
    assert existing(tmp_path, "a\\b.png").read_bytes() == b"1"
    save(tmp_path / "%0A.png", b"3")
    assert existing(tmp_path, "%0A.png").read_bytes() == b"3"


def test_the_images_folder_applies_to_absolute_paths(tmp_path: Path) -> None:
    save(tmp_path / "new" / "train" / "0.png")
    for path in ("/home/anna/data/train/0.png", "C:\\data\\train\\0.png", "train/0.png", "D:/train\\0.png"):
        assert below(tmp_path / "new", path) == tmp_path / "new" / "train" / "0.png"
        save(tmp_path / "t.csv", f"path,text\n{path},ink\n")
        assert [x.text for x in imported("csv", tmp_path / "t.csv", images=str(tmp_path / "new"))[0]] == ["ink"]
        save(tmp_path / "gt.txt", f"{path}\tink\n")
        assert [x.text for x in imported("tsv", tmp_path / "gt.txt", images=str(tmp_path / "new"))[0]] == ["ink"]


@pytest.mark.parametrize("suffix", ["txt", ".txt", ".TXT"])
def test_suffixes_with_and_without_the_dot(tmp_path: Path, suffix: str) -> None:
    save(tmp_path / "0.png"), save(tmp_path / "0.txt", "ink")
    save(tmp_path / unicodedata.normalize("NFD", "é.png")), save(tmp_path / "é.txt", "pen")
    lines, skipped = imported("pairs", tmp_path, suffix=suffix)
    assert {line.id: line.text for line in lines} == {"0": "ink", "é": "pen"} and not skipped


def test_texts_that_are_not_one_transcription_are_skipped(tmp_path: Path) -> None:
    pictures(tmp_path, 2)
    save(tmp_path / "0.gt.txt", "one\ntwo\n"), save(tmp_path / "1.gt.txt", "\n ink \n\n")
    lines, skipped = imported("pairs", tmp_path)
    assert [line.text for line in lines] == ["ink"] and "2 lines" in skipped[0].reason
    save(tmp_path / "0.xml", '<?xml version="1.0"?>\n<PcGts/>'), save(tmp_path / "1.xml", "<alto/>")
    assert ["XML" in r.reason for r in imported("pairs", tmp_path, suffix=".xml")[1]] == [True, True]


def test_ids_and_hands_are_compared_in_nfc(tmp_path: Path) -> None:
    nfd = unicodedata.normalize("NFD", "été")
    with LinesWriter(tmp_path / "l", {}) as writer:
        writer.write(Line(nfd, PNG, "ink", hand=nfd, page=nfd))
    folder = LinesFolder(tmp_path / "l")
    assert folder.find("été").hand == "été" == folder.columns("train", ["page"])["page"][0] and folder.has(nfd)
    save(tmp_path / "t.csv", "id,image,text\na,l#été,pen\n")
    assert [line.text for line in LinesFolder(tmp_path / "t.csv").lines()] == ["pen"]


def test_an_lmdb_can_be_given_by_its_data_file(tmp_path: Path) -> None:
    pytest.importorskip("lmdb")
    with LinesWriter(tmp_path / "l", {}) as writer:
        writer.write(Line("a", PNG, "ink"))
    export("lmdb", tmp_path / "l", tmp_path / "out")
    assert [line.text for line in imported("lmdb", tmp_path / "out" / "train" / "data.mdb")[0]] == ["ink"]


# ---- pages, references


def tiff(path: Path, count: int) -> Path:
    pages = [Image.fromarray(np.full((30, 90 + 10 * n), 200 - 20 * n, np.uint8)) for n in range(count)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


def test_all_commands_agree_on_the_pages_of_a_tiff(tmp_path: Path) -> None:
    tiff(tmp_path / "x.tif", 3)
    lines, skipped = imported("pictures", tmp_path)
    assert [(line.id, line.width) for line in lines] == [("x-001", 90), ("x-002", 100), ("x-003", 110)] and not skipped
    save(tmp_path / "x.gt.txt", "one\ntwo\nthree\n")
    assert [(line.id, line.text) for line in imported("pairs", tmp_path)[0]] == [
        ("x-001", "one"), ("x-002", "two"), ("x-003", "three"),
    ]  # fmt: skip
    save(tmp_path / "x.gt.txt", "one\ntwo\n")
    assert "3 pages and its text 2 lines" in imported("pairs", tmp_path)[1][0].reason
    rows = "".join(f"x-{n:03d},x.tif#{n:03d},t{n}\n" for n in range(1, 5))
    for name, lines, skipped in readers(save(tmp_path / "r.csv", f"id,image,text\n{rows}y,x.tif,t\n")):
        assert [line.text for line in lines] == ["t1", "t2", "t3"], name
        assert ["no page 4" in skipped[0].reason, "has 3 pages" in skipped[1].reason] == [True, True], name
    assert LinesFolder(tmp_path / "r.csv").find("x-002").place == (tmp_path / "x.tif", "002")


def test_lines_of_a_folder_are_imported_through_a_table(tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "l", {}) as writer:
        writer.write(Line("a#b", PNG, "old", hand="anna", page="7"))
    file = save(tmp_path / "t.csv", "id,image,text,hand\nx,l#a#b,new,\ny,l#gone,new,\n")
    lines, skipped = imported("csv", file)
    assert [(x.id, x.text, x.hand, x.page) for x in lines] == [("x", "new", "anna", "7")]
    assert [r.id for r in skipped] == ["y"]


# ---- fingerprints


def test_the_fingerprint_of_a_table_covers_its_pictures(tmp_path: Path) -> None:
    pictures(tmp_path, 1)
    with LinesWriter(tmp_path / "l", {}) as writer:
        writer.write(Line("a", PNG, "ink"))
    file = save(tmp_path / "t.csv", "id,image,text\n0,0.png,ink\n1,l#a,pen\n2,gone.png,x\n")
    first = LinesFolder(file).fingerprint()
    assert LinesFolder(file).fingerprint() == first
    save(tmp_path / "0.png", encode(np.full((20, 60), 100, np.uint8), "png"))
    second = LinesFolder(file).fingerprint()
    with LinesWriter(tmp_path / "m", {}) as writer:
        writer.write(Line("a", PNG, "other"))
    os.replace(tmp_path / "m" / "train-00000.parquet", tmp_path / "l" / "train-00000.parquet")
    third = LinesFolder(file).fingerprint()
    assert len({first, second, third}) == 3


def test_the_fingerprint_covers_pictures_given_by_path(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pictures(tmp_path, 1)
    images = [{"bytes": None, "path": "0.png"}, {"bytes": PNG, "path": "inside.png"}]
    pq.write_table(pa.table({"id": ["a", "b"], "image": images}), tmp_path / "train.parquet")
    first = LinesFolder(tmp_path).fingerprint()
    save(tmp_path / "0.png", encode(np.full((20, 60), 100, np.uint8), "png"))
    assert LinesFolder(tmp_path).fingerprint() != first
