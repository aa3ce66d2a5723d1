"""Words of a page are padded to a common scale, however they are given; lines are unchanged."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scriven.images import decode, encode, open_image, pad_to_height, prepare
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.lines.heights import MIN_PAGE_WORDS, Heights
from scriven.page.inputs import LinePicture, find_inputs, line_pictures

TALL, LOW = (60, 90), (20, 90)  # px of height and width: "fly" and "us"


def word(shape: tuple[int, int], paper: int = 230) -> np.ndarray:
    image = np.full(shape, paper, np.uint8)
    image[4:-4, 10:14] = 20
    return image


def folder(path: Path, pictures: Sequence[tuple[str, np.ndarray]]) -> LinesFolder:
    """A lines folder of (page, picture)."""
    with LinesWriter(path, {"command": "test"}) as writer:
        for number, (page, picture) in enumerate(pictures):
            writer.write(Line(f"{number}", encode(picture), "a", page=page))
    return LinesFolder(path)


def opened(given: object, split: str | None = None) -> list:
    """The pictures of one input, and what was skipped."""
    return [item for source in find_inputs([str(given)])[0] for item in line_pictures(source, split=split)]


def test_words_are_padded_to_the_90th_percentile_of_their_page():
    sizes = [("a", 20, h) for h in range(5, 45)] + [("b", 20, 100)] * 3 + [("c", 20, 50)] * MIN_PAGE_WORDS
    heights = Heights(sizes)
    assert heights.words and heights.of("c") == 50
    assert heights.of("a") == 40  # the 90th percentile of forty words
    assert (
        heights.of("b") == heights.of("of another folder") == 50
    )  # too few words on the page: the height of all pages


@pytest.mark.parametrize(
    "sizes",
    [
        [("a", 90, 30)] * (MIN_PAGE_WORDS - 1),  # too few to tell
        [("a", 90, 30)] * 30 + [("a", 900, 60)] * 10,  # lines, some of them short
        [],
    ],
)
def test_lines_and_a_few_words_are_not_padded(sizes):
    heights = Heights(sizes)
    assert not heights.words and heights.of("a") == 0


def test_the_padded_height_is_limited_to_twice_the_median():
    sizes = [("a", 90, 40)] * 34 + [("a", 2000, 3000)] * 6
    assert Heights(sizes).of("a") == 80  # twice the median


def test_pages_with_few_words_are_limited_by_their_own_median():
    heights = Heights([("a", 90, 60)] * 40 + [("b", 40, 20)] * 5)
    assert heights.of("a") == 60 and heights.of("b") == 40  # twice the median of the page


def test_only_the_first_pictures_of_lines_are_consumed():
    looked = []

    def sizes():
        for number in range(10_000):
            looked.append(number)
            yield "a", 800, 60

    assert not Heights(sizes()).words and len(looked) == 200


def test_padding_is_paper_above_and_below():
    low = word(LOW)
    roomy = pad_to_height(low, 61)
    assert roomy.shape == (61, 90) and np.array_equal(roomy[20:40], low)
    assert (roomy[:20] == 230).all() and (roomy[40:] == 230).all()
    assert pad_to_height(low, 20) is low and pad_to_height(low, 0) is low


def test_words_of_different_heights_get_one_scale(tmp_path):
    made = folder(tmp_path / "words", [("a", word(TALL)), ("a", word(LOW))] * 12)
    widths = {prepare(made.picture(line)).shape[1] for line in made.lines()}
    assert widths == {96}  # both are 90 px wide and scaled by 64/60; the low one alone would be 288 px wide
    assert {prepare(decode(line.image, line.id)).shape[1] for line in made.lines()} == {96, 288}


def test_pictures_of_lines_are_unchanged(tmp_path):
    made = folder(tmp_path / "lines", [("a", word((60, 700))), ("a", word((20, 90)))] * 12)
    for line in made.lines():
        assert np.array_equal(made.picture(line), decode(line.image, line.id))


def test_the_padded_height_is_that_of_the_whole_folder(tmp_path):
    with LinesWriter(tmp_path / "words", {"command": "test"}) as writer:
        for number in range(40):
            writer.write(Line(f"{number}", encode(word(TALL)), "a"), "train")
        writer.write(Line("test", encode(word(LOW)), "a"), "test")
    made = LinesFolder(tmp_path / "words")
    (line,) = made.lines("test")
    assert made.picture(line).shape == TALL
    (item,) = opened(tmp_path / "words", split="test")
    assert isinstance(item, LinePicture) and item.picture is not None and item.picture.shape == TALL


def test_a_damaged_picture_skips_only_itself(tmp_path):
    with LinesWriter(tmp_path / "words", {"command": "test"}) as writer:
        for number in range(30):
            writer.write(Line(f"{number}", encode(word(TALL)), "a"))
        writer.write(Line("low", encode(word(LOW)), "a"))
        writer.write(Line("damaged", b"\x89PNG no picture", "a"))
    every = opened(tmp_path / "words")
    found = [item for item in every if isinstance(item, LinePicture)]
    assert len(found) == 31 and [r.id for r in every if not isinstance(r, LinePicture)] == ["damaged"]
    assert all(item.picture is not None and item.picture.shape == TALL for item in found)


def test_folders_of_word_pictures_count_as_pages(tmp_path):
    for page, tall in (("1", (60, 90)), ("2", (40, 70))):
        (tmp_path / page).mkdir()
        for number in range(MIN_PAGE_WORDS):
            (tmp_path / page / f"{number}.png").write_bytes(encode(word((20, 60) if number == 3 else tall)))
    heights = {s.path.parent.name: s.word_height for s in find_inputs([tmp_path])[0]}
    assert heights == {"1": 60, "2": 40}
    one, _ = find_inputs([tmp_path / "1" / "3.png"])  # a single picture has no common height
    assert one[0].word_height == 0
    (low,) = (item for item in opened(tmp_path / "1" / "*.png") if item.source.name == "3.png")
    assert low.picture is not None and low.picture.shape == (60, 60)
    assert np.array_equal(low.picture[20:40], open_image(tmp_path / "1" / "3.png"))


def test_lines_and_words_given_together_are_independent(tmp_path):
    for name, shapes in (("words", [TALL, LOW] * 12), ("lines", [(60, 700)] * 20 + [LOW] * 5)):
        (tmp_path / name).mkdir()
        for number, shape in enumerate(shapes):
            (tmp_path / name / f"{number}.png").write_bytes(encode(word(shape)))
    high = {s.path.parent.name: s.word_height for s in find_inputs([tmp_path / "words", tmp_path / "lines"])[0]}
    assert high == {"words": 60, "lines": 0}


def test_words_in_tiff_files_are_padded(tmp_path):
    for number in range(MIN_PAGE_WORDS):
        Image.fromarray(word(LOW if number == 3 else TALL)).save(tmp_path / f"{number}.tif", compression="tiff_lzw")
    (low,) = (item for item in opened(tmp_path) if item.source.name == "3.tif")
    assert low.picture is not None and low.picture.shape == TALL


@pytest.mark.parametrize("tree", [False, True])
def test_a_table_pads_words_as_the_folder_it_refers_to(tmp_path, tree):
    """The table has too few words, and only some of the pages of the folder."""
    where = tmp_path / "made"
    pictures = [("a", word(TALL)), ("a", word(LOW))] * 12 + [("b", word((90, 90))), ("b", word(LOW))] * 12
    made = folder(where, pictures)
    if tree:  # with both levels, lines and words
        (tmp_path / "tree" / "train").mkdir(parents=True)
        (where / "train-00000.parquet").rename(tmp_path / "tree" / "train" / "words.parquet")
        folder(tmp_path / "more", [("a", word((60, 700)))] * 3)
        (tmp_path / "more" / "train-00000.parquet").rename(tmp_path / "tree" / "train" / "lines.parquet")
        where = tmp_path / "tree"
        made = LinesFolder(where, "words")
    rows = [f'"{line.id}","{where}#{line.id}",a,' for line in made.lines() if int(line.id) >= 30 or int(line.id) == 3]
    (tmp_path / "table.csv").write_text("\n".join(["id,image,text,confidence", *rows]))
    table = LinesFolder(tmp_path / "table.csv")
    seen = {line.id: table.picture(line) for line in table.lines()}
    assert len(seen) == 19 and not table.skipped
    assert all(np.array_equal(picture, made.picture(made.find(id))) for id, picture in seen.items())
    assert seen["3"].shape == TALL and seen["31"].shape == (90, 90)


@pytest.mark.real
def test_padding_improves_the_reading_of_real_words(real_data):
    """CER on all test words: 52.7 % without padding, 44.7 % with it."""
    from scriven.metrics import score
    from scriven.reader.session import Reader

    words = LinesFolder(real_data / "peraire_fr", "words")
    lines = [line for line in words.lines("test") if line.text][:200]
    reader = Reader.load("scriven-synthetic", threads=1)

    def cer(pictures: list[np.ndarray]) -> float:
        said = reader.read((line.id, picture) for line, picture in zip(lines, pictures, strict=True))
        return score([line.text or "" for line in lines], [reading.text for reading in said]).cer

    tight, padded = cer([decode(x.image, x.id) for x in lines]), cer([words.picture(x) for x in lines])
    assert padded < 0.9 * tight
