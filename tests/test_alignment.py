"""The pictures of alignment and attention on the page of `score`."""

import base64
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from scriven.images import decode, encode
from scriven.jobs.read import ReadSettings
from scriven.jobs.score import score
from scriven.jobs.score_alignment import SHOWN, aligned_lines
from scriven.jobs.score_page import save_page
from scriven.jobs.scored import ScoredSet, Scores
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.reader.decoder_contract import DecodeSettings
from scriven.reader.decoders import decoder_of
from scriven.reader.model import ModelInfo
from scriven.reader.session import Reader
from scriven.report.alignment import HEIGHT, MARGIN, AlignedLine, alignments, heat
from test_attention_decoder import ENDLESS, FRAMES, GREEDY_TRAP, ctc, decoder, graphs
from test_report import parsed
from toy_reader import picture, write_model

ONE = ReadSettings(threads=1)
PAPER = encode(np.full((32, 100), 230, np.uint8))


def numbers(content: str, tag: str, attribute: str) -> list[float]:
    return [float(value) for of, key, value in parsed(content).attributes if (of, key) == (tag, attribute)]


def test_boundaries_are_at_the_spans_in_units_of_the_drawing() -> None:
    line = AlignedLine(PAPER, [("b", 40, 70), ("a", 10, 40), (" ", 70, 75.5)], "it's <here>")
    content = alignments([line])
    scale = HEIGHT / 32
    assert numbers(content, "rect", "x") == [10 * scale, 40 * scale, 70 * scale]
    assert numbers(content, "rect", "width") == [30 * scale, 30 * scale, 5.5 * scale]
    assert numbers(content, "text", "x") == [25 * scale, 55 * scale, 72.8 * scale - 0.1]
    assert [word.strip() for word in parsed(content).words if word.strip()] == ["a", "b", "␣", "it's <here>"]
    assert numbers(content, "image", "width") == [200.0] and "<script" not in content


def test_the_heat_map_is_below_the_picture_and_as_wide_as_its_frames() -> None:
    attention = np.array([[0.2, 0.1, 0], [0, 0.05, 0.1]], np.float32)
    assert heat(attention).tolist() == [[0, 127, 255], [255, 127, 0]]
    line = AlignedLine(PAPER, [("a", 0, 50)], attention=attention, attending="<b", frame_px=30)
    content = alignments([line])
    (first, second) = [value for of, key, value in parsed(content).attributes if (of, key) == ("image", "href")]
    shown = decode(base64.b64decode(second.partition(",")[2]), "heat")
    assert (
        shown.tolist() == heat(attention).tolist() and second.startswith("data:image/png;base64,") and first != second
    )
    assert numbers(content, "image", "x") == [MARGIN, MARGIN]
    assert numbers(content, "image", "width") == [200.0, 3 * 30 * 2.0]
    assert numbers(content, "image", "y")[1] > HEIGHT and "&lt;" in content
    empty = AlignedLine(PAPER, [], attention=np.zeros((0, 3), np.float32))
    assert alignments([empty]).count("<image") == 1
    many = AlignedLine(PAPER, [], attention=np.ones((80, 3), np.float32), attending="a" * 80)
    bottom = float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', alignments([many])).group(1))
    assert bottom == pytest.approx(HEIGHT + 20 + 80 * 8)


def test_attention_has_a_row_for_each_character_and_ctc_has_none() -> None:
    found = decoder(GREEDY_TRAP).attention(FRAMES, [1, 2, 1])
    assert found.shape == (3, len(FRAMES)) and found.argmax(axis=1).tolist() == [0, 1, 2]
    assert decoder(ENDLESS).attention(FRAMES, []).shape == (0, len(FRAMES))
    both = ("ctc", "attention", "both")
    assert decoder(GREEDY_TRAP, DecodeSettings(decoder="ctc"), both).attention(ctc("ab"), [1, 2]) is None
    ranked = decoder(GREEDY_TRAP, DecodeSettings(decoder="both"), both).attention(ctc("ab"), [1, 2])
    assert ranked.shape == (2, 6) and ranked.argmax(axis=1).tolist() == [0, 1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eighteen lines that are read without error, but for the last, whose transcription is wrong in four of five."""
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for number in range(18):
            text = "abcde" if number < 17 else "aaaaa"
            writer.write(Line(f"l{number}", encode(picture("abcde", height=128 if number else 64)), text), "test")
    return tmp_path / "lines"


def test_a_dozen_lines_are_shown_from_most_errors_to_none(tmp_path: Path, folder: Path) -> None:
    scores = score(write_model(tmp_path / "model"), folder, settings=ONE)
    lines = list(aligned_lines(scores))
    assert len(lines) == SHOWN == 12
    assert lines[0].caption == "l17 · lines · CER 80 %" and lines[-1].caption.endswith("CER 0 %")
    for line in lines:
        px = 1 if line.caption.startswith("l0 ") else 2
        for i, (character, start, end) in enumerate(line.spans):
            assert character == "abcde"[i] and start <= px * (8 + 16 * i + 4) <= end
    page = save_page(scores, tmp_path / "page.html").read_text("utf-8")
    assert page.count("<image") == 12 and "Where the characters are" in page and "of the attention" not in page
    assert not list(aligned_lines(Scores("m", [], [], Counter())))


def test_lines_of_an_attention_model_have_a_map_in_px_of_the_picture(folder: Path, tmp_path: Path) -> None:
    info = ModelInfo(network="table", charset=("a", "b"), decoders=("attention",), stride=8)
    runs = graphs({0: [0, 0, 1, 0], 2: [0, 0, 0, 1], 3: [0, 1, 0, 0]}, lambda place: 2 + place)
    runs["encoder"] = lambda inputs: {
        "frames": np.zeros((len(inputs["images"]), inputs["images"].shape[3] // 8, 5), np.float32)
    }
    found = ScoredSet("lines", "test", LinesFolder(folder), ["l1"], ["ab"], ["ab"])
    scores = Scores("m", [found], [], Counter(), loaded=(Reader(info, runs), decoder_of(info, runs=runs)))
    (line,) = aligned_lines(scores)
    assert line.attending == "ab" and line.attention is not None
    assert line.attention.argmax(axis=1).tolist() == [2, 3]
    assert line.frame_px == pytest.approx(16)  # a picture of 128 px is read at half its size
    (_, start, end), _ = line.spans
    assert start <= 2.5 * line.frame_px <= end
    found.hands, found.pages = [""], [""]
    assert "of the attention" in save_page(scores, tmp_path / "page.html").read_text("utf-8")
