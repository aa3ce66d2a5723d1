"""Lines folders written by other programs: tolerant reading; damaged parts are named and skipped."""

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scriven.base import LinesError, OutputError, SettingsError
from scriven.importers import split_of
from scriven.lines import ALIASES, SCHEMA, Line, LinesFolder, LinesWriter
from toy_lines import PNG, SMALL, parquet, row, some, write


def test_file_names_of_other_programs(tmp_path: Path) -> None:
    for name in ("train-00000-of-00002", "train-00001-of-00002", "validation-00000-of-00001", "test"):
        parquet(tmp_path / "data" / f"{name}.parquet", [row(name)])
    parquet(tmp_path / "more.parquet", [row("more")])
    folder = LinesFolder(tmp_path)
    assert {s: [f.name[:11] for f in files] for s, files in folder.splits.items()} == {
        "train": ["train-00000", "train-00001"], "valid": ["validation-"], "test": ["test.parque"],
    }  # fmt: skip
    assert len(list(folder.lines())) == 4 and [r.id for r in folder.skipped] == ["more.parquet"]
    assert [line.id for line in LinesFolder(tmp_path / "more.parquet").lines("train")] == ["more"]


def test_trees_of_splits_and_levels(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for level in ("lines", "words"):
            parquet(tmp_path / split / f"{level}.parquet", [row(f"{split}/{level}", writer="w", page=3)])
    assert [line.id for line in LinesFolder(tmp_path).lines()] == ["train/lines", "val/lines"]
    words = LinesFolder(tmp_path, "words")
    assert [(line.id, line.hand, line.page, line.extra) for line in words.lines("valid")] == [
        ("val/words", "w", "3", {})
    ]
    assert words.columns("valid", ["hand", "page"]) == {"hand": ["w"], "page": ["3"]}
    with pytest.raises(SettingsError, match="'level' is 'pages'; set it to lines or words"):
        LinesFolder(tmp_path, "pages")
    for split in ("train", "val"):
        (tmp_path / split / "words.parquet").unlink()
    with pytest.raises(LinesError, match="has no words; it has lines: give --level lines"):
        LinesFolder(tmp_path, "words")


def test_columns_of_other_arrow_types(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(PNG + b"file")
    rows = [
        {
            "id": 7,
            "image": PNG,
            "text": "né".encode(),
            "hand": 3,
            "width": 5.0,
            "height": float("nan"),
            "confidence": 1,
        },
        {"id": 8, "image": PNG, "text": b"\xff", "hand": None, "width": None, "height": None, "confidence": None},
    ]
    parquet(tmp_path / "train.parquet", rows)
    folder = LinesFolder(tmp_path)
    assert list(folder.lines()) == [Line("7", PNG, "né", hand="3", confidence=1, width=5)]
    assert [r.id for r in folder.skipped] == ["8"] and "not UTF-8" in folder.skipped[0].reason
    assert folder.columns("train", ["id", "text"]) == {"id": ["7", "8"], "text": ["né", None]}
    image = {"bytes": None, "path": "x.png"}
    kinds = pa.schema([("id", pa.dictionary(pa.int8(), pa.string())), ("image", SCHEMA.field("image").type)])
    parquet(tmp_path / "b" / "train.parquet", [{"id": "a", "image": {**image, "path": "../x.png"}}], kinds)
    assert [(line.id, line.image) for line in LinesFolder(tmp_path / "b").lines()] == [("a", PNG + b"file")]


def test_unusable_rows_are_skipped_by_name(tmp_path: Path) -> None:
    rows = [
        row("a"),
        row(None),
        row("b", image={"bytes": None, "path": "gone.png"}),
        row(""),
        row("c", image=None),
        row("a"),
    ]
    parquet(tmp_path / "train.parquet", rows)
    folder = LinesFolder(tmp_path)
    assert [line.id for line in folder.lines()] == ["a"] and folder.count("train") == 6
    assert [(r.id, r.reason.split(" '")[0].split(";")[0]) for r in folder.skipped] == [
        ("train.parquet:0:1", "the row has no id"), ("b", "cannot open the picture"),
        ("train.parquet:1:1", "the row has no id"), ("c", "the row has no picture"),
        ("a", "its id occurs more than once"),
    ]  # fmt: skip


def test_folders_and_importers_accept_the_same_split_names(tmp_path: Path) -> None:
    """`eval-0.parquet` and `training/` used to be splits for importers but not for lines folders."""
    parquet(tmp_path / "a" / "training-0.parquet", [row("a")])
    parquet(tmp_path / "a" / "eval-0.parquet", [row("b")])
    parquet(tmp_path / "b" / "testset" / "lines.parquet", [row("c")])
    assert list(LinesFolder(tmp_path / "a").splits) == ["train", "valid"]
    assert list(LinesFolder(tmp_path / "b").splits) == ["test"]
    for name, split in ALIASES.items():
        assert split_of(Path(name) / "1.png", "none") == split


def test_every_skipped_row_is_counted_once(tmp_path: Path) -> None:
    """Three rows with one id used to count as one skipped row; a second pass adds nothing."""
    parquet(tmp_path / "train.parquet", [row("a"), row("a"), row("b"), row("a"), row("c", image=None), row("c")])
    folder = LinesFolder(tmp_path)
    for _ in range(2):
        assert [line.id for line in folder.lines()] == ["a", "b", "c"]
        assert [r.id for r in folder.skipped] == ["a", "a", "c"]


def test_text_that_is_not_utf8_skips_its_row_only(tmp_path: Path) -> None:
    texts = pa.StringArray.from_buffers(3, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xffc"))
    images = pa.array([{"bytes": PNG, "path": None}] * 3, SCHEMA.field("image").type)
    pq.write_table(pa.table({"id": ["a", "b", "c"], "image": images, "text": texts}), tmp_path / "test.parquet")
    folder = LinesFolder(tmp_path)
    assert [line.text for line in folder.lines()] == ["a", "c"] and [r.id for r in folder.skipped] == ["b"]
    assert folder.columns("test", ["text"])["text"] == ["a", None, "c"]


def test_an_empty_file_is_valid(tmp_path: Path) -> None:
    pq.write_table(SCHEMA.empty_table(), tmp_path / "train.parquet")
    folder = LinesFolder(tmp_path)
    assert list(folder.lines()) == [] and folder.count("train") == 0 and not folder.skipped
    assert folder.columns("train", ["id", "x"]) == {"id": [], "x": []}


BROKEN: dict[str, tuple[Any, str]] = {
    "no id": ([{"image": PNG, "text": "a"}], "no column 'id' .it has image, text.; .*scriven import"),
    "no image": ([{"id": "a", "text": "a"}], "no column 'image'"),
    "numbers for text": ([row(text=5)], "has int64 in its column 'text', which must be text"),
    "lists for ids": ([row([1])], "column 'id', which must be text"),
    "paths for pictures": ([{"id": "a", "image": "x.png"}], "column 'image', which must be encoded pictures"),
    "words for widths": ([row(width="wide")], "column 'width', which must be numbers"),
    "words for confidence": ([row(confidence="high")], "column 'confidence', which must be numbers"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_unusable_columns_are_named(name: str, tmp_path: Path) -> None:
    rows, said = BROKEN[name]
    parquet(tmp_path / "train.parquet", rows)
    folder = LinesFolder(tmp_path)
    for use in (lambda: list(folder.lines()), lambda: folder.count("train"), lambda: folder.columns("train", ["id"])):
        with pytest.raises(LinesError, match=said):
            use()


def test_damaged_files_are_named(tmp_path: Path) -> None:
    whole = (write(tmp_path / "l", some(50)) / "train-00000.parquet").read_bytes()
    for data in (whole[:-20], whole[: len(whole) // 2], b"", b"PAR1", bytes(100)):
        (tmp_path / "l" / "train-00000.parquet").write_bytes(data)
        with pytest.raises(LinesError, match="train-00000.parquet is not a complete Parquet file"):
            list(LinesFolder(tmp_path / "l").lines())
    for at in range(4, len(whole), 97):  # a corrupted byte gives lines or a LinesError
        (tmp_path / "l" / "train-00000.parquet").write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            folder = LinesFolder(tmp_path / "l")
            read = list(folder.lines())
            folder.columns("train", ["id", "text"])
            assert len(read) + len(folder.skipped) <= 51
        except LinesError as error:
            assert "train-00000.parquet" in str(error)


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe", b"", b"[" * 100_000])
def test_a_damaged_about_is_named(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "l", some(2))
    (path / "about.json").write_bytes(content)
    assert len(list(LinesFolder(path).lines())) == 2
    with pytest.raises(LinesError, match="about.json is not readable JSON"):
        _ = LinesFolder(path).about
    with pytest.raises(OutputError, match="about.json is not readable JSON"):
        LinesWriter(path, {})


def test_paths_without_lines_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    for path, said in ((tmp_path / "no", "there is no lines folder"), (tmp_path, "has no train"),
                       (tmp_path / "notes.txt", "is not a CSV or TSV file of lines")):  # fmt: skip
        with pytest.raises(LinesError, match=said):
            LinesFolder(path)
    assert (
        LinesFolder(write(tmp_path / "l", some(1))).fingerprint()
        != LinesFolder(write(tmp_path / "m", some(2))).fingerprint()
    )


# ---- CSV


def test_a_csv_refers_to_pictures_and_lines_of_folders(tmp_path: Path) -> None:
    lines = [dataclasses.replace(x, hand=f"h{n}", extra={"language": "fr"}) for n, x in enumerate(some(12))]
    write(tmp_path / "l#1", lines)
    (tmp_path / "x.png").write_bytes(PNG)
    file = tmp_path / "read.csv"
    rows = ['a,x.png,"one, two",0.5', "b,l#1#l3,B  b,", "", "c,l#1#l11,,0.25", f"d,{tmp_path}/l#1#l0,d,1"]
    file.write_bytes(("\ufeffid,image,text,confidence\n" + "\r\n".join(rows)).encode())
    folder = LinesFolder(file, sizes=SMALL)
    assert list(folder.lines()) == [
        Line("a", PNG, "one, two", confidence=0.5),
        dataclasses.replace(lines[3], id="b", text="B b", confidence=None),
        dataclasses.replace(lines[11], id="c", text=None, confidence=0.25),
        dataclasses.replace(lines[0], id="d", text="d", confidence=1.0),
    ]
    assert [g.rows for g in folder.groups("train")] == [3, 1] and folder.count("train") == 4 and not folder.skipped
    assert folder.columns("train", ["id", "hand", "confidence"]) == {
        "id": ["a", "b", "c", "d"], "hand": [None, "h3", "h11", "h0"], "confidence": [0.5, None, 0.25, 1.0],
    }  # fmt: skip
    (tmp_path / "again.csv").write_text("id,image\nz,read.csv#c\n")  # a table that refers to a table
    assert [(x.id, x.text, x.hand) for x in LinesFolder(tmp_path / "again.csv").lines()] == [("z", None, "h11")]


def test_a_csv_may_have_further_columns(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(PNG)
    (tmp_path / "t.csv").write_text("id;image;text;writer;page;width;language\na;x.png;null;w;2;30;fr\n")
    folder = LinesFolder(tmp_path / "t.csv")
    assert list(folder.lines()) == [Line("a", PNG, "null", hand="w", page="2", width=30, extra={"language": "fr"})]
    assert folder.columns("train", ["hand", "width", "language"]) == {
        "hand": ["w"],
        "width": [30.0],
        "language": ["fr"],
    }


def test_unusable_rows_of_a_csv_are_skipped_by_name(tmp_path: Path) -> None:
    write(tmp_path / "l", some(2))
    (tmp_path / "x.png").write_bytes(PNG)
    rows = ("a,x.png,a,", "a,x.png,again,", "b,gone.png,b,", "c,l#l9,c,", "d,no#l1,d,", "e,x.png,e,high", "f,x.png",
            "g,x.png,g,1,more", ",x.png,h,", "i,self.csv#i,i,", "a,x.png,third,", "k,l#l1,k,1")  # fmt: skip
    (tmp_path / "self.csv").write_text("id,image,text,confidence\n" + "\n".join(rows) + "\n")
    folder = LinesFolder(tmp_path / "self.csv")
    assert [line.id for line in folder.lines()] == ["a", "e", "k"] and folder.count("train") == 12
    said = {r.id: r.reason for r in folder.skipped}
    expected = {"a": "more than once", "b": "gone.png", "c": "no line 'l9'", "d": "no lines folder 'no#l1'",
                "self.csv:8": "too few", "self.csv:9": "too many", "self.csv:10": "no id", "i": "itself"}  # fmt: skip
    assert set(said) == set(expected) and all(expected[id] in said[id] for id in said), said
    assert folder.columns("train", ["text"])["text"][:3] == ["a", None, "b"]  # aligned with the groups


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "does not have the columns"),
        (b"a,b\n1,2\n", "does not have the columns"),
        ("id,image\n".encode("utf-16"), "UTF-8"),
        (b"id,image,text,text\n", "'text' more than once"),
    ],
)
def test_other_csv_files_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    folder = LinesFolder(tmp_path / "t.csv")
    for use in (lambda: list(folder.lines()), lambda: folder.count("train"), lambda: folder.columns("train", ["id"])):
        with pytest.raises(LinesError, match=said):
            use()


def test_reading_columns_of_a_csv_opens_no_picture(tmp_path: Path) -> None:
    write(tmp_path / "l", some(3, hand="h"))
    (tmp_path / "t.csv").write_text("id,image,text\na,gone.png,x\nb,l#l1,y\n")
    assert LinesFolder(tmp_path / "t.csv").columns("train", ["text", "hand"]) == {
        "text": ["x", "y"],
        "hand": [None, "h"],
    }


@pytest.mark.real
def test_trees_of_the_real_collections(real_data: Path) -> None:
    folder = LinesFolder(real_data / "czech16_cs")
    assert {s: folder.count(s) for s in folder.splits} == {"train": 319, "valid": 28, "test": 68}
    lines = list(folder.lines("test"))
    assert len(lines) == 68 and not folder.skipped and all(x.hand and x.text and "language" in x.extra for x in lines)
    assert folder.find(lines[40].id) == lines[40]
