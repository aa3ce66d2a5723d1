"""`score`: measured error rates, estimates, and warnings."""

import json
import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from scriven.base import LinesError, OutputError
from scriven.cli import run
from scriven.images import encode
from scriven.jobs.read import ReadSettings, read
from scriven.jobs.score import score
from scriven.jobs.score_page import save_page
from scriven.jobs.scored import ScoredSet, Scores
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.lines import sketch as sketches
from scriven.lines.sketch import digest, share_in, sketch
from scriven.reader.model import read_info, write_info
from toy_reader import LETTERS, picture, write_model
from toy_scans import letters, model, scans, texts  # noqa: F401

ONE = ReadSettings(threads=1)


def test_score_uses_the_test_split_and_counts_unlabelled_lines(model, letters):
    result = score(model, [letters], settings=ONE)
    answer = result.as_json(variants=True)
    assert (answer["cer"], answer["wer"], answer["exact"], answer["n"]) == (0, 0, 1, 30)
    assert answer["sets"][0]["split"] == "test" and answer["sets"][0]["unlabelled"] == 1
    assert answer["interval"] == [0, 0] and answer["ece"]["lines"] < 0.2
    assert set(answer["variants"]) >= {"nfc", "alnum_insensitive"}
    assert score(model, [letters], "train", settings=ONE).overall().n == 10
    with pytest.raises(LinesError, match="no split 'valid'"):
        score(model, [letters], "valid", settings=ONE)


def test_score_counts_edits_and_names_characters_outside_the_character_set(model, tmp_path, capsys):
    folder = tmp_path / "wrong"
    with LinesWriter(folder, {}) as writer:
        writer.write(Line("a", encode(picture("abcd")), "abcx"))
        writer.write(Line("b", encode(picture("gg")), "gg"))
        writer.write(Line("c", b"no picture", "gg"))
    result = score(model, [folder, folder], settings=ONE)
    assert result.overall().cer == pytest.approx(1 / 6) and result.overall().n == 4
    assert result.missing == {"x": 2} and {r.id for r in result.skipped} == {"c"}
    assert [s.split for s in result.sets] == ["all", "all"]
    assert run(["score", str(model), str(folder), "--threads", "1", "--json"]) == 1
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert answer["cer"] == pytest.approx(1 / 6) and len(answer["sets"]) == 1 and "skipped c" in printed.err
    assert run(["score", str(model), str(folder), "--threads", "1"]) == 1
    printed = capsys.readouterr()
    assert "16.67" in printed.out and "x 1" in printed.err


def test_white_space_is_normalised_before_scoring():
    found = ScoredSet(
        "a", "test", references=["ab c"], predictions=["ab  c "], hands=[""], pages=[""], line_confidences=[1.0]
    )
    assert found.score().exact == 1
    assert Scores("m", [found], [], Counter()).ece() == {"lines": 0.0}


def test_score_warns_of_lines_that_trained_the_model_or_its_parent(letters, tmp_path, caplog):
    prints = [{"path": "letters", "fingerprint": LinesFolder(letters).fingerprint()}]
    for name, about in (("own", {"data": prints}), ("parents", {"parents": [{"name": "x", "data": prints}]}),
                        ("none", {"data": [{"fingerprint": "0"}], "parents": ["x"]})):  # fmt: skip
        made = write_model(tmp_path / name)
        write_info(made, read_info(made).model_copy(update=about))
        for split in ("train", "test"):
            caplog.clear()
            result = score(made, [letters], split, settings=ONE).as_json()
            expected = name != "none" and split == "train"
            assert result["sets"][0]["trained_on"] is expected
            assert ("the model was trained on these lines" in caplog.text) is expected


@pytest.mark.parametrize(
    ("trained", "others", "said"), [(10, 0, "all"), (300, 0, "all"), (300, 300, "half"), (0, 300, "none")]
)
def test_score_recognises_training_pictures_in_other_files(trained, others, said, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(sketches, "SKETCH_SIZE", 64)
    texts = ["".join(LETTERS[i // 7**k % 7] for k in range(4)) for i in range(900)]
    lines = [Line(f"l{i}", encode(picture(text)), text) for i, text in enumerate(texts)]
    kept = sketch(digest(line.image) for line in lines[: trained or 300])
    model = write_model(tmp_path / "model", parents=[{"data": [{"path": "gone", "sketch": kept}] * 2}])
    with LinesWriter(tmp_path / "copy", {}) as writer:  # with other ids and files, as in another import
        for line in [*lines[:trained], *lines[300 : 300 + others]]:
            writer.write(replace(line, id=f"other/{line.id}", text=line.text + " a", hand="h"), "test")
    found = score(model, [tmp_path / "copy"], settings=ONE).as_json()
    assert found["sets"][0]["trained_on"] is (said != "none")
    if said == "all":
        assert f"{tmp_path / 'copy'}: the model was trained on these lines" in caplog.text
    elif said == "half":
        share = int(caplog.text.split("about ")[1].split("%")[0])
        assert 35 <= share <= 65 and "% of these lines; the true" in caplog.text


def test_the_estimated_share_of_a_sketch():
    every = [digest(str(i).encode()) for i in range(8000)]
    few, more = sketch(every[:4000]), sketch(every[:6000])  # the pictures of a model, and those of its parent
    assert 0.4 < share_in([few, more], every[2000:4000] + every[6000:]) < 0.6
    assert share_in([more], every[:6000]) == 1 and share_in([more], every[6000:]) == 0
    assert share_in([more], [more.split()[0], *every[6000:]]) == 0
    assert all(share_in([sketch(every)], every[k :: 8000 // 120]) > 0 for k in range(66))  # 120 lines of 8,000


def test_score_refuses_a_folder_of_pictures_with_advice(model, tmp_path):
    (tmp_path / "a.png").write_bytes(encode(picture("abcd")))
    with pytest.raises(LinesError, match=r"is not a lines folder; make .* with `scriven import pictures`, .*pairs`"):
        score(model, [tmp_path], settings=ONE)
    (tmp_path / "a.gt.txt").write_text("abcd")
    with pytest.raises(LinesError, match="has pictures and texts but is not a lines folder"):
        score(model, [tmp_path], settings=ONE)


def test_score_warns_of_texts_read_by_a_model(model, scans, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("scriven"), "propagate", True)
    read([scans], model, tmp_path / "read.csv", settings=ONE)
    score(model, [tmp_path / "read.csv"], settings=ONE)
    assert "40 transcriptions of 40 were read by a model" in caplog.text


# Confusions and the page


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """Three lines, two with errors (b read as a twice, one c inserted), and one with an empty text."""
    with LinesWriter(tmp_path / "wrong", {}) as writer:
        for id, drawn, text in (("one", "aada", "abdb"), ("two", "cc", "c"), ("right", "gg", "gg"), ("blank", "e", "")):
            writer.write(Line(id, encode(picture(drawn)), text))
    return tmp_path / "wrong"


def test_score_counts_confusions(model: Path, wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = score(model, wrong, settings=ONE).as_json()
    assert answer["confusions"][0] == {"reference": "b", "prediction": "a", "count": 2, "occurrences": 2}
    assert {(c["reference"], c["prediction"]) for c in answer["confusions"]} == {("b", "a"), ("", "c"), ("", "e")}
    assert run(["score", str(model), str(wrong), "--threads", "1"]) == 0
    assert "frequent confusions (written > read): b > a 2 of 2, nothing > c 1 of 2" in capsys.readouterr().out


def test_perfect_readings_have_no_confusions(model: Path, letters: Path, tmp_path: Path) -> None:
    scores = score(model, letters, settings=ONE)
    assert scores.confusions() == [] and "confusions" not in scores.text()
    page = save_page(scores, tmp_path / "page.html").read_text("utf-8")
    assert "No character was misread." in page and "No line has an error." in page


def test_the_page_of_score_shows_the_lines_with_most_errors(
    model: Path, wrong: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "scores.html"
    command = ["score", str(model), str(wrong), "--threads", "1", "--report", str(page)]
    assert run(command) == 0 and str(page) in capsys.readouterr().err
    content = page.read_text("utf-8")
    assert content.count("<img") == 3  # the line without errors is not shown
    places = [content.index(f"<figcaption>{id} ") for id in ("one", "two", "blank")]
    assert places == sorted(places)
    assert "one · wrong · 2 errors in 4 characters" in content and "Confusions" in content
    assert "<script" not in content and "character error rate" in content
    assert run(command) == 0  # an earlier page of score is overwritten
    (tmp_path / "mine.html").write_text("<title>mine</title>")
    with pytest.raises(OutputError, match="not a page of `scriven score`"):
        save_page(score(model, wrong, settings=ONE), tmp_path / "mine.html")
    assert run([*command[:-1], str(tmp_path / "mine.html")]) == 2
    assert (tmp_path / "mine.html").read_text() == "<title>mine</title>"


def test_the_page_of_lines_without_transcription_has_an_estimate(model: Path, tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "bare", {}) as writer:
        for i in range(12):
            writer.write(Line(f"l{i}", encode(picture("abcdefg"[: 3 + i % 4]))))
    content = save_page(score(model, tmp_path / "bare", settings=ONE), tmp_path / "p.html").read_text("utf-8")
    assert "estimated, not measured" in content and "Confusions" not in content
