"""bench: all rows of the table, with positive numbers; what cannot be measured is named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scriven.base import ModelError
from scriven.jobs import bench as job
from scriven.reader.session import Reader
from toy_reader import write_model

TINY = job.BenchSettings(runs=2, seconds=0.01, words=3, lines=2, train=False)
Run = Callable[..., tuple[int, str, str]]


def test_every_row_of_a_model_is_positive(tmp_path: Path) -> None:
    rows = job.bench([write_model(tmp_path / "toy")], TINY)
    assert [r.what for r in rows] == [
        "decode and prepare words", "decode and prepare lines", "read words, toy", "read lines, toy",
        "peak memory", "strike out lines", "scribble over lines", "stain lines", "CLAHE of lines", "rotate lines",
        "threshold of lines", "augment lines, default", "augment lines, blots", "augment lines, stackmix+blots",
        "augment lines, weak", "augment lines, strong",
    ]  # fmt: skip
    for row in rows:
        assert row.value is not None and row.value > 0
        assert row.unit == "MB" or (len(row.runs) == 2 and min(row.runs) <= row.value <= max(row.runs) and row.n >= 2)


def test_the_rows_of_augmentation_name_the_time_of_one_line() -> None:
    for row in job.augment_rows(TINY):
        assert row.value and float(row.note.removesuffix(" ms each")) == pytest.approx(1000 / row.value, abs=0.01)


def test_lines_are_slower_than_words(tmp_path: Path) -> None:
    words, lines = job.bench([write_model(tmp_path / "toy")], TINY)[:2]
    assert words.value is not None and lines.value is not None and words.value > 1.5 * lines.value


def test_without_a_model_the_other_rows_are_there(monkeypatch: pytest.MonkeyPatch, scriven: Run) -> None:
    monkeypatch.setattr(job, "bundled", list)
    small = ("--set", "runs=1", "--set", "seconds=0.01", "--set", "train=no")
    code, out, _ = scriven("bench", "--quick", *small)
    assert code == 0 and "no bundled model" in out and "decode and prepare words" in out
    rows = json.loads(scriven("bench", "--json", *small)[1])["rows"]
    assert [r["what"] for r in rows if r["value"] is None] == ["read"]


def test_without_the_train_extra_its_rows_name_the_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "TRAIN_PACKAGES", ("no_such_package_at_all",))
    rows = job.training_rows(TINY)
    assert [r.what for r in rows] == ["write words", "train tiny"]
    assert all(r.value is None and "no_such_package_at_all" in r.note and ".[train]" in r.note for r in rows)


def test_a_missing_model_is_refused() -> None:
    with pytest.raises(ModelError, match="nowhere"):
        job.bench(["nowhere"], TINY)


@pytest.mark.slow
def test_writing_and_training_are_measured() -> None:
    pytest.importorskip("torch")
    rows = job.training_rows(job.BenchSettings(runs=1, seconds=0.01))
    units = [*["words"] * 4, "lines", *["words"] * 2, "MB"]
    assert [r.unit for r in rows] == units and all((r.value or 0) > 0 for r in rows)


def test_generators_are_measured_and_what_is_extrapolated_says_so() -> None:
    """The loop of WordStylist with a small network; the flow scribe as it is used."""
    pytest.importorskip("torch")
    from scriven.jobs.bench_scribes import CALLS, FlowBenchmark, wordstylist_loop
    from toy_wordstylist import toy_network

    loop = wordstylist_loop(toy_network(characters=tuple("EMOV")))
    assert len(loop.seconds) == 20 and CALLS == 1998
    assert loop.word == pytest.approx(1998 * sum(loop.seconds) / 20) and loop.word > 0
    with FlowBenchmark() as flow:
        flow.writer((8, 192), 1)()
        flow.writer((40, 640), 1)()


def test_rates_below_a_hundred_have_three_digits() -> None:
    rows = job.table_rows([job.Measure("a", 1234.5, "words"), job.Measure("b", 0.00343, "words", (0.003, 12.34), 1)])
    assert [row["per CPU-second"] for row in rows] == ["1,234 words", "0.00343 words"]
    assert rows[1]["runs"] == "0.003 to 12.3"


def test_cutting_and_assembling_lines_are_measured() -> None:
    pytest.importorskip("uharfbuzz")
    reader = Reader.load("scriven-synthetic", threads=1)
    rows = job.stackmix_rows(job.BenchSettings(runs=1, seconds=0.01, lines=2), reader)
    assert [r.what for r in rows] == ["cut lines, beyond reading them", "peak memory", "write lines, stackmix"]
    assert [r.unit for r in rows] == ["lines", "MB", "lines"] and all((r.value or 0) > 0 for r in rows)


def test_training_speed_is_positive() -> None:
    pytest.importorskip("torch")
    assert job.training_columns("", {"size": "tiny"}, 0.01) > 100
