"""`import`: pictures copied or converted, interrupted imports, importers of one's own, repeated ids."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scriven.base import LinesError, OutputError, SettingsError
from scriven.images import PICTURE_SUFFIXES, decode
from scriven.importers import IMPORTERS
from scriven.jobs.import_ import import_lines
from scriven.lines import Line, LinesWriter, StreamSizes
from scriven.page.inputs import find_inputs
from toy_imports import marking, save


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


def test_the_folder_of_the_source_names_the_split(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`import doctr data/test/labels.json` used to make training lines of a test set."""
    save(tmp_path / "Test" / "images" / "a.png")
    (tmp_path / "Test" / "labels.json").write_text('{"a.png": "ink"}')
    caplog.set_level("INFO", "scriven")
    for number, source in enumerate((tmp_path / "Test" / "labels.json", tmp_path / "Test")):
        assert import_lines(source, tmp_path / str(number), "doctr").counts == {"test": 1}
    assert "in the split test, after its folder; --set split=train" in caplog.text
    chosen = import_lines(tmp_path / "Test", tmp_path / "2", "doctr", changes=["split=train"])
    assert chosen.counts == {"train": 1}
    assert import_lines(tmp_path, tmp_path / "3", "doctr").counts == {"test": 1}


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
