"""What the commands promise: a language model changes a reading, the demo reads before and after."""

import json

import numpy as np
import pytest

from scriven.images import encode
from scriven.jobs import demo as job
from scriven.jobs.adapt import Adapted
from scriven.language.model import CharLM
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.reader.model import read_info, write_info
from toy_reader import LETTERS, picture, write_model


def test_a_language_model_settles_what_the_picture_leaves_open(scriven, tmp_path):
    model, lm = write_model(tmp_path / "model"), tmp_path / "lm"
    CharLM.train(["cbd"] * 20).save(lm)
    (tmp_path / "x.png").write_bytes(encode(np.minimum(picture("cad"), picture("cbd"))))
    call = ("read", tmp_path / "x.png", "-m", model, "--threads", 1)
    assert scriven(*call)[:2] == (0, "cad\n")
    assert scriven(*call, "--lm", lm)[:2] == (0, "cbd\n")


@pytest.mark.parametrize("command", ["read", "score"])
def test_a_model_brings_its_language_model_and_none_leaves_it_aside(command, scriven, tmp_path):
    model = write_model(tmp_path / "model")
    CharLM.train(["cbd"] * 20).save(model / "language.npz")
    write_info(model, read_info(model).model_copy(update={"language_model": "language.npz"}))
    with LinesWriter(tmp_path / "lines", {}) as writer:
        writer.write(Line("x", encode(np.minimum(picture("cad"), picture("cbd"))), "cbd"))

    def said(*more: str) -> bool:
        asked = ("-m", model, tmp_path / "lines") if command == "read" else (model, tmp_path / "lines", "--json")
        code, out, err = scriven(command, *asked, *more)
        assert code == 0, err
        return "cbd" in out if command == "read" else json.loads(out)["cer"] == 0

    assert said() and not said("--lm", "none") and said("--set", "lm=own")
    (model / "language.npz").write_bytes(b"PK")
    code, _, err = scriven("read", tmp_path / "lines", "-m", model)
    assert code == 2 and "damaged" in err and not said("--lm", "none")
    (model / "language.npz").unlink()
    code, _, err = scriven("read", tmp_path / "lines", "-m", model)
    assert code == 2 and "copy the model folder again, or read without it: --lm none" in err


def test_the_demo_reads_before_and_after(tmp_path, monkeypatch):
    lines, asked = tmp_path / "lines", []
    with LinesWriter(lines, {"title": "Bars", "attribution": "Nobody", "licence": "CC0"}) as writer:
        for i, text in enumerate(("ace", "bdf", "aec", "eca", "fdb", "dbf")):
            writer.write(Line(f"l{i}", encode(picture(text)), text, page=f"p{i % 3}"))

    def adapt(inputs, out, *, parent, settings):
        asked.append((inputs, parent, settings.minutes))
        rounds = [{"round": 0, "accepted": True, "view_disagreement": 0.2, "lm_bits_per_char": 2.0, "characters": 3.0}]
        made = write_model(out)
        CharLM.train(["zzz"] * 3, order=2).save(made / "language.npz")
        write_info(made, read_info(made).model_copy(update={"language_model": "language.npz"}))
        return Adapted(made, True, "", rounds)

    monkeypatch.setattr(job, "LINES", lines)
    monkeypatch.setattr(job, "adapt", adapt)
    wrong = write_model(tmp_path / "wrong", charset=(*LETTERS[1:7], LETTERS[0], " "))
    done = job.demo(tmp_path / "out", 0.5, wrong)
    assert asked == [([lines], wrong, 0.5)]
    assert done.before.cer == 1.0 and done.after.cer == 0.0 and done.before.n == done.after.n == 6
    kept = json.loads((tmp_path / "out" / "result.json").read_text())
    assert kept == json.loads(json.dumps(job.as_json(done))) and kept["cer_before"] == 1.0 and kept["helped"]
    report = (tmp_path / "out" / "report.html").read_text()
    assert "100.0 %" in report and "Bars. Nobody. Licence: CC0." in report
    assert "Without it the error rate is" not in report and kept["cer_after_without_lm"] == 0.0  # it changed nothing
    assert "fell by 100.0 percentage points (from 100.0 % to 0.0 %)" in report and 'class="legend"' in report
    assert "<li>surprise:" in report and "apostrophes" not in report  # none in these transcriptions
    assert job.demo(tmp_path / "out", 0.5, wrong).folder == tmp_path / "out-2"


def test_a_demo_that_learns_nothing_says_so(scriven, tmp_path, monkeypatch):
    lines = tmp_path / "lines"
    with LinesWriter(lines, {"title": "Bars", "attribution": "Nobody", "licence": "CC0"}) as writer:
        for i, text in enumerate(("ace", "bdf", "aec")):
            writer.write(Line(f"l{i}", encode(picture(text)), text, page=f"p{i}"))
    rounds = [{"round": 0, "accepted": True}, {"round": 1, "accepted": False, "why": "two views differ"}]

    def adapt(inputs, out, *, parent, settings):
        return Adapted(write_model(out), False, "two views differ", rounds)

    monkeypatch.setattr(job, "LINES", lines)
    monkeypatch.setattr(job, "adapt", adapt)
    code, out, _ = scriven("demo", "-o", tmp_path / "out", "--minutes", "1", "-m", write_model(tmp_path / "parent"))
    assert code == 0 and "Nothing was learnt: the old weights are kept, because two views differ; give it more" in out
    page = (tmp_path / "out" / "report.html").read_text()
    assert "A hand that was not learnt" in page and "A hand learnt without labels" not in page
    assert "Nothing was learnt, and the old weights are kept: two views differ." in page and "points" not in page


def test_the_pictures_of_the_demo_are_there_with_their_licence():
    folder = LinesFolder(job.LINES)
    assert folder.count("train") == 500 and folder.about["licence"] == "CC BY 4.0"
    assert all(line.text and line.page for line in folder.lines("train"))
