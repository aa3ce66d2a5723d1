"""LMDB of Clova's benchmark: the keys, the growing map, damaged databases, and the splits of several databases."""

import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from scriven.base import LinesError
from scriven.images import encode
from scriven.importers import IMPORTERS
from scriven.jobs.export import export
from scriven.lines import Line
from toy_imports import PNG, lines_folder, lines_of, read


def database(path: Path, pairs: dict[bytes, bytes]) -> Path:
    lmdb = pytest.importorskip("lmdb")
    path.mkdir(parents=True)
    with lmdb.open(str(path)) as environment, environment.begin(write=True) as transaction:
        for key, value in pairs.items():
            transaction.put(key, value)
    return path


def keys(path: Path) -> dict[bytes, bytes]:
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open(str(path), readonly=True, lock=False) as environment, environment.begin() as transaction:
        return {bytes(key): bytes(value) for key, value in transaction.cursor()}


def test_the_keys_of_an_lmdb_are_those_of_clova(tmp_path: Path) -> None:
    pytest.importorskip("lmdb")
    damaged = Line("damaged", b"\x89PNG no picture", "x")
    source = lines_folder(tmp_path / "l", Line("a", PNG, "été"), damaged, Line("b", PNG, "zwei"))
    done = export("lmdb", source, tmp_path / "out")
    assert [skipped.id for skipped in done.skipped] == ["damaged"] and done.lines == 2
    assert keys(tmp_path / "out" / "train") == {
        b"image-000000001": PNG,
        b"label-000000001": "été".encode(),
        b"id-000000001": b"a",
        b"image-000000002": PNG,
        b"label-000000002": b"zwei",
        b"id-000000002": b"b",
        b"num-samples": b"2",
    }


def test_the_map_of_an_lmdb_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lmdb")
    monkeypatch.setattr(import_module("scriven.exporters.lmdb"), "GROW", 1 << 16)
    noise = encode(np.random.default_rng(0).integers(0, 255, (64, 256), np.uint8), "png")
    source = lines_folder(tmp_path / "l", *(Line(f"n{number:03d}", noise, str(number)) for number in range(40)))
    export("lmdb", source, tmp_path / "out")
    assert len(noise) * 40 > 4 << 16
    assert [text for _, _, text in read("lmdb", tmp_path / "out")[0]] == [str(number) for number in range(40)]


@pytest.mark.parametrize("count", [None, b"", b"many"])
def test_an_lmdb_without_a_number_of_samples_is_refused(count: bytes | None, tmp_path: Path) -> None:
    pairs = {b"image-000000001": PNG, b"label-000000001": b"x"} | ({} if count is None else {b"num-samples": count})
    source = database(tmp_path / "s", pairs)
    with pytest.raises(LinesError, match=f"^{re.escape(str(source / 'data.mdb'))} should have the key num-samples"):
        list(IMPORTERS["lmdb"](source))


def test_missing_keys_and_damaged_pictures_of_an_lmdb_are_named(tmp_path: Path) -> None:
    """Earlier readers stopped at a missing key and trained on a black picture in place of a damaged one."""
    pairs = {b"num-samples": b"4"} | {b"label-%09d" % number: b"word" for number in (1, 2, 4)}
    pairs |= {b"image-000000001": PNG, b"image-000000003": PNG, b"image-000000004": PNG[:40]}
    lines, skipped = read("lmdb", database(tmp_path / "s", pairs))
    assert lines == [("train", "000000001", "word")]
    reasons = {item.id: item.reason for item in skipped}
    assert "has no key image-000000002" in reasons["000000002"]
    assert "has no key label-000000003" in reasons["000000003"]
    assert set(reasons) == {"000000002", "000000003", "000000004"} and "000000004" in reasons["000000004"]


def one(count: bytes = b"1") -> dict[bytes, bytes]:
    """A database of one sample, which states `count`."""
    return {b"image-000000001": PNG, b"label-000000001": b"x", b"num-samples": count}


@pytest.mark.parametrize("count", [b"3", b"3000000000", b"9" * 5000])
def test_an_impossible_number_of_samples_is_refused(count: bytes, tmp_path: Path) -> None:
    """Each stated number used to be looked up and skipped, three thousand million of them."""
    with pytest.raises(LinesError, match="samples by its key num-samples, but has only 2 other keys"):
        list(IMPORTERS["lmdb"](database(tmp_path / "s", one(count))))


def test_samples_beyond_the_stated_number_are_reported(tmp_path: Path) -> None:
    more = {b"image-000000002": PNG, b"label-000000002": b"y", b"image-000000000": PNG, b"note": b"-"}
    lines, skipped = read("lmdb", database(tmp_path / "s", one() | more))
    assert lines == [("train", "000000001", "x")]
    assert [item.id for item in skipped] == ["data.mdb"]
    assert "num-samples is 1, but the database has 3 further keys of samples" in skipped[0].reason
    assert read("lmdb", database(tmp_path / "t", one() | {b"note": b"-"}))[1] == []


def test_the_sets_of_clovas_release_keep_their_splits(tmp_path: Path) -> None:
    """`evaluation`, the folder of the test sets, used to be imported as train."""
    for place in ("training/MJ/MJ_train", "validation", "evaluation/IIIT5k_3000"):
        database(tmp_path / place, one())
    assert {(split, id) for split, id, _ in read("lmdb", tmp_path)[0]} == {
        ("train", "training/MJ/MJ_train/000000001"),
        ("valid", "validation/000000001"),
        ("test", "evaluation/IIIT5k_3000/000000001"),
    }


def test_several_databases_in_folders_that_name_no_split_need_one(tmp_path: Path) -> None:
    for place in ("IIIT5k_3000", "SVT", "train"):
        database(tmp_path / "sets" / place, one())
    with pytest.raises(LinesError, match="3 databases, and IIIT5k_3000, SVT is no name of a split.*--set split="):
        list(IMPORTERS["lmdb"](tmp_path / "sets"))
    assert [split for split, _ in lines_of("lmdb", tmp_path / "sets", split="test")] == ["test", "test", "train"]
    assert [split for split, _ in lines_of("lmdb", tmp_path / "sets" / "SVT")] == ["train"]


def test_a_database_keeps_hand_page_origin_and_confidence(tmp_path: Path) -> None:
    pytest.importorskip("lmdb")
    about = Line("a", PNG, "x", hand="Zoë", page="1 r", origin="pseudo", confidence=0.25, width=60, height=20)
    plain = Line("b", PNG, "y", width=60, height=20)
    export("lmdb", lines_folder(tmp_path / "l", about, plain), tmp_path / "out")
    assert [line for _, line in lines_of("lmdb", tmp_path / "out")] == [about, plain]
    assert sorted(key for key in keys(tmp_path / "out" / "train") if key.endswith(b"2")) == [
        b"id-000000002",
        b"image-000000002",
        b"label-000000002",
    ]
