"""Sources of training pictures: texts with their own pictures, unique ids, texts within the character set."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from scriven.base import TextError
from scriven.images import encode  # noqa: E402
from scriven.lines import LinesFolder  # noqa: E402
from scriven.reader.trainable import InputSpec
from scriven.scribes.contract import Handwriting
from scriven.text import Charset  # noqa: E402
from scriven.training.sources import FolderSource, ScribeSource, split_source  # noqa: E402
from toy_reader import picture  # noqa: E402


def write(file: Path, rows: list[tuple[str, str, str]]) -> None:
    """A folder of lines given as (id, text, text that the picture shows)."""
    images = [{"bytes": encode(picture(shown)), "path": ""} for _, _, shown in rows]
    table = pa.table({"id": [r[0] for r in rows], "image": images, "text": [r[1] for r in rows]})
    file.parent.mkdir(exist_ok=True)
    pq.write_table(table, file)


@pytest.mark.parametrize("cache_bytes", [0, 1 << 30])
def test_of_lines_with_equal_ids_the_first_is_used_with_its_own_picture(tmp_path: Path, cache_bytes: int) -> None:
    write(tmp_path / "train.parquet", [("x", "abc", "abc"), ("y", "ee", "ee"), ("x", "ffff", "ffff")])
    source = FolderSource(LinesFolder(tmp_path), "train", InputSpec(64, 4), cache_bytes=cache_bytes)
    assert [skipped.id for skipped in source.skipped] == ["x"]
    shown, text, _ = source.make(source.ids.index("x"), 0.0)
    alone = tmp_path / "alone"
    write(alone / "train.parquet", [("x", "abc", "abc")])
    expected, _, _ = FolderSource(LinesFolder(alone), "train", InputSpec(64, 4)).make(0, 0.0)
    assert text == "abc" and np.array_equal(shown, expected)


def test_a_validation_line_with_the_id_of_a_training_line_is_skipped(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [("x", "abc", "abc"), ("y", "ee", "ee")])
    write(tmp_path / "valid.parquet", [("x", "ffff", "ffff"), ("z", "bb", "bb")])
    train, valid = split_source(LinesFolder(tmp_path), InputSpec(64, 4))
    assert (train.ids, valid.ids) == (["x", "y"], ["z"])
    assert [skipped.id for skipped in valid.skipped] == ["x"]


class Said:
    """A source of one text, and a scribe that draws nothing but a box of its length."""

    skipped, augmented = (), False

    def draw(self, rng: np.random.Generator, kind: str | None = None) -> str:
        return "das kostet 5 £ hier"

    def refusal(self, text: str) -> str | None:
        return "it writes no digits" if any(map(str.isdigit, text)) else None

    def write(self, text: str, rng: np.random.Generator, *, strength: float = 1.0) -> Handwriting:
        image = np.full((64, 40 * len(text)), 255, np.uint8)
        image[20:40, 10:-10] = 0
        return Handwriting(image, text, "box")


def test_words_outside_the_character_set_are_dropped_from_synthetic_lines() -> None:
    charset = Charset.of(["das kostet hier"])
    source = ScribeSource(Said(), Said(), InputSpec(64, 4, charset), seed=0)  # type: ignore[arg-type]
    assert source.make(0, 1.0)[1] == "das kostet hier"


def test_words_that_the_scribe_cannot_write_are_dropped_from_synthetic_lines() -> None:
    source = ScribeSource(Said(), Said(), InputSpec(64, 4, None), seed=0)  # type: ignore[arg-type]
    assert source.make(0, 1.0)[1] == "das kostet £ hier"


class Separate(Said):
    """Draws words, but not two of them."""

    def refusal(self, text: str) -> str | None:
        return "it has no space" if " " in text else super().refusal(text)


def test_of_words_that_cannot_be_written_together_the_first_are() -> None:
    """A bank cut from words holds no space, and with `mixing=hand` no hand may have the letters of all words."""
    source = ScribeSource(Separate(), Said(), InputSpec(64, 4, None), seed=0)  # type: ignore[arg-type]
    assert source.make(0, 1.0)[1] == "das"


def test_why_no_text_can_be_written_is_said() -> None:
    lacking = ScribeSource(Said(), Said(), InputSpec(64, 4, Charset.of(["xyz"])), seed=0)  # type: ignore[arg-type]
    with pytest.raises(TextError, match=r"the set lacks .*'£' \(U\+00A3 POUND SIGN\)"):
        lacking.make(0, 1.0)

    class Silent(Said):
        def refusal(self, text: str) -> str | None:
            return "it has no ink"

    with pytest.raises(TextError, match=r"item 3 .*\(it has no ink\); choose other texts"):
        ScribeSource(Silent(), Said(), InputSpec(64, 4, None), seed=0).make(3, 1.0)  # type: ignore[arg-type]
