"""Lines folders: writing and reading, resuming after a kill, bounded memory, held-out lines."""

import dataclasses
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scriven.lines
from scriven.base import LinesError, OutputError
from scriven.lines import SCHEMA, Line, LinesFolder, LinesWriter, StreamSizes, held_out
from toy_lines import PNG, SMALL, parquet, row, some, write

Python = Callable[..., "subprocess.CompletedProcess[str]"]


# ---- writing and reading


def test_written_lines_are_read_back_unchanged(tmp_path: Path) -> None:
    lines = [
        dataclasses.replace(line, confidence=c, text=t, hand="h", page="p", origin="pseudo", width=7, height=9)
        for line, c, t in zip(some(12), [None, 0.5, 0.25] * 4, [None, "", "né"] * 4, strict=True)
    ]
    folder = LinesFolder(write(tmp_path / "l", lines))
    assert list(folder.lines()) == lines and not folder.skipped
    assert [g.rows for g in folder.groups("train")] == [3, 2, 3, 2, 2] and folder.count("train") == 12
    assert folder.about == {"command": "test", "counts": {"train": {"pseudo": 12}}, "finished": True}
    assert folder.columns("train", ["id", "nothing"]) == {"id": [x.id for x in lines], "nothing": [None] * 12}
    assert folder.find("l7") == lines[7]
    with pytest.raises(LinesError, match="no line 'l70'"):
        folder.find("l70")


def test_texts_of_lines_are_normalised(tmp_path: Path) -> None:
    parquet(tmp_path / "train.parquet", [row(text=" e\u0301t\u00e9\u00a0 1914\n")])
    assert [line.text for line in LinesFolder(tmp_path).lines()] == ["été 1914"]


def test_unknown_columns_are_kept(tmp_path: Path) -> None:
    extra = [
        {"language": "fr", "year": 1914, "score": 1, "kept": True, "box": [1, 2], "odd": 1},
        {"language": None, "score": 0.5, "odd": "x"},
        {},
    ]
    lines = [dataclasses.replace(line, extra=extra[n % 3]) for n, line in enumerate(some(12))]
    path = write(tmp_path / "l", lines)
    full = dict.fromkeys(("language", "year", "score", "kept", "box", "odd"))
    read = [line.extra for line in LinesFolder(path).lines()]
    assert read[0] == {**full, "language": "fr", "year": 1914, "score": 1.0, "kept": True, "box": "[1, 2]", "odd": "1"}
    assert read[1] == {**full, "score": 0.5, "odd": "x"} and read[2] == full
    table = pa.concat_tables(pq.read_table(file) for file in sorted(path.glob("*.parquet")))  # one schema in all
    assert table["year"].to_pylist()[:3] == [1914, None, None]
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == table.schema.names and features["year"] == {"dtype": "int64", "_type": "Value"}
    assert features["score"]["dtype"] == "float64" and features["image"] == {"_type": "Image"}
    again = write(tmp_path / "again", list(LinesFolder(path).lines()))
    assert list(LinesFolder(again).lines()) == list(LinesFolder(path).lines())
    assert LinesFolder(path).columns("train", ["language"])["language"][:2] == ["fr", None]


def test_an_extra_column_after_the_first_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LinesError, match="'l6' has the column 'language', which no line of the first file has"):
        write(
            tmp_path / "l", [dataclasses.replace(x, extra={"language": "fr"} if x.id == "l6" else {}) for x in some(9)]
        )
    years = [dataclasses.replace(x, extra={"year": "MCM" if x.id == "l6" else 1900}) for x in some(9)]
    with pytest.raises(LinesError, match="'l6' does not match the column 'year': 'MCM' is not of type int"):
        write(tmp_path / "m", years)
    with pytest.raises(LinesError, match="'text' among its unknown columns"):
        write(tmp_path / "n", [Line("a", PNG, extra={"text": "x"})])
    with pytest.raises(LinesError, match="no split 'dev'"):
        write(tmp_path / "o", some(1), "dev")


def test_the_schema_metadata_has_the_hugging_face_features() -> None:
    features = json.loads(SCHEMA.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == SCHEMA.names
    for name, feature in features.items():
        if name != "image":
            assert feature == {"dtype": str(SCHEMA.field(name).type).replace("float", "float32"), "_type": "Value"}


def test_shards_are_limited_by_the_bytes_of_pictures(tmp_path: Path) -> None:
    lines = [Line(f"{n}", PNG + bytes([n]) * 400) for n in range(7)]
    folder = LinesFolder(write(tmp_path / "l", lines, sizes=StreamSizes(shard_bytes=1000)))
    assert [g.rows for g in folder.groups("train")] == [3, 3, 1] and list(folder.lines()) == lines


# ---- memory: only a few row groups are held at a time

LARGE = """
import resource, sys, random
from scriven.lines import Line, LinesFolder, LinesWriter, StreamSizes

def used():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

sizes = StreamSizes(shard_rows=1024, cache_bytes=4 << 20)
folder, table, count = sys.argv[1], sys.argv[2], 20_000
start, peak = 0, 0
with LinesWriter(folder, {}, sizes) as writer:
    for number in range(count):
        writer.write(Line(f"{number:06}", b"\\x89PNG" + random.randbytes(4000), "a"))
        if number == 3000:
            start = used()
        if number % 100 == 0:
            peak = max(peak, used())
with open(table, "w") as file:
    file.write("id,image\\n" + "".join(f"{n},{folder}#{n:06}\\n" for n in range(0, count, 2)))
for path, wanted in ((folder, count), (table, count // 2)):
    read = 0
    for line in LinesFolder(path, sizes=sizes).lines():
        read += 1
        if read % 100 == 0:
            peak = max(peak, used())
    assert read == wanted
print(start >> 20, peak >> 20)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is looked up in /proc")
def test_twenty_thousand_lines_are_streamed_in_little_memory(python: Python, tmp_path: Path) -> None:
    """80 MB of pictures are written, read, and read through a CSV of 10,000 rows with less than 60 MB of memory."""
    done = python(LARGE, tmp_path / "l", tmp_path / "t.csv")
    assert done.returncode == 0, done.stderr
    start, peak = map(int, done.stdout.split())
    assert (tmp_path / "l" / "train-00019.parquet").exists() and 0 < peak - start < 60, (start, peak)


def test_records_do_not_import_pyarrow(python: Python) -> None:
    code = "import sys; from scriven.lines import Reading, Line, held_out; print('pyarrow' in sys.modules)"
    assert python(code).stdout == "False\n"
    assert all(getattr(scriven.lines, name) is not None for name in scriven.lines.__all__)
    with pytest.raises(AttributeError, match="LinesFoldr"):
        _ = scriven.lines.LinesFoldr  # type: ignore[attr-defined]


# ---- interruptions


def files(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in path.iterdir()}


def test_a_resumed_folder_has_the_same_bytes(tmp_path: Path) -> None:
    lines = [dataclasses.replace(x, extra={"n": n}) for n, x in enumerate(some(17))]
    whole, part = write(tmp_path / "whole", lines), tmp_path / "part"
    with pytest.raises(KeyboardInterrupt), LinesWriter(part, {"command": "test"}, SMALL) as writer:
        for line in lines[:13]:
            writer.write(line)
        raise KeyboardInterrupt
    assert LinesFolder(part).count("train") == 10 and LinesFolder(part).about["finished"] is False
    left = (".train-00002.parquet.abc.part", ".about.json.abc.part")
    for name in (*left, ".mine.part"):
        (part / name).write_bytes(b"half")
    assert LinesFolder(part).count("train") == 10
    with LinesWriter(part, {"command": "test"}, SMALL) as writer:
        assert writer.done == {"train": 10} and not any((part / name).exists() for name in left)
        for line in lines[10:]:
            writer.write(line)
    (part / ".mine.part").unlink()  # files of others are kept
    assert files(part) == files(whole)


KILLED = """
import os, signal, sys
from scriven.lines import Line, LinesWriter, StreamSizes
deadly, replace = int(sys.argv[2]), os.replace
moves = []
def dying(*names):
    moves.append(names)
    if len(moves) == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*names)
os.replace = dying
with LinesWriter(sys.argv[1], {"command": "test"}, StreamSizes(3, 5)) as writer:
    for number in range(writer.done.get("train", 0), 12):
        writer.write(Line(f"l{number}", b"\\x89PNG\\r\\n\\x1a\\n" + bytes([number]), f"word {number}"))
"""


@pytest.mark.parametrize("deadly", [1, 3])
def test_a_kill_before_a_rename_leaves_a_folder_that_can_be_resumed(
    python: Python, tmp_path: Path, deadly: int
) -> None:
    """`deadly`: 1: when about.json is first written; 3: in the middle."""
    assert python(KILLED, tmp_path / "part", deadly).returncode == -9
    assert any(p.name.endswith(".part") for p in (tmp_path / "part").iterdir())
    done = python(KILLED, tmp_path / "part", 99)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "part") == files(write(tmp_path / "whole", some(12)))


def test_output_of_another_command_is_never_changed(tmp_path: Path) -> None:
    path = write(tmp_path / "l", some(2))
    before = files(path)
    with pytest.raises(OutputError, match="finished"):
        LinesWriter(path, {"command": "test"})
    assert files(path) == before
    LinesWriter(tmp_path / "m", {"command": "test", "seed": 1})
    with pytest.raises(OutputError, match="begun with other settings"):
        LinesWriter(tmp_path / "m", {"command": "test", "seed": 2})
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / "mine.txt").write_text("x")
    (tmp_path / "o").write_text("x")
    for name in ("n", "o"):
        with pytest.raises(OutputError, match="not an unfinished lines folder"):
            LinesWriter(tmp_path / name, {})
    with pytest.raises(KeyboardInterrupt), LinesWriter(tmp_path / "p", {}, SMALL) as writer:
        for line in some(11):
            writer.write(line)
        raise KeyboardInterrupt
    (tmp_path / "p" / "train-00000.parquet").unlink()
    with pytest.raises(OutputError, match="a gap in the numbers"):
        LinesWriter(tmp_path / "p", {})
    (tmp_path / "p" / "train-00001.parquet").rename(tmp_path / "p" / "train-00000.parquet")
    (tmp_path / "p" / "train-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(OutputError, match="is damaged"):
        LinesWriter(tmp_path / "p", {})


def test_a_second_writer_of_a_folder_is_refused(python: Python, tmp_path: Path) -> None:
    """The second writer used to delete the files that the first one was writing."""
    with LinesWriter(tmp_path / "l", {"command": "test"}, SMALL) as writer:
        for line in some(7):
            writer.write(line)
        with pytest.raises(OutputError, match="another process is writing .*l; wait for it, or choose another -o"):
            LinesWriter(tmp_path / "l", {"command": "test"}, SMALL)
        code = "import sys; from scriven.lines import LinesWriter; LinesWriter(sys.argv[1], {'command': 'test'})"
        done = python(code, tmp_path / "l")
        assert done.returncode == 1 and "another process is writing" in done.stderr
        for line in some(9)[7:]:
            writer.write(line)
    assert files(tmp_path / "l") == files(write(tmp_path / "m", some(9)))


def test_a_failed_writer_releases_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), LinesWriter(tmp_path / "l", {"command": "test"}) as writer:
        raise ZeroDivisionError
    write(tmp_path / "l", some(2))
    writer.release()  # a second call does nothing
    assert sorted(files(tmp_path / "l")) == ["about.json", "train-00000.parquet"]


# ---- held out


KEYS = st.lists(st.sampled_from(["", *(f"k{n}" for n in range(40))]), min_size=1, max_size=120)


@settings(max_examples=60)
@given(KEYS, st.integers(0, 2**32))
def test_whole_hands_are_held_out_regardless_of_their_order(hands: list[str], seed: int) -> None:
    ids = [f"id{n}" for n in range(len(hands))]
    held = held_out(hands, hands, ids)
    assert len(held) == len(ids) and not all(held)
    assert any(held) == (len(ids) > 1)
    mixed = random.Random(seed).sample(range(len(ids)), len(ids))
    assert held_out(*([keys[i] for i in mixed] for keys in (hands, hands, ids))) == [held[i] for i in mixed]
    distinct = set(hands) - {""}
    if len(distinct) >= 10:
        chosen = {h for h, is_held in zip(hands, held, strict=True) if is_held}
        assert len(chosen) == len(distinct) // 10 and "" not in chosen
        assert [h in chosen for h in hands] == held
    elif len(ids) >= 10:
        assert sum(held) == len(ids) // 10


def test_pages_are_held_out_if_there_are_few_hands() -> None:
    pages = [f"p{n // 3}" for n in range(60)]
    held = held_out(["one"] * 60, pages, [str(n) for n in range(60)])
    assert sum(held) == 6 and len({p for p, h in zip(pages, held, strict=True) if h}) == 2
    assert held_out(["a"] * 9, [""] * 9, [str(n) for n in range(9)]).count(True) == 1
    assert held_out([], [], []) == [] and held_out(["h"], ["p"], ["i"]) == [False]


def test_pseudo_labels_and_texts_with_a_confidence_are_by_a_model() -> None:
    from scriven.lines.records import by_model

    assert by_model("human", 0.4) and by_model("pseudo", None) and by_model(None, 0.0)
    assert not by_model("human", None) and not by_model("fonts", float("nan")) and not by_model(None, None)
