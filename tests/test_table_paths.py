"""The paths in tables: any file name and spelling, folders of images, pages of a TIFF, fingerprints of the pictures."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scriven.images import encode
from scriven.jobs.export import export
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.lines.delimited import write_row
from scriven.lines.paths import below, existing
from toy_tables import PNG, SLOW, imported, pictures, readers, save


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


def test_an_lmdb_can_be_given_by_its_data_file(tmp_path: Path) -> None:
    pytest.importorskip("lmdb")
    with LinesWriter(tmp_path / "l", {}) as writer:
        writer.write(Line("a", PNG, "ink"))
    export("lmdb", tmp_path / "l", tmp_path / "out")
    assert [line.text for line in imported("lmdb", tmp_path / "out" / "train" / "data.mdb")[0]] == ["ink"]


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
