"""Importers: every format, its rows and names, and skipped inputs by name."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scriven.base import LinesError
from scriven.importers import IMPORTERS
from scriven.lines import LinesFolder
from toy_imports import PNG, marking, read, save


def test_pairs_with_dots_and_spaces_in_names(tmp_path: Path) -> None:
    for stem in ("a.b", "a", "page 1.line.02", "train/x", "val/x"):
        save(tmp_path / f"{stem}.png")
        save(tmp_path / f"{stem}.gt.txt", f"text of {stem}\n")
    lines, skipped = read("pairs", tmp_path)
    assert not skipped
    assert sorted(lines) == [
        ("train", "a", "text of a"),
        ("train", "a.b", "text of a.b"),
        ("train", "page 1.line.02", "text of page 1.line.02"),
        ("train", "x", "text of train/x"),
        ("valid", "val/x", "text of val/x"),  # not "x" again: ids are unique
    ]


def test_pairs_without_a_partner_are_skipped_by_name(tmp_path: Path) -> None:
    save(tmp_path / "good.png"), save(tmp_path / "good.gt.txt", "good")
    save(tmp_path / "alone.png")
    save(tmp_path / "nopicture.gt.txt", "words")
    save(tmp_path / "twice.png"), save(tmp_path / "twice.jpg"), save(tmp_path / "twice.gt.txt", "twice")
    save(tmp_path / "latin.png"), save(tmp_path / "latin.gt.txt", "été".encode("latin-1"))
    save(tmp_path / "empty.png"), save(tmp_path / "empty.gt.txt", " \n")
    save(tmp_path / "broken.png", PNG[:40]), save(tmp_path / "broken.gt.txt", "broken")
    save(tmp_path / "nothing.png", b""), save(tmp_path / "nothing.gt.txt", "nothing")
    save(tmp_path / "ocropy.bin.png"), save(tmp_path / "ocropy.gt.txt", "binarised")
    lines, skipped = read("pairs", tmp_path)
    assert {id: text for _, id, text in lines} == {"good": "good", "twice": "twice", "ocropy": "binarised", "empty": ""}
    reasons = {r.id: r.reason for r in skipped}
    assert set(reasons) == {"alone", "nopicture", "twice.png", "latin", "broken", "nothing"}
    assert "UTF-8" in reasons["latin"] and "no text" in reasons["alone"]


def test_rows_with_unknown_stages_are_skipped(tmp_path: Path) -> None:
    """StackMix trains on everything that is not called valid or test: 3,491 lines of IAM, and a set called val."""
    set_folder = tmp_path / "iam"
    save(set_folder / "images" / "1.png")
    stages = ("train", "valid", "test", "unknown", "val", "Train", "holdout", "")
    marking(set_folder, [(f"s{i}", "iam/images/1.png", stage, f"t{i}") for i, stage in enumerate(stages)])
    lines, skipped = read("csv", set_folder)
    assert [(split, id) for split, id, _ in lines] == [
        ("train", "s0"), ("valid", "s1"), ("test", "s2"), ("valid", "s4"), ("train", "s5"),
    ]  # fmt: skip
    assert [r.id for r in skipped] == ["s3", "s6", "s7"] and "'unknown'" in skipped[0].reason
    assert skipped[2].reason.startswith("its stage '' is not train, valid or test")


def test_stages_in_other_tables_are_not_trained_on_either(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        save(tmp_path / f"{name}.png")
    save(tmp_path / "metadata.csv", "file_name,text,split\n1.png,a,test\n2.png,b,unknown\n3.png,c,\n")
    lines, skipped = read("imagefolder", tmp_path)
    assert lines == [("test", "1", "a")] and [r.id for r in skipped] == ["2", "3"]
    rows = [
        {"id": stage, "image": {"bytes": PNG, "path": None}, "text": stage, "stage": stage} for stage in ("val", "x")
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "all.parquet")
    lines, skipped = read("parquet", tmp_path / "all.parquet")
    assert lines == [("valid", "val", "val")] and "'x' is not train" in skipped[0].reason


def test_a_table_of_several_stages_is_not_read_as_a_training_set(tmp_path: Path) -> None:
    save(tmp_path / "1.png")
    file = save(tmp_path / "t.csv", "id,image,text,stage\na,1.png,a,train\nb,1.png,b,test\n")
    with pytest.raises(LinesError, match=re.escape("t.csv:3 has the stage 'test', but a table is read as one split")):
        list(LinesFolder(file).lines())
    save(file, "id,image,text,stage\na,1.png,a,train\nb,1.png,b,Train\n")
    assert [line.id for line in LinesFolder(file).lines("train")] == ["a", "b"]


def test_nan_and_null_are_texts(tmp_path: Path) -> None:
    save(tmp_path / "1.png")
    words = ["NaN", "NA", "null", "None", "nan", "n/a", "-inf", "TRUE", "0012"]
    marking(tmp_path, [(str(i), "1.png", "train", word) for i, word in enumerate(words)])
    assert [text for _, _, text in read("csv", tmp_path)[0]] == words
    save(tmp_path / "gt.txt", "".join(f"1.png\t{word}\n" for word in words))
    assert [text for _, _, text in read("tsv", tmp_path)[0]] == words


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_commas_semicolons_and_tabs(tmp_path: Path, delimiter: str) -> None:
    save(tmp_path / "1.png")
    marking(tmp_path, [("a", "1.png", "train", 'say "a, b; c"')], delimiter)
    assert read("csv", tmp_path)[0] == [("train", "a", 'say "a, b; c"')]


def test_a_bad_row_skips_only_itself(tmp_path: Path) -> None:
    save(tmp_path / "1.png")
    rows = b"path,text\n1.png,good\n1.png,a,b\n1.png\n1.png,\xe9t\xe9\n\xe9.png,x\nlost.png,x\n1.png,\n"
    save(tmp_path / "t.csv", rows)
    lines, skipped = read("csv", tmp_path / "t.csv")
    assert lines == [("train", "1", "good"), ("train", "1", None)]  # an empty cell: text unknown
    assert [r.id for r in skipped] == ["t.csv:3", "t.csv:4", "t.csv:5", "t.csv:6", "lost"]
    with pytest.raises(LinesError, match="needs the columns"):
        read("csv", save(tmp_path / "u.csv", "path,text\n".encode("utf-16")))


def test_tsv_keeps_tabs_in_texts_and_names_bad_rows(tmp_path: Path) -> None:
    save(tmp_path / "val" / "i" / "1.jpg")
    save(tmp_path / "val" / "gt.txt", "i/1.jpg\ttwo words\r\n\nno tab here\ni/2.jpg\tlost\n")
    lines, skipped = read("tsv", tmp_path)
    assert lines == [("valid", "i/1", "two words")]
    assert [r.id for r in skipped] == ["val/gt.txt:3", "i/2"]


def test_imagefolder_reads_both_kinds_of_metadata(tmp_path: Path) -> None:
    for split in ("train", "test"):
        save(tmp_path / split / "1.png")
    save(tmp_path / "train" / "metadata.csv", "file_name,transcription\n1.png,NaN\n")
    save(tmp_path / "test" / "metadata.jsonl", '{"file_name": "1.png", "text": "one"}\nnot json\n{"text": "x"}\n')
    lines, skipped = read("imagefolder", tmp_path)
    assert sorted(lines) == [("test", "1", "one"), ("train", "train/1", "NaN")]
    assert len(skipped) == 2


def test_parquet_trees_of_splits_and_levels(tmp_path: Path) -> None:
    for collection in ("one", "two"):
        for split in ("train", "val"):
            for level in ("lines", "words"):
                file = tmp_path / collection / split / f"{level}.parquet"
                file.parent.mkdir(parents=True, exist_ok=True)
                row = {"id": f"{collection}/{split}/{level}", "image": {"bytes": PNG, "path": None}, "text": "null"}
                pq.write_table(pa.Table.from_pylist([{**row, "writer": "w", "page": "p", "language": "fr"}]), file)
    lines, skipped = read("parquet", tmp_path)
    assert [(s, i) for s, i, _ in lines] == [(s, f"{c}/{d}/lines") for c in ("one", "two") for s, d in
                                             (("train", "train"), ("valid", "val"))]  # fmt: skip
    assert not skipped
    item = next(iter(IMPORTERS["parquet"](tmp_path / "one", level="words")))
    assert isinstance(item, tuple)
    assert (item[1].id, item[1].hand, item[1].extra) == ("one/train/words", "w", {"language": "fr"})
    for file in (tmp_path / "one").rglob("lines.parquet"):
        file.unlink()
    with pytest.raises(LinesError, match="no Parquet files of lines; it has words: give --set level=words"):
        next(iter(IMPORTERS["parquet"](tmp_path / "one")))


def test_hugging_face_parquet_without_ids(tmp_path: Path) -> None:
    rows = [{"image": {"bytes": PNG, "path": "a.png"}, "sentence": "a"}, {"image": None, "sentence": "b"}]
    (tmp_path / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / "test-00000-of-00001.parquet")
    lines, skipped = read("imagefolder", tmp_path)
    assert lines == [("test", "test-00000-of-00001-000000", "a")] and len(skipped) == 1
    with pytest.raises(LinesError, match="no column 'picture'"):
        read("parquet", tmp_path, image="picture")
    save(tmp_path / "cut.parquet", (tmp_path / "data" / "test-00000-of-00001.parquet").read_bytes()[:-20])
    with pytest.raises(LinesError, match="complete Parquet"):
        read("parquet", tmp_path / "cut.parquet")


def test_parquet_keeps_numeric_ids_and_unknown_columns(tmp_path: Path) -> None:
    rows = [{"id": i, "image": PNG, "text": "a", "label": 7, "transcription": "b"} for i in range(2)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    items = list(IMPORTERS["parquet"](tmp_path))
    assert [i[1].id for i in items if isinstance(i, tuple)] == ["0", "1"]
    assert all(i[1].extra == {"label": 7, "transcription": "b"} for i in items if isinstance(i, tuple))


def test_parquet_text_that_is_not_utf8_skips_its_row_only(tmp_path: Path) -> None:
    offsets = pa.py_buffer(np.array([0, 2, 4, 5], np.int32).tobytes())
    texts = pa.Array.from_buffers(pa.string(), 3, [None, offsets, pa.py_buffer(b"ok\xff\xfez")])
    pq.write_table(pa.table({"id": ["1", "2", "3"], "image": [PNG] * 3, "text": texts}), tmp_path / "train.parquet")
    lines, skipped = read("parquet", tmp_path)
    assert [text for _, _, text in lines] == ["ok", "z"]
    assert [(r.id, "UTF-8" in r.reason) for r in skipped] == [("train-000001", True)]


def test_transcripts_are_sorted_by_number(tmp_path: Path) -> None:
    for number in range(11):
        save(tmp_path / "labeled" / f"{number}.png")
    save(tmp_path / "labeled" / "transcripts.txt", "".join(f"word {n}\n" for n in range(11)))
    lines, _ = read("transcripts", tmp_path)
    assert [text for _, _, text in lines] == [f"word {n}" for n in range(11)]
    assert [id for _, id, _ in lines][-1] == "labeled/10"


def test_transcripts_with_too_many_lines_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "0.png"), save(tmp_path / "1.png")
    save(tmp_path / "transcripts.txt", "a\nb\na\nb\n")  # written by two runs of that program
    with pytest.raises(LinesError, match="4 lines for 2 numbered pictures"):
        read("transcripts", tmp_path)
    save(tmp_path / "transcripts.txt", "a\nb\n")
    (tmp_path / "1.png").rename(tmp_path / "2.png")
    with pytest.raises(LinesError, match="gaps"):
        read("transcripts", tmp_path)


def test_labels_in_file_names(tmp_path: Path) -> None:
    for name in ("don't_01.png", "Mr._02.png", "NaN.png", "_03.png", "a.b_c_4.png"):
        save(tmp_path / name)
    lines, skipped = read("filename", tmp_path)
    assert sorted(text for _, _, text in lines if text) == ["Mr.", "NaN", "a.b", "don't"]
    assert [r.id for r in skipped] == ["_03"]


def test_pairs_suggests_the_actual_ending_of_the_texts(tmp_path: Path) -> None:
    save(tmp_path / "pe-01.png")
    (tmp_path / "pe-01.gt.txt").write_text("ink")
    found = list(IMPORTERS["pairs"](tmp_path, suffix=".txt"))
    assert len(found) == 1 and "give the ending of the texts as --set suffix=.gt.txt" in found[0].reason
    (tmp_path / "pe-01.png").rename(tmp_path / "other.png")
    reasons = [one.reason for one in IMPORTERS["pairs"](tmp_path, suffix=".txt")]
    assert "put pe-01.gt.png there" in reasons[0] and "there is no text other.txt" in reasons[1]
