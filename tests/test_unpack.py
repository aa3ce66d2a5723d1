"""Unpacking archives: no path leaves the folder, nothing is overwritten, damaged archives are named."""

import random
import tarfile
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from scriven.base import InputError, OutputError
from scriven.jobs.fetch.unpack import is_archive, unpack
from toy_imports import save
from toy_server import tarred, zipped

FILE, FOLDER, LINK, HARD, DEVICE = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_tar_in_every_compression(tmp_path: Path, compression: str) -> None:
    members = (("a/", b"", FOLDER), ("a/я.txt", b"one", FILE), ("./b.txt", b"", FILE))
    archive = save(tmp_path / "a.tar", tarred(*members, compression=compression))
    assert unpack(archive, tmp_path / "out") == 2
    assert (tmp_path / "out" / "a" / "я.txt").read_bytes() == b"one" and (tmp_path / "out" / "b.txt").is_file()
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a", "b.txt"]


def test_names_of_archives() -> None:
    names = {"BenthamDatasetR0-GT.tbz": True, "a.tar.gz": True, "a.ZIP": True, "list.csv": False, "zip": False}
    assert {name: is_archive(Path(name)) for name in names} == names


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/x", "..", "a\\..\\..\\x", "C:\\x", "C:x", "\\x", "a/..\\b/../x"]
)
def test_no_path_leaves_the_folder(tmp_path: Path, name: str) -> None:
    for data in (zipped(**{"good": b"1", name: b"bad"}), tarred(("good", b"1", FILE), (name, b"bad", FILE))):
        archive = save(tmp_path / "in" / "a.zip", data)
        with pytest.raises(InputError, match="has a path that leaves the folder; it may be malicious"):
            unpack(archive, tmp_path / "in" / "out")
        assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == ["in", "in/a.zip", "in/out"]


@pytest.mark.parametrize(("kind", "content"), [(LINK, "/etc"), (LINK, "good"), (HARD, "good"), (DEVICE, "")])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes, content: str) -> None:
    archive = save(tmp_path / "a.tar", tarred(("good", b"1", FILE), ("bad", content, kind), ("bad/x", b"2", FILE)))
    with pytest.raises(InputError, match="its member 'bad' is a link or a device"):
        unpack(archive, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_links_in_zip_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="its member 'link' is a link"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_names_that_the_file_system_does_not_tell_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system that ignores case, the second of two such files must not replace the first."""
    twins = (("A.txt", b"1", FILE), ("a.txt", b"2", FILE))
    archive = save(tmp_path / "a.tar", tarred(*twins))
    if not (tmp_path / "A.TAR").exists():
        assert unpack(archive, tmp_path / "both") == 2
        assert (tmp_path / "both" / "A.txt").read_bytes() == b"1" and (tmp_path / "both" / "a.txt").read_bytes() == b"2"
    for members in ((("a.txt", b"1", FILE),) * 2, (("a", b"1", FILE), ("a/b", b"2", FILE))):
        with pytest.raises(InputError, match="twice, or beside it a name that differs only in case"):
            unpack(save(tmp_path / "a.tar", tarred(*members)), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("where", [10, 200, -400])
@pytest.mark.parametrize("kind", ["zip", "gz", "bz2", "xz"])
def test_damaged_archives_are_named(tmp_path: Path, kind: str, where: int) -> None:
    content = random.Random(0).randbytes(10_000)
    data = zipped(a=content) if kind == "zip" else tarred(("a", content, FILE), compression=kind)
    archive = save(tmp_path / "a.zip", data[:where])
    with pytest.raises(InputError, match=r"a\.zip is damaged"):
        unpack(archive, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_nothing_is_overwritten_and_an_interrupted_run_is_repeated(tmp_path: Path) -> None:
    archive = save(tmp_path / "a.zip", zipped(a=b"one", b__c=b"two"))
    save(tmp_path / "out" / "a", b"one")  # of an earlier run
    save(tmp_path / "out" / ".a.zip.unpacking" / "b", b"half")
    assert unpack(archive, tmp_path / "out") == 2
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a", "b"]
    save(tmp_path / "out" / "a", b"mine")
    with pytest.raises(OutputError, match="is there already, with other content"):
        unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / "a").read_bytes() == b"mine"
    save(tmp_path / "other" / "b", b"a file")
    with pytest.raises(OutputError, match="is a file, but a folder is to be unpacked there"):
        unpack(archive, tmp_path / "other")


def test_without_space_nothing_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(1, 1, (1 << 26) + 2))
    with pytest.raises(OutputError, match="needs 3 bytes for a, but 2 are free"):
        unpack(save(tmp_path / "a.zip", zipped(a=b"one")), tmp_path / "out")
