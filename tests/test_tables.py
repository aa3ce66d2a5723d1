"""Tables (CSV, TSV): any text is read back; a bad row skips only itself."""

import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriven.base import LinesError
from scriven.exporters import EXPORTERS
from scriven.jobs.export import export
from scriven.jobs.import_ import import_lines
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.lines.delimited import read_header, read_rows, split_row, write_row
from scriven.text import normalise
from toy_tables import PNG, SLOW, TEXTS, imported, pictures, readers, save

CELLS = st.lists(st.one_of(st.none(), TEXTS.map(normalise)), min_size=2, max_size=5)


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
            writer.write(Line(f"{number}", PNG, text, hand="a"))
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
