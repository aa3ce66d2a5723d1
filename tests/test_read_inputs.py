"""Inputs of `read`: pages on standard input, folders with tables beside pictures, skipped inputs, invalid models."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from scriven.base import InputError, ModelError
from scriven.images import encode
from scriven.jobs.read import ReadSettings, read
from scriven.jobs.score import score
from scriven.lines import Line, LinesWriter
from scriven.reader.calibrate import fit_stretch
from scriven.reader.model import read_info
from scriven.reader.session import Picture, Reader
from toy_reader import LETTERS, picture, write_model

ONE = ReadSettings(threads=1)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "toy")


def said(inputs: list[object], model: Path) -> tuple[list[str], list[str]]:
    """The lines read, and the skipped inputs."""
    stream = io.StringIO()
    outcome = read([str(i) for i in inputs], model, stream=stream, settings=ONE)
    return stream.getvalue().splitlines(), [skipped.sentence() for skipped in outcome.skipped]


def test_every_page_of_a_tiff_on_standard_input_is_read(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [Image.fromarray(picture(text)) for text in ("abc", "de", "ffg")]
    data = io.BytesIO()
    pages[0].save(data, "TIFF", save_all=True, append_images=pages[1:])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.getvalue())))
    assert said(["-"], model) == (["abc", "de", "ffg"], [])


@pytest.mark.parametrize(("data", "why"), [(b"%PDF-1.7 ...", "is a PDF"), (b"", "is empty"), (None, "is closed")])
def test_standard_input_that_is_not_a_picture(
    model: Path, monkeypatch: pytest.MonkeyPatch, data: bytes | None, why: str
) -> None:
    monkeypatch.setattr(sys, "stdin", None if data is None else io.TextIOWrapper(io.BytesIO(data)))
    with pytest.raises(InputError, match=f"standard input {why}"):
        said(["-"], model)


def test_a_table_in_a_folder_of_pictures_does_not_hide_them(model: Path, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    (scans / "meta").mkdir(parents=True)
    (scans / "a.png").write_bytes(encode(picture("abc")))
    pq.write_table(pa.table({"x": [1]}), scans / "meta" / "x.parquet")
    assert said([scans], model) == (["abc"], [])
    pq.write_table(pa.table({"x": [1]}), scans / "notes.parquet")
    texts, skipped = said([scans], model)
    assert texts == ["abc"] and len(skipped) == 1 and "notes.parquet: its name does not begin with train" in skipped[0]


def test_each_output_file_lists_its_skipped_inputs(model: Path, tmp_path: Path) -> None:
    for name, bad in (("one", True), ("two", False)):
        with LinesWriter(tmp_path / name, {}) as writer:
            writer.write(Line("good", encode(picture("abc")), "abc"))
            if bad:
                writer.write(Line("bad", encode(picture("abc"))[:60], "abc"))
    out = tmp_path / "out"
    read([str(tmp_path / "one"), str(tmp_path / "two")], model, out=out, format="json", settings=ONE)
    skipped = {name: json.loads((out / f"{name}.json").read_text())["skipped"] for name in ("one", "two")}
    assert [r["id"] for r in skipped["one"]] == ["bad"] and skipped["two"] == []


def test_score_reports_why_no_line_can_be_scored(model: Path, tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text("id,image,text\na,gone.png,abc\nb,gone2.png,de\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"2 skipped, the first: a: .*gone\.png"):
        score(model, [tmp_path / "lines.csv"], settings=ONE)


def test_readings_of_empty_texts_count_as_insertions(model: Path, tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "lines", {}) as writer:
        writer.write(Line("a", encode(picture("abc")), "abc"))
        writer.write(Line("b", encode(picture("de")), ""))
    scores = score(model, [tmp_path / "lines"], settings=ONE)
    assert scores.sets[0].references == ["abc", ""] and scores.sets[0].unlabelled == 0
    overall = scores.overall()
    assert (overall.n, overall.edits, overall.characters) == (2, 2, 3)


@pytest.mark.parametrize("part", ["state", "rounds"])
def test_an_unfinished_model_is_named_as_such(part: str, tmp_path: Path) -> None:
    """It used to be reported as a folder that is not a model."""
    (tmp_path / "hand" / part).mkdir(parents=True)
    with pytest.raises(
        ModelError,
        match=r"hand is an unfinished model; run the `scriven train`, `scriven adapt` or `scriven train-scribe`",
    ):
        read_info(tmp_path / "hand")
    with pytest.raises(ModelError, match="is not a model folder"):
        read_info(tmp_path)


@pytest.mark.parametrize("changes", [{"height": 48}, {"stride": 8}, {"stride": 1}])
def test_a_model_json_that_does_not_match_the_graph_is_refused(tmp_path: Path, changes: dict[str, int]) -> None:
    reader = Reader.load(write_model(tmp_path / "odd", **changes), threads=1)
    with pytest.raises(ModelError, match="copy the model folder again"):
        list(reader.read([("a", np.asarray(picture("abc")))]))


@pytest.mark.parametrize(
    ("key", "value"),
    [("height", "100000"), ("calibration", "[NaN, 1]"), ("temperature", "Infinity"), ("data", "[" * 5000)],
)
def test_invalid_numbers_in_model_json_are_refused(model: Path, key: str, value: str) -> None:
    facts = json.loads((model / "model.json").read_text())
    text = json.dumps({**facts, key: "HERE"}).replace('"HERE"', value)
    (model / "model.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"model\.json .*copy the model folder again"):
        read_info(model)


def test_widened_pictures_have_more_frames_and_the_same_spans(tmp_path: Path) -> None:
    reader = Reader.load(write_model(tmp_path / "toy"), threads=1)
    wide = Reader(reader.info.model_copy(update={"stretch": 1.3}), reader.runs)
    given = np.asarray(picture("abcd", height=128))
    plain, wider = (next(iter(r.read([("a", given)]))) for r in (reader, wide))
    assert plain.text == wider.text == "abcd"
    for one, other in zip(plain.characters, wider.characters, strict=True):
        assert np.allclose((one.start, one.end), (other.start, other.end), atol=8)  # px: one frame


def test_the_best_reading_width_is_found(tmp_path: Path) -> None:
    reader = Reader.load(write_model(tmp_path / "toy"), threads=1)
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(LETTERS[:-1], 6)) for _ in range(30)]
    for advance, expected in ((6, 1.15), (12, 1.0)):  # px per letter; 6 px are too few frames
        lines = [(Picture.of(str(i), picture(text, advance=advance)), text) for i, text in enumerate(texts)]
        assert fit_stretch(reader, lines).stretch == expected
    narrow = [(Picture.of(str(i), picture(text, advance=6)), text) for i, text in enumerate(texts)]
    fixed = Reader(reader.info.model_copy(update={"frames": 24}), reader.runs)
    assert fit_stretch(fixed, narrow).stretch == 1.0  # a width that is resampled anyway
