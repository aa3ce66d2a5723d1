"""`doctor` finds every problem inserted into a folder, and none in a clean folder."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scriven.base import InputError
from scriven.images import encode
from scriven.jobs.doctor import Diagnosis, DoctorSettings, doctor
from scriven.jobs.doctor.forecast import TrainingForecast
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.reader.trainable import InputSpec
from toy_reader import write_model

WORDS = "age bad cage dab egg fade gag head face bead deaf cafe babe edge feed badge decade facade".split()
QUIET = DoctorSettings(calibrate=False, threads=1)
Run = Callable[..., tuple[int, str, str]]


def picture(text: str, seed: int, ink: int = 30) -> np.ndarray:
    """(64, W) uint8: a text in a stroke font with jitter by seed."""
    rng = np.random.default_rng(seed)
    width = 24 + 17 * len(text)
    image = np.full((64, width), 235, np.uint8)
    for i, letter in enumerate(text):
        place = (12 + 17 * i, 42 + int(rng.integers(-3, 4)))
        scale = 0.75 + 0.15 * float(rng.random())
        cv2.putText(image, letter, place, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, scale, ink, 2, cv2.LINE_AA)
    return image


def text_of(rng: np.random.Generator, words: int = 4) -> str:
    return " ".join(rng.choice(WORDS, words))


def clean(count: int = 60, seed: int = 0) -> list[tuple[Line, str]]:
    """Lines of twelve hands, split by hand."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(count):
        text = text_of(rng, 3 + i % 4)
        hand = i % 12
        split = "test" if hand == 11 else "valid" if hand == 10 else "train"
        line = Line(f"a{i:03d}", encode(picture(text, i)), text, f"hand {hand}", f"page {hand}")
        made.append((line, split))
    return made


def folder(path: Path, lines: list[tuple[Line, str]]) -> Path:
    with LinesWriter(path, {"command": "test"}) as writer:
        for line, split in lines:
            writer.write(line, split)
    return path


def kinds(found: Diagnosis) -> dict[str, set[str]]:
    return {p.kind: {f.id for f in p.found} for p in found.problems}


def test_a_clean_folder_has_no_problems(tmp_path: Path) -> None:
    found = doctor([folder(tmp_path / "lines", clean())], None, QUIET)
    assert kinds(found) == {}
    assert (found.lines, found.lost) == (60, ())
    assert found.forecast is not None and found.forecast.lines == 50 and found.forecast.minutes_per_epoch > 0


def stored_anew(data: bytes) -> bytes:
    """The same line as in another scan: smaller, greyer, as JPEG."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    smaller = cv2.resize(image, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    return encode(np.asarray(smaller * 0.9 + 10, np.uint8), "jpeg")


def listed(good: list[Line]) -> dict[str, set[str]]:
    """What `doctor` lists under each kind of problem of `seeded`, whose training lines were `good`."""
    return {
        "picture": {"cut-short", "no-picture-at-all", "one-pixel"},
        "width": {"too-wide"},
        "no-text": {"no-text"},
        "empty-text": {"empty-text"},
        "frames": {"too-long", "repeats"},
        "duplicate-id": {f"{good[5].id} (2)"},
        "duplicate-picture": {"same-bytes", "other-text"},
        "other-text": {"other-text"},
        "picture-leak": {"leak"},
        "near-duplicate": {"near"},
        "near-leak": {"near-leak"},
        "text-leak": {"copied"},
        "hand-leak": {good[12].hand},
        "page-leak": {"page 4"},
        "blank": {"blank", "noise"},
        "light-on-dark": {"negative"},
        "low": {"low"},
        "odd-pair": {"stretched"},
        "several-lines": {"two-lines"},
        "unseen-character": {"hidden"},
        "not-in-train": {"'ø' (U+00F8 LATIN SMALL LETTER O WITH STROKE)"},
        "rare": {"'æ' (U+00E6 LATIN SMALL LETTER AE)"},
    }


def seeded(tmp_path: Path) -> tuple[Path, dict[str, set[str]]]:
    """A folder with every kind of problem, and the lines that each should list."""
    lines = clean(240)
    rng = np.random.default_rng(9)
    long, plain = text_of(rng, 5), picture("face", 1)

    def add(
        id: str, image: bytes, text: str | None, split: str = "train", hand: str = "hand 3", page: str = ""
    ) -> None:
        lines.append((Line(id, image, text, hand, page), split))

    good = [line for line, split in lines if split == "train"]
    add("cut-short", encode(picture(long, 2))[:300], long)
    add("no-picture-at-all", b"\x89PNG of a cat", long)
    add("one-pixel", encode(np.full((1, 1), 255, np.uint8)), "age")
    add("too-wide", encode(np.tile(picture(long, 3), (1, 20))[:32]), long)
    add("no-text", encode(picture(long, 4)), None)
    add("empty-text", encode(picture(long, 5)), " ")
    add("unknown-letter", encode(picture("bad cafe", 6)), "bad café")
    add("too-long", encode(picture("ab", 7)), "decade facade badge edge")
    add("repeats", encode(np.hstack([plain[:, :24]] * 1)), "ggggg")
    add(good[5].id, encode(picture(long, 8)), long)
    add("same-bytes", good[6].image, good[6].text)
    add("other-text", good[7].image, "deaf head")
    add("leak", good[8].image, good[8].text, "valid", "hand 10")
    add("near", stored_anew(good[9].image), good[9].text)
    add("near-leak", stored_anew(good[10].image), good[10].text, "test", "hand 11")
    add("copied", encode(picture(str(good[12].text), 99)), good[12].text, "test", good[12].hand)
    add("page-mate", encode(picture("feed babe cage", 12)), "feed babe cage", "valid", "hand 10", "page 4")
    add("blank", encode(np.full((64, 300), 210, np.uint8)), long)
    noisy = np.clip(np.random.default_rng(0).normal(200, 4, (64, 300)), 0, 255).astype(np.uint8)
    add("noise", encode(noisy), long)
    add("negative", encode(np.asarray(255 - picture(long, 13), np.uint8)), long)
    add("low", encode(cv2.resize(picture(long, 14), None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)), long)
    add("stretched", encode(np.hstack([picture("dab", 15), picture(long, 16)])), "dab")
    two = np.vstack([picture("badge decade facade", 17), picture("decade facade badge", 18)])
    add("two-lines", encode(two), "badge decade facade decade facade badge")
    add("hidden", encode(picture("cage", 19)), "ca\u200bge")
    add("rare", encode(picture("gag ae", 20)), "gag æ")
    add("only-in-test", encode(picture("fade o", 21)), "fade ø", "test", "hand 11")
    return folder(tmp_path / "faulty", lines), listed(good)


def test_every_inserted_problem_is_found(tmp_path: Path) -> None:
    path, expected = seeded(tmp_path)
    model = write_model(tmp_path / "model", charset=tuple("abcdefgh "))
    found = kinds(doctor([path, model], None, QUIET))
    missed = {kind: ids - found.get(kind, set()) for kind, ids in expected.items() if ids - found.get(kind, set())}
    assert not missed


def test_lost_lines_are_exactly_those_that_training_skips(tmp_path: Path) -> None:
    path, expected = seeded(tmp_path)
    found = doctor([path], write_model(tmp_path / "model", charset=tuple("abcdefgh ")), QUIET)
    lost = {"picture", "width", "no-text", "empty-text", "frames", "duplicate-id"}
    assert {f.id for f in found.lost} == set.union(*(expected[kind] for kind in lost))
    assert set(found.new_characters) == {"é", "æ", "\u200b"}
    assert "'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE)" in kinds(found)["new-character"]


@pytest.mark.parametrize("characters", [None, "abcdefgh ", "abcdefghé "])
@pytest.mark.parametrize("splits", [("train", "valid", "test"), ("train", "test")])
def test_doctor_forecasts_lost_lines_and_new_characters_of_training(
    tmp_path: Path, characters: str | None, splits: tuple[str, ...]
) -> None:
    """Lost lines and new characters, with and without a model to train from."""
    pytest.importorskip("torch")
    from scriven.jobs.train import TrainSettings
    from scriven.text import Charset
    from scriven.training.data import TrainingData
    from scriven.training.data import characters as needed

    faulty, _ = seeded(tmp_path / "made")
    lines = [(line, split) for split in splits for line in LinesFolder(faulty).lines(split)]
    path = folder(tmp_path / "faulty", [(replace(x, extra={}), split) for x, split in lines])
    model = None if characters is None else write_model(tmp_path / "model", charset=tuple(characters))
    found = doctor([path], model, QUIET)
    old = Charset(tuple(characters or ()))
    charset = old.grow(needed([path], "lines"))
    data = TrainingData.of([path], InputSpec(64, 4, charset), TrainSettings(steps=1))
    own = {row.id for row in LinesFolder(path).lines() if row.id in {x.id for x, s in lines if s != "test"}}
    assert {f.id for f in found.lost if f.id in own} == {r.id for r in data.skipped}
    said = {f.id: f.reason for p in found.problems if p.kind in ("no-text", "empty-text", "frames") for f in p.found}
    trained = {r.id: r.reason for r in data.skipped}
    assert said["no-text"] == trained["no-text"] == "it has no text; transcribe it or leave it to `scriven adapt`"
    assert said["empty-text"] == trained["empty-text"] and "its text is empty" in trained["empty-text"]
    assert said["too-long"] == trained["too-long"] and "(24 characters) is too long for" in trained["too-long"]
    assert found.new_characters == (charset.characters[len(old) :] if characters else ())
    assert len(data.skipped) > 5 and (not characters or set("æ") <= set(found.new_characters))


def test_lines_with_new_characters_are_not_lost(tmp_path: Path, scriven: Run) -> None:
    """`doctor` used to report lines as lost that `train --from` uses."""
    lines = [*clean(), (Line("new", encode(picture("café", 1)), "café", "hand 3", "page 3"), "train")]
    model = write_model(tmp_path / "model", charset=tuple("abcdefgh "))
    code, out, _ = scriven("doctor", folder(tmp_path / "l", lines), "-m", model, "--json", "--set", "calibrate=no")
    found = json.loads(out)
    assert code == 0 and found["lost"] == 0 and found["new_characters"] == ["é"]


def test_texts_as_they_are_stored(tmp_path: Path) -> None:
    picture_bytes = encode(picture("cafe", 1))
    texts = {"parts": "cafe\u0301", "spaces": "a  b", "fine": "café", "tab": "a\tb"}
    table = pa.table({"id": list(texts), "image": [{"bytes": picture_bytes}] * 4, "text": list(texts.values())})
    pq.write_table(table, tmp_path / "train-00000.parquet")
    found = kinds(doctor([tmp_path], None, QUIET))
    assert found["not-nfc"] == {"parts"} and found["white-space"] == {"spaces", "tab"}


def test_texts_of_a_csv_are_checked_as_stored(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(picture("cafe bad", 1)))
    rows = ["id,image,text", "one,a.png,cafe  bad", "two,missing.png,bad"]
    (tmp_path / "lines.csv").write_text("\n".join(rows), encoding="utf-8")
    found = doctor([tmp_path / "lines.csv"], None, QUIET)
    assert kinds(found)["white-space"] == {"one"} and kinds(found)["no-picture"] == {"two"}
    assert [f.id for f in found.lost] == ["two"] and found.lines == 2


def test_unusable_rows_are_classified(tmp_path: Path) -> None:
    """A wrong path and a repeated id used to be reported as rows without id or picture."""
    (tmp_path / "a.png").write_bytes(encode(picture("cafe bad", 1)))
    rows = ["one,a.png,cafe", "two,missing.png,bad", "one,a.png,again", "three,a.png", ",a.png,bad"]
    (tmp_path / "lines.csv").write_text("\n".join(["id,image,text", *rows]), encoding="utf-8")
    found = doctor([tmp_path / "lines.csv"], None, QUIET)
    assert {kind: ids for kind, ids in kinds(found).items() if kind in ("no-picture", "duplicate-id", "no-row")} == {
        "no-picture": {"two"}, "duplicate-id": {"one"}, "no-row": {"lines.csv:5", "lines.csv:6"},
    }  # fmt: skip


def test_advice_mentions_only_existing_columns(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(picture("cafe bad", 1)))
    (tmp_path / "lines.csv").write_text("id,image,text,confidence\none,a.png,cafe bad,0.5\n", encoding="utf-8")
    (advice,) = (p.advice for p in doctor([tmp_path / "lines.csv"], None, QUIET).problems if p.kind == "read-by-model")
    assert "confidence" in advice and "origin" not in advice


def test_folders_without_texts_or_splits_are_reported(tmp_path: Path) -> None:
    unlabelled = [(Line(line.id, line.image, None, line.hand), "train") for line, _ in clean(20)]
    found = doctor([folder(tmp_path / "letters", unlabelled)], None, QUIET)
    assert len(found.lost) == 20 and found.forecast is None
    assert kinds(found)["no-valid"] == {"letters"}


def test_damaged_files_do_not_affect_others(tmp_path: Path, scriven: Run) -> None:
    good = folder(tmp_path / "good", clean(30))
    bad = folder(tmp_path / "bad", clean(30, 1))
    file = bad / "train-00000.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    code, out, err = scriven("doctor", good, bad, "--set", "calibrate=no", "--set", "threads=1")
    assert code == 1 and "cannot be read" in out and "bad" in err
    (bad / "valid-00000.parquet").unlink()
    (bad / "test-00000.parquet").unlink()
    with pytest.raises(InputError, match="no line could be read"):
        doctor([bad], None, QUIET)
    assert scriven("doctor", bad, "--set", "calibrate=no")[0] == 2


def test_the_command_prints_a_table_or_json_and_exits_with_1_if_lines_are_lost(tmp_path: Path, scriven: Run) -> None:
    lines = clean(30)
    fast = ("--set", "calibrate=no", "--set", "threads=1")
    code, out, _ = scriven("doctor", folder(tmp_path / "clean", lines), *fast)
    assert code == 0 and "No problems found" in out and "30 lines checked, 0 would be lost" in out
    broken = Line("broken", b"nothing", "bad", "hand 1")
    code, out, err = scriven("doctor", folder(tmp_path / "one", [*lines, (broken, "train")]), "--json", *fast)
    found = json.loads(out)
    assert code == 1 and found["lost"] == 1 and "broken" in err
    assert found["problems"][0]["found"][0]["id"] == "broken"
    assert found["forecast"]["width_px"] == sum(
        24 + 17 * len(line.text or "") for line, split in lines if split == "train"
    )


def test_folders_with_equal_names_and_both_levels_are_all_inspected(tmp_path: Path) -> None:
    for place in ("a", "b"):
        for level in ("lines", "words"):
            with LinesWriter(tmp_path / "made" / place / level, {}) as writer:
                writer.write(Line(f"{place}-{level}", encode(np.full((40, 90), 255, np.uint8)), "ink"))
            file = tmp_path / place / "x" / "train" / f"{level}.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "made" / place / level / "train-00000.parquet").rename(file)
    settings = DoctorSettings(level="both", calibrate=False, threads=1)
    found = doctor([tmp_path / "a" / "x", tmp_path / "b" / "x"], settings=settings)
    assert found.lines == 4 and len({row["folder"] for row in found.counts}) == 4


def test_pictures_are_compared_across_folders_but_hands_are_not(tmp_path: Path) -> None:
    lines = clean(30)
    other = [(Line("b0", lines[0][0].image, lines[0][0].text, "hand 11", "page x"), "train")]
    found = kinds(doctor([folder(tmp_path / "a", lines), folder(tmp_path / "b", other)], None, QUIET))
    assert found["duplicate-picture"] == {"b:b0"} and "hand-leak" not in found


def test_importing_doctor_does_not_import_torch(python: Callable[..., object]) -> None:
    done = python("import sys, scriven.jobs.doctor, scriven.jobs.bench; assert 'torch' not in sys.modules")
    assert done.returncode == 0, done.stderr  # type: ignore[attr-defined]


def test_characters_of_the_model_are_not_reported_as_missing_in_train(tmp_path: Path) -> None:
    lines = [*clean(), (Line("new", encode(picture("fade h", 1)), "fade hj", "hand 11", "page 11"), "test")]
    path = folder(tmp_path / "lines", lines)
    assert "'j' (U+006A LATIN SMALL LETTER J)" in kinds(doctor([path], None, QUIET))["not-in-train"]
    model = write_model(tmp_path / "model", charset=tuple("abcdefghj "))
    assert "not-in-train" not in kinds(doctor([path], model, QUIET))


def test_the_sentence_of_the_forecast() -> None:
    made = TrainingForecast("small", 1, 900, 1e4, "measured", 0.05, 2.345, 1, 2.8, 0.00006)
    assert made.sentence() == (
        "One epoch of training the small network on the one line of train takes a few seconds on one core; the one "
        "core of this machine can compute about 2.3 epochs per hour. (One core trains on 10,000 px of line width per "
        "second, measured.) Training needs up to 2.8 GB of memory and less than 0.01 GB of temporary disk space."
    )
    more = replace(made, lines=4717, minutes_per_epoch=2.14, epochs_per_hour=1234.5, cores=2, disk_gb=0.25).sentence()
    assert "on the 4,717 lines of train takes 2.1 minutes on one core; the 2 cores of this machine can" in more
    assert "about 1,234 epochs per hour." in more and "and 0.25 GB of temporary disk space." in more


def test_texts_read_by_a_model_are_reported(tmp_path: Path, scriven: Run) -> None:
    lines = [(replace(line, confidence=0.5), split) for line, split in clean(20)]
    lines += [(replace(line, id=f"b{line.id}", origin="pseudo"), split) for line, split in clean(20, 1)]
    lines += [(replace(line, id=f"c{line.id}"), split) for line, split in clean(20, 2)]
    path = folder(tmp_path / "lines", lines)
    found = doctor([path], None, QUIET)
    origins = {row["origin"]: 0 for row in found.counts}
    for row in found.counts:
        origins[row["origin"]] += row["lines"]
    assert origins == {"read by a model": 20, "pseudo-label": 20, "human": 20}
    assert kinds(found)["read-by-model"] == {f"{b}a{i:03d}" for i in range(20) for b in ("", "b")}
    code, out, _ = scriven("doctor", path, "--set", "calibrate=no", "--set", "threads=1")
    assert (
        code == 0 and "not transcriptions" in out and any("read by a model" in line for line in out.splitlines()[2:8])
    )


def test_a_missing_folder_is_reported_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as said:
        doctor([tmp_path / "x.csv"], None, QUIET)
    assert str(said.value) == f"no line could be read: there is no lines folder {tmp_path / 'x.csv'}; check the path"
