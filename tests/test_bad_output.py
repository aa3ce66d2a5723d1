"""Output that cannot be written: a full disk, a closed pipe, names that are not UTF-8, a folder inside the input."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import scriven as package
from scriven.lines import LinesFolder
from toy_bad_input import PNG, Scriven, full_disk, lines_folder, told, toy  # noqa: F401


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in (b"a b.png", b"new\nline.png", b"-dash.png", "🙂.png".encode(), b"\xff\xfe.png"):
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:
            file.write(PNG)
    (folder / "link.png").symlink_to(folder / "a b.png")
    (folder / "loop").symlink_to(folder)
    (folder / "broken.png").symlink_to("/nowhere")
    os.mkfifo(folder / "pipe.png")
    return folder


def test_odd_names_links_and_pipes(scriven: Scriven, toy: Path, odd: Path, tmp_path: Path) -> None:
    for n, format in enumerate(("text", "csv", "tsv", "json")):
        result = scriven("read", odd, "-m", toy, "-f", format, "-o", tmp_path / f"out-{n}")
        told(result, 1, "broken.png: it is a broken link to /nowhere", "pipe.png: not a regular file", "2 skipped")
        assert len(list((tmp_path / f"out-{n}").iterdir())) == 6 + 1
        assert not json.loads((tmp_path / f"out-{n}" / "about.json").read_text())["finished"]  # as two inputs are bad
    told(scriven("read", odd / "pipe.png", "-m", toy), 2, "not a regular file")
    told(scriven("read", "", "-m", toy), 2, "name of an input is empty")
    told(scriven("read", "a" * 300, "-m", toy), 2, "name too long")
    told(scriven("import", "pictures", odd, "-o", tmp_path / "in"), 1, "broken", "pipe", "2 skipped")
    assert LinesFolder(tmp_path / "in").count("train") == 6


def test_file_names_that_are_not_utf8_can_be_printed(toy: Path, odd: Path) -> None:
    with command("read", odd, "-m", toy, "-f", "json", stdout=subprocess.PIPE) as running:
        printed, said = running.communicate()
    assert running.returncode == 1 and b"Traceback" not in said
    names = {row["id"] for row in json.loads(printed)["readings"]}
    assert os.fsdecode(b"\xff\xfe") in names and "new\nline" in names


def test_an_output_folder_inside_the_input(scriven: Scriven, toy: Path, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "x.png").write_bytes(PNG)
    told(scriven("read", tmp_path / "scans", "-m", toy, "-o", tmp_path / "scans" / "out"), 0)
    assert (tmp_path / "scans" / "out" / "x.txt").read_text() == "abc d\n"
    told(scriven("read", tmp_path / "scans", "-m", toy, "-o", tmp_path / "scans"), 2, "was not begun by this command")
    lines = lines_folder(tmp_path / "lines", 3)
    told(scriven("import", "parquet", lines, "-o", lines), 2, "finished lines folder")
    told(scriven("export", "pairs", lines, "-o", lines), 2, "is not empty")
    assert LinesFolder(lines).count("train") == 3


def test_a_full_disk_leaves_no_finished_output(scriven: Scriven, toy: Path, tmp_path: Path) -> None:
    pytest.importorskip("uharfbuzz")
    lines = lines_folder(tmp_path / "lines", 60)
    (tmp_path / "texts.txt").write_text("\n".join(f"bad cab number {n}" for n in range(40)))
    before = set(tmp_path.iterdir())
    commands: dict[str, tuple[object, ...]] = {
        "read.json": ("read", lines, "-m", toy, "-o"),
        "imported": ("import", "parquet", lines, "-o"),
        "exported": ("export", "lmdb", lines, "-o"),
        "written": ("write", "--texts", tmp_path / "texts.txt", "-o"),
        "look.html": ("look", lines, "-o"),
        "words.csv": ("texts", "words", "en", "-o"),
        "lm.npz": ("texts", "lm", tmp_path / "texts.txt", "-o"),
    }
    for name, command in commands.items():
        with full_disk(2_000):
            result = scriven(*command, tmp_path / name)
        why = "No space left" if name == "exported" else "File too large"  # LMDB's message for any incomplete write
        told(result, 2, "cannot write ", why, "free some space")
        assert set(tmp_path.iterdir()) == before, name
    del commands["exported"], commands["lm.npz"], commands["words.csv"]
    for name, command in commands.items():
        told(scriven(*command, tmp_path / name), 0)  # the output path is free


def command(*arguments: object, **options: object) -> "subprocess.Popen[bytes]":
    home = str(Path(package.__file__).parents[1])
    call = [sys.executable, "-c", "from scriven.cli import main; main()", *map(str, arguments)]
    return subprocess.Popen(call, env={**os.environ, "PYTHONPATH": home}, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload, no-any-return]


def test_a_closed_pipe_is_not_an_error(toy: Path, tmp_path: Path) -> None:
    folder = lines_folder(tmp_path / "lines", 600)
    with command("read", folder, "-m", toy, "-f", "json", "--threads", 1, stdout=subprocess.PIPE) as running:
        assert running.stdout and running.stderr
        running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read().decode()
    assert "Traceback" not in said and "Broken" not in said and running.returncode != 2


def test_a_full_or_closed_standard_output_is_reported(toy: Path, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "x.png").write_bytes(PNG)
    with open("/dev/full", "wb") as full, command("read", tmp_path / "x.png", "-m", toy, stdout=full) as running:
        assert running.stderr
        said = running.stderr.read().decode()
    assert running.returncode == 2 and said.startswith("scriven: cannot") and "No space left" in said
    assert len(said.splitlines()) == 1
