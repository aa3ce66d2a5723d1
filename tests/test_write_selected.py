"""`write` with a gate: pictures are read back, rejected ones drawn again, interrupted jobs continued."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from scriven.base import InputError, OutputError, SettingsError
from scriven.images import decode
from scriven.jobs import filled, imitated
from scriven.jobs import write as job
from scriven.lines import LinesFolder, StreamSizes
from scriven.reader.model import FolderInfo
from toy_flow import toy_flow
from toy_reader import write_model

Run = Callable[..., tuple[int, str, str]]
TEXTS = ("ab", "bad", "a cab", "dab", "cab bad", "bead", "face", "a bad cab", "ada", "deed", "fed", "gab")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("models")
    return toy_flow(place / "scribe", hands=2), write_model(place / "reader")


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), "utf-8")
    return tmp_path / "texts.txt"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.parquet")}


def write(out: Path, texts: Path, models: tuple[Path, Path], *changes: str, **more: Any) -> job.Written:
    scribe, reader = models
    settings = job.settings_with(["steps=2", f"reader={reader}", *changes], str(scribe))
    return job.write(out, str(texts), scribe=str(scribe), settings=settings, **more)


def test_pictures_are_read_back_and_the_worst_are_left_out(
    texts: Path, models: tuple[Path, Path], tmp_path: Path
) -> None:
    done = write(tmp_path / "all", texts, models)
    plain = list(LinesFolder(tmp_path / "all").lines())
    assert done.lines == len(plain) == len(TEXTS) and done.selection and done.selection.gate is None
    half = write(tmp_path / "half", texts, models, "keep=0.5", "by=style")
    kept = list(LinesFolder(tmp_path / "half").lines())
    assert half.lines == len(kept) < len(TEXTS) and {line.id for line in kept} < {line.id for line in plain}
    assert {line.id: line.image for line in kept}.items() <= {line.id: line.image for line in plain}.items()
    for line in kept:
        extra = line.extra
        assert set(extra) == {"reading", "reading_confidence", "reading_product", "reading_cer", "attempt",
                              "style_distance"}  # fmt: skip
        assert 0 <= extra["reading_confidence"] <= 1 and extra["attempt"] == 0 and line.confidence is None
    numbers = json.loads((tmp_path / "half" / "gate.json").read_text())
    assert {row["id"] for row in numbers["rejected"]} == {one.id for one in plain} - {one.id for one in kept}
    assert numbers["reader"] == str(models[1]) and (tmp_path / "half" / "gate.html").is_file()
    assert not (tmp_path / "half" / "state").exists()
    about = json.loads((tmp_path / "half" / "about.json").read_text())
    assert about["finished"] and about["settings"]["gate"]["keep"] == 0.5
    assert about["counts"]["train"]["generated"] == len(kept)


def test_a_score_that_cannot_be_measured_is_refused_before_anything_is_drawn(
    texts: Path, models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "fill", lambda *_: pytest.fail("something was drawn"))
    for changes, match in (
        (["by=nmae", "keep=0.5"], "ranked by nmae without a real picture"),
        (["by=style", "precision=0.5", "between=hand-0,hand-1"], "ranked by style without the writing"),
    ):
        with pytest.raises(SettingsError, match=match):
            write(tmp_path / "out", texts, models, *changes)
        assert not (tmp_path / "out").exists()


def test_characters_from_typefaces_are_named_with_workers_too(
    models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(job, "fill", lambda *_: filled.Filled(1, []))
    caplog.set_level("INFO", "scriven.write")
    (tmp_path / "texts.txt").write_text("ab\nna\u00eff\n", "utf-8")
    job.write(tmp_path / "out", str(tmp_path / "texts.txt"), scribe=str(models[0]), workers=2)
    assert "is drawn from typefaces" in caplog.text


def test_rejected_lines_are_drawn_again_in_the_same_hand(
    texts: Path, models: tuple[Path, Path], tmp_path: Path
) -> None:
    once = write(tmp_path / "once", texts, models, "keep=0.5", "by=style")
    more = write(tmp_path / "more", texts, models, "keep=0.5", "by=style", "tries=4")
    first = {line.id: line for line in LinesFolder(tmp_path / "once").lines()}
    again = {line.id: line for line in LinesFolder(tmp_path / "more").lines()}
    assert more.lines > once.lines and first.items() <= again.items()
    assert list(again) == sorted(again)  # in the order of the texts, whatever the attempt
    hands = {one.id: one.hand for one in more.selection.first}  # type: ignore[union-attr]
    tried = {id: line for id, line in again.items() if line.extra["attempt"]}
    assert tried and all(line.hand == hands[id] for id, line in tried.items())
    write(tmp_path / "plain", texts, models)
    plain = {line.id: line.image for line in LinesFolder(tmp_path / "plain").lines()}
    assert all(line.image != plain[id] for id, line in tried.items())
    rate = json.loads((tmp_path / "more" / "gate.json").read_text())
    assert rate["kept_at_first"] == once.lines < rate["kept"] == more.lines


def test_a_gate_with_workers_writes_the_same(texts: Path, models: tuple[Path, Path], tmp_path: Path) -> None:
    write(tmp_path / "one", texts, models, "keep=0.7", "by=style", "tries=2")
    write(tmp_path / "two", texts, models, "keep=0.7", "by=style", "tries=2", workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_gate_that_keeps_nothing_says_so(texts: Path, models: tuple[Path, Path], tmp_path: Path) -> None:
    """The strokes of the toy scribe are never read right, so that no threshold reaches a precision."""
    with pytest.raises(InputError, match="keeps none of 12 lines; see .*gate.html, and ask for less"):
        write(tmp_path / "out", texts, models, "precision=0.9")
    assert (tmp_path / "out" / "gate.html").is_file()


class Stopped(Exception):
    """Raised by a test in place of an interruption."""


@pytest.mark.parametrize("at", [0, 1, 7, 13, 16])
def test_an_interrupted_gate_continues_with_the_same_lines(
    at: int, texts: Path, models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "filling", partial(job.filling, sizes=StreamSizes(shard_rows=3)))
    write(tmp_path / "whole", texts, models, "keep=0.5", "by=style", "tries=2")
    left, plain = [at], filled.read_back

    def stopping(*given: Any) -> Iterator[Any]:
        for found in plain(*given):
            left[0] -= 1
            if left[0] < 0:
                raise Stopped
            yield found

    monkeypatch.setattr(filled, "read_back", stopping)
    with pytest.raises(Stopped):
        write(tmp_path / "part", texts, models, "keep=0.5", "by=style", "tries=2")
    assert (tmp_path / "part").exists() == (at >= 3)
    monkeypatch.setattr(filled, "read_back", plain)
    write(tmp_path / "part", texts, models, "keep=0.5", "by=style", "tries=2")
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")


def test_interrupted_while_the_kept_lines_are_written(
    texts: Path, models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "filling", partial(job.filling, sizes=StreamSizes(shard_rows=2)))
    write(tmp_path / "whole", texts, models, "keep=0.5", "by=style")

    def stop(*_: Any) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(filled, "selection_page", stop)
        with pytest.raises(Stopped):
            write(tmp_path / "part", texts, models, "keep=0.5", "by=style")
    part = LinesFolder(tmp_path / "part")
    assert 0 < part.count("train") and not part.about["finished"]
    with pytest.raises(OutputError, match="begun with other settings"):
        write(tmp_path / "part", texts, models, "keep=0.4", "by=style")
    write(tmp_path / "part", texts, models, "keep=0.5", "by=style")
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")


def test_texts_that_cannot_be_written_are_named_with_a_gate_too(
    scriven: Run, texts: Path, models: tuple[Path, Path], tmp_path: Path
) -> None:
    texts.write_text("ab\n漢字\nbad\n", "utf-8")
    given = ("write", "--scribe", models[0], "--texts", texts, "--set", "steps=2", "--reader", models[1])
    code, out, err = scriven(*given, "-o", tmp_path / "out", "--json")
    assert code == 1 and "0-00000001" in err and "U+6F22" in err
    said = json.loads(out)
    assert said["lines"] == 2 and said["skipped"] == 1 and said["gate"]["lines"] == 2 and "hands" not in said["gate"]
    texts.write_text("漢字\n", "utf-8")
    code, _, err = scriven(*given, "-o", tmp_path / "none")
    assert code == 2 and "none of the 1 texts" in err and not (tmp_path / "none").exists()
    code, _, err = scriven(*given[:-1], tmp_path / "nowhere", "-o", tmp_path / "none")
    assert code == 2 and "no model" in err and not (tmp_path / "none").exists()
    texts.write_text("ab\nbad\n", "utf-8")
    code, _, err = scriven(*given, "--keep", 0.5, "--by", "nmae", "-o", tmp_path / "by-nmae")
    assert code == 2 and "real picture" in err


def test_fonts_can_be_read_back_and_their_pictures_do_not_change(
    texts: Path, models: tuple[Path, Path], tmp_path: Path
) -> None:
    job.write(tmp_path / "plain", str(texts))
    settings = job.settings_with([f"reader={models[1]}", "keep=0.5", "by=legibility"])
    job.write(tmp_path / "read", str(texts), settings=settings)
    plain = {line.id: line.image for line in LinesFolder(tmp_path / "plain").lines()}
    read = list(LinesFolder(tmp_path / "read").lines())
    assert 0 < len(read) < len(plain) and all(line.image == plain[line.id] for line in read)
    assert all(decode(line.image, line.id).size for line in read)


def test_a_reader_that_was_trained_on_the_imitated_lines_is_pointed_out(tmp_path: Path) -> None:
    reader = str(write_model(tmp_path / "reader", data=[{"path": "letters", "fingerprint": "f1", "sketch": "aa bb"}]))
    scribe = FolderInfo(kind="scribe", network="flow", charset=("a",), data=[{"path": "letters", "fingerprint": "f1"}])
    (said,) = imitated.known_to_reader(reader, scribe)
    assert "was trained on letters" in said and "--reader" in said
    other = scribe.model_copy(update={"data": [{"path": "x", "fingerprint": "f2"}]})
    assert imitated.known_to_reader(reader, other) == []
    further = other.model_copy(update={"parents": [{"name": "before", "data": scribe.data, "parents": []}]})
    assert "was trained on letters" in imitated.known_to_reader(reader, further)[0]
    (said,) = imitated.known_to_reader(reader, scribe.model_copy(update={"data": []}))
    assert "does not say" in said
    (said,) = imitated.lines_known_to_reader(reader, ["aa", "bb"])
    assert "100 % of the imitated pictures" in said
    assert imitated.lines_known_to_reader(reader, ["cc", "dd"]) == []
