"""Importers skip only the damaged parts of data, and an unfinished export leaves no folder."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scriven.base import LinesError, Skipped
from scriven.exporters.common import FOLDERS
from scriven.images import encode
from scriven.importers import IMPORTERS
from scriven.importers.common import from_file
from scriven.jobs.export import export
from scriven.jobs.import_ import Imported, import_lines
from scriven.lines import Line, LinesFolder, LinesWriter, StreamSizes

PICTURE = np.full((20, 60), 200, np.uint8)
PNG, JPEG = encode(PICTURE, "png"), encode(PICTURE, "jpg")


def folder(path: Path, *lines: Line) -> Path:
    with LinesWriter(path, {"command": "test"}) as writer:
        for line in lines:
            writer.write(line)
    return path


def table(file: Path, **columns: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"image": [PNG] * len(next(iter(columns.values()))), **columns}), file)
    return file


def ids(done: Imported) -> list[str]:
    return [line.id for line in LinesFolder(done.out).lines()]


def reasons(done: Imported) -> dict[str, str]:
    return {skipped.id: skipped.reason for skipped in done.skipped}


# ---- metadata


def test_metadata_that_is_not_utf8_skips_its_row(tmp_path: Path) -> None:
    source = tmp_path / "s"
    source.mkdir()
    (source / "1.png").write_bytes(PNG)
    row = b'{"file_name": "1.png", "text": "x", "id": "%s"%s}\n'
    rows = [(b"good", b""), (b"latin", b', "hand": "M\xfcller"'), (b"half", rb', "page": "\ud800"'), (rb"\udcff", b"")]
    odd = b'{"file_name": "\\ud800.png", "text": "x"}\n{"file_name": "\\u0000", "text": "x"}\n' + b"[" * 100_000
    (source / "metadata.jsonl").write_bytes(b"".join(row % each for each in rows) + odd)
    done = import_lines(source, tmp_path / "out", "imagefolder")
    assert ids(done) == ["good"]
    why = reasons(done)
    assert "its hand is not UTF-8" in why["latin"] and "its page is not UTF-8" in why["half"]
    assert "its id is not UTF-8" in why["\\udcff"]
    assert "cannot open" in why["\\ud800"] and "cannot open" in why["\0"] and "not a JSON" in why["metadata.jsonl:7"]


def test_an_invalid_confidence_is_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Invalid values of an optional column do not skip the row; decimal commas are accepted."""
    values = ["0.5", "high", "", "0,25", "n/a"]
    table(tmp_path / "train.parquet", id=list("abcde"), text=["x"] * 5, confidence=values)
    done = import_lines(tmp_path / "train.parquet", tmp_path / "out", "parquet")
    assert [x.confidence for x in LinesFolder(done.out).lines()] == [0.5, None, None, 0.25, None]
    assert not done.skipped and [r.message for r in caplog.records if "'high'" in r.message]
    assert sum(r.levelname == "WARNING" for r in caplog.records) == 1


def test_an_lmdb_id_that_is_not_utf8_skips_its_line(tmp_path: Path) -> None:
    database = pytest.importorskip("lmdb")
    (tmp_path / "s").mkdir()
    with database.open(str(tmp_path / "s")) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"num-samples", b"3")
        for number, id in ((1, b"good"), (2, b"M\xfcller"), (3, b"lost\xff")):
            transaction.put(b"id-%09d" % number, id)
            if number < 3:
                transaction.put(b"image-%09d" % number, PNG)
                transaction.put(b"label-%09d" % number, b"word")
    done = import_lines(tmp_path / "s", tmp_path / "out", "lmdb")
    assert ids(done) == ["good"]
    why = reasons(done)
    assert set(why) == {"M\\udcfcller", "lost\\udcff"} and "its id is not UTF-8" in why["M\\udcfcller"]


def test_impossible_paths_are_skipped() -> None:
    for name in ("x" * 300, "a\0b", "\ud800"):
        assert "cannot open the picture" in from_file("a", Path(name), "x").reason  # type: ignore[union-attr]


# ---- files


def test_an_unreadable_text_skips_its_pair(tmp_path: Path) -> None:
    source = tmp_path / "s"
    for name in ("dangling", "folder", "good"):
        (source / "x").mkdir(parents=True, exist_ok=True)
        (source / f"{name}.png").write_bytes(PNG)
    (source / "good.gt.txt").write_text("word")
    (source / "folder.gt.txt").mkdir()
    (source / "dangling.gt.txt").symlink_to(source / "nowhere")
    done = import_lines(source, tmp_path / "out", "pairs")
    assert ids(done) == ["good"]
    assert {id: why[:11] for id, why in reasons(done).items()} == dict.fromkeys(("dangling", "folder"), "cannot open")


def test_pictures_without_a_transcript_are_named(tmp_path: Path) -> None:
    source = tmp_path / "s"
    source.mkdir()
    for name in ("0.png", "1.jpg", "1.png", "cover.png", ".hidden.png"):
        (source / name).write_bytes(JPEG if name.endswith("jpg") else PNG)
    (source / "transcripts.txt").write_text("a\nb\n")
    done = import_lines(source, tmp_path / "out", "transcripts")
    assert ids(done) == ["0", "1"]
    why = reasons(done)
    assert set(why) == {"1.png", "cover.png"}
    assert "with 1.jpg" in why["1.png"] and "is not a number" in why["cover.png"]


# ---- Parquet


def test_collections_whose_extra_columns_differ(tmp_path: Path) -> None:
    count = 6
    common = {"text": ["w"] * count, "mixed": list(range(count)), "number": list(range(count))}
    table(tmp_path / "s" / "x" / "train.parquet", id=[f"x{n}" for n in range(count)], foo=["f"] * count, **common)
    more = {"mixed": ["m", "n"], "number": [0.5, 1.5], "large": pa.array([1, 2**63], pa.uint64())}
    table(tmp_path / "s" / "y" / "train.parquet", id=["y0", "y1"], sentence=["w", "w"], bar=["b", None], **more)
    items = list(IMPORTERS["parquet"](tmp_path / "s"))
    with LinesWriter(tmp_path / "out", {}, StreamSizes(shard_rows=4)) as writer:  # so that a second shard follows
        for item in items:
            if not isinstance(item, Skipped):
                writer.write(item[1], item[0])
    lines = {line.id: line for line in LinesFolder(tmp_path / "out").lines()}
    assert len(lines) == 7 and all(line.text == "w" for line in lines.values())
    assert lines["x5"].extra == {"mixed": "5", "number": 5.0, "foo": "f", "bar": None, "large": None}
    assert lines["y0"].extra == {"mixed": "m", "number": 0.5, "foo": None, "bar": "b", "large": "1"}
    assert ["it does not match the column 'large'" in i.reason for i in items if isinstance(i, Skipped)] == [True]


def test_text_columns_of_all_arrow_string_types(tmp_path: Path) -> None:
    kinds = {"dictionary": pa.dictionary(pa.int8(), pa.string()), "view": pa.string_view(), "large": pa.large_string()}
    for name, kind in kinds.items():
        file = table(tmp_path / f"{name}.parquet", id=["1", "2"], text=pa.array(["a", "b"], pa.string()).cast(kind))
        done = import_lines(file, tmp_path / name, "parquet")
        assert [line.text for line in LinesFolder(done.out).lines()] == ["a", "b"]
    file = table(tmp_path / "number.parquet", text=[1, 2])
    with pytest.raises(LinesError, match="has int64, not text, in its column 'text'; give --set text=NAME"):
        import_lines(file, tmp_path / "number", "parquet")
    with pytest.raises(LinesError, match="has no column 'words'; it has image, text; give --set text=NAME"):
        import_lines(file, tmp_path / "number", "parquet", changes=["text=words"])


def test_an_unreadable_picture_skips_its_row(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(PNG)
    (tmp_path / "folder.png").mkdir()
    images = [{"bytes": None, "path": name} for name in ("good.png", "lost.png", "folder.png", "x" * 300)]
    pq.write_table(pa.table({"id": list("abcd"), "image": images, "text": ["w"] * 4}), tmp_path / "train.parquet")
    done = import_lines(tmp_path / "train.parquet", tmp_path / "out", "parquet")
    assert ids(done) == ["a"] and set(reasons(done)) == {"b", "c", "d"}


# ---- exports


def test_a_damaged_picture_skips_its_line_of_an_export(tmp_path: Path, scriven: Callable[..., Any]) -> None:
    lines = folder(tmp_path / "l", Line("a", JPEG, "one"), Line("bad", JPEG[:100], "two"), Line("c", JPEG, "three"))
    code, out, err = scriven("export", "transcripts", lines, "-o", tmp_path / "out", "--json")
    assert code == 1 and "skipped bad: " in err
    assert json.loads(out) | {"out": ""} == {"out": "", "lines": 2, "skipped": 1}
    done = import_lines(tmp_path / "out", tmp_path / "back", "transcripts")
    assert [line.text for line in LinesFolder(done.out).lines()] == ["one", "three"]
    only = folder(tmp_path / "m", Line("bad", JPEG[:100], "two"))
    with pytest.raises(LinesError, match="no line that can be exported; the first of 1: bad: "):
        export("transcripts", only, tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("format", ["pairs", "csv", "tsv", "imagefolder"])
def test_ids_longer_than_a_file_name(format: str, tmp_path: Path) -> None:
    long = ["é" * 130 + "1", "é" * 130 + "2", "a/" * 600 + "b", "?" * 100, "x" * 248, "d" * 255 + "/x"]
    lines = folder(tmp_path / "l", *(Line(id, PNG, f"text {n}") for n, id in enumerate(long)))
    export(format, lines, tmp_path / "out")
    back = import_lines(tmp_path / "out", tmp_path / "back", format)
    found = {line.text: line.id for line in LinesFolder(back.out).lines()}
    assert len(found) == len(set(found.values())) == len(long) and not back.skipped
    assert found["text 4"] == long[4]  # exactly the longest name allowed
    if format in ("csv", "imagefolder"):
        assert [found[f"text {n}"] for n in range(len(long))] == long


def test_an_export_as_lmdb_writes_no_lock_file(tmp_path: Path) -> None:
    """LMDB memory-maps its lock file; writing to it on a full disk used to kill the process with SIGBUS."""
    pytest.importorskip("lmdb")
    export("lmdb", folder(tmp_path / "l", Line("a", PNG, "one")), tmp_path / "out")
    assert [p.name for p in (tmp_path / "out" / FOLDERS["train"]).iterdir()] == ["data.mdb"]


@pytest.mark.parametrize("free", [0, 200])
def test_an_export_as_lmdb_on_a_full_disk(free: int, tmp_path: Path) -> None:
    """On a disk of 1 MB with `free` KB left, if the system allows a test to create one."""
    pytest.importorskip("lmdb")
    (disk := tmp_path / "disk").mkdir()
    own = ["unshare", "--user", "--map-root-user", "--mount"]
    mount = f"mount -t tmpfs -o size=1m none '{disk}'"
    if not shutil.which("unshare") or subprocess.run([*own, "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("no disk can be made here")
    lines = folder(tmp_path / "l", *(Line(f"a{n}", PNG + bytes(2000), "one") for n in range(200)))
    fill = f"dd if=/dev/zero of='{disk}/fill' bs=1024 count={1024 - free} status=none; mkdir '{disk}/o'"
    call = f"'{sys.executable}' -c 'from scriven.cli import main; main()' -q export lmdb '{lines}' -o '{disk}/o/out'"
    home = str(Path(sys.modules["scriven"].__file__ or "").parents[1])
    shell = f"{mount} && ({fill}; {call}; echo $? $(ls -A '{disk}/o'))"
    done = subprocess.run([*own, "sh", "-c", shell], env={**os.environ, "PYTHONPATH": home}, capture_output=True)
    said = done.stderr.decode()
    assert done.stdout.decode().split() == ["2"], said
    assert said.startswith("scriven: cannot write") and "free some space" in said and len(said.splitlines()) == 1
