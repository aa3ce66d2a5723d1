"""pick: a deterministic choice without bad lines, output in the formats of `read`, and the forecast."""

import csv
import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from scriven.base import InputError, LinesError, OutputError, SettingsError
from scriven.estimate import choice
from scriven.estimate.choice import CRITERIA, LineCandidate, choose
from scriven.estimate.learning_curve import CURVES, PowerLaw, fit_power_law, forecast
from scriven.images import encode
from scriven.jobs import pick as job
from scriven.lines import Line, LinesFolder, LinesWriter
from toy_reader import picture, write_model

TEXTS = ("abc def", "gfed", "ba dc", "abc deg", "fa", "cab bag fed", "dd ee ff gg")
Scriven = Callable[..., tuple[int, str, str]]


def some(count: int = 40, seed: int = 0) -> list[LineCandidate]:
    rng = random.Random(seed)
    texts = ["".join(rng.choice("abcdefghij ") for _ in range(rng.randint(4, 40))) for _ in range(count)]
    return [LineCandidate(f"l{i:02d}", f"{t}xy", rng.random(), "", f"p{i % 5}") for i, t in enumerate(texts)]


def names(pool: list[LineCandidate], count: int, by: str = "mixed") -> list[str]:
    return [pool[i].id for i in choose(pool, count, by)]


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return write_model(tmp_path / "toy")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of toy pictures, one of them blank."""
    (tmp_path / "scans").mkdir()
    for i, text in enumerate(TEXTS):
        (tmp_path / "scans" / f"{i}.png").write_bytes(encode(picture(text)))
    (tmp_path / "scans" / "blank.png").write_bytes(encode(picture("     ")))
    return tmp_path / "scans"


def lines(folder: Path, texts: dict[str, str | None], split: str = "train") -> Path:
    with LinesWriter(folder, {}) as writer:
        for seen, text in texts.items():
            writer.write(Line(f"id {seen}", encode(picture(seen)), text), split)
    return folder


def table(file: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.read_text("utf-8"))))


# the choice


@pytest.mark.parametrize("by", CRITERIA)
def test_the_choice_is_the_same_in_any_order_and_its_beginning_is_the_shorter_choice(by: str) -> None:
    pool = some()
    found = names(pool, 10, by)
    assert len(set(found)) == 10 and found[:4] == names(pool, 4, by)
    random.Random(1).shuffle(pool)
    assert names(pool, 10, by) == found


@pytest.mark.parametrize("by", CRITERIA)
def test_blank_lines_are_never_chosen_and_all_others_can_be(by: str) -> None:
    pool = [
        *some(9),
        LineCandidate("blank", "", 0.0),
        LineCandidate("dot", ".", 0.9),
        LineCandidate("rule", "-- --", 0.5),
    ]
    assert sorted(names(pool, 50, by)) == [f"l{i:02d}" for i in range(9)]
    assert names([], 5, by) == []


def test_the_lazy_greedy_choice_is_the_greedy_choice() -> None:
    pool = some(25)
    worth = choice.medium_confidence(pool)
    held = [choice.features(one) for one in pool]

    def value(chosen: list[int]) -> float:
        features = {u for one in held for u in one}
        total = {u: sum(one[u] for one in held) for u in features}
        return sum(
            total[u] ** 0.5 * sum(held[k][u] for k in chosen) ** 0.5
            for u in features
            if any(held[k][u] for k in chosen)
        )

    plain: list[int] = []
    for _ in range(6):
        gains = {k: worth[k] * (value([*plain, k]) - value(plain)) for k in range(25) if k not in plain}
        plain.append(max(gains, key=lambda k: (round(gains[k], 9), -k)))
    lazy = choice.diverse_order(pool, worth)
    assert [next(lazy) for _ in range(6)] == plain


def test_long_lines_of_medium_confidence_come_first() -> None:
    same = "the same length of text"
    pool = [LineCandidate(f"{i:02d}", f"{same[i % 5 :]}{same[: i % 5]} {i:02d}", i / 20, "", "") for i in range(20)]
    first = names(pool, 5)
    assert not {"00", "18", "19"} & set(first)
    assert names(pool, 20)[-1] == "00"
    assert names([*pool, LineCandidate("long", f"{same} and {same[::-1]}", 0.5)], 1) == ["long"]


def test_near_repetitions_of_a_chosen_line_come_last() -> None:
    twin = "a rather long line, written twice"
    pool = [LineCandidate("a", twin, 0.5), LineCandidate("b", twin[:-1], 0.5), LineCandidate("c", "short", 0.5)]
    for by in CRITERIA:
        order = names(pool, 3, by)
        assert order.index("c") == 1 and len(order) == 3


def test_the_choice_is_spread_over_pages_and_hands() -> None:
    pool = [
        LineCandidate(f"{hand}{i}", f"{chr(97 + i)}bcdef {i}{i}", 0.5, hand, hand) for hand in "xy" for i in range(8)
    ]
    chosen = names(pool, 6)
    assert sorted(id[0] for id in chosen) == ["x"] * 3 + ["y"] * 3


def test_confidence_criteria_choose_the_least_or_the_most_confident_first() -> None:
    """Among lines that differ only in confidence; the least confident twentieth comes last."""
    pool = [LineCandidate(f"{i:02d}", chr(97 + i) * 3 + " " + chr(118 - i) * 4, i / 20) for i in range(20)]
    unsure, clear = (names(pool, 20, by) for by in ("unsure", "clear"))
    assert unsure[:3] == ["01", "02", "03"] and "00" in unsure[-2:]
    assert set(clear[:3]) <= {"17", "18", "19"}


def test_an_unknown_criterion_is_refused() -> None:
    with pytest.raises(SettingsError, match="'by'.*mixed"):
        choose(some(), 3, "best")
    with pytest.raises(SettingsError, match="'by'"):
        job.PickSettings(by="best")


# the job


def test_lines_with_a_transcription_are_skipped_and_readings_are_not_transcriptions(tmp_path: Path, toy: Path) -> None:
    folder = lines(tmp_path / "l", {"abc": "abc", "gfed": None, "ba dc": ""})
    picked = job.pick([folder], 5, toy, stream=io.StringIO())
    assert {one.candidate.id for one in picked.chosen} == {"id gfed", "id ba dc"} and picked.pool.labelled == 1
    rows = ["id,image,text,confidence", "a,l#id abc,abc,", "b,l#id gfed,gfed,0.5"]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    picked = job.pick([tmp_path / "t.csv"], 5, toy, stream=io.StringIO())
    assert [one.candidate.id for one in picked.chosen] == ["b"]


def test_if_all_lines_have_texts_these_are_ignored_and_test_lines_are_not_candidates(tmp_path: Path, toy: Path) -> None:
    said = dict(zip(TEXTS, TEXTS, strict=True))
    other = {seen: f"no {i}" for i, seen in enumerate(TEXTS)}
    found = []
    for name, texts in (("a", said), ("b", other)):
        folder = tmp_path / name
        with LinesWriter(folder, {}) as writer:
            for split in ("train", "test"):
                for seen, text in texts.items():
                    writer.write(Line(f"{split} {seen}", encode(picture(seen)), text), split)
        picked = job.pick([folder], 4, toy, stream=io.StringIO())
        assert picked.pool.labelled == 0 and all(one.candidate.id.startswith("train") for one in picked.chosen)
        found.append([(one.candidate.id, one.reading.text) for one in picked.chosen])
    assert found[0] == found[1] and len(found[0]) == 4
    with pytest.raises(LinesError, match="nowhere"):
        job.pick([folder], 4, toy, stream=io.StringIO(), done=[tmp_path / "nowhere"])


def test_a_csv_is_what_read_writes_and_a_lines_folder(scans: Path, toy: Path, tmp_path: Path, scriven: Scriven) -> None:
    code, _, err = scriven("pick", scans, "-n", 3, "-m", toy, "-o", tmp_path / "p.csv")
    assert code == 0 and "blank" not in (tmp_path / "p.csv").read_text()
    assert "5 % CER" in err and "1 line: fewer than two letters" in err
    scriven("read", scans, "-m", toy, "-o", tmp_path / "r.csv")
    read = table(tmp_path / "r.csv")
    picked = table(tmp_path / "p.csv")
    assert picked[0] == read[0] and all(row in read for row in picked) and len(picked) == 4
    assert [line.text for line in LinesFolder(tmp_path / "p.csv").lines()] == [row[2] for row in picked[1:]]
    code, out, _ = scriven("pick", scans, "-n", 10, "-m", toy, "-f", "csv", "--done", tmp_path / "p.csv")
    rest = [row[0] for row in csv.reader(io.StringIO(out))][1:]
    assert not {row[0] for row in picked[1:]} & set(rest) and len(rest) == len(TEXTS) - 3


def test_an_existing_file_is_not_overwritten_and_the_extension_must_fit(scans: Path, toy: Path, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("mine")
    with pytest.raises(OutputError, match="exists; choose another -o"):
        job.pick([scans], 3, toy, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text() == "mine"
    with pytest.raises(SettingsError, match="name it q.csv"):
        job.pick([scans], 3, toy, tmp_path / "q.xml", "csv")
    with pytest.raises(SettingsError, match="alto"):
        job.pick([scans], 3, toy, None, "alto")
    with pytest.raises(SettingsError, match="count"):
        job.pick([scans], 0, toy)


def test_the_command_line_prints_a_table_or_one_json_object(scans: Path, toy: Path, scriven: Scriven) -> None:
    code, out, _ = scriven("pick", scans, "-n", 2, "-m", toy)
    assert code == 0 and out.splitlines()[0].split() == ["id", "why", "reading"] and "letters" in out
    code, out, err = scriven("pick", scans, "-n", 2, "-m", toy, "--json", "--cer", 8)
    told = json.loads(out)
    assert code == 0 and len(told["picked"]) == 2 and told["forecast"]["start"] == [0.08, 0.08]
    assert [one["id"] for one in told["unfit"]] == ["blank"] and told["read"] == len(TEXTS)
    assert scriven("pick", scans, "-m", toy, "--json", "-f", "csv")[0] == 2
    (scans / "bad.png").write_bytes(b"no picture")
    code, out, err = scriven("pick", scans, "-n", 2, "-m", toy)
    assert code == 1 and "bad.png" in err and len(out.splitlines()) == 4
    for file in scans.glob("[0-9]*"):
        file.unlink()
    code, out, err = scriven("pick", scans, "-m", toy)
    assert code == 2 and not out and "no line to choose from" in err and "blank" in err
    assert err.splitlines()[-2].startswith("  ") and "bad.png: " in err.splitlines()[-2]


def test_picking_needs_no_torch(scans: Path, toy: Path, python: Callable[..., object]) -> None:
    code = "import sys\nfrom scriven.cli import run\nrun(sys.argv[1:])\nassert 'torch' not in sys.modules"
    assert getattr(python(code, "pick", scans, "-m", toy), "returncode") == 0  # noqa: B009


# the forecast


def test_a_power_law_is_recovered_and_inverted() -> None:
    law = PowerLaw(20.0, 0.3)
    found = fit_power_law({0: 0.4, **{n: 0.4 * law.share(n) for n in (30, 100, 500, 2000)}})
    assert found.a == pytest.approx(0.3, rel=0.03) and found.k == pytest.approx(20, rel=0.1)
    assert law.lines(law.share(137)) == pytest.approx(137)
    for curve in CURVES.values():
        assert all(abs(fit_power_law(curve).share(n) - cer / curve[0]) < 0.06 for n, cer in curve.items())


MEASURED = tuple(
    {0: 0.4, **{n: 0.4 * PowerLaw(k, a).share(n) for n in (30, 100, 1000)}} for k, a in ((20, 0.3), (9, 0.4))
)


def test_the_forecast_is_a_range_over_the_measured_hands() -> None:
    low, high = sorted(PowerLaw(k, a).lines(0.05 / 0.08) for k, a in ((20, 0.3), (9, 0.4)))
    found = forecast((0.08, 0.08), curves=MEASURED)
    assert found.fewest == pytest.approx(low, rel=0.2) and found.most == pytest.approx(high, rel=0.2)
    assert f"roughly {found.fewest} to {found.most} lines" in found.sentence() and "2 other hands" in found.sentence()
    worse = forecast((0.08, 0.09), curves=MEASURED)
    assert worse.fewest == found.fewest and worse.most and found.most and worse.most > found.most
    assert "no more lines" in forecast((0.03, 0.04), curves=MEASURED).sentence()


@pytest.mark.parametrize("start", [(0.2, 0.2), (0.35, 0.5), (0.6, 0.7)])
def test_from_20_percent_cer_the_forecast_gives_a_bound_and_the_cer_after_fewer_lines(
    start: tuple[float, float],
) -> None:
    """Regression: above 20 % CER there was no forecast."""
    found = forecast(start)
    said = found.sentence()
    assert "cannot be told" not in said and "lines" in said
    if found.fewest is None:
        assert f"more than {found.measured:,} lines" in said
    low, high = found.reached[100]
    assert 0 < low <= high < start[1] and f"100 lines {100 * low:.0f}" in said
    assert found.reached[30][1] > high and found.as_json()["reached"]["100"] == [round(low, 4), round(high, 4)]  # type: ignore[index]


# transcribed lines are recognised by their path


def chosen_by(toy: Path, *given: Path, count: int = 50, **more: object) -> list[str]:
    picked = job.pick(given, count, toy, stream=io.StringIO(), **more)  # type: ignore[arg-type]
    return sorted(one.item.picture_name() for one in picked.chosen)


def test_transcribed_lines_are_recognised_by_their_picture(toy: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "scans" / name).mkdir(parents=True)
        for i, text in enumerate(TEXTS[:3]):
            (tmp_path / "scans" / name / f"{i}.png").write_bytes(encode(picture(text)))
    a, b = tmp_path / "scans" / "a", tmp_path / "scans" / "b"
    job.pick([a], 1, toy, tmp_path / "a.csv")
    done = [tmp_path / "a.csv"]
    assert len(chosen_by(toy, b, done=done)) == 3
    left = chosen_by(toy, tmp_path / "scans", done=done)
    assert len(left) == 5 and sum("/a/" in place for place in left) == 2
    with pytest.raises(InputError, match="3 lines with a text already"):
        job.pick([a], 3, toy, tmp_path / "all.csv")
        job.pick([a], 1, toy, stream=io.StringIO(), done=[tmp_path / "all.csv"])


def test_validation_and_test_lines_are_picked_only_on_request(toy: Path, tmp_path: Path) -> None:
    folder = lines(tmp_path / "m", {text: None for text in TEXTS}, "test")
    with pytest.raises(InputError, match="only test lines, which are for evaluation.*split=test"):
        chosen_by(toy, folder)
    assert chosen_by(toy, folder, settings=job.PickSettings(split="test"))


def test_without_an_estimate_there_is_no_forecast(toy: Path, scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "estimate_cer", lambda *_: None)
    picked = job.pick([scans], 3, toy, stream=io.StringIO())
    assert picked.forecast is None and "no forecast" in picked.how_far()
    assert picked.as_json()["forecast"] is None
