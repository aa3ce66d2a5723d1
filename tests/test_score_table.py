"""The table of `score`: one row a set and a total, with loss, time and the size of the model."""

import json
import time
from pathlib import Path

import pytest

from forward_algorithm import log_probability
from scriven.base.stopwatch import Stopwatch
from scriven.images import encode
from scriven.jobs.read import ReadSettings
from scriven.jobs.score import score
from scriven.jobs.score_page import save_page
from scriven.lines import Line, LinesWriter
from scriven.metrics import PROTOCOLS
from scriven.reader.ctc_paths import log_posteriors
from scriven.reader.model import find_model
from scriven.reader.parameters import count_parameters
from scriven.reader.session import Reader
from toy_reader import LETTERS, picture, write_model

ONE = ReadSettings(threads=1)


def folder(path: Path, pairs: list[tuple[str, str]]) -> Path:
    """A lines folder of pictures of the first texts, with the second as transcriptions."""
    with LinesWriter(path, {}) as writer:
        for number, (drawn, text) in enumerate(pairs):
            writer.write(Line(f"{path.name}-{number}", encode(picture(drawn)), text), "test")
    return path


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    right = folder(tmp_path / "right", [("abcd", "abcd"), ("gfe dcb", "gfe dcb")])
    return [right, folder(tmp_path / "wrong", [("abba", "abbb"), ("ace", "acex")])]


def test_one_row_a_set_and_a_total(tmp_path: Path, two: list[Path]) -> None:
    result = score(write_model(tmp_path / "model"), two, settings=ONE)
    rows = result.rows()
    assert [row["set"] for row in rows] == ["right", "wrong", "all"]
    assert [row["n"] for row in rows] == ["2", "2", "4"] and [row["exact %"] for row in rows] == [
        "100.00",
        "0.00",
        "50.00",
    ]
    answer = result.as_json(variants=True)
    first, second = answer["sets"]
    lines = [first["loss_lines"], second["loss_lines"], answer["loss_lines"]]
    assert lines == [2, 1, 3] and first["loss"] < answer["loss"] < second["loss"]
    assert answer["loss"] == pytest.approx((11 * first["loss"] + 4 * second["loss"]) / 15)
    assert (
        answer["ms_per_line"] == pytest.approx((first["ms_per_line"] + second["ms_per_line"]) / 2)
        and first["ms_per_line"] > 0
    )
    assert second["unscored"] == {"characters that the model cannot write": ["wrong-1"]} and not first["unscored"]
    for one in (answer, first, second):
        assert list(one["variants"]) == list(PROTOCOLS) and one["variants"]["nfc"]["cer"] == one["cer"]


def test_the_loss_of_a_set_is_that_of_the_frames_that_were_read(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", temperature=3.0)
    result = score(model, folder(tmp_path / "lines", [("abba", "abbb")]), settings=ONE)
    reader = Reader.load(model, threads=1)
    ((_, frames),) = reader.frames([reader.prepare("x", picture("abba"))])
    wanted = -log_probability(log_posteriors(frames, 3.0), [LETTERS.index(c) + 1 for c in "abbb"]) / 4
    assert result.sets[0].loss.per_character == pytest.approx(wanted, rel=1e-5)


def six_parameters(model: Path) -> Path:
    """The model folder with a file of weights of six parameters and a statistic of batch norm."""
    header = b'{"a.weight": {"shape": [2, 3]}, "a.running_mean": {"shape": [3]}}'
    (model / "weights.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    return model


def test_the_printed_tables(tmp_path: Path, two: list[Path], scriven) -> None:
    model = six_parameters(write_model(tmp_path / "model"))
    code, out, _ = scriven("score", model, *two, "--threads", "1", "--variants")
    assert code == 0
    first, *tables = out.split("\n\n")
    assert first == f"{model}: 6 parameters"
    assert tables[0].splitlines()[0].split()[-2:] == ["loss", "ms/line"] and len(tables[0].splitlines()) == 5
    assert tables[1] == "no loss for 1 line of wrong (characters that the model cannot write): wrong-1"
    assert [table.splitlines()[0] for table in tables[2:5]] == [
        f"{w} by protocol" for w in ("CER %", "WER %", "exact %")
    ]
    assert tables[2].splitlines()[1].split() == ["set", "split", *PROTOCOLS] and len(tables[2].splitlines()) == 6
    assert tables[4].splitlines()[-1].split() == ["all", *["50.00"] * 6]
    code, out, _ = scriven("score", model, two[1], "--threads", "1", "--json")
    assert json.loads(out)["parameters"] == 6 and "variants" not in json.loads(out)


def test_the_page_names_the_size_of_the_model_and_lines_without_a_loss(tmp_path: Path, two: list[Path]) -> None:
    page = save_page(
        score(six_parameters(write_model(tmp_path / "model")), two, settings=ONE), tmp_path / "p.html"
    ).read_text("utf-8")
    assert "parameters</p>" in page and "no loss for 1 line of wrong" in page and '<th class="n">ms/line</th>' in page


def test_a_set_of_which_nothing_can_be_scored_has_no_loss(tmp_path: Path) -> None:
    result = score(write_model(tmp_path / "model"), folder(tmp_path / "lines", [("abc", "xyz")]), settings=ONE)
    assert result.rows()[0]["loss"] == "–" and result.as_json()["loss"] is None


def test_parameters_are_counted_without_torch_and_equal_those_of_the_network() -> None:
    from scriven.training.checkpoint import load_net

    found = find_model("scriven-general")
    net, _ = load_net(found)
    assert count_parameters(found) == sum(one.numel() for one in net.parameters())


def test_parameters_of_a_folder_without_readable_weights_are_not_given(tmp_path: Path) -> None:
    assert count_parameters(tmp_path) is None
    for damaged in (b"\xff" * 20, b"", b"\x02\0\0\0\0\0\0\0[]", b'\x0a\0\0\0\0\0\0\0{"a": 1}  '):
        (tmp_path / "weights.safetensors").write_bytes(damaged)
        assert count_parameters(tmp_path) is None


def test_a_stopwatch_leaves_out_the_time_of_the_consumer() -> None:
    watch = Stopwatch()
    for _ in watch.around(time.sleep(0.02) for _ in range(3)):
        time.sleep(0.05)
    assert 0.06 <= watch.seconds < 0.15
