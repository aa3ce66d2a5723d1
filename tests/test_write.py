"""`write`: the same seed gives the same folder with any number of workers, and after any interruption."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import scriven as package
from scriven.base import OutputError, SettingsError, TextError
from scriven.images import decode
from scriven.jobs.drawing import made_in_order
from scriven.jobs.write import settings_with, write
from scriven.lines import LinesFolder
from scriven.scribes.typefaces import bundled

TEXTS = "Příliš žluťoučký\nkůň\n\nNaN\nété 1914\n"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "texts.txt"
    file.write_text(TEXTS, "utf-8")
    return file


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_the_texts_of_a_file_are_written_once_in_order(texts: Path, tmp_path: Path) -> None:
    done = write(tmp_path / "out", str(texts))
    lines = list(LinesFolder(tmp_path / "out").lines("train"))
    assert [line.text for line in lines] == ["Příliš žluťoučký", "kůň", "NaN", "été 1914"]
    assert done.lines == 4 and not done.skipped
    for line in lines:
        grey = decode(line.image, line.id)
        assert grey.shape == (line.height, line.width) and int(grey.max()) - int(grey.min()) > 40
        assert line.hand and line.origin == "fonts"


def test_count_cycles_the_texts_with_new_hands(texts: Path, tmp_path: Path) -> None:
    write(tmp_path / "out", str(texts), count=10, seed=3, split="valid")
    lines = list(LinesFolder(tmp_path / "out").lines("valid"))
    assert [line.text for line in lines][:5] == ["Příliš žluťoučký", "kůň", "NaN", "été 1914", "Příliš žluťoučký"]
    assert len(lines) == 10 and lines[0].image != lines[4].image


def test_about_json_describes_how_the_folder_was_made(texts: Path, tmp_path: Path) -> None:
    write(tmp_path / "out", str(texts), seed=5)
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    assert about["seed"] == 5 and about["finished"] and about["counts"] == {"train": {"fonts": 4}}
    assert about["command"].startswith("scriven write") and "OFL" in about["licence"]
    assert about["settings"]["fonts"]["height"] == 64
    assert about["parents"][0]["path"] == str(texts) and len(about["parents"][0]["sha256"]) == 64


def test_the_number_of_workers_does_not_change_the_bytes(texts: Path, tmp_path: Path) -> None:
    write(tmp_path / "one", str(texts), count=150, seed=1)
    write(tmp_path / "two", str(texts), count=150, seed=1, workers=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    write(tmp_path / "other", str(texts), count=150, seed=2)
    assert files(tmp_path / "one")["train-00000.parquet"] != files(tmp_path / "other")["train-00000.parquet"]


KILLED = """
import sys
from functools import partial
import scriven.jobs.write as job
from scriven.lines import StreamSizes
job.filling = partial(job.filling, sizes=StreamSizes(shard_rows=20))
job.write(sys.argv[1], sys.argv[2], count=90, seed=4)
"""


def test_a_killed_job_is_continued_with_the_same_bytes(texts: Path, tmp_path: Path) -> None:
    home = str(Path(package.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": home}

    def start(out: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / out), str(texts)], env=environment)

    assert start("whole").wait(60) == 0
    process, part = start("part"), tmp_path / "part"
    for _ in range(6000):
        if (part / "train-00001.parquet").exists() or process.poll() is not None:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    there = LinesFolder(part)
    assert 40 <= there.count("train") < 90 and not there.about["finished"]  # a kill leaves a folder that loads
    (part / ".train-00009.parquet.x.part").write_bytes(b"half")  # left by a kill during a write
    assert start("part").wait(60) == 0
    (part / ".train-00009.parquet.x.part").unlink(missing_ok=True)
    assert {n: d for n, d in files(part).items() if not n.startswith(".")} == files(tmp_path / "whole")


def test_a_finished_folder_is_never_overwritten(texts: Path, tmp_path: Path) -> None:
    write(tmp_path / "out", str(texts))
    before = files(tmp_path / "out")
    for seed in (0, 1):
        with pytest.raises(OutputError, match="finished"):
            write(tmp_path / "out", str(texts), seed=seed)
    assert files(tmp_path / "out") == before


def test_texts_that_no_typeface_covers_are_skipped_by_name(tmp_path: Path, scriven) -> None:
    (tmp_path / "t.txt").write_text("word\n漢字\nother\n", "utf-8")
    code, out, err = scriven("write", "-o", tmp_path / "out", "--texts", tmp_path / "t.txt", "--json")
    assert code == 1 and json.loads(out) == {"out": str(tmp_path / "out"), "lines": 2, "skipped": 1}
    assert "0-00000001" in err and "U+6F22" in err
    assert [line.text for line in LinesFolder(tmp_path / "out").lines()] == ["word", "other"]
    (tmp_path / "t.txt").write_text("漢字\n", "utf-8")
    with pytest.raises(TextError, match="none of the 1 texts"):
        write(tmp_path / "nothing", str(tmp_path / "t.txt"))
    assert not (tmp_path / "nothing").exists()


def test_the_setting_characters_applies_to_files(texts: Path, tmp_path: Path) -> None:
    done = write(tmp_path / "out", str(texts), settings=settings_with(["characters=étNaN1409"]))
    assert [line.text for line in LinesFolder(tmp_path / "out").lines()] == ["NaN", "été 1914"]
    assert [r.id for r in done.skipped] == ["'Příliš žluťoučký'", "'kůň'"] and "U+0148" in done.skipped[1].reason
    with pytest.raises(SettingsError, match="no text can be written"):
        write(tmp_path / "none", str(texts), settings=settings_with(["characters=xyz"]))
    assert not (tmp_path / "none").exists()


def test_texts_excluded_only_by_tags_name_the_tags(texts: Path, tmp_path: Path) -> None:
    texts.write_text("Завтра\nword\n漢\n", "utf-8")
    done = write(tmp_path / "out", str(texts), settings=settings_with(["tags=school"]))
    first, second = (item.reason for item in done.skipped)
    assert "U+0417" in first and first.endswith("with the tag school, but others do; choose other tags")
    assert second.endswith("add a font that does")


def test_invalid_arguments_are_refused_before_writing(texts: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    with pytest.raises(SettingsError, match="has the tag 'blue'"):
        settings_with(["tags=blue"])
    for error, match, arguments in (
        (SettingsError, "--count", {"texts": "words:en"}),
        (SettingsError, "no scribe 'pen'", {"texts": str(texts), "scribe": "pen"}),
        (SettingsError, "no split 'dev'", {"texts": str(texts), "split": "dev"}),
        (TextError, "empty.txt", {"texts": str(tmp_path / "empty.txt")}),
        (TextError, "nowhere.txt", {"texts": str(tmp_path / "nowhere.txt")}),
    ):  # fmt: skip
        with pytest.raises(error, match=match):
            write(tmp_path / "out", **arguments)
        assert not (tmp_path / "out").exists()


def test_unreadable_texts_are_refused_with_their_own_reason(tmp_path: Path) -> None:
    fonts, texts = tmp_path / "fonts", tmp_path / "texts"
    fonts.mkdir()
    texts.mkdir()
    shutil.copy(bundled()[0].files[0].path, fonts)
    (fonts / "broken.ttf").write_bytes(b"no font")
    (texts / "latin.txt").write_bytes("été".encode("latin-1"))
    with pytest.raises(TextError, match=r"\(.*latin.txt: it is not UTF-8"):  # not that of a font
        write(tmp_path / "out", str(texts), scribe=f"fonts:{fonts}")
    (texts / "good.txt").write_text("a\n")
    done = write(tmp_path / "out", str(texts), scribe=f"fonts:{fonts}")
    assert [Path(one.id).name for one in done.skipped] == ["broken.ttf", "latin.txt"]


def test_settings_change_the_pictures(texts: Path, tmp_path: Path) -> None:
    write(tmp_path / "plain", str(texts), settings=settings_with(["strength=0", "height=48", "tags=print"]))
    line = next(LinesFolder(tmp_path / "plain").lines())
    assert line.height == 48
    assert settings_with(["top=5"]).texts.top == 5
    longer = settings_with(["min_tokens=20", "max_tokens=30", "tags=print"])  # of the texts and of the scribe
    assert (longer.texts.min_tokens, longer.texts.max_tokens, longer.scribe.tags) == (20, 30, ("print",))


def test_words_of_a_language(tmp_path: Path) -> None:
    done = write(tmp_path / "out", "words:fr", count=12)
    assert done.lines + len(done.skipped) == 12 and done.lines >= 10


class Deadly:
    """An object that kills the process that unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (3,)


def test_an_error_at_the_start_of_a_worker_is_raised_unchanged() -> None:
    """It used to be reported as a worker killed for lack of memory."""
    with pytest.raises(AttributeError, match="has no attribute"):
        list(made_in_order(SimpleNamespace(recipe=SimpleNamespace()), range(200), 2))  # type: ignore[arg-type]


def test_a_killed_worker_raises_an_error() -> None:
    with pytest.raises(OutputError, match="fewer --workers"):
        list(made_in_order(SimpleNamespace(recipe=Deadly()), range(200), 2))  # type: ignore[arg-type]
