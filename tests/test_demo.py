"""`demo`: the box of letters, and readings before and after an adaptation to it or to the user's pictures."""

import json
from pathlib import Path

import pytest

from scriven.base import InputError
from scriven.estimate.cer import CerEstimate
from scriven.images import PICTURE_SUFFIXES, decode, encode
from scriven.jobs.adapt import Adapted
from scriven.jobs.demo import DemoSettings, LetterSettings, demo, run, write_letters
from scriven.jobs.demo.letters import TEXT, TYPEFACE, pages
from scriven.jobs.read import ReadSettings, load
from scriven.language.model import CharLM
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.metrics import score
from scriven.reader.model import read_info, write_info
from scriven.scribes import typefaces
from toy_reader import LETTERS, picture, write_model

WORDS = ("ace", "bdf", "aec", "eca", "fdb", "dbf", "cab", "fee", "bad")
SOURCE = Path(typefaces.__file__).parents[2]  # of the package
HIGH = CerEstimate(0.4, 9, (0.3, 0.5), 9)
LOW = CerEstimate(0.2, 9, (0.1, 0.3), 9)
ROUNDS = [{"round": 0, "accepted": True}, {"round": 1, "accepted": True, "view_disagreement": 0.2}]


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    return LinesFolder(write_letters(tmp_path_factory.mktemp("demo") / "letters"))


@pytest.fixture
def adapting(monkeypatch):
    """An `adapt` that immediately returns a model that reads bars; its arguments are added to the list."""
    asked = []

    def adapt(inputs, out, *, parent, settings):
        asked.append((inputs, parent, settings.minutes))
        bars(out / "rounds" / "01")  # the pseudo-labels
        return Adapted(write_model(out), True, "", ROUNDS, (HIGH, LOW))

    monkeypatch.setattr(run, "adapt", adapt)
    return asked


@pytest.fixture
def wrong(tmp_path):
    """A model that reads every letter as the next one."""
    return write_model(tmp_path / "wrong", charset=(*LETTERS[1:7], LETTERS[0], " "))


def bars(folder, texts=WORDS):
    with LinesWriter(folder, {}) as writer:
        for number, text in enumerate(texts):
            writer.write(Line(f"l{number}", encode(picture(text)), text, page=f"p{number % 3}"))
    return folder


def files(folder, ending=""):
    """Pictures, each with its transcription in a file beside it if an `ending` is given."""
    folder.mkdir()
    for number, text in enumerate(WORDS):
        (folder / f"l{number}.png").write_bytes(encode(picture(text)))
        if ending:
            (folder / f"l{number}{ending}").write_text(f"{text}\n")
    return folder


def test_the_box_of_letters_has_about_500_lines_on_pages(box):
    lines = list(box.lines())
    assert list(box.splits) == ["train"] and 480 <= len(lines) <= 520
    assert [line.text for line in lines] == [text for page in pages() for text in page]
    assert " ".join(line.text for line in lines) == " ".join(TEXT.read_text("utf-8").split())
    assert len({line.page for line in lines}) == len(pages()) and {line.origin for line in lines} == {"fonts"}
    assert all(55 <= line.height <= 90 and line.width > 40 for line in lines)
    assert "drawn by a program" in box.about["title"] and "CC0" in box.about["licence"]


def test_seed_and_text_determine_the_ink(tmp_path):
    small = {"pages": 2, "lines": 4}
    first, again, other = (
        list(LinesFolder(write_letters(tmp_path / name, LetterSettings(seed=seed, **small))).lines())
        for name, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    assert len(first) == 8 and [line.image for line in first] == [line.image for line in again]
    assert [line.text for line in first] == [line.text for line in other]
    assert not {line.image for line in first} & {line.image for line in other}
    assert len({line.image for line in first}) == 8


def test_no_model_is_trained_on_the_typeface_of_the_box():
    (face,), refused = typefaces.from_folder(TYPEFACE)
    assert not refused and face.covers(TEXT.read_text("utf-8").replace("\n", " ")) and face.licence == "OFL-1.1"
    bundled = typefaces.bundled()
    assert face.id not in {one.id for one in bundled}
    assert not {file.sha256 for file in face.files} & {file.sha256 for one in bundled for file in one.files}
    assert Path(typefaces.__file__).parent not in TYPEFACE.parents


def test_the_package_contains_no_pictures():
    assert not [file for file in SOURCE.rglob("*") if file.suffix.lower() in (*PICTURE_SUFFIXES, ".parquet", ".pdf")]


def test_the_box_of_letters_is_read_before_and_after(adapting, wrong, tmp_path):
    letters = LetterSettings(pages=1, lines=9)
    done = demo((), tmp_path / "out", model=wrong, settings=DemoSettings(minutes=0.5, letters=letters))
    assert adapting == [([tmp_path / "out" / "letters"], wrong, 0.5)]
    assert done.drawn and done.n == 9 and done.scored and done.scored.before.n == 9
    page = done.page.read_text("utf-8")
    assert "The letters are synthetic, not scans" in page and "no bundled model was trained on" in page


def test_own_pictures_with_transcriptions_are_scored(adapting, wrong, tmp_path):
    lines = bars(tmp_path / "lines")
    done = demo([lines], tmp_path / "out", model=wrong, settings=DemoSettings(minutes=0.5))
    assert adapting == [([lines], wrong, 0.5)] and not done.drawn and done.n == len(WORDS)
    assert done.scored and done.scored.before.cer == 1.0 and done.scored.after.cer == 0.0
    kept = json.loads((tmp_path / "out" / "result.json").read_text("utf-8"))
    assert kept == json.loads(json.dumps(done.as_json())) and kept["helped"]
    assert (kept["cer_before"], kept["cer_after"], kept["n_scored"]) == (1.0, 0.0, len(WORDS))
    assert kept["estimate_after"]["cer"] == 0.2
    page = done.page.read_text("utf-8")
    assert "fell by 100.0 percentage points (from 100.0 % to 0.0 %" in page and 'class="legend"' in page
    assert "Without it the error rate is" not in page  # the new model brings no language model
    assert "not scans" not in page
    assert demo([lines], tmp_path / "out", model=wrong).folder == tmp_path / "out-2"


@pytest.mark.parametrize("ending", [".gt.txt", ".txt"])
def test_a_text_file_beside_a_picture_is_its_transcription(ending, adapting, wrong, tmp_path):
    done = demo([files(tmp_path / "scans", ending)], tmp_path / "out", model=wrong)
    assert done.scored and done.scored.after.cer == 0.0 and done.scored.after.n == len(WORDS)


def test_readings_of_a_model_are_not_used_as_transcriptions(adapting, wrong, tmp_path):
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for number, text in enumerate(WORDS):
            writer.write(Line(f"l{number}", encode(picture(text)), "abc", confidence=0.9))
    assert demo([tmp_path / "lines"], tmp_path / "out", model=wrong).scored is None


def test_own_pictures_without_transcriptions_are_estimated(adapting, scriven, wrong, tmp_path):
    scans = files(tmp_path / "scans")
    code, out, _ = scriven("demo", scans, "-o", tmp_path / "out", "-m", wrong)
    assert code == 0 and "Estimated CER before 40.0%, after 20.0% (95 % interval 10% to 30%), of 9 pictures" in out
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "estimated character error rate after" in page and "20.0 %" in page and "red, underlined" not in page
    code, out, _ = scriven("demo", scans, "-o", tmp_path / "out", "-m", wrong, "--json")
    told = json.loads(out)
    assert told["cer_after"] is None and told["estimate_before"]["cer"] == 0.4 and told["report"].endswith(".html")


def test_the_cer_without_the_language_model_is_reported(monkeypatch, wrong, tmp_path):
    def adapt(inputs, out, *, parent, settings):
        bars(out / "rounds" / "01")
        made = write_model(out)
        CharLM.train(["zzz"] * 3, order=2).save(made / "language.npz")
        write_info(made, read_info(made).model_copy(update={"language_model": "language.npz"}))
        return Adapted(made, True, "", ROUNDS)

    monkeypatch.setattr(run, "adapt", adapt)
    done = demo([bars(tmp_path / "lines")], tmp_path / "out", model=wrong)
    assert done.scored and done.as_json()["cer_after_without_lm"] == done.scored.without_lm.cer == 0.0


def test_an_adaptation_that_does_not_help_is_reported(monkeypatch, scriven, wrong, tmp_path):
    rounds = [{"round": 0, "accepted": True}, {"round": 1, "accepted": False, "why": "two views differ"}]

    def adapt(inputs, out, *, parent, settings):
        return Adapted(write_model(out), False, "two views differ", rounds)

    monkeypatch.setattr(run, "adapt", adapt)
    code, out, _ = scriven("demo", bars(tmp_path / "lines"), "-o", tmp_path / "out", "--minutes", "1", "-m", wrong)
    assert code == 0 and "did not help, the weights of the parent are kept: two views differ" in out
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "the weights of the parent are kept: two views differ." in page and "points" not in page


def test_too_few_pictures_leave_no_folder(adapting, scriven, wrong, tmp_path):
    code, _, err = scriven("demo", bars(tmp_path / "lines", WORDS[:3]), "-o", tmp_path / "out", "-m", wrong)
    assert code == 2 and "3 pictures can be read" in err and "at least 8" in err
    assert not (tmp_path / "out").exists() and not adapting
    with pytest.raises(InputError, match="save standard input to a file"):
        demo(["-"], tmp_path / "out")


def test_many_pictures_are_sampled_for_the_comparison(adapting, wrong, tmp_path):
    settings = DemoSettings(pictures=4, shown=2)
    done = demo([bars(tmp_path / "lines")], tmp_path / "out", model=wrong, settings=settings)
    assert done.n == 4 and "2 of 4 pictures, evenly spaced" in done.page.read_text("utf-8")


def test_unreadable_pictures_are_named_once(adapting, scriven, wrong, tmp_path):
    scans = files(tmp_path / "scans")
    (scans / "broken.png").write_bytes(b"no picture")
    code, _, err = scriven("demo", scans, "-o", tmp_path / "out", "-m", wrong)
    assert code == 1 and err.count("skipped") == 2 and "broken.png" in err  # the picture, and the count


def test_the_help_shows_the_default_of_the_settings(scriven):
    code, out, _ = scriven("demo", "--help")
    assert code == 0 and f"default: {DemoSettings.minutes}" in out


@pytest.mark.slow
def test_the_bundled_model_reads_the_box_with_a_cer_between_15_and_35_percent(box):
    lines = list(box.lines())
    reader, decoder = load("scriven-general", ReadSettings(threads=1))
    found = {one.id: one.text for one in reader.read([(x.id, decode(x.image, x.id)) for x in lines], decoder)}
    rate = score([line.text or "" for line in lines], [found[line.id] for line in lines])
    assert 0.15 <= rate.cer <= 0.35
