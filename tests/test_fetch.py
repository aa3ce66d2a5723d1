"""fetch, against a server on this machine: checks, interrupted downloads, refusals. The network is never used."""

import hashlib
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scriven.base import InputError, OutputError, SettingsError
from scriven.importers import IMPORTERS
from scriven.jobs.fetch import FetchSettings, fetch, list_
from scriven.jobs.fetch.download import download, open_address
from scriven.jobs.fetch.sources import SOURCES, RemoteFile, check_address
from toy_datasets import saintgall
from toy_server import Site, serving, zipped

BIG = random.Random(0).randbytes(3_000_000)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with serving() as found:
        yield found


def test_addresses_are_https_and_checksums_are_of_their_length() -> None:
    for name, source in SOURCES.items():
        assert urlsplit(source.page).scheme == "https" and source.licence, name
        assert bool(source.closed) != bool(source.files or source.record), name
        assert not source.format or source.format in IMPORTERS
        for file in source.files:
            assert check_address(file.address) and len(file.sha256) in (0, 64) and len(file.md5) in (0, 32)
    assert {row["name"] for row in list_() if row["checked"] == "md5"} == {"bentham"}


def test_a_checked_archive_is_unpacked_and_named_with_its_sha256(tmp_path: Path, site: Site) -> None:
    site.files["a.zip"] = zipped(a__1__txt=b"one", b=b"two")
    table = site.table(tmp_path / "t.json", "toy", site.row("a.zip", "size", "sha256"))
    done = fetch("toy", tmp_path / "toy", table=table)
    assert done.unpacked == 2 and (tmp_path / "toy" / "a" / "1" / "txt").read_bytes() == b"one"
    assert sorted(p.name for p in (tmp_path / "toy").iterdir()) == ["a", "b", "fetched.json"]
    about = json.loads((tmp_path / "toy" / "fetched.json").read_text("utf-8"))
    assert about["licence"] == "CC0" and about["page"] == "https://example.org/"
    assert about["files"][0]["sha256"] == hashlib.sha256(site.files["a.zip"]).hexdigest()
    assert about["files"][0]["checked"] == "sha256"
    with pytest.raises(OutputError, match="is a finished data set; choose another -o"):
        fetch("toy", tmp_path / "toy", table=table)
    fetch("toy", tmp_path / "kept", FetchSettings(keep=True), table=table)
    assert (tmp_path / "kept" / "a.zip").is_file()


def test_a_fetched_data_set_is_imported(tmp_path: Path, site: Site, scriven) -> None:
    root = saintgall(tmp_path / "miniature")
    files = {str(p.relative_to(root).as_posix()): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    site.files["saintgalldb-v1.0.zip"] = zipped(**files)
    row = site.row("saintgalldb-v1.0.zip", "md5")
    table = site.table(tmp_path / "t.json", "saintgall", row, format="saintgall")
    code, out, _ = scriven("fetch", "saintgall", "-o", tmp_path / "sg", "--table", table)
    assert code == 0 and f"scriven import saintgall {tmp_path / 'sg'} -o LINES" in out and "licence: CC0" in out
    code, out, _ = scriven("import", "saintgall", tmp_path / "sg", "-o", tmp_path / "lines")
    assert code == 1 and "2 train, 1 valid, 1 test" in out


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_continues_where_it_ended(tmp_path: Path, site: Site, ranges: bool) -> None:
    site.files["big.bin"], site.ranges, site.cuts = BIG, ranges, [1_000_000, 500_000]
    file = RemoteFile(**site.row("big.bin", "sha256"))
    assert download(file, tmp_path).read_bytes() == BIG
    asked = [wanted for _, wanted in site.requests]
    assert asked == [None, "bytes=1000000-", "bytes=1500000-" if ranges else "bytes=500000-"]
    assert os.listdir(tmp_path) == ["big.bin"]


def test_a_killed_fetch_continues(tmp_path: Path, site: Site) -> None:
    site.files["big.bin"] = BIG
    table = site.table(tmp_path / "t.json", "toy", site.row("big.bin", "size", "md5"))
    site.cuts = [1_000_000, 0, 0, 0, 0, 0]
    with pytest.raises(InputError, match="run the command again, which continues"):
        fetch("toy", tmp_path / "toy", table=table)
    assert not (tmp_path / "toy" / "fetched.json").exists() and not (tmp_path / "toy" / "big.bin").exists()
    site.cuts.clear()
    site.requests.clear()
    assert fetch("toy", tmp_path / "toy", table=table).files[0]["size"] == len(BIG)
    assert site.requests == [("big.bin", "bytes=1000000-")]


def test_what_is_complete_is_not_downloaded_again(tmp_path: Path, site: Site) -> None:
    site.files["a.bin"] = b"abc"
    (tmp_path / ".a.bin.part").write_bytes(b"abc")
    assert download(RemoteFile(**site.row("a.bin", "size", "sha256")), tmp_path).read_bytes() == b"abc"
    assert not site.requests
    (tmp_path / "a.bin").rename(tmp_path / ".a.bin.part")
    assert download(RemoteFile(**site.row("a.bin", "sha256")), tmp_path).read_bytes() == b"abc"
    assert site.requests == [("a.bin", "bytes=3-")]


def test_a_file_that_the_user_put_there_is_checked(tmp_path: Path, site: Site) -> None:
    site.files["a.bin"] = b"abc"
    file = RemoteFile(**site.row("a.bin", "sha256"))
    (tmp_path / "a.bin").write_bytes(b"abd")
    with pytest.raises(InputError, match="is not the published file; move it away"):
        download(file, tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == b"abd"
    (tmp_path / "a.bin").write_bytes(b"abc")
    assert download(file, tmp_path).read_bytes() == b"abc" and not site.requests


def test_a_file_that_changed_meanwhile_begins_anew(tmp_path: Path, site: Site) -> None:
    site.files["big.bin"], site.cuts = BIG, [1_000_000, 0, 0, 0, 0, 0]
    with pytest.raises(InputError):
        download(RemoteFile(**site.row("big.bin")), tmp_path)
    site.files["big.bin"], site.cuts = BIG[::-1], []
    assert download(RemoteFile(**site.row("big.bin")), tmp_path).read_bytes() == BIG[::-1]
    (tmp_path / "big.bin").unlink()
    (tmp_path / ".big.bin.part").write_bytes(BIG + b"more")
    assert download(RemoteFile(**site.row("big.bin", "sha256")), tmp_path).read_bytes() == BIG[::-1]


@pytest.mark.parametrize("checks", [("sha256",), ("md5",), ("size", "sha256", "md5")])
def test_another_file_than_the_published_one_is_deleted(tmp_path: Path, site: Site, checks: tuple[str, ...]) -> None:
    site.files["a.zip"] = zipped(a=b"one")
    table = site.table(tmp_path / "t.json", "toy", site.row("a.zip", *checks))
    site.files["a.zip"] = site.files["a.zip"][:-1] + b"\1"
    with pytest.raises(InputError, match="a.zip is not the published file: its .* is another; it was deleted"):
        fetch("toy", tmp_path / "toy", table=table)
    assert os.listdir(tmp_path / "toy") == []


def test_a_file_of_another_size_is_refused_at_once(tmp_path: Path, site: Site) -> None:
    site.files["a.bin"] = b"abcdef"
    with pytest.raises(InputError, match="a.bin has 6 bytes there, but 5 were published"):
        download(RemoteFile(site.address("a.bin"), "a.bin", 5), tmp_path)
    assert len(site.requests) == 1


def test_files_without_a_checksum_need_a_setting(tmp_path: Path, site: Site, scriven) -> None:
    site.files["list.csv"] = b"id,stage\n"
    table = site.table(tmp_path / "t.json", "toy", site.row("list.csv", "size"))
    code, _, err = scriven("fetch", "toy", "-o", tmp_path / "toy", "--table", table)
    assert code == 2 and "no checksum of list.csv is published" in err and "--set unchecked=yes" in err
    assert not site.requests and not (tmp_path / "toy").exists()
    given = ("-o", tmp_path / "toy", "--table", table, "--set", "unchecked=yes", "--json")
    code, out, err = scriven("fetch", "toy", *given)
    row = json.loads(out)["files"][0]
    assert code == 0 and row["checked"] == "not checked" and row["sha256"] == hashlib.sha256(b"id,stage\n").hexdigest()
    assert (tmp_path / "toy" / "list.csv").is_file() and f"its sha256 is {row['sha256']}" in err


def record(site: Site, **changes: object) -> None:
    rows = [
        {
            "key": name,
            "size": len(data),
            "checksum": f"md5:{hashlib.md5(data, usedforsecurity=False).hexdigest()}",
            "links": {"self": site.address(name)},
            **changes,
        }
        for name, data in site.files.items()
    ]
    site.files["api"] = json.dumps({"files": rows, "metadata": {"license": {"id": "cc-by-4.0"}}}).encode()


def test_a_record_of_zenodo_names_its_files_and_their_checksums(tmp_path: Path, site: Site) -> None:
    site.files = {"specific_data.zip": zipped(a=b"1"), "general.zip": zipped(b=b"2")}
    record(site)
    more = {"record": site.address("api"), "wanted": ["specific*"]}
    table = site.table(tmp_path / "t.json", "toy", **more)
    done = fetch("toy", tmp_path / "toy", table=table)
    assert done.licence == "cc-by-4.0" and done.files[0]["checked"] == "md5" and done.unpacked == 1
    with pytest.raises(InputError, match="has no file x, but specific_data.zip, general.zip"):
        fetch("toy", tmp_path / "x", table=site.table(tmp_path / "t.json", "toy", **{**more, "wanted": ["x"]}))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"key": "../a.zip"}, "is no name of a file"),
        ({"key": ".a"}, "is no name of a file"),
        ({"links": {"self": "https://example.org/a.zip"}}, "does not describe its files as Zenodo does"),
        ({"checksum": "crc:00"}, "does not describe its files as Zenodo does"),
        ({"links": {}}, "does not describe its files as Zenodo does"),
    ],
)
def test_an_odd_record_is_refused(tmp_path: Path, site: Site, changes: dict[str, object], why: str) -> None:
    site.files = {"a.zip": zipped(a=b"1")}
    record(site, **changes)
    with pytest.raises(InputError, match=why):
        fetch("toy", tmp_path / "toy", table=site.table(tmp_path / "t.json", "toy", record=site.address("api")))
    assert list(tmp_path.rglob("*")) in ([tmp_path / "t.json"], [tmp_path / "toy", tmp_path / "t.json"])


def test_refusals_of_the_server_are_not_repeated(tmp_path: Path, site: Site) -> None:
    site.status = {"a.zip": 403, "b.zip": 503}
    with pytest.raises(InputError, match="HTTP 403"):
        download(RemoteFile(site.address("a.zip"), "a.zip"), tmp_path)
    assert len(site.requests) == 1
    with pytest.raises(InputError, match="HTTP 503"):
        download(RemoteFile(site.address("b.zip"), "b.zip"), tmp_path)
    assert len(site.requests) == 6


def test_only_https_is_fetched_also_after_a_redirect(tmp_path: Path, site: Site) -> None:
    for address in (
        "http://example.org/a",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "http://127.0.0.1.example.org",
    ):
        with pytest.raises(InputError, match="is not https"):
            open_address(address)
    site.redirects = {"a": "http://example.org/a", "b": site.address("c")}
    site.files = {"c": b"there"}
    with pytest.raises(InputError, match="'http://example.org/a' is not https"):
        download(RemoteFile(site.address("a"), "a"), tmp_path)
    assert download(RemoteFile(site.address("b"), "b"), tmp_path).read_bytes() == b"there"


def test_data_sets_for_registered_users_say_where(scriven, tmp_path: Path) -> None:
    code, _, err = scriven("fetch", "saintgall", "-o", tmp_path / "x")
    assert code == 2 and "registered users" in err and "fki.tic.heia-fr.ch" in err and not (tmp_path / "x").exists()
    code, out, _ = scriven("fetch")
    assert code == 0 and "bentham" in out and "md5 of the record" in out and "saintgall: it is for registered" in out
    code, _, err = scriven("fetch", "saint-gall")
    assert code == 2 and "there is no data set 'saint-gall'; there are: bentham" in err
    with pytest.raises(SettingsError, match="no checksum of RIMES-2011-Lines.zip is published"):
        fetch("rimes", tmp_path / "x")


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"a": 1}', '{"a": {"page": "", "licence": ""}}', '{"a": {"pages": 1}}']
)
def test_odd_tables_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(InputError, match="is not a table of data sets"):
        fetch("a", tmp_path / "x", table=tmp_path / "t.json")
    with pytest.raises(InputError, match="cannot open"):
        fetch("a", tmp_path / "x", table=tmp_path / "none.json")
