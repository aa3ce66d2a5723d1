"""Formats of other programs: lossless round trips as properties, and the exact content that their readers expect."""

import json
import re
import string
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scriven.base import LinesError, Skipped
from scriven.exporters import EXPORTERS
from scriven.images import as_stored, decode, encode
from scriven.importers import IMPORTERS
from scriven.jobs.export import export
from scriven.jobs.import_ import import_lines
from scriven.lines import Line, LinesFolder
from scriven.lines.paths import same
from scriven.text import normalise
from toy_imports import PNG, lines_folder, read, save

PICTURE = np.tile(np.arange(60, dtype=np.uint8) * 4, (20, 1))
PICTURES = [PNG, encode(PICTURE, "png"), encode(PICTURE, "jpg"), encode(PICTURE, "webp")]
ANY = st.characters(exclude_categories=["Cs"])
LINES = st.lists(
    st.tuples(
        st.sampled_from(["train", "valid", "test"]),
        st.builds(
            Line,
            id=st.text(ANY, min_size=1, max_size=8),
            image=st.sampled_from(PICTURES),
            text=st.text(ANY, max_size=12).map(normalise),
            hand=st.text(ANY, min_size=1, max_size=6),
            page=st.text(ANY, min_size=1, max_size=6),
            origin=st.sampled_from(["human", "pseudo"]),
            confidence=st.none() | st.floats(0, 1),
        ),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda pair: same(pair[1].id),
)
ABOUT = ("hand", "page", "origin", "confidence")
KEPT = dict.fromkeys(("csv", "imagefolder", "lmdb", "paddleocr"), ABOUT) | {"writers": ("hand",)}  # beside id and text
AWKWARD = r"* ### \ \\ [a-z] ^$ .* (?i) a|b {2} <space> <ctc> , ; # % \d \t"


def has_breaks(line: Line) -> bool:
    """Whether a line has line breaks or tabs, which the tables of this package write as %0A, %0D, %09."""
    return any(character in "\n\r\t" for character in line.id + line.hand + line.page)


def ink(line: Line) -> list[list[int]]:
    return decode(line.image, line.id).tolist()


@pytest.mark.parametrize("format", [name for name in EXPORTERS if name != "transcripts"])
@settings(max_examples=60, deadline=None)
@given(lines=LINES)
def test_every_format_keeps_ids_texts_pictures_and_what_it_has_room_for(
    format: str, lines: list[tuple[str, Line]]
) -> None:
    if format == "lmdb":
        pytest.importorskip("lmdb")
    assume(format != "csv" or not any(has_breaks(line) for _, line in lines))
    with TemporaryDirectory() as place:
        assert EXPORTERS[format](iter(lines), Path(place)) == []
        items = list(IMPORTERS[format](Path(place)))
    assert not [item for item in items if isinstance(item, Skipped)]
    back = {line.id: (split, line) for split, line in items}  # type: ignore[misc]
    assert len(back) == len(items) == len(lines)
    for split, line in lines:
        other_split, other = back[line.id]
        assert (other_split, other.text) == (split, line.text)
        assert all(getattr(other, name) == getattr(line, name) for name in KEPT.get(format, ()))
        assert other.image == line.image or ink(other) == ink(line)


@pytest.mark.parametrize("format", IMPORTERS)
def test_every_importer_says_what_it_expected_where(format: str, tmp_path: Path) -> None:
    if format == "lmdb":
        pytest.importorskip("lmdb")
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", tmp_path / "absent"):
        with pytest.raises(LinesError, match=re.escape(str(source))):
            list(IMPORTERS[format](source))


@pytest.mark.parametrize("format", EXPORTERS)
def test_labels_with_backslashes_and_regex_characters_are_kept(format: str, tmp_path: Path) -> None:
    """The filter of earlier readers put the character set into a regular expression and lost such labels."""
    if format == "lmdb":
        pytest.importorskip("lmdb")
    labels = [*AWKWARD.split(" "), normalise(string.punctuation), normalise(AWKWARD)]
    lines = [Line(f"n{number}", PNG, label, hand="a") for number, label in enumerate(labels)]
    export(format, lines_folder(tmp_path / "l", *lines), tmp_path / "out")
    done = import_lines(tmp_path / "out", tmp_path / "back", format)
    assert not done.skipped
    assert sorted(str(line.text) for line in LinesFolder(done.out).lines()) == sorted(labels)


@pytest.mark.parametrize("format", EXPORTERS)
def test_damaged_pictures_are_named_and_never_exported(format: str, tmp_path: Path) -> None:
    """Most exporters used to write them as they were, under the name of a picture."""
    if format == "lmdb":
        pytest.importorskip("lmdb")
    whole = encode(np.random.default_rng(0).integers(0, 255, (20, 60), np.uint8), "png")
    bad = {"short": whole[: len(whole) // 2], "junk": b"no picture at all"}
    lines = [Line("good", whole, "one", hand="a"), *(Line(id, data, "two", hand="a") for id, data in bad.items())]
    done = export(format, lines_folder(tmp_path / "l", *lines), tmp_path / "out")
    assert done.lines == 1 and [skipped.id for skipped in done.skipped] == ["short", "junk"]
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.read_bytes() in bad.values()]
    items = list(IMPORTERS[format](tmp_path / "out"))
    assert [item[1].text for item in items if not isinstance(item, Skipped)] == ["one"] and len(items) == 1


# ---- lists of writers


def test_the_writers_of_a_list_become_hands(tmp_path: Path) -> None:
    save(tmp_path / "words" / "a01" / "a01-000u" / "a01-000u-00-00.png")
    for name in ("a01-000u-00-01", "twice"):
        save(tmp_path / "words" / f"{name}.png")
    save(tmp_path / "words" / "b" / "twice.png")
    rows = "000,a01-000u-00-00 A\n\n001,a01-000u-00-01 MOVE to\r\n002,lost word\nno list\n003,twice ok\n"
    list_ = save(tmp_path / "gan.iam.tr_va.gt.filter27", rows)
    items = list(IMPORTERS["writers"](list_, images=str(tmp_path / "words")))
    lines = [item[1] for item in items if not isinstance(item, Skipped)]
    assert [(line.id, line.hand, line.text) for line in lines] == [
        ("a01-000u-00-00", "000", "A"),
        ("a01-000u-00-01", "001", "MOVE to"),
        ("twice", "003", "ok"),
    ]
    reasons = [item.sentence() for item in items if isinstance(item, Skipped)]
    assert len(reasons) == 2 and "no picture lost.png" in reasons[0] and "`writer,name text`" in reasons[1]
    save(tmp_path / "words" / "c" / "a01-000u-00-00.png")
    assert "2 pictures" in read("writers", list_, images=str(tmp_path / "words"))[1][0].reason
    with pytest.raises(LinesError, match="should have lists of `writer,name text` named train.txt"):
        list(IMPORTERS["writers"](tmp_path / "words"))


def test_a_list_of_writers_has_no_spaces_in_names_and_needs_hands(tmp_path: Path) -> None:
    lines = [Line("a b,c", PNG, "word", hand="Anna, B"), Line("x", PICTURES[2], "y", hand="2"), Line("no", PNG, "z")]
    done = export("writers", lines_folder(tmp_path / "l", *lines), tmp_path / "out")
    assert [skipped.id for skipped in done.skipped] == ["no"] and "no hand" in done.skipped[0].reason
    assert (tmp_path / "out" / "train.txt").read_text() == "Anna%2C%20B,a%20b%2Cc word\n2,x y\n"
    assert sorted(p.name for p in (tmp_path / "out" / "train").iterdir()) == ["a%20b%2Cc.png", "x.png"]


# ---- PyLaia


def test_the_tables_of_pylaia(tmp_path: Path) -> None:
    lines = [Line("a b", PNG, "é b"), Line("x.png", PICTURES[3], "#"), Line("empty", PNG, "")]
    export("pylaia", lines_folder(tmp_path / "l", *lines), tmp_path / "out")
    content = {file.name: file.read_text("utf-8") for file in (tmp_path / "out").glob("*.txt")}
    assert content == {
        "train.txt": "train/a%20b é <space> b\ntrain/x.png.png #\ntrain/empty\n",
        "train_ids.txt": "train/a%20b\ntrain/x.png.png\ntrain/empty\n",
        "train_eval.txt": "train/a%20b é b\ntrain/x.png.png #\ntrain/empty\n",
        "syms.txt": "<ctc> 0\n# 1\nb 2\né 3\n<space> 4\n",
    }
    assert read("pylaia", tmp_path / "out")[0] == [
        ("train", "a b", "é b"),
        ("train", "x.png", "#"),
        ("train", "empty", ""),
    ]


def test_other_symbols_of_pylaia(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        save(tmp_path / f"{name}.png")
    save(tmp_path / "te.txt", "1 d o n @ t\n2 ch a\n3 a <unk>\n4 a\n# comment\n")
    lines, skipped = read("pylaia", tmp_path, space="@")
    assert lines == [("test", "1", "don t")]
    assert [item.id for item in skipped] == ["2", "3", "4"] and "token 'ch' is neither" in skipped[0].reason
    save(tmp_path / "syms.txt", "<ctc> 0\nch 1\na 2\n<unk> 3\n")
    lines, skipped = read("pylaia", tmp_path, space="@")
    assert lines == [("test", "1", "don t"), ("test", "2", "cha")] and [item.id for item in skipped] == ["3", "4"]
    with pytest.raises(LinesError, match="should have the tables train.txt, val.txt or test.txt"):
        list(IMPORTERS["pylaia"](save(tmp_path / "other" / "x.png").parent))


# ---- docTR


def test_the_labels_of_doctr(tmp_path: Path) -> None:
    export("doctr", lines_folder(tmp_path / "l", Line("a/b", PNG, 'say "é"')), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "train" / "labels.json").read_text("utf-8")) == {"a/b.png": 'say "é"'}
    assert (tmp_path / "out" / "train" / "images" / "a" / "b.png").is_file()


def test_odd_labels_of_doctr(tmp_path: Path) -> None:
    save(tmp_path / "images" / "1.png")
    save(
        tmp_path / "labels.json",
        '{"1.png": "one", "1.png": "again", "2.png": {"polygons": []}, "3.png": "lost", "4.png": 3}',
    )
    done = import_lines(tmp_path, tmp_path / "out", "doctr")
    assert [line.text for line in LinesFolder(done.out).lines()] == ["one"]
    why = {item.id: item.reason for item in done.skipped}
    assert list(why) == ["1", "2", "3", "4"]
    assert "is an object, not a text; write" in why["2"] and "is 3, not a text; write" in why["4"]
    for content, message in (("[1]", "should hold an object"), ("{", "not a JSON file")):
        with pytest.raises(LinesError, match=message):
            list(IMPORTERS["doctr"](save(tmp_path / "b" / "labels.json", content)))
    with pytest.raises(LinesError, match="should have a labels.json beside a folder images/"):
        list(IMPORTERS["doctr"](save(tmp_path / "c" / "x.png").parent))


def test_a_null_label_of_doctr_is_an_unknown_text(tmp_path: Path) -> None:
    save(tmp_path / "images" / "1.png")
    save(tmp_path / "labels.json", '{"1.png": null}')
    assert read("doctr", tmp_path) == ([("train", "1", None)], [])


# ---- PaddleOCR


def box(text: object, points: object, **more: object) -> dict[str, object]:
    return {"transcription": text, "points": points, "difficult": False} | more


def square(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def test_boxes_of_paddleocr_are_cut_out_of_their_page(tmp_path: Path) -> None:
    page = np.random.default_rng(1).integers(0, 255, (50, 80), np.uint8)
    save(tmp_path / "train" / "page.png", encode(page))
    rows = [
        box("one", square(10, 5, 40, 20)),
        box("###", square(0, 0, 9, 9)),
        box("hard", square(0, 0, 9, 9), difficult=True),
        box("far", square(200, 200, 240, 220)),
        box("odd", [[1, "x"]]),
        box("six", [[10, 5], [20, 4], [40, 5], [40, 20], [20, 21], [10, 20]]),
    ]
    save(tmp_path / "train" / "Label.txt", f"train/page.png\t{json.dumps(rows)}\nlost.png\t[{{}}]\nbad\n")
    items = list(IMPORTERS["paddleocr"](tmp_path))
    lines = [item[1] for item in items if not isinstance(item, Skipped)]
    assert [(line.id, line.text, line.page) for line in lines] == [
        ("page-001", "one", "page"),
        ("page-006", "six", "page"),
    ]
    assert np.array_equal(decode(lines[0].image, ""), page[5:20, 10:40])
    assert np.array_equal(decode(lines[1].image, ""), page[4:21, 10:40])
    skipped = [item.id for item in items if isinstance(item, Skipped)]
    assert skipped == ["page-002", "page-003", "page-004", "page-005", "lost", "Label.txt:3"]


def test_rotated_boxes_of_paddleocr_become_upright(tmp_path: Path) -> None:
    word = np.repeat(np.linspace(40, 230, 60).astype(np.uint8)[None], 20, axis=0)
    page = np.full((100, 100), 255, np.uint8)
    page[20:80, 30:50] = word.T[::-1]  # text that runs upwards
    clockwise = [[30, 80], [30, 20], [50, 20], [50, 80]]
    for number, corners in enumerate((clockwise, [clockwise[0], *clockwise[:0:-1]])):
        save(tmp_path / f"{number}.png", encode(page))
        rows = [box("up", corners), box("###", corners)]
        with open(tmp_path / "Label.txt", "a", encoding="utf-8") as file:
            file.write(f"{number}.png\t{json.dumps(rows)}\n")
    lines = [item[1] for item in IMPORTERS["paddleocr"](tmp_path) if not isinstance(item, Skipped)]
    assert [line.id for line in lines] == ["0-001", "1-001"]
    for line in lines:
        assert np.abs(as_stored(line.image, "").astype(int) - word).max() <= 1


def test_recognition_lists_of_paddleocr(tmp_path: Path) -> None:
    save(tmp_path / "crops" / "1.png")
    save(tmp_path / "crops" / "2.png")
    save(tmp_path / "rec_gt_train.txt", "crops/1.png\tone\n")
    save(tmp_path / "rec_gt_test.txt", "crops/2.png\ttwo\n")
    assert sorted(read("paddleocr", tmp_path)[0]) == [("test", "crops/2", "two"), ("train", "crops/1", "one")]
    with pytest.raises(LinesError, match="should have a Label.txt or a rec_gt"):
        list(IMPORTERS["paddleocr"](tmp_path / "crops"))
