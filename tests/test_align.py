"""scriven align: lines that are bars, whose text is given without line breaks."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import scriven as package
from scriven.base import InputError, OutputError, SettingsError, TextError
from scriven.images import encode
from scriven.jobs.align import AlignSettings, align
from scriven.jobs.align.placing import PagePlacing, PlacedLine
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.lines.training_set import training_folders
from scriven.reader.page_align import Evidence
from toy_reader import picture, write_model

PAGES = {"one": ["abc def", "gab fed", "a bag cab"], "two": ["feed a cab", "dead beef", "fab gab"]}
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


def folder(path: Path, pages: dict[str, list[str]], split: str = "train") -> Path:
    with LinesWriter(path, {}) as writer:
        for page, lines in pages.items():
            for number, text in enumerate(lines):
                image = encode(picture(text))
                writer.write(Line(f"{page}/{number}", image, None, "a hand", page, extra={"shelf": "b"}), split)
    return path


def texts(path: Path, pages: dict[str, list[str]]) -> Path:
    path.mkdir()
    for page, lines in pages.items():
        (path / f"{page}.txt").write_text(" ".join(lines), "utf-8")
    return path


def rows(path: Path) -> list[Line]:
    return list(LinesFolder(path).lines())


def test_a_text_becomes_the_labels_of_its_lines(tmp_path: Path, model: Path) -> None:
    source = folder(tmp_path / "lines", {"one": PAGES["one"]}, "valid")
    (tmp_path / "page.txt").write_text("abc def gab\n\nfed a bag   cab\n", "utf-8")
    done = align(tmp_path / "page.txt", source, tmp_path / "out", model)
    assert [one.text for one in done.placed] == PAGES["one"] and not done.skipped and done.doubtful == 0
    assert (done.pages, done.characters, done.unplaced) == (1, len(" ".join(PAGES["one"])), 0)
    found = rows(tmp_path / "out")
    assert [line.text for line in found] == PAGES["one"]
    assert list(LinesFolder(tmp_path / "out").splits) == ["valid"]
    assert all(line.confidence and line.confidence > 0.9 and line.origin == "human" for line in found)
    assert all(line.hand == "a hand" and line.page == "one" and line.extra["shelf"] == "b" for line in found)
    assert all(line.extra["doubtful"] is False and line.extra["doubt"] == "" for line in found)
    assert [line.image for line in found] == [line.image for line in rows(source)]
    about = LinesFolder(tmp_path / "out").about
    assert about["finished"] and about["parents"] == [LinesFolder(source).fingerprint()]
    assert [f.count("valid") for f in training_folders(tmp_path / "out", "lines")] == [3]


def test_each_page_has_its_own_text(tmp_path: Path, model: Path) -> None:
    pages = {**PAGES, "three": ["a cab"]}
    source = folder(tmp_path / "lines", pages)
    given = texts(tmp_path / "texts", {**PAGES, "four": ["bad"]})
    (given / "empty.txt").write_text(" \n")
    (given / "latin.txt").write_bytes(b"\xe9t\xe9")
    done = align(given, source, tmp_path / "out", model)
    assert [(one.page, one.text) for one in done.placed] == [(p, t) for p in ("one", "two") for t in PAGES[p]]
    said = {Path(one.id).name: one.reason for one in done.skipped}
    assert said.keys() == {"three", "four.txt", "empty.txt", "latin.txt"}
    assert "no text for its 1 line" in said["three"] and "no line of this page" in said["four.txt"]
    assert "is empty" in said["empty.txt"] and "not UTF-8" in said["latin.txt"]


def test_pictures_are_lines_in_their_order_and_their_folder_is_the_page(tmp_path: Path, model: Path) -> None:
    for page, lines in PAGES.items():
        (tmp_path / "scans" / page).mkdir(parents=True)
        for number, text in enumerate(lines):
            (tmp_path / "scans" / page / f"{number}.png").write_bytes(encode(picture(text)))
    given = texts(tmp_path / "texts", PAGES)
    done = align(given, tmp_path / "scans", tmp_path / "out", model)
    assert [(one.page, one.text) for one in done.placed] == [(p, t) for p, some in PAGES.items() for t in some]
    files = [tmp_path / "scans" / "one" / f"{number}.png" for number in (2, 0, 1)]
    (tmp_path / "page.txt").write_text("a bag cab abc def gab fed", "utf-8")
    done = align(tmp_path / "page.txt", files, tmp_path / "others", model)
    assert [one.text for one in done.placed] == ["a bag cab", "abc def", "gab fed"]


def test_what_is_not_placed_is_named_with_its_reason(tmp_path: Path, model: Path, scriven: Command) -> None:
    source = folder(tmp_path / "lines", {"one": ["abc def", "ggggg", "gab fed"]})
    (tmp_path / "page.txt").write_text("abc def dead beef a fab decade gab fed", "utf-8")
    code, out, err = scriven("align", tmp_path / "page.txt", source, "-o", tmp_path / "out", "-m", model, "--json")
    assert code == 1
    data = json.loads(out)
    assert (data["lines"], data["pages"], data["characters_left_out"]) == (2, 1, len("dead beef a fab decade"))
    assert [one["text"] for one in data["placed"]] == ["abc def", "gab fed"]
    assert [one["id"] for one in data["skipped"]] == ["one/1", "one"]
    assert "no part of the text fits it; read in it: 'ggggg'" in err
    assert "characters 8 to 30 of its text are in no line: 'dead beef a fab decade'" in err
    assert json.loads((tmp_path / "out" / "alignment.json").read_text("utf-8")) == data


def test_the_neighbours_of_missing_text_are_doubtful_and_say_why(tmp_path: Path, model: Path) -> None:
    source = folder(tmp_path / "lines", {"one": ["abc def", "gab fed cab", "a bag cab"]})
    (tmp_path / "page.txt").write_text("abc def gab a bag cab", "utf-8")
    done = align(tmp_path / "page.txt", source, tmp_path / "out", model)
    doubts = {line.id: line.extra for line in rows(tmp_path / "out") if line.extra["doubtful"]}
    assert doubts and done.doubtful == len(doubts)
    assert all("it could begin or end elsewhere" in extra["doubt"] for extra in doubts.values())
    page, _ = package.look(tmp_path / "out", tmp_path / "look.html")
    assert "doubtful: it could begin or end elsewhere" in page.read_text("utf-8")
    problems = {one.kind: one for one in package.doctor([tmp_path / "out"]).problems}
    assert {one.id for one in problems["doubtful-text"].found} == set(doubts) and "read-by-model" not in problems
    none = align(tmp_path / "page.txt", source, tmp_path / "sure", model, AlignSettings(doubt_below=0))
    assert none.doubtful == 0


def test_an_unfinished_folder_is_continued(tmp_path: Path, model: Path) -> None:
    source, given = folder(tmp_path / "lines", PAGES), texts(tmp_path / "texts", PAGES)
    align(given, source, tmp_path / "whole", model)
    align(given, source, tmp_path / "out", model)
    file = tmp_path / "out" / "about.json"
    about = json.loads(file.read_text("utf-8"))
    about["finished"] = False
    file.write_text(json.dumps(about), "utf-8")
    (tmp_path / "out" / "alignment.json").unlink()
    align(given, source, tmp_path / "out", model)
    assert rows(tmp_path / "out") == rows(tmp_path / "whole")
    assert LinesFolder(tmp_path / "out").count("train") == 6
    with pytest.raises(OutputError, match="finished"):
        align(given, source, tmp_path / "out", model)


def test_bad_input_is_refused_in_a_sentence(tmp_path: Path, model: Path) -> None:
    source = folder(tmp_path / "lines", {"one": PAGES["one"]})
    good, out = tmp_path / "page.txt", tmp_path / "out"
    good.write_text("abc def gab fed a bag cab", "utf-8")
    with pytest.raises(TextError, match="there is no text"):
        align(tmp_path / "none.txt", source, out, model)
    (tmp_path / "empty.txt").write_text("\ufeff \n\t")
    with pytest.raises(TextError, match=r"empty\.txt is empty"):
        align(tmp_path / "empty.txt", source, out, model)
    (tmp_path / "folder").mkdir()
    with pytest.raises(TextError, match="files named after the pages"):
        align(tmp_path / "folder", source, out, model)
    with pytest.raises(InputError, match="there is no line"):
        align(good, tmp_path / "folder", out, model)
    with pytest.raises(InputError, match="no split 'test'"):
        align(good, source, out, model, AlignSettings(split="test"))
    with pytest.raises(SettingsError, match="did you mean 'skip_line'"):
        AlignSettings(skip_lines=3)  # type: ignore[call-arg]
    assert not out.exists()


def test_a_text_of_another_script_is_refused(tmp_path: Path, model: Path) -> None:
    source = folder(tmp_path / "lines", {"one": PAGES["one"]})
    (tmp_path / "page.txt").write_text("Привет, мир", "utf-8")
    with pytest.raises(InputError, match=r"few of the characters.*U\+041F CYRILLIC CAPITAL LETTER PE"):
        align(tmp_path / "page.txt", source, tmp_path / "out", model)
    assert not (tmp_path / "out").exists()


def test_characters_that_the_model_lacks_are_named(
    tmp_path: Path, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = folder(tmp_path / "lines", {"one": PAGES["one"]})
    (tmp_path / "page.txt").write_text("abc def gab féd a bag cab", "utf-8")
    done = align(tmp_path / "page.txt", source, tmp_path / "out", model)
    assert [one.text for one in done.placed] == ["abc def", "gab féd", "a bag cab"]
    assert any("'é' (U+00E9" in message for message in caplog.messages)


def test_a_text_of_another_page_is_not_laid_onto_the_lines(tmp_path: Path, model: Path) -> None:
    source = folder(tmp_path / "lines", {"one": ["gag egg", "fee gegg", "egg fed"]})
    (tmp_path / "page.txt").write_text("abca bacca cab dabba dcab bad", "utf-8")
    with pytest.raises(InputError, match="can be placed"):
        align(tmp_path / "page.txt", source, tmp_path / "out", model)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("cers", "sure", "readings", "shown", "refused"),
    [
        ((0.1,) * 6, 1.0, 6, 1.0, False),
        ((0.9,) * 6, 0.95, 6, 0.7, False),  # a hand that the model cannot read, but whose cuts are clear
        ((0.9,) * 6, 0.7, 6, 0.7, True),  # lines that show other words
        ((0.5,) * 6, 0.7, 6, 0.7, False),
        ((0.9,), 0.5, 1, 1.0, False),  # too few lines to tell
        ((0.1,), 1.0, 6, 0.1, True),
        ((0.1,), 1.0, 6, 1.0, False),  # the text of one line of many
        ((), 0.0, 6, 0.0, True),
    ],
)
def test_a_page_is_refused_where_little_of_it_fits(
    cers: tuple[float, ...], sure: float, readings: int, shown: float, refused: bool
) -> None:
    placed = {
        n: PlacedLine(str(n), "p", "", 0, 0, sure, "", "", Evidence(9.0, cer, 0.0, False, False))
        for n, cer in enumerate(cers)
    }
    page = PagePlacing(placed, [""] * readings, [(0, round(100 - 100 * shown))])
    assert bool(page.misfit(100)) == refused
    assert not refused or f"of {readings}, {len(cers)} could show some of it" in page.misfit(100)


def test_a_damaged_picture_does_not_stop_its_page(tmp_path: Path, model: Path) -> None:
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for number, text in enumerate(PAGES["one"]):
            writer.write(Line(str(number), encode(picture(text)), page="one"))
        writer.write(Line("broken", b"\x89PNG no picture", page="one"))
        writer.write(Line("narrow", encode(np.full((4000, 1), 255, np.uint8)), page="one"))
    (tmp_path / "page.txt").write_text(" ".join(PAGES["one"]), "utf-8")
    done = align(tmp_path / "page.txt", tmp_path / "lines", tmp_path / "out", model)
    assert [one.text for one in done.placed] == PAGES["one"] and [one.id for one in done.skipped] == [
        "broken",
        "narrow",
    ]


@pytest.mark.real
def test_pages_of_real_handwriting(tmp_path: Path, real_data: Path) -> None:
    """Six pages of wills: their text without line breaks goes back to the lines; at least 95 % of them are exact."""
    source = LinesFolder(real_data / "poilus_fr", "lines")
    pages: dict[str, list[Line]] = {}
    for line in source.lines("valid"):
        pages.setdefault(line.page, []).append(line)
    some = {page: lines for page, lines in sorted(pages.items())[:6]}
    (tmp_path / "texts").mkdir()
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for page, lines in some.items():
            (tmp_path / "texts" / f"{page}.txt").write_text(" ".join(line.text or "" for line in lines), "utf-8")
            for line in lines:
                writer.write(Line(line.id, line.image, None, page=page))
    done = package.align(tmp_path / "texts", tmp_path / "lines", tmp_path / "out")
    truth = {line.id: line.text for lines in some.values() for line in lines}
    exact = sum(one.text == truth[one.id] for one in done.placed)
    assert exact >= 0.95 * len(truth)
