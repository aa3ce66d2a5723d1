"""`look`: one page that needs nothing outside itself and shows what is there."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scriven.base import InputError, LinesError, OutputError
from scriven.images import encode
from scriven.jobs.look import look
from scriven.lines import Line, LinesWriter


@pytest.fixture
def folder(tmp_path: Path, letters: list[Line]) -> Path:
    with LinesWriter(tmp_path / "letters", {"command": "scriven <test>", "licence": "CC0"}) as writer:
        for line, split in zip(letters, ("train", "train", "train", "valid", "valid", "test"), strict=True):
            writer.write(line, split)
    return tmp_path / "letters"


def test_a_lines_folder(folder: Path, tmp_path: Path, letters: list[Line]) -> None:
    page, refused = look(folder, tmp_path / "page.html")
    content = page.read_text("utf-8")
    assert page == tmp_path / "page.html" and not refused
    assert content.count('<img src="data:image/') == len(letters)
    for expected in ("Pictures: train", "Pictures: valid", "Pictures: test", "CC0", "scriven &lt;test&gt;",
                     "été, œuvre", "U+0153 LATIN SMALL LIGATURE OE", "width, px", "length of the text"):  # fmt: skip
        assert expected in content, expected
    assert not re.search(r"(src|href)=[\"']?(https?:|/)", content) and "<script" not in content


def test_only_some_pictures_of_many_are_shown(tmp_path: Path) -> None:
    png = encode(np.full((20, 200), 220, np.uint8), "png")
    with LinesWriter(tmp_path / "many", {}) as writer:
        for number in range(600):
            writer.write(Line(f"id{number}", png, f"text {number}", width=200, height=20))
    content = look(tmp_path / "many", tmp_path / "p.html")[0].read_text("utf-8")
    assert content.count("<img") == 24 and "id0<" in content and "id575" in content
    assert "600" in content


def test_a_tree_without_sizes_and_with_bad_rows(tmp_path: Path, letters: list[Line]) -> None:
    rows = [{"id": x.id, "image": {"bytes": x.image, "path": None}, "text": x.text} for x in letters]
    rows += [
        {"id": "gone", "image": None, "text": "a"},
        {"id": "cut", "image": {"bytes": b"x", "path": None}, "text": "b"},
    ]
    (tmp_path / "c" / "train").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "c" / "train" / "words.parquet")
    page, refused = look(tmp_path / "c", tmp_path / "p.html")
    assert "were measured" in page.read_text("utf-8")
    assert {r.id for r in refused} == {"gone", "cut"}


def test_a_page_of_ours_is_made_anew_and_no_other_file(folder: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert look("letters")[0] == Path("letters-look.html")
    assert look("letters")[0].is_file()
    (tmp_path / "mine.html").write_text("<title>mine</title>")
    with pytest.raises(OutputError, match="another -o"):
        look("letters", "mine.html")
    assert (tmp_path / "mine.html").read_text() == "<title>mine</title>"


def test_a_model_folder(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    facts = {
        "format": 1, "kind": "recogniser", "name": "my model", "network": "convtext", "size": "tiny",
        "charset": [" ", "a", "é"], "scores": {"valid": {"cer": 0.123, "n": 45}},
        "data": [{"path": "letters", "fingerprint": "f00", "lines": 7}], "licence": "CC BY 4.0",
    }  # fmt: skip
    (model / "model.json").write_text(json.dumps(facts))
    rows = [{"step": s, "loss": 3 - s / 100, "cer": 1 - s / 200, "best": True} for s in (50, 100, 150)]
    (model / "log.jsonl").write_text("\n".join(map(json.dumps, rows)) + '\n{"step": 2')
    (model / "README.md").write_text("---\nlicense: cc\n---\n\n# The card\n\nIt reads <b>well</b>.\n")
    content = look(model, tmp_path / "m.html")[0].read_text("utf-8")
    for expected in ("my model", "12.3 %", "n = 45", "<svg", "It reads &lt;b&gt;well", "CC BY 4.0", "letters", "é"):
        assert expected in content, expected
    assert "license: cc" not in content


def test_a_lines_folder_that_bears_the_name_of_a_bundled_model(folder: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder.rename("scriven-general")
    page, _ = look("scriven-general")
    assert "Lines folder" in page.read_text("utf-8")


def test_nothing_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        look(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LinesError, match="holds no"):
        look(tmp_path / "empty")


def test_as_many_pictures_as_asked_for(tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "many", {}) as writer:
        for i in range(40):
            writer.write(Line(f"line {i:02d}", encode(np.full((20, 60), 200, np.uint8)), text="ink"))
    shown = [
        sum(
            f"line {i:02d}" in look(tmp_path / "many", tmp_path / "p.html", samples=n)[0].read_text() for i in range(40)
        )
        for n in (3, 24, 0)
    ]
    assert shown == [3, 24, 40]
