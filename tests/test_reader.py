"""The reader: from pictures to Readings, independent of the batch; errors in model folders."""

import json
import shutil

import numpy as np
import pytest

from forward_algorithm import log_probability
from scriven.base import ImageError, InputError, ModelError, SettingsError
from scriven.reader import session
from scriven.reader.align import TooFewFrames, align, frames_needed
from scriven.reader.calibrate import calibrate
from scriven.reader.confidence import fit_lines, fit_temperature, golden_section, line_confidence, logistic
from scriven.reader.ctc_paths import collapse, greedy, log_posteriors, runs, spans
from scriven.reader.decoder_contract import DecodeSettings
from scriven.reader.model import bundled, find_model, read_info, write_info
from scriven.reader.session import BATCH, Picture, Reader, batches
from scriven.reader.windows import Window, stitch, windows
from scriven.text import Charset, normalise
from toy_reader import LETTERS, logits_of, picture, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture(scope="module")
def reader(model):
    return Reader.load(model, threads=1)


def texts(count, rng, longest=12):
    letters = LETTERS[:-1]
    return ["".join(rng.choice(letters, rng.integers(1, longest))) for _ in range(count)]


def test_reads_pictures_in_input_order(reader, monkeypatch):
    monkeypatch.setattr(session, "LOOK_AHEAD", 1000)  # several windows
    wanted = texts(60, np.random.default_rng(0))
    readings = list(reader.read((f"p{i}", picture(text)) for i, text in enumerate(wanted)))
    assert [r.text for r in readings] == wanted
    assert [r.id for r in readings] == [f"p{i}" for i in range(60)]
    assert all(0 < r.confidence <= 1 for r in readings)


def test_a_line_is_read_the_same_alone_and_in_a_batch(reader):
    pictures = [(str(i), picture(t)) for i, t in enumerate(texts(20, np.random.default_rng(1), 30))]
    together = list(reader.read(pictures))
    for pair, company in zip(pictures, together, strict=True):
        alone = next(reader.read([pair]))
        assert alone.text == company.text
        assert alone.confidence == pytest.approx(company.confidence, abs=1e-5)
        assert [(c.start, c.end) for c in alone.characters] == [(c.start, c.end) for c in company.characters]


def test_the_padding_of_the_batch_does_not_change_readings(reader):
    ink = reader.prepare("a", picture("abc")).ink
    run = logits_of(reader)
    image = np.zeros((1, 1, 64, 256), np.float32)
    image[0, 0, :, : ink.shape[1]] = (255 - ink) / 255
    widths = np.array([ink.shape[1]])
    frames = -(-ink.shape[1] // 4)
    tight = run(image[..., : frames * 4], widths)
    np.testing.assert_allclose(run(image, widths)[0, :frames], tight[0], atol=1e-5)


@pytest.mark.parametrize("height", [64, 128, 192])
def test_spans_are_in_pixels_of_the_given_picture(reader, height):
    scale = height // 64
    reading = next(reader.read([("a", picture("cafebag", height))]))
    assert reading.text == "cafebag"
    middles = [(c.start + c.end) / 2 / scale for c in reading.characters]
    assert middles == pytest.approx([8 + 16 * i + 4 for i in range(7)], abs=4)
    edges = [edge for c in reading.characters for edge in (c.start, c.end)]
    assert edges == sorted(edges) and edges[0] >= 0 and edges[-1] <= picture("cafebag", height).shape[1]
    assert all(c.end > c.start for c in reading.characters)


def test_every_character_has_three_alternatives_in_order_of_probability(reader):
    for character in next(reader.read([("a", picture("bad"))])).characters:
        names, chances = zip(*character.alternatives, strict=True)
        assert len(set(names)) == 3 and character.text not in names
        assert list(chances) == sorted(chances, reverse=True) and chances[0] <= character.confidence


def test_blank_paper_reads_as_nothing(reader):
    reading = next(reader.read([("a", np.full((64, 200), 255, np.uint8))]))
    assert reading.text == "" and reading.characters == ()


def test_a_word_holds_no_spaces(reader):
    shown = [("a", picture("ab cd"))]
    assert next(reader.read(shown)).text == "ab cd"
    word = reader.decoder(DecodeSettings(word=True))
    assert " " not in next(reader.read(shown, word)).text


# Windows


@pytest.mark.parametrize("width", [1, 64, 2047, 2048, 2049, 2050, 3001, 4096, 40_000, 39_997])
def test_windows_keep_every_frame_once(width):
    cuts = windows(width, 4)
    assert cuts[0].first == 0 and cuts[-1].last == cuts[-1].stop == width
    for left, right in zip(cuts, cuts[1:], strict=False):
        assert left.last == right.first and right.start % 4 == 0 and left.last % 4 == 0
        assert right.start + 60 <= right.first <= left.stop - 60
    frames = np.arange(-(-width // 4), dtype=np.float32)[:, None]
    parts = [frames[cut.start // 4 : -(-cut.stop // 4)] for cut in cuts]
    np.testing.assert_array_equal(stitch(parts, cuts, 4), frames)


def test_windows_are_read_as_the_whole_picture(reader, monkeypatch):
    text = "".join(np.random.default_rng(2).choice(LETTERS[:-1], 100))
    prepared = [reader.prepare("long", picture(text))]
    (_, whole) = next(reader.frames(prepared))
    monkeypatch.setattr(session, "windows", lambda width, stride: windows(width, stride, 512, 512, 128))
    (_, cut) = next(reader.frames(prepared))
    np.testing.assert_allclose(cut, whole, atol=1e-4)


def test_a_picture_of_40000_px(reader):
    text = "".join(np.random.default_rng(3).choice(LETTERS[:-1], 2499))
    image = picture(text)
    assert image.shape[1] == 40_000
    reading = next(reader.read([("long", image)]))
    assert reading.text == text
    assert reading.characters[-1].end <= 40_000


def test_pictures_that_cannot_be_lines_are_refused_by_name(reader):
    with pytest.raises(ImageError, match="rule.*leave it out"):
        reader.prepare("rule", np.full((2, 40_000), 255, np.uint8))


def test_batches_are_bounded():
    rng = np.random.default_rng(0)
    cuts = [Window(0, int(w), 0, int(w)) for w in sorted(rng.integers(10, 2048, 300))]
    taken = list(batches(cuts))
    assert [i for part in taken for i in range(part.start, part.stop)] == list(range(300))
    for part in taken:
        widest = -(-cuts[part.stop - 1].stop // 32) * 32
        assert (part.stop - part.start) * widest <= BATCH or part.stop - part.start == 1


# CTC, alignment, confidence


def frames(rng, steps, classes):
    return log_posteriors(rng.normal(0, 2, (steps, classes)).astype(np.float32))


def test_runs_collapse_and_peaks():
    path = np.array([0, 1, 1, 0, 1, 2, 2, 2, 0])
    log_probs = np.full((9, 3), -5.0, np.float32)
    log_probs[6, 2] = -0.1
    found = runs(path, log_probs)
    assert found.classes.tolist() == collapse(path) == [1, 1, 2]
    assert found.first.tolist() == [1, 4, 5] and found.last.tolist() == [2, 4, 7]
    assert found.peak.tolist()[2] == 6
    edges = spans(found, 9, stride=4)
    assert edges.min() >= 0 and edges.max() <= 36 and (np.diff(edges.ravel()) >= 0).all()


def test_aligning_a_greedy_reading_gives_the_greedy_path():
    rng = np.random.default_rng(4)
    for _ in range(30):
        log_probs = log_posteriors(rng.normal(0, 6, (40, 6)).astype(np.float32))
        path = greedy(log_probs)
        aligned = align(log_probs, collapse(path))
        assert collapse(aligned) == collapse(path)
        rows = np.arange(40)
        assert log_probs[rows, aligned].sum() == pytest.approx(log_probs[rows, path].sum(), rel=1e-5)


def test_alignment_is_the_best_of_all_paths():
    rng = np.random.default_rng(5)
    for classes in ([1], [1, 1], [1, 2], [2, 1, 2], []):
        log_probs = frames(rng, 5, 3)
        every = np.stack(np.meshgrid(*[range(3)] * 5, indexing="ij"), -1).reshape(-1, 5)
        scores = [(log_probs[np.arange(5), p].sum(), tuple(p)) for p in every if collapse(p) == classes]
        assert log_probs[np.arange(5), align(log_probs, classes)].sum() == pytest.approx(max(scores)[0], abs=1e-5)
        total = np.logaddexp.reduce([score for score, _ in scores])
        assert log_probability(log_probs, classes) == pytest.approx(total, abs=1e-4)


def test_aligning_a_text_too_long_for_the_frames_raises():
    assert frames_needed([1, 1, 2]) == 4
    with pytest.raises(TooFewFrames, match=r"text of line 7 is too long .*4 frames are needed and it has 3"):
        align(frames(np.random.default_rng(0), 3, 3), [1, 1, 2], "line 7")


def test_temperature_calibrates_overconfident_characters():
    rng = np.random.default_rng(6)
    charset = Charset(tuple("abcd"))
    logits, wanted = [], []
    for _ in range(300):
        true = rng.normal(0, 1.5, (1, 5))
        true[0, 0] = -20
        p = np.exp(true[0]) / np.exp(true[0]).sum()
        wanted.append("abcd"[rng.choice(5, p=p / p.sum()) - 1])
        logits.append((3 * true).astype(np.float32))  # overconfident by a factor of three
    assert fit_temperature(logits, wanted, charset) == pytest.approx(3, rel=0.25)
    assert fit_temperature([], [], charset) == 1.0


def test_line_confidence_is_calibrated():
    assert line_confidence(0.0) > 0.999 and line_confidence(-1e9) == 0.0
    assert line_confidence(np.log(0.3)) == pytest.approx(0.3)
    rng = np.random.default_rng(7)
    x = rng.normal(0, 3, 4000)
    y = rng.random(4000) < 1 / (1 + np.exp(-(0.5 + 0.4 * x)))
    assert logistic(x, y.astype(float)) == pytest.approx((0.5, 0.4), abs=0.1)
    assert logistic(np.ones(3) * 50, np.ones(3)) == pytest.approx((0, 1), abs=0.1)
    assert golden_section(lambda v: (v - 1.7) ** 2, -3, 5) == pytest.approx(1.7, abs=1e-3)


def test_fit_lines_ignores_white_space_as_the_score_does():
    charset = Charset.of(["a"])
    frames = np.full((3, 3), -20.0, np.float32)
    frames[[0, 1, 2], [1, 2, 1]] = 20.0  # " a "
    assert fit_lines([frames] * 50, ["a"] * 50, charset) == pytest.approx((0, 1), abs=0.1)  # all of them right


def test_fit_lines_lowers_the_confidence_of_lines_that_are_wrong(reader):
    rng = np.random.default_rng(8)
    shown = texts(40, rng)
    prepared = [reader.prepare(t, picture(t)) for t in shown]
    logits = [frame for _, frame in reader.frames(prepared)]
    wrong = fit_lines(logits, ["x" + t for t in shown], reader.charset)
    right = fit_lines(logits, shown, reader.charset)
    assert line_confidence(-0.1, wrong) < 0.5 < line_confidence(-0.1, right)


def test_calibrate_fits_both_on_validation_lines(reader):
    rng = np.random.default_rng(8)
    shown = texts(60, rng)
    right = calibrate(reader, ((reader.prepare(t, picture(t)), t) for t in shown))
    assert right.temperature < 1.0  # all correct: more confident
    wrong = calibrate(reader, ((reader.prepare(t, picture(t)), t[::-1]) for t in shown))
    assert wrong.temperature > 1.0
    for info, share in ((right, 1.0), (wrong, np.mean([t == t[::-1] for t in shown]))):
        readings = Reader(info, reader.runs).read((t, picture(t)) for t in shown)
        assert np.mean([r.confidence for r in readings]) == pytest.approx(share, abs=0.1)
    assert reader.info.temperature == 1.0
    with pytest.raises(InputError, match="no lines with text"):
        calibrate(reader, [])


# Model folders


def test_model_json_round_trips_with_unknown_keys(model, tmp_path):
    info = read_info(model)
    assert info.characters.characters == LETTERS and info.temperature == 1.0
    content = json.loads((model / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**content, "future": {"a": 1}}))
    write_info(tmp_path, read_info(tmp_path))
    assert json.loads((tmp_path / "model.json").read_text())["future"] == {"a": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "scribe"}, "kind 'scribe', not a recogniser"),
        ({"format": 99}, "format 99.*update scriven"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"charset": []}, "charset"),
        ({"charset": ["a", "a"]}, "same character twice"),
        ({"graphs": {"reader": {"file": "../../etc/passwd"}}}, "graphs.reader.file"),
        ({"graphs": {}}, "no reading graph"),
        ({"charset": ["a", "b"]}, "9 classes, model.json 2 characters"),
    ],
)
def test_an_invalid_model_json_is_refused(model, tmp_path, change, message):
    folder = tmp_path / "m"
    shutil.copytree(model, folder)
    content = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**content, **change}))
    with pytest.raises(ModelError, match=message):
        list(Reader.load(folder, threads=1).read([("a", picture("a"))]))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
@pytest.mark.parametrize("file", ["model.json", "reader.onnx"])
def test_truncated_files_are_refused(model, tmp_path, file, share):
    folder = tmp_path / "m"
    shutil.copytree(model, folder)
    data = (folder / file).read_bytes()
    (folder / file).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelError, match=f"{file} (is|has|does).*") as caught:
        Reader.load(folder, threads=1)
    assert "\n" not in str(caught.value)


def test_missing_models_engines_and_devices_are_refused(model, tmp_path):
    with pytest.raises(ModelError, match="no model 'nowhere'"):
        find_model("nowhere")
    with pytest.raises(ModelError, match="no model.json"):
        read_info(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="is a file"):
        find_model(tmp_path / "file")
    with pytest.raises(SettingsError, match="no engine 'abacus'"):
        Reader.load(model, engine="abacus")
    with pytest.raises(SettingsError, match="no device 'cuda'"):
        Reader.load(model, device="cuda")
    assert all(find_model(name).is_dir() for name in bundled())


def test_openvino_reads_the_same(model, reader):
    pytest.importorskip("openvino")
    other = Reader.load(model, engine="openvino", threads=1)
    pictures = [(t, picture(t)) for t in texts(5, np.random.default_rng(9))]
    assert [r.text for r in other.read(pictures)] == [r.text for r in reader.read(pictures)]


def test_prepared_pictures_have_their_scale(reader):
    made = reader.prepare("a", picture("ab", 128))
    assert isinstance(made, Picture) and made.ink.shape == (64, 48) and made.scale == pytest.approx(2)


@pytest.mark.parametrize("read", ["  ab  c ", "ab c", " ", "", "a b  ", "   b"])
def test_readings_are_single_spaced(reader, read):
    logits = np.full((2 * len(read) + 1, len(reader.charset) + 1), -9.0, np.float32)
    logits[::2, 0] = 9.0  # a blank between all characters
    logits[np.arange(len(read)) * 2 + 1, reader.charset.encode(read)] = 9.0
    found = reader.decoder().reading("x", logits)
    assert found.text == normalise(read) == "".join(c.text for c in found.characters)
    starts = [c.start for c in found.characters]
    assert starts == sorted(starts)
