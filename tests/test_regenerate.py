"""regenerate: the same texts in the same hands, whose style is taken from other lines; unseen words; resumption."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scriven.base import InputError, LinesError, SettingsError
from scriven.images import encode
from scriven.jobs import regenerate as job
from scriven.jobs.imitation import Row, rows_of, shown_lines
from scriven.language.texts.unseen import words_of
from scriven.lines import Line, LinesFolder, LinesWriter, StreamSizes
from scriven.reader.session import Reader
from scriven.selection.distances import nmae
from scriven.text import Charset
from toy_flow import toy_flow
from toy_reader import picture, write_model

Run = Callable[..., tuple[int, str, str]]
TEXTS = ("abed cab", "dad bad", "cab dab", "bad cad", "aced", "bed abe", "fade", "gab dad", "beg", "cage bad")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("models")
    return toy_flow(place / "scribe", hands=2), write_model(place / "reader")


def lines_of() -> list[Line]:
    """Lines of two hands, of a page without hands, of a hand with a single line, and one alone."""
    hands = ("x", "x", "x", "y", "y", "y", "", "", "single", "")
    pages = ("1", "1", "2", "2", "2", "3", "p", "p", "4", "")
    return [
        Line(f"l{n}", encode(picture(text)), text, hand=hand, page=page)
        for n, (text, hand, page) in enumerate(zip(TEXTS, hands, pages, strict=True))
    ]


def folder(path: Path, lines: list[Line], test: tuple[str, ...] = ("l2", "l5", "l8")) -> Path:
    with LinesWriter(path, {"command": "test", "licence": "CC BY 4.0"}) as writer:
        for line in lines:
            writer.write(line, "test" if line.id in test else "train")
    return path


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    return folder(tmp_path / "letters", lines_of())


def again(letters: Path, out: Path, models: tuple[Path, Path], *changes: str, **more: Any) -> job.Regenerated:
    settings = job.settings_with(["steps=2", *changes])
    return job.regenerate(letters, models[0], out, model=models[1], settings=settings, **more)


def contents(place: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in place.glob("*.parquet")}


def test_ids_splits_hands_and_texts_are_kept(letters: Path, models: tuple[Path, Path], tmp_path: Path) -> None:
    done = again(letters, tmp_path / "out", models)
    out, original = LinesFolder(tmp_path / "out"), LinesFolder(letters)
    assert done.lines == 8 and done.hands == 3 and "8 lines written in 3 hands" in done.sentence()
    for split in ("train", "test"):
        made = {line.id: line for line in out.lines(split)}
        asked = {line.id: line for line in original.lines(split) if line.id not in ("l8", "l9")}
        assert list(made) == list(asked)
        for id, line in made.items():
            real = asked[id]
            assert (line.text, line.hand, line.page) == (real.text, real.hand, real.page)
            assert line.origin == "generated" and line.image != real.image
            assert b"tEXtComment\0Generated handwriting" in line.image and line.height == 64
    reasons = {one.id: one.reason for one in done.skipped}
    assert set(reasons) == {"l8", "l9"}
    assert "the hand 'single' has no other line" in reasons["l8"] and "the line l9 has no other line" in reasons["l9"]
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    assert about["parents"][0]["fingerprint"] == original.fingerprint() and "CC BY 4.0" in about["licence"]
    assert about["command"].startswith("scriven regenerate") and about["counts"]["train"] == {"generated": 6}


def test_the_style_of_a_line_is_never_taken_from_itself(
    letters: Path, models: tuple[Path, Path], tmp_path: Path
) -> None:
    source = LinesFolder(letters)
    rows = list(rows_of(source, list(source.splits), lambda line: None))
    shown = shown_lines(source, rows, Charset(tuple("abcdefg ")), Reader.load(models[1], threads=1), 40, 0)
    assert not shown.left_out
    for number, row in enumerate(rows):
        ids = {shown.lines.lines[index].id for index in shown.others(row)}
        assert row.id not in ids and ids == {r.id for r in rows if r.group == row.group} - {row.id}
        if ids:
            assert shown.hand(row, number, 0).ink.any() and shown.style(row) is not None
    fewer = shown_lines(source, rows, Charset(tuple("abcdefg ")), Reader.load(models[1], threads=1), 1, 0)
    assert len(fewer.lines) == 5  # of each hand, page and single line
    # the own picture of a line may be changed without any effect on what is drawn of it
    blank = encode(np.full((64, 120), 255, np.uint8))
    changed = [replace(one, image=blank) if one.id == "l0" else one for one in lines_of()]
    again(letters, tmp_path / "out", models)
    again(folder(tmp_path / "changed", changed), tmp_path / "other", models)
    first, second = ({line.id: line.image for line in LinesFolder(tmp_path / out).lines()} for out in ("out", "other"))
    assert first["l0"] == second["l0"] and first["l1"] != second["l1"]


def test_the_hand_changes_the_ink_and_the_seed_too(letters: Path, models: tuple[Path, Path], tmp_path: Path) -> None:
    lines = lines_of()[:6]
    lines[3] = replace(lines[3], text=TEXTS[0])  # of the other hand
    place = folder(tmp_path / "same", lines)
    again(place, tmp_path / "out", models, "strength=0", "variety=0")
    again(place, tmp_path / "seed", models, seed=1)
    again(place, tmp_path / "seed0", models)
    made, seed, plain = (
        {line.id: line.image for line in LinesFolder(tmp_path / out).lines()} for out in ("out", "seed", "seed0")
    )
    assert made["l0"] != made["l3"] and seed["l0"] != plain["l0"]


def test_workers_and_interruptions_do_not_change_the_lines(
    models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Exception):
        """An interruption."""

    monkeypatch.setattr(job, "filling", partial(job.filling, sizes=StreamSizes(shard_rows=2)))
    letters = folder(tmp_path / "letters", lines_of(), ("l2", "l4", "l5", "l8"))
    again(letters, tmp_path / "whole", models)
    again(letters, tmp_path / "two", models, workers=2)
    assert contents(tmp_path / "two") == contents(tmp_path / "whole")
    write, left = LinesWriter.write, [7]

    def stopping(self: LinesWriter, line: Line, split: str = "train") -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Stopped
        write(self, line, split)

    monkeypatch.setattr(LinesWriter, "write", stopping)
    with pytest.raises(Stopped):
        again(letters, tmp_path / "part", models)
    there = {split: LinesFolder(tmp_path / "part").count(split) for split in ("train", "test")}
    assert there == {"train": 4, "test": 2}  # the fifth line of train was in memory when two of test were written
    monkeypatch.setattr(LinesWriter, "write", write)
    done = again(letters, tmp_path / "part", models)
    assert contents(tmp_path / "part") == contents(tmp_path / "whole") and {one.id for one in done.skipped} == {
        "l8",
        "l9",
    }


def test_pictures_are_compared_with_the_real_ones_of_the_same_id(
    letters: Path, models: tuple[Path, Path], tmp_path: Path
) -> None:
    """A missing file shifts nothing: DiffusionHTR pairs the sorted files of two folders."""
    done = again(letters, tmp_path / "out", models, f"reader={models[1]}", "keep=0.5", "by=nmae", "tries=2")
    source = LinesFolder(letters)
    lines = list(LinesFolder(tmp_path / "out").lines())
    assert done.selection and 0 < len(lines) < 8
    for line in lines:
        real = source.picture(source.find(line.id))
        assert line.extra["nmae"] == pytest.approx(nmae(real, LinesFolder(tmp_path / "out").picture(line)))
        assert 0 <= line.extra["style_distance"] <= 10
    assert {row["group"] for row in json.loads((tmp_path / "out" / "gate.json").read_text())["hands"]} == {"x", "y", ""}
    assert "NMAE good" in (tmp_path / "out" / "gate.html").read_text("utf-8")


def test_a_damaged_picture_ends_no_job(models: tuple[Path, Path], tmp_path: Path) -> None:
    lines = lines_of()[:6]
    lines[0] = replace(lines[0], image=b"no picture")
    letters, reader = folder(tmp_path / "letters", lines), f"reader={models[1]}"
    done = again(letters, tmp_path / "out", models, reader)
    assert done.lines == 6 and done.selection
    assert [one.id for one in done.selection.first if one.nmae is None] == ["l0"]
    done = again(letters, tmp_path / "best", models, reader, "keep=0.9", "by=nmae")
    assert [one.id for one in done.skipped] == ["l0"] and "another --by than nmae" in done.skipped[0].reason


def test_unseen_texts_have_no_word_of_the_lines(letters: Path, models: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("bad\nABED\ndeaf\ngag\nface\ncab\nage\ncafe\nfed\ndeed\n", "utf-8")
    done = again(letters, tmp_path / "out", models, "texts=unseen", f"language={tmp_path / 'words.csv'}")
    wrote = words_of(" ".join(TEXTS))
    made = {line.id: line for line in LinesFolder(tmp_path / "out").lines()}
    assert done.lines == 8 and set(made) == {f"l{n}~unseen" for n in range(8)}
    for id, line in made.items():
        assert line.text and not words_of(line.text) & wrote
        assert len(line.text.split(" ")) == len(TEXTS[int(id[1])].split(" "))
    (tmp_path / "seen.csv").write_text("bad\ncab\nçöde\n", "utf-8")  # the scribe lacks ç and ö
    with pytest.raises(InputError, match="there is no unseen word"):
        again(letters, tmp_path / "none", models, "texts=unseen", f"language={tmp_path / 'seen.csv'}")


def test_texts_unseen_by_a_hand_are_words_of_the_other_hands(
    letters: Path, models: tuple[Path, Path], tmp_path: Path
) -> None:
    again(letters, tmp_path / "out", models, "texts=unseen-by-hand")
    by_hand: dict[str, set[str]] = {}
    for line in LinesFolder(letters).lines():
        by_hand.setdefault(line.hand or line.page, set()).update(words_of(line.text or ""))
    made = list(LinesFolder(tmp_path / "out").lines())
    assert len(made) == 8
    for line in made:
        own, words = by_hand[line.hand or line.page], words_of(line.text or "")
        assert words and not words & own and words <= set().union(*by_hand.values())


def test_lines_that_cannot_be_written_or_found_are_named(models: tuple[Path, Path], tmp_path: Path) -> None:
    lines = lines_of()[:6]
    lines[0] = replace(lines[0], text=None)
    lines[1] = replace(lines[1], text="bad 漢")
    lines[4] = replace(lines[4], image=encode(np.full((64, 120), 255, np.uint8)))  # shows no style, but is written
    lines[5] = replace(lines[5], image=encode(np.full((64, 120), 255, np.uint8)))
    done = again(folder(tmp_path / "odd", lines), tmp_path / "out", models)
    reasons = {one.id: one.reason for one in done.skipped}
    assert set(reasons) == {"l0", "l1", "l2", "l3"}
    assert reasons["l0"].startswith("it has no text") and "other line whose characters" in reasons["l3"]
    assert {line.id for line in LinesFolder(tmp_path / "out").lines()} == {"l4", "l5"}


def test_what_cannot_be_regenerated_is_refused(
    scriven: Run, letters: Path, models: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "model.json").write_text('{"format": 2, "kind": "scribe", "network": "wordstylist"}')
    given = ("regenerate", letters, "-m", models[1], "-o", tmp_path / "no")
    for options, said in (
        (("--scribe", "fonts"), "the scribe fonts does not write in the hands of pictures"),
        (("--scribe", tmp_path / "words"), "the scribe wordstylist does not write in the hands of pictures"),
        (("--scribe", "stackmix:bank"), "the scribe stackmix does not write"),
        (("--scribe", models[1]), "kind 'recogniser', not a scribe"),
        (("--scribe", models[0], "--split", "valid"), "no split 'valid'"),
        (("--scribe", models[0], "--texts", "unseen"), "--language fr"),
        (("--scribe", models[0], "--texts", "unsen"), "same or unseen or unseen-by-hand"),
        (("--scribe", models[0], "--language", "fr"), "for unseen texts"),
        (("--scribe", models[0], "--set", "like=x"), "in its own hand"),
        (("--scribe", models[0], "--set", "stepz=1"), "'steps'"),
    ):  # fmt: skip
        code, _, err = scriven(*given, *options)
        assert code == 2 and said in err and not (tmp_path / "no").exists(), err
    single = folder(tmp_path / "single", lines_of()[8:])
    with pytest.raises(InputError, match="no line of .* can be written again; the first: l9: the line l9 has no other"):
        again(single, tmp_path / "no", models)
    with pytest.raises(SettingsError, match="no real picture"):
        job.settings_with(["texts=unseen", "language=fr", "keep=0.5", "by=nmae"])
    with pytest.raises(LinesError):
        again(tmp_path / "nowhere", tmp_path / "no", models)


def test_the_command_writes_one_split(scriven: Run, letters: Path, models: tuple[Path, Path], tmp_path: Path) -> None:
    code, out, err = scriven(
        "regenerate", letters, "--scribe", models[0], "-m", models[1], "-o", tmp_path / "out", "--split", "test",
        "--set", "steps=1", "--json",
    )  # fmt: skip
    assert code == 1 and "skipped l8" in err
    assert json.loads(out) == {"out": str(tmp_path / "out"), "hands": 2, "lines": 2, "skipped": 1}
    assert list(LinesFolder(tmp_path / "out").splits) == ["test"]


def test_the_group_of_a_line_is_its_hand_its_page_or_itself() -> None:
    row = Row("a", "train", "text", "h", "p")
    assert [row.group, replace(row, hand="").group, replace(row, hand="", page="").group] == ["h", "page p", "line a"]
