"""The file of predictions of `score`: valid CSV and JSON lines, an empty prediction is an error of 100 %."""

import csv
import json
import math
from pathlib import Path

import pytest

from scriven.base import OutputError, SettingsError
from scriven.jobs.predictions import COLUMNS, rows, save
from scriven.jobs.scored import ScoredSet
from scriven.lines import Character, Reading
from scriven.lines.records import geometric_mean, product
from scriven.metrics import PROTOCOLS, score
from toy_pictures import drawn_folder

AWKWARD = ('say "yes", twice', "a,b;c\td", "NA", "=1+1", "été — œ", "back\\slash", "[s]", "'")


def scores(pairs: list[tuple[str, str]]) -> list[ScoredSet]:
    one = ScoredSet("letters", "test")
    for number, (reference, prediction) in enumerate(pairs):
        one.ids.append(f'line {number}, "x"')
        one.references.append(reference)
        one.predictions.append(prediction)
        one.line_confidences.append(0.5)
        one.characters_of_lines.append([0.5] * len(prediction))
    return [one]


def read_back(file: Path) -> list[dict[str, str]]:
    with open(file, newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened, strict=True))


def test_texts_with_commas_quotes_and_tabs_are_read_back(tmp_path: Path) -> None:
    made = scores([(text, text[::-1]) for text in AWKWARD])
    save(made, tmp_path / "p.csv")
    save(made, tmp_path / "p.jsonl")
    table = read_back(tmp_path / "p.csv")
    objects = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text("utf-8").splitlines()]
    wanted = [" ".join(text.split()) for text in AWKWARD]
    assert [row["text"] for row in table] == [row["text"] for row in objects] == wanted
    assert [row["prediction"] for row in objects] == [row["prediction"] for row in table]
    assert list(table[0]) == list(objects[0]) == list(COLUMNS)
    assert all(float(a["cer"]) == b["cer"] == b["edits"] / b["characters"] for a, b in zip(table, objects, strict=True))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_empty_prediction_is_an_error_of_100_percent(protocol: str, tmp_path: Path) -> None:
    assert score(["quill"], [""], protocol=protocol).cer == 1.0
    half = score(["quill", "paper"], ["", "paper"], protocol=protocol)
    assert half.cer == pytest.approx(0.5) and half.exact == 0.5
    found = list(rows(scores([("quill", ""), ("", ""), ("", "ab")])))
    assert [(row["cer"], row["edits"], row["characters"]) for row in found] == [(1.0, 5, 5), (0.0, 0, 0), (2.0, 2, 0)]
    assert found[0]["confidence_product"] is None and found[0]["confidence_mean"] is None
    save(scores([("quill", "")]), tmp_path / "p.csv")
    (row,) = read_back(tmp_path / "p.csv")
    assert row["prediction"] == row["confidence_mean"] == "" and float(row["cer"]) == 1.0


def test_confidences_as_product_and_as_geometric_mean() -> None:
    two = Reading("x", "ab", 0.3, (Character("a", 0.5, 0, 1), Character("b", 0.8, 1, 2)))
    assert two.confidence_product == product([0.5, 0.8]) == pytest.approx(0.4)
    assert two.confidence_mean == geometric_mean([0.5, 0.8]) == pytest.approx(math.sqrt(0.4))
    assert geometric_mean([0.9] * 40) == pytest.approx(0.9) and product([0.9] * 40) == pytest.approx(0.9**40)
    assert geometric_mean([0.0]) == pytest.approx(0.0, abs=1e-9) and product([0.0, 1.0]) == 0.0


def test_an_empty_reading_has_neither_of_them() -> None:
    empty = Reading("x", "", 0.7)
    assert empty.confidence_product is None and empty.confidence_mean is None


def test_score_writes_what_it_reads_and_overwrites_nothing(tmp_path: Path, scriven) -> None:
    folder = drawn_folder(tmp_path / "letters", ["quill", "ink and paper"], "test")
    code, out, _ = scriven("score", "scriven-general", folder, "--json", "--predictions", tmp_path / "p.jsonl")
    assert code == 0
    told = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text("utf-8").splitlines()]
    assert [row["text"] for row in told] == ["quill", "ink and paper"] and {row["set"] for row in told} == {"letters"}
    whole = sum(row["edits"] for row in told) / sum(row["characters"] for row in told)
    assert json.loads(out)["cer"] == pytest.approx(whole)
    code, _, err = scriven("score", "scriven-general", folder, "--predictions", tmp_path / "p.jsonl")
    assert code == 2 and "exists; choose another --predictions" in err
    with pytest.raises(SettingsError, match="written as .csv or .jsonl"):
        save(scores([]), tmp_path / "p.txt")
    (tmp_path / "q.csv").write_text("")
    with pytest.raises(OutputError, match="q.csv exists"):
        save(scores([]), tmp_path / "q.csv")
