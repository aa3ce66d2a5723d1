"""`look`: a self-contained page about a lines folder or a model."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scriven.base import InputError, LinesError, OutputError
from scriven.images import encode
from scriven.jobs.look import look
from scriven.lines import Line, LinesWriter
from scriven.report import as_text, histogram, short_path
from toy_reader import write_model


@pytest.fixture
def folder(tmp_path: Path, letters: list[Line]) -> Path:
    with LinesWriter(tmp_path / "letters", {"command": "scriven <test>", "licence": "CC0"}) as writer:
        for line, split in zip(letters, ("train", "train", "train", "valid", "valid", "test"), strict=True):
            writer.write(line, split)
    return tmp_path / "letters"


def test_a_lines_folder(folder: Path, tmp_path: Path, letters: list[Line]) -> None:
    page, skipped = look(folder, tmp_path / "page.html")
    content = page.read_text("utf-8")
    assert page == tmp_path / "page.html" and not skipped
    assert content.count('<img src="data:image/') == len(letters)
    for expected in ("Pictures: train", "Pictures: valid", "Pictures: test", "CC0", "scriven &lt;test&gt;",
                     "été, œuvre", "U+0153 LATIN SMALL LIGATURE OE", "width, px", "length of the text"):  # fmt: skip
        assert expected in content, expected
    assert not re.search(r"(src|href)=[\"']?(https?:|/)", content) and "<script" not in content


def test_a_sample_of_many_pictures_is_shown(tmp_path: Path) -> None:
    png = encode(np.full((20, 200), 220, np.uint8), "png")
    with LinesWriter(tmp_path / "many", {}) as writer:
        for number in range(600):
            writer.write(Line(f"id{number}", png, f"text {number}", width=200, height=20))
    content = look(tmp_path / "many", tmp_path / "p.html")[0].read_text("utf-8")
    assert content.count("<img") == 24 and "id0<" in content and "id599" in content
    assert "600" in content


def test_a_tree_without_sizes_and_with_bad_rows(tmp_path: Path, letters: list[Line]) -> None:
    rows = [{"id": x.id, "image": {"bytes": x.image, "path": None}, "text": x.text} for x in letters]
    rows += [
        {"id": "gone", "image": None, "text": "a"},
        {"id": "cut", "image": {"bytes": b"x", "path": None}, "text": "b"},
    ]
    (tmp_path / "c" / "train").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "c" / "train" / "words.parquet")
    page, skipped = look(tmp_path / "c", tmp_path / "p.html")
    assert "were measured" in page.read_text("utf-8")
    assert {r.id for r in skipped} == {"gone", "cut"}


def test_only_pages_of_look_are_overwritten(folder: Path, tmp_path: Path, monkeypatch) -> None:
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
    for expected in (
        "my model",
        "12.3 %, n = 45: too few lines for a reliable rate",
        "<svg",
        "It reads &lt;b&gt;well",
        "CC BY 4.0",
        "letters",
        "é",
    ):
        assert expected in content, expected
    assert "license: cc" not in content


def test_a_lines_folder_with_the_name_of_a_bundled_model(folder: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder.rename("scriven-general")
    page, _ = look("scriven-general")
    assert "Lines folder" in page.read_text("utf-8")


def test_paths_that_look_cannot_show(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        look(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LinesError, match="has no"):
        look(tmp_path / "empty")


def test_a_table_whose_every_line_is_skipped_is_an_error(tmp_path: Path, scriven: Callable[..., tuple]) -> None:
    table = tmp_path / "t.csv"
    table.write_text("id,image,text\na,gone.png,ink\nb,lost.png,pen\n", "utf-8")
    code, _, err = scriven("look", table, "-o", tmp_path / "page.html")
    assert code == 2 and "no line that can be shown; the first of 2 skipped: a: cannot open" in err
    assert not (tmp_path / "page.html").exists()


def test_the_number_of_samples_can_be_set(tmp_path: Path) -> None:
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
    assert "pictures, evenly spread" not in (tmp_path / "p.html").read_text()
    page, _ = look(tmp_path / "many", tmp_path / "p.html")
    assert "24 of 40 pictures, evenly spread; use --samples 0 for all" in page.read_text()


def test_readings_of_a_model_are_not_called_human(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(np.full((20, 60), 200, np.uint8)))
    (tmp_path / "read.csv").write_text("id,image,text,confidence\na,a.png,inc,0.25\nb,a.png,ink,\n")
    content = look(tmp_path / "read.csv", tmp_path / "p.html")[0].read_text("utf-8")
    assert "read by a model 1" in content and "human 1" in content and "truth" not in content
    assert re.findall(r"<span>(\w+)</span><q[^>]*>(\w+)<", content) == [("read", "inc"), ("text", "ink")]
    assert "Empty the confidence" in content


def test_pseudo_labels_of_a_round_are_named(tmp_path: Path) -> None:
    png = encode(np.full((20, 60), 200, np.uint8))
    with LinesWriter(tmp_path / "my-hand" / "rounds" / "01", {}) as writer:
        writer.write(Line("a", png, "inc", origin="pseudo", confidence=0.5))
    content = look(tmp_path / "my-hand" / "rounds" / "01", tmp_path / "p.html")[0].read_text("utf-8")
    assert "<title>A look at my-hand/rounds/01</title>" in content
    assert "<span>pseudo-label</span><q" in content and "pseudo-label 1" in content and "human" not in content


def test_a_folder_is_named_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert short_path(Path("letters/")) == "letters" and short_path(Path("/letters")) == "letters"
    assert short_path(Path(".")).endswith(tmp_path.name) and short_path(tmp_path / "a" / "b" / "c") == "a/b/c"


def test_sizes_are_a_histogram_and_a_single_size_a_sentence() -> None:
    assert histogram([64] * 40, "height", "px", "pictures") == "<p>The height of all 40 pictures is 64 px.</p>"
    html = histogram([*range(100, 300), 2500, 2600], "width", "px", "pictures")
    assert "<rect" in html and "polyline" not in html and "from 100 to 2,600 px" in html
    counts = [int(n.replace(",", "")) for n in re.findall(r": ([\d,]+)</title>", html)]
    assert sum(counts) == 202 and re.search(r">\d+ and more</text>", html)
    assert "and more" not in histogram(range(100, 300), "width", "px", "pictures")


def test_parents_of_a_model_are_named_once(tmp_path: Path, scriven: Callable[..., tuple]) -> None:
    def of(name: str, *parents: dict[str, object]) -> dict[str, object]:
        return {"name": name, "parents": list(parents)}

    for parents, said in (
        ([of("b", of("a")), of("")], "b, which came from a and a model without a name"),
        ([of("c", of("c", of("c", of("a"))))], "c, which came from a"),
        ([of("b", of("a")), of("a"), of("d", of("a"))], "b, which came from a and d"),
        ([of("a"), of("a"), of("a")], "a"),
    ):
        model = write_model(tmp_path / str(len(said)), parents=parents)
        assert f"<td>{said}</td>" in look(model, tmp_path / f"{len(said)}.html")[0].read_text("utf-8")
        assert f"\nparents: {said}\n" in scriven("models", "show", model)[1]


def test_facts_of_a_model_are_words() -> None:
    assert as_text(["fr", "en"]) == "fr, en" and as_text({"torch": "2.1", "python": "3.11"}) == "torch 2.1, python 3.11"
    assert as_text([{"path": "x", "sha256": "0123456789abcdef"}]) == "path x, sha256 0123456789ab"
    assert as_text(True) == "yes"


def test_error_rates_of_few_lines_are_not_headlines(tmp_path: Path) -> None:
    scores = {"valid": {"cer": 0.1, "n": 50}, "test": {"cer": 0.2, "n": 49}}
    shown = look(write_model(tmp_path / "m", scores=scores), tmp_path / "m.html")[0].read_text("utf-8")
    assert "<b>10.0 %</b>" in shown and "<b>20.0 %</b>" not in shown and "CER, test: 20.0 %, n = 49: too few" in shown


def test_uncommon_characters_are_named(tmp_path: Path) -> None:
    def characters(*charset: str) -> str:
        page, _ = look(write_model(tmp_path / str(len(charset)), charset=charset), tmp_path / f"{len(charset)}.html")
        return page.read_text("utf-8").split("<h2>Characters</h2>")[1]

    html = characters(" ", "a", "é", "’", "ꝯ")
    assert "␣ a é ’ ꝯ" in html and html.count("U+") == 1
    assert "U+A76F" in html and "LATIN SMALL LETTER CON" in html
    assert "U+" not in characters("a", "é", "€")


def test_confidences_are_shown_per_character(tmp_path: Path) -> None:
    png = encode(np.full((20, 60), 200, np.uint8))
    with LinesWriter(tmp_path / "read", {}) as writer:
        for text in ("ab", "ab" * 30):
            writer.write(Line(f"l{len(text)}", png, text, confidence=0.9 ** len(text)))
    content = look(tmp_path / "read", tmp_path / "p.html")[0].read_text("utf-8")
    assert content.count("confidence per character 90 %") == 2
