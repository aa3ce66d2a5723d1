"""Atomic files: complete or absent, whatever ends the writing; permissions, full disks, kills."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scriven.base import OutputError, atomic

Python = Callable[..., "subprocess.CompletedProcess[str]"]


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_atomic_files_appear_only_when_complete(tmp_path: Path) -> None:
    with atomic(tmp_path / "new" / "a.txt", "w") as file:
        file.write("été\n")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert (tmp_path / "new" / "a.txt").read_bytes() == "été\n".encode()
    assert names(tmp_path / "new") == ["a.txt"]
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "new" / "a.txt").stat().st_mode & 0o777 == 0o666 & ~mask  # not the 0600 of a temporary file


def test_an_error_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic(tmp_path / "a") as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert (tmp_path / "a").read_text() == "old" and names(tmp_path) == ["a"]


def test_an_error_about_another_file_is_raised_unchanged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="gone"), atomic(tmp_path / "a"):
        (tmp_path / "gone").read_bytes()
    assert names(tmp_path) == []


def test_writing_never_changes_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The umask belongs to the whole process; reading it used to set it to 0 for a moment."""
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask is touched"))
    with atomic(tmp_path / "a") as file:
        file.write(b"x")
    assert (tmp_path / "a").stat().st_mode & 0o200


def test_an_unwritable_path_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a", tmp_path / "folder"):
        with pytest.raises(OutputError, match=f"cannot write {path}: .*choose another -o"), atomic(path) as file:
            file.write(b"x")
    assert names(tmp_path) == ["file", "folder"] and not names(tmp_path / "folder")


FULL = """
import resource, signal, sys
from pathlib import Path
from scriven.base import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
{work}
"""
PLAIN = """
from scriven.base import atomic
try:
    with atomic(Path(sys.argv[1]) / "a") as file:
        file.write(b"x" * {size})
except OutputError as error:
    print(error)
"""
LINES = """
import random
from scriven.lines import Line, LinesWriter
try:
    with LinesWriter(sys.argv[1], {}) as writer:
        for number in range(100):
            writer.write(Line(f"l{number}", b"\\x89PNG" + random.randbytes(2000), "a"))
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize("size", [60_000, 50_001, 3_000_000])
def test_a_full_disk_gives_one_sentence_and_leaves_no_file(python: Python, tmp_path: Path, size: int) -> None:
    """A limit on the file size simulates a full disk: writes fail at the same points."""
    (tmp_path / "a").write_text("old")
    done = python(FULL.format(work=PLAIN.format(size=size)), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"cannot write {tmp_path / 'a'}: ") and "free some space" in done.stdout
    assert (tmp_path / "a").read_text() == "old" and names(tmp_path) == ["a"]


def test_a_lines_folder_can_be_continued_after_the_disk_was_full(python: Python, tmp_path: Path) -> None:
    done = python(FULL.format(work=LINES), tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "train-00000.parquet: " in done.stdout and "free some space" in done.stdout
    assert (
        names(tmp_path / "out") == ["about.json"] and '"finished": false' in (tmp_path / "out/about.json").read_text()
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_a_disk_without_free_space(tmp_path: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine mounts nothing")
    try:
        with pytest.raises(OutputError, match="No space left"), atomic(tmp_path / "a") as file:
            file.write(bytes(1 << 20))
        assert names(tmp_path) == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


KILLED = """
import os, signal, sys
from pathlib import Path
from scriven.base import atomic
where = sys.argv[2]
if where == "rename":
    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with atomic(Path(sys.argv[1])) as file:
    file.write(b"new" * 10000)
    if where == "write":
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("where", ["write", "rename"])
def test_a_kill_before_the_rename_leaves_the_old_file(python: Python, tmp_path: Path, where: str) -> None:
    (tmp_path / "a").write_text("old")
    assert python(KILLED, tmp_path / "a", where).returncode == -9
    assert (tmp_path / "a").read_text() == "old"
    assert len(names(tmp_path)) == 2 and all(n == "a" or (n[0] == "." and n.endswith(".part")) for n in names(tmp_path))


def test_files_are_synced_before_they_are_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[Any] = []
    for step in ("fsync", "replace"):
        real = getattr(os, step)
        monkeypatch.setattr(os, step, lambda *a, s=step, r=real: order.append(s) or r(*a))
    with atomic(tmp_path / "a") as file:
        file.write(b"x")
    assert order == ["fsync", "replace"]
