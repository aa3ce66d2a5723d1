"""read --adapt: only affine parameters are tuned on a page, and the result is used only if it passes the gate."""

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scriven.base import OutputError, SettingsError
from scriven.jobs.read import ReadSettings
from scriven.language.identify import LanguageGuess
from scriven.language.model import CharLM
from scriven.lines import Reading
from scriven.page.inputs import LinePicture
from scriven.reader.decoder_contract import Decoder
from scriven.reader.session import Reader
from scriven.selftrain import prior
from scriven.selftrain import test_time as job
from scriven.selftrain.metrics import reader_of
from scriven.training.checkpoint import load_net
from toy_hand import WORDS, parent, picture  # noqa: F401

torch = pytest.importorskip("torch")
from scriven.jobs.train import TrainSettings, fabric_of  # noqa: E402
from scriven.metrics import score  # noqa: E402
from scriven.selftrain.affine import AffineSettings, tune_affine  # noqa: E402

LEAN = 0.42  # slant with which the parent misreads letters


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(logging.getLogger("scriven"), "propagate", True)  # changed by a command that ran before
    for place in (job, prior):
        monkeypatch.setattr(place, "language_model", lambda name: CharLM.train(WORDS * 3, order=3))


def leaning() -> list[np.ndarray]:
    return [picture(w, LEAN) for w in WORDS]


def page(count: int = 10) -> list[LinePicture]:
    return [LinePicture("page", f"p{i}", None, "", picture(WORDS[i % 10], LEAN), None, "", "") for i in range(count)]


def decoder_of(reader: Reader, **changes) -> Decoder:
    return reader.decoder(ReadSettings(**changes), CharLM.train(WORDS * 3, order=3))


def reader_and_net(folder: Path) -> tuple[Reader, torch.nn.Module]:
    net, info = load_net(folder)
    return reader_of(net.eval(), info, fabric_of(TrainSettings(steps=1, precision="32-true"))), net


def test_only_affine_parameters_change_and_the_same_seed_gives_the_same(parent):
    _, net = reader_and_net(parent)
    fabric = fabric_of(TrainSettings(steps=1, precision="32-true"))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    made = [tune_affine(net, leaning(), WORDS, fabric, AffineSettings(steps=3, batch_width_px=900)) for _ in range(2)]
    first, second = (one.state_dict() for one in made)
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    moved = {k for k in before if not torch.equal(before[k], first[k])}
    assert moved and all(before[k].ndim == 1 and "running" not in k for k in moved)
    assert not any(weight.requires_grad for weight in made[0].parameters())


def test_affine_parameters_are_enough_for_slanted_letters(parent):
    reader, net = reader_and_net(parent)
    fabric = fabric_of(TrainSettings(steps=1, precision="32-true"))
    named = [(str(i), ink) for i, ink in enumerate(leaning())]
    before = score(WORDS, [r.text for r in reader.read(named)]).cer
    student = tune_affine(net, leaning(), WORDS, fabric, AffineSettings(steps=40, batch_width_px=2000, strength=0.2))
    after = score(WORDS, [r.text for r in reader_of(student, reader.info, fabric).read(named)]).cer
    assert before > 0.2 and after < 0.7 * before


def test_a_page_is_read_by_the_tuned_network_unless_that_is_rejected(parent, monkeypatch, caplog):
    reader, _ = reader_and_net(parent)
    decoder = decoder_of(reader)
    real, judged = job.unsupervised_metrics, []

    def judging(*arguments):
        judged.append(real(*arguments))
        return replace(
            judged[-1], lm_bits_per_char=wanted[len(judged) - 1], view_disagreement=0.1 * len(judged), characters=5.0
        )

    monkeypatch.setattr(job, "unsupervised_metrics", judging)
    wanted = [2.0, 3.0]
    with caplog.at_level("INFO", "scriven"):
        assert job.adapted(page(), parent, reader, decoder, "cpu", 1)[0] is not reader
        assert "adapted to 10 lines" in caplog.text
        judged.clear()
        wanted = [3.0, 2.0]
        assert job.adapted(page(), parent, reader, decoder, "cpu", 1) == (reader, decoder)
        assert "not adapted: its readings are less plausible in the language" in caplog.text


@pytest.mark.parametrize("certain", [True, False])
def test_the_language_model_of_a_certain_language_is_kept(certain, parent, monkeypatch):
    reader, _ = reader_and_net(parent)
    plain = reader.decoder(ReadSettings())
    monkeypatch.setattr(job, "rejection", lambda new, old: None)
    monkeypatch.setattr(job, "language_of", lambda *_: LanguageGuess("en", certain))
    _, decoder = job.adapted(page(), parent, reader, plain, "cpu", 1)
    assert (decoder.lm is not None) == certain


def test_too_few_lines_are_read_as_they_are_and_too_many_refused(parent, caplog):
    reader, _ = reader_and_net(parent)
    decoder = decoder_of(reader)
    assert job.adapted(page(3), parent, reader, decoder, "cpu", 1) == (reader, decoder)
    assert "not adapted: 3 lines can be used, but at least 4 are needed" in caplog.text
    with pytest.raises(SettingsError, match="at most 200 lines.*scriven adapt"):
        job.bounded(page(201))
    assert len(job.bounded(page(200))) == 200


def test_the_command_adapts_and_names_a_bad_picture_once(scriven, tmp_path, monkeypatch):
    from scriven.images import encode

    for i, word in enumerate(WORDS):
        (tmp_path / f"{word}.png").write_bytes(encode(picture(word, 0.1 + 0.01 * i)))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    code, out, err = scriven("read", tmp_path, "--adapt", "-f", "json", "-m", "scriven-synthetic")
    assert code == 1 and err.count("scriven: skipped ") == 1 and "bad.png" in err and "language en" in err
    assert len(json.loads(out)["readings"]) == 10


@pytest.fixture
def pages(tmp_path):
    from scriven.images import encode

    (tmp_path / "page").mkdir()
    for i, word in enumerate(WORDS):
        (tmp_path / "page" / f"{word}.png").write_bytes(encode(picture(word, 0.02 * i)))
    return tmp_path / "page"


def test_interrupted_reading_resumes_with_the_same_adapted_network(pages, tmp_path, monkeypatch):
    from scriven.jobs.read import read

    monkeypatch.setattr(job, "rejection", lambda new, old: None)
    settings = ReadSettings(adapt=True, lm="en", threads=1)
    monkeypatch.setattr("scriven.jobs.read.language_model", lambda name: CharLM.train(WORDS * 3, order=3))
    read([pages], "scriven-synthetic", tmp_path / "whole", settings=settings)
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    for name in ("ink", "seal", "wax"):
        (tmp_path / "cut" / f"{name}.txt").unlink()
    about = json.loads((tmp_path / "cut" / "about.json").read_text())
    (tmp_path / "cut" / "about.json").write_text(json.dumps({**about, "finished": False}))
    read([pages], "scriven-synthetic", tmp_path / "cut", settings=settings)
    for file in (tmp_path / "whole").glob("*.txt"):
        assert file.read_text() == (tmp_path / "cut" / file.name).read_text()


def test_a_refused_adaptation_creates_no_output(pages, tmp_path, monkeypatch):
    from scriven.jobs.read import read

    monkeypatch.setattr(job, "MAX_LINES", 5)
    with pytest.raises(SettingsError, match="at most 5 lines"):
        read([pages], "scriven-synthetic", tmp_path / "out", settings=ReadSettings(adapt=True, threads=1))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["out.txt", "out"])
def test_an_existing_output_is_refused_before_adapting(place, pages, tmp_path, monkeypatch):
    from scriven.jobs import read as reading

    settings = ReadSettings(adapt=True, threads=1)
    monkeypatch.setattr(reading, "adapted_reader", lambda *_: pytest.fail("it adapts first"))
    if place == "out":
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine.txt").write_text("mine")
    else:
        (tmp_path / "out.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        reading.read([pages], "scriven-synthetic", tmp_path / place, settings=settings)


def test_a_network_that_reads_widened_pictures_is_tuned_on_them(parent, monkeypatch):
    """Labels too long for their picture are dropped."""
    started, (reader, _) = {}, reader_and_net(parent)
    net, info = load_net(parent)
    monkeypatch.setattr(job, "load_net", lambda path: (net, info.model_copy(update={"stretch": 1.3})))
    texts = iter(["ink", "ink" * 60, *WORDS[2:]])
    monkeypatch.setattr(
        job, "readings", lambda reader, pictures, **_: [Reading(id, next(texts), 1.0, ()) for id, _ in pictures]
    )
    monkeypatch.setattr(job, "unsupervised_metrics", lambda *_: None)
    monkeypatch.setattr(job, "rejection", lambda new, old: None)

    def tune_affine(net, pictures, labels, *rest):
        started.update(zip(labels, pictures, strict=True))
        return net

    monkeypatch.setattr(job, "tune_affine", tune_affine)
    job.adapted(page(), parent, reader, decoder_of(reader), "cpu", 1)
    assert set(started) == {"ink", *WORDS[2:]}
    assert started["ink"].shape[1] == round(1.3 * picture("ink").shape[1])


def test_commands_without_adaptation_refuse_the_option(pages):
    from scriven.jobs.pick import PickSettings, pick
    from scriven.jobs.score import score

    with pytest.raises(SettingsError, match="`score` takes a model as it is"):
        score("scriven-synthetic", [pages], settings=ReadSettings(adapt=True))
    with pytest.raises(SettingsError, match="`pick` takes a model as it is"):
        pick([pages], 1, "scriven-synthetic", settings=PickSettings(adapt=True))


def test_an_engine_that_cannot_train_is_refused(pages):
    from scriven.jobs.read import adapted_reader

    with pytest.raises(SettingsError, match="not with openvino"):
        adapted_reader([], "scriven-synthetic", None, None, ReadSettings(adapt=True, engine="openvino"))


def test_the_time_limit_ends_tuning_after_at_least_one_step(parent):
    _, net = reader_and_net(parent)
    fabric, told = fabric_of(TrainSettings(steps=1, precision="32-true")), []
    tune_affine(
        net, leaning(), WORDS, fabric, AffineSettings(steps=1000, seconds=1e-9, batch_width_px=900), told.append
    )
    assert told == [1.0]
