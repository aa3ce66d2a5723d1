"""Exporters: round trips of every format, file names, permissions, lines without text."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriven.base import LinesError, OutputError
from scriven.exporters import EXPORTERS
from scriven.exporters.common import PictureWriter
from scriven.images import decode
from scriven.importers.common import Ids, file_names
from scriven.jobs.export import export
from scriven.jobs.import_ import import_lines
from scriven.lines import Line, LinesFolder, LinesWriter
from toy_imports import PNG, folder, save  # noqa: F401


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
        if format in ("writers", "pylaia"):  # other formats than those that their programs read become PNG
            assert [(line.id, decode(line.image, "").tolist()) for line in new] == [
                (line.id, decode(line.image, "").tolist()) for line in old
            ]
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


@pytest.mark.real
def test_a_real_collection_survives_export_and_import(real_data: Path, tmp_path: Path) -> None:
    done = import_lines(real_data / "czech16_cs", tmp_path / "lines", "parquet", licence="CC BY-SA 4.0")
    assert done.counts == {"train": 319, "valid": 28, "test": 68} and not done.skipped
    export("pairs", tmp_path / "lines", tmp_path / "pairs")
    import_lines(tmp_path / "pairs", tmp_path / "back", "pairs")
    for split in done.counts:
        old = {(x.id, x.text, x.image) for x in LinesFolder(real_data / "czech16_cs").lines(split)}
        assert old == {(x.id, x.text, x.image) for x in LinesFolder(tmp_path / "back").lines(split)}
