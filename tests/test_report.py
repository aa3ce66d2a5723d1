import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scriven import report
from scriven.base import OutputError
from scriven.images import encode
from scriven.report.pieces import marks_of
from scriven.score import confusions

VOID = {"meta", "img", "link", "br", "line", "polyline"}
INK = encode(np.full((20, 60), 200, np.uint8))


class Tags(HTMLParser):
    """Checks that every element is closed, and keeps attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, key, value or "") for key, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, key, value or "") for key, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parsed(content: str) -> Tags:
    tags = Tags()
    tags.feed(content)
    tags.close()
    assert tags.open == []
    return tags


NASTY = "<script>alert('x')</script> & \"q\""


def whole_page() -> report.Html:
    return report.page(
        NASTY,
        [
            report.section(NASTY, report.text(NASTY), report.headline([(NASTY, NASTY, NASTY)])),
            report.section("Curves", report.curve({NASTY: [(0, 0.5), (1, 0.2)]}, x=NASTY, y=NASTY)),
            report.section("Tables", report.table([{NASTY: NASTY}], NASTY)),
            report.section("Pictures", report.pictures([report.Picture(INK, NASTY, NASTY + "!", None, NASTY)])),
            report.section("Mistakes", report.confusions(confusions(["<a&"], ["'a"]))),
        ],
        NASTY,
    )


def test_every_text_is_escaped_and_nothing_comes_from_outside() -> None:
    content = whole_page()
    tags = parsed(content)
    assert "<script" not in content
    assert not [key for _, key, _ in tags.attributes if key.startswith("on")]
    for _, key, value in tags.attributes:
        if key in ("src", "href"):
            assert value.startswith(("data:image/", "#"))
    assert "url(" not in content and "@import" not in content
    assert "default-src 'none'" in content
    assert NASTY in "".join(tags.words)


def test_links_lead_to_sections() -> None:
    tags = parsed(whole_page())
    targets = [value for tag, key, value in tags.attributes if (tag, key) == ("section", "id")]
    links = [value[1:] for tag, key, value in tags.attributes if (tag, key) == ("a", "href")]
    assert links == targets
    assert len(set(targets)) == 5


def test_marks_show_what_differs() -> None:
    assert marks_of("abc", "axc") == ([False, True, False], [False, True, False])
    assert marks_of("abc", "ac") == ([False, True, False], [False, False])
    assert marks_of("ac", "abc") == ([False, False], [False, True, False])
    assert marks_of(None, "ab") == ([], [False, False])


def test_pictures_mark_mistakes_and_shade_doubt() -> None:
    shown = report.pictures([report.Picture(INK, "read", "reed", [0.9, 0.6, 0.2, 0.3])])
    assert 'r<i class="u">e</i><i class="x">a</i><i class="d">d</i>' in shown
    assert 're<i class="x">e</i>d' in shown
    assert 'src="data:image/png;base64,' in shown and 'width="60" height="20"' in shown
    assert "image/jpeg" in report.pictures([report.Picture(encode(np.full((20, 60), 200, np.uint8), "jpeg"))])


@pytest.mark.parametrize(("kind", "shown"), [("GIF", "gif"), ("BMP", "bmp"), ("TIFF", "png"), ("PPM", "png")])
def test_pictures_are_what_their_data_url_says(kind: str, shown: str) -> None:
    """All of these were called image/png; browsers show no TIFF and no PPM."""
    file = io.BytesIO()
    Image.fromarray(np.tile(np.arange(60, dtype=np.uint8) * 4, (20, 1))).save(file, kind)
    page = report.pictures([report.Picture(file.getvalue())])
    head, _, rest = page.partition(f'src="data:image/{shown};base64,')
    with Image.open(io.BytesIO(base64.b64decode(rest.partition('"')[0]))) as picture:
        assert picture.format == shown.upper() and picture.size == (60, 20) and "data:" not in head
    assert "nothing" in report.pictures([report.Picture(INK, "")])


def test_confidences_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 confidences for 4 characters"):
        report.pictures([report.Picture(INK, "read", None, [0.1, 0.2])])


def points(svg: str) -> list[list[tuple[float, float]]]:
    lines = re.findall(r'<polyline points="([^"]*)"', svg)
    return [[tuple(map(float, pair.split(","))) for pair in line.split()] for line in lines]  # type: ignore[misc]


def test_curve_points_lie_where_they_belong() -> None:
    svg = report.curve({"a": [(0, 0.0), (5, 0.1), (10, 0.2)], "b": [(0, 0.2)]}, x="round", y="CER", percent=True)
    parsed(svg)
    first, second = points(svg)
    assert first[1] == pytest.approx(((first[0][0] + first[2][0]) / 2, (first[0][1] + first[2][1]) / 2), abs=0.1)
    assert first[0][1] > first[2][1]  # a higher value is higher up
    assert second[0] == pytest.approx((first[0][0], first[2][1]))
    assert ">20</text>" in svg and "CER, %" in svg


@pytest.mark.parametrize("values", [[3.0], [0.0], [1e-7, 2e-7], [-5.0, 1e6], [7.0, 7.0], [1e300, -1e300]])
@pytest.mark.parametrize("from_zero", [True, False])
def test_curves_of_all_sizes_stay_inside(values: list[float], from_zero: bool) -> None:
    svg = report.curve({"a": list(enumerate(values))}, x="x", y="y", from_zero=from_zero)
    for x, y in points(svg)[0]:
        assert 64 <= x <= 696 and 34 <= y <= 254
    assert 2 <= svg.count('class="grid"') <= 10


def test_curves_of_nothing_say_so() -> None:
    assert "nothing was recorded" in report.curve({}, x="x", y="loss")
    assert "nothing was recorded" in report.curve({"a": [(0, float("nan"))]}, x="x", y="loss")
    assert "1 point is no number" in report.curve({"a": [(0, float("inf")), (1, 1.0)]}, x="x", y="loss")


def test_tables_put_numbers_to_the_right() -> None:
    shown = report.table([{"set": "a", "n": 3, "CER": 0.12345}, {"set": "b", "n": None}])
    parsed(shown)
    assert '<td class="n">3</td>' in shown and '<td class="n">–</td>' in shown
    assert "0.1235" in shown or "0.1234" in shown
    assert "<td>a</td>" in shown


def test_confusions_name_spaces_losses_and_additions() -> None:
    shown = report.confusions(confusions(["a b", "c"], ["ab", "cd"]))
    parsed(shown)
    assert "␣" in shown and "lost" in shown and "added" in shown
    assert "No character" in report.confusions([])


def test_saving(tmp_path: Path) -> None:
    path = report.save(tmp_path / "new" / "report.html", report.page("half \ud800 surrogate é", []))
    assert "half ? surrogate é" in path.read_text(encoding="utf-8")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        report.save(tmp_path / "file" / "report.html", report.page("x", []))


def test_an_earlier_reading_stands_above_the_later_one() -> None:
    html = report.pictures([report.Picture(INK, "paper", "paper", before="pamer")])
    assert html.index("<span>before</span>") < html.index("<span>after</span>") < html.index("<span>truth</span>")
    assert '<i class="x">m</i>' in html and "<span>read</span>" not in html
