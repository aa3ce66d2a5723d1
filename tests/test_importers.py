"""Importers and exporters: round trips of every format, skipped inputs by name, splits."""

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scriven.base import LinesError, OutputError, SettingsError, Skipped
from scriven.exporters import EXPORTERS
from scriven.exporters.common import PictureWriter
from scriven.images import PICTURE_SUFFIXES, decode, encode
from scriven.importers import IMPORTERS
from scriven.importers.common import Ids, file_names
from scriven.jobs.export import export
from scriven.jobs.import_ import import_lines
from scriven.lines import Line, LinesFolder, LinesWriter, StreamSizes
from scriven.page.inputs import find_inputs

PNG = encode(np.full((20, 60), 200, np.uint8), "png")


def save(path: Path, data: bytes | str = PNG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def read(format: str, source: Path, **options: object) -> tuple[list[tuple[str, str, str | None]], list[Skipped]]:
    items = list(IMPORTERS[format](source, **options))
    lines = [(i[0], i[1].id, i[1].text) for i in items if not isinstance(i, Skipped)]
    return lines, [i for i in items if isinstance(i, Skipped)]


@pytest.fixture
def folder(tmp_path: Path, letters: list[Line]) -> Path:
    with LinesWriter(tmp_path / "lines", {"command": "test"}) as writer:
        for line, split in zip(letters, ("train", "train", "valid", "train", "train", "test"), strict=True):
            writer.write(line, split)
    return tmp_path / "lines"


# ---- export and import


@pytest.mark.parametrize("format", EXPORTERS)
def test_exported_lines_are_imported_unchanged(format: str, folder: Path, tmp_path: Path) -> None:
    done = export(format, folder, tmp_path / "out")
    assert done.lines == 6 and not done.skipped
    back = import_lines(tmp_path / "out", tmp_path / "back", format)
    assert not back.skipped
    for split in ("train", "valid", "test"):
        old = list(LinesFolder(folder).lines(split))
        new = list(LinesFolder(tmp_path / "back").lines(split))
        if format == "pairs":
            old, new = sorted(old, key=lambda x: x.id), sorted(new, key=lambda x: x.id)
        assert [line.text for line in new] == [line.text for line in old]
        if format == "transcripts":  # PNG files by number: same ink, no ids
            for a, b in zip(old, new, strict=True):
                assert np.array_equal(decode(a.image, "a"), decode(b.image, "b"))
            continue
        assert [(line.id, line.image) for line in new] == [(line.id, line.image) for line in old]
        if format in ("csv", "imagefolder"):
            assert [vars(line) for line in new] == [vars(line) for line in old]


def test_ids_that_differ_only_in_case_get_different_files(tmp_path: Path, letters: list[Line]) -> None:
    pictures = PictureWriter(tmp_path)
    paths = [pictures.save("train", line) for line in letters]
    assert len({str(p).casefold() for p in paths}) == len(paths)
    assert [Ids()(p) for p in paths] == [line.id for line in letters]
    ids = ["A", "a", "Ink", "ink", "INK", "iNk"]
    paths = [pictures.save("train", Line(id, PNG, "x")) for id in ids]
    assert len({str(p).casefold() for p in paths}) == len(paths)
    assert [Ids()(p) for p in paths] == ids


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_file_names_are_safe_and_invertible(id: str) -> None:
    for name in file_names(id):
        assert all(part and part[0] not in ". " and part[-1] not in ". " for part in name.split("/"))
        assert not set(name) & set('\\:*?"<>|\0\n\t')
        assert Ids()(Path("train") / f"{name}.png") == id


def test_an_exported_folder_is_never_overwritten(folder: Path, tmp_path: Path) -> None:
    save(tmp_path / "out" / "mine.txt", "mine")
    with pytest.raises(OutputError, match="not empty"):
        export("pairs", folder, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["lines", "out"] or len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(os.name == "nt", reason="no umask there")
def test_an_export_respects_the_umask(folder: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        export("pairs", folder, tmp_path / "out")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "out", *(tmp_path / "out").rglob("*"))} == {0}


def test_lines_without_text_are_skipped_by_name(tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "l", {}) as writer:
        writer.write(Line("one", PNG, "word"))
        writer.write(Line("two", PNG, None))
    done = export("tsv", tmp_path / "l", tmp_path / "out")
    assert done.lines == 1 and [r.id for r in done.skipped] == ["two"]
    with pytest.raises(LinesError, match="no split 'test'"):
        export("tsv", tmp_path / "l", tmp_path / "other", split="test")


def test_a_hugging_face_library_reads_the_imagefolder_rows(folder: Path, tmp_path: Path) -> None:
    export("imagefolder", folder, tmp_path / "out")
    rows = [json.loads(row) for row in (tmp_path / "out" / "train" / "metadata.jsonl").read_text().splitlines()]
    assert all((tmp_path / "out" / "train" / row["file_name"]).is_file() for row in rows)
    assert rows[0]["text"] == "NaN"


# ---- pairs


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


# ---- tables


def marking(folder: Path, rows: list[tuple[str, ...]], delimiter: str = ",") -> None:
    with open(folder / "marking.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows([("sample_id", "path", "stage", "text"), *rows])


def test_rows_with_unknown_stages_are_skipped(tmp_path: Path) -> None:
    set_folder = tmp_path / "iam"
    save(set_folder / "images" / "1.png")
    stages = ("train", "valid", "test", "unknown", "val", "Train", "holdout", "")
    marking(set_folder, [(f"s{i}", "iam/images/1.png", stage, f"t{i}") for i, stage in enumerate(stages)])
    lines, skipped = read("csv", set_folder)
    assert [(split, id) for split, id, _ in lines] == [
        ("train", "s0"), ("valid", "s1"), ("test", "s2"), ("valid", "s4"), ("train", "s5"), ("train", "s7"),
    ]  # fmt: skip
    assert [r.id for r in skipped] == ["s3", "s6"] and "'unknown'" in skipped[0].reason


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


# ---- Parquet


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


# ---- transcripts


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


# ---- pictures


def test_import_and_read_accept_the_same_extensions(tmp_path: Path) -> None:
    """`scan.jpe` used to be read but not imported."""
    for suffix in PICTURE_SUFFIXES:
        save(tmp_path / f"{suffix[1:]}{suffix.upper()}", b"x")
    found, skipped = find_inputs([tmp_path])[0], list(IMPORTERS["pictures"](tmp_path))
    assert len(found) == len(skipped) == len(PICTURE_SUFFIXES) and ".jpe" in PICTURE_SUFFIXES


def test_pictures_of_unsupported_formats_are_named(tmp_path: Path) -> None:
    for name in ("a.avif", "b.HEIC", ".hidden.jfif"):
        save(tmp_path / "in" / name, b"x")
    with pytest.raises(LinesError, match="the first of 2: a.avif: .*save it as PNG or JPEG"):
        import_lines(tmp_path / "in", tmp_path / "none", "pictures")
    save(tmp_path / "in" / "c.png")
    done = import_lines(tmp_path / "in", tmp_path / "out", "pictures")
    assert done.counts == {"train": 1} and [r.id for r in done.skipped] == ["a.avif", "b.HEIC"]


def test_plain_pictures_keep_their_bytes_and_others_become_png(tmp_path: Path) -> None:
    grey = Image.fromarray(np.tile(np.arange(60, dtype=np.uint8) * 4, (20, 1)))
    turned = Image.Exif()
    turned[0x0112] = 6
    files = {
        "plain.png": (grey, {}), "photo.jpg": (grey.convert("RGB"), {}), "web.webp": (grey.convert("RGB"), {}),
        "palette.png": (grey.convert("P"), {}), "scan.tif": (grey, {}), "alpha.png": (grey.convert("RGBA"), {}),
        "phone.jpg": (grey, {"exif": turned}), "print.jpg": (grey.convert("CMYK"), {}),
        "deep.png": (Image.fromarray(np.asarray(grey).astype(np.uint16) * 16), {}),
    }  # fmt: skip
    for name, (picture, options) in files.items():
        data = io.BytesIO()
        picture.save(data, {"jpg": "JPEG", "tif": "TIFF"}.get(name[-3:], name.rsplit(".")[-1].upper()), **options)
        save(tmp_path / name, data.getvalue())
    made = {i[1].id: i[1] for i in IMPORTERS["pictures"](tmp_path) if isinstance(i, tuple)}
    assert len(made) == len(files)
    kept = {n for n in files if made[n.rsplit(".")[0]].image == (tmp_path / n).read_bytes()}
    assert kept == {"plain.png", "photo.jpg", "web.webp"}
    assert all(line.image.startswith(b"\x89PNG") for id, line in made.items() if f"{id}." not in "".join(kept))
    assert (made["phone"].width, made["phone"].height) == (20, 60)
    for line in made.values():
        assert line.text is None and decode(line.image, line.id).shape == (line.height, line.width)


# ---- the job


def test_importing_twice_into_one_folder_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "s" / "1.png"), save(tmp_path / "s" / "1.gt.txt", "one")
    import_lines(tmp_path / "s", tmp_path / "out", "pairs")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    with pytest.raises(OutputError, match="finished"):
        import_lines(tmp_path / "s", tmp_path / "out", "pairs")
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before


def test_an_interrupted_import_is_continued(tmp_path: Path, monkeypatch) -> None:
    for number in range(10):
        save(tmp_path / "s" / f"{number}.png"), save(tmp_path / "s" / f"{number}.gt.txt", f"{number}")
    small = StreamSizes(shard_rows=4)
    import_lines(tmp_path / "s", tmp_path / "whole", "pairs", sizes=small)
    written = LinesWriter.write
    calls = []

    def stop(self: LinesWriter, line: Line, split: str = "train") -> None:
        calls.append(line.id)
        if len(calls) == 7:
            raise KeyboardInterrupt
        written(self, line, split)

    monkeypatch.setattr(LinesWriter, "write", stop)
    with pytest.raises(KeyboardInterrupt):
        import_lines(tmp_path / "s", tmp_path / "part", "pairs", sizes=small)
    assert sorted(p.name for p in (tmp_path / "part").iterdir()) == ["about.json", "train-00000.parquet"]
    monkeypatch.setattr(LinesWriter, "write", written)
    import_lines(tmp_path / "s", tmp_path / "part", "pairs", sizes=small)
    whole, part = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("whole", "part"))
    assert part == whole and len(part) == 4


def test_an_empty_import_leaves_no_folder(tmp_path: Path) -> None:
    save(tmp_path / "s" / "1.png", b"")
    with pytest.raises(LinesError, match="no line that can be used.*1: "):
        import_lines(tmp_path / "s", tmp_path / "out", "pictures")
    assert not (tmp_path / "out").exists()
    with pytest.raises(SettingsError, match="no format 'pares'"):
        import_lines(tmp_path / "s", tmp_path / "out", "pares")
    with pytest.raises(SettingsError, match="did you mean 'suffix'"):
        import_lines(tmp_path / "s", tmp_path / "out", "pairs", changes=["sufix=.txt"])


def test_your_own_importer(tmp_path: Path, scriven) -> None:
    save(tmp_path / "s" / "1.png")
    code = """
from scriven.base import Skipped
from scriven.importers import from_file

def letters(source, *, split: str = "train", times: int = 1):
    for number in range(times):
        yield split, from_file(f"l{number}", source / "1.png", f"word {number}")
    yield Skipped("l99", "not today")

def wrong(source):
    yield "just a string"
"""
    own = save(tmp_path / "mine.py", code)
    arguments = ("--importer", f"{own}:letters", "--set", "times=3", "--set", "split=test", "--json")
    exit_code, out, err = scriven("import", tmp_path / "s", "-o", tmp_path / "out", *arguments)
    assert exit_code == 1 and "l99: not today" in err
    assert json.loads(out)["counts"] == {"test": 3}
    for spec, what in (("wrong", "must yield"), ("nothing", "no function")):
        code_2, _, err = scriven("import", tmp_path / "s", "-o", tmp_path / "o2", "--importer", f"{own}:{spec}")
        assert code_2 == 2 and what in err


def test_repeated_ids_are_named(tmp_path: Path) -> None:
    save(tmp_path / "1.png")
    marking(tmp_path, [("same", "1.png", "train", "a"), ("same", "1.png", "test", "b")])
    done = import_lines(tmp_path, tmp_path / "out", "csv")
    assert done.counts == {"train": 1} and [r.id for r in done.skipped] == ["same"]


@pytest.mark.real
def test_a_real_collection_survives_export_and_import(real_data: Path, tmp_path: Path) -> None:
    done = import_lines(real_data / "czech16_cs", tmp_path / "lines", "parquet", licence="CC BY-SA 4.0")
    assert done.counts == {"train": 319, "valid": 28, "test": 68} and not done.skipped
    export("pairs", tmp_path / "lines", tmp_path / "pairs")
    import_lines(tmp_path / "pairs", tmp_path / "back", "pairs")
    for split in done.counts:
        old = {(x.id, x.text, x.image) for x in LinesFolder(real_data / "czech16_cs").lines(split)}
        assert old == {(x.id, x.text, x.image) for x in LinesFolder(tmp_path / "back").lines(split)}


def test_pairs_suggests_the_actual_ending_of_the_texts(tmp_path: Path) -> None:
    save(tmp_path / "pe-01.png")
    (tmp_path / "pe-01.gt.txt").write_text("ink")
    found = list(IMPORTERS["pairs"](tmp_path, suffix=".txt"))
    assert len(found) == 1 and "give the ending of the texts as --set suffix=.gt.txt" in found[0].reason
    (tmp_path / "pe-01.png").rename(tmp_path / "other.png")
    reasons = [one.reason for one in IMPORTERS["pairs"](tmp_path, suffix=".txt")]
    assert "put pe-01.gt.png there" in reasons[0] and "there is no text other.txt" in reasons[1]
