import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scriven import report
from scriven.base import OutputError
from scriven.images import encode
from scriven.metrics import confusions
from scriven.report.pieces import marks_of

VOID = {"meta", "img", "link", "br", "hr", "line", "polyline"}
INK = encode(np.full((20, 60), 200, np.uint8))


class Tags(HTMLParser):
    """Checks that every element is closed; collects attributes and text."""

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
            report.section("Pictures", report.pictures([report.Figure(INK, NASTY, NASTY + "!", None, NASTY)])),
            report.section("Mistakes", report.confusions(confusions(["<a&"], ["'a"]))),
        ],
        NASTY,
    )


def test_text_is_escaped_and_no_external_files_are_loaded() -> None:
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


def test_marks_of_differences() -> None:
    assert marks_of("abc", "axc") == ({1}, set())
    assert marks_of("abc", "ac") == (set(), {1})
    assert marks_of("abc", "ab") == (set(), {2})
    assert marks_of("ac", "abc") == ({1}, set())
    assert marks_of(None, "ab") == (set(), set())


def test_pictures_mark_errors_and_shade_low_confidence() -> None:
    shown = report.pictures([report.Figure(INK, "read", "reed", [0.9, 0.6, 0.2, 0.3])])
    assert 'r<i class="u">e</i><i class="x d">a</i><i class="d">d</i>' in shown
    assert ">reed</q>" in shown  # the truth is not marked
    missing = report.pictures([report.Figure(INK, "rea", "read"), report.Figure(INK, "ead", "read")])
    assert '>rea<i class="m"></i></q>' in missing and '><i class="m"></i>ead</q>' in missing
    assert 'src="data:image/png;base64,' in shown and 'width="60" height="20"' in shown
    assert "image/jpeg" in report.pictures([report.Figure(encode(np.full((20, 60), 200, np.uint8), "jpeg"))])


@pytest.mark.parametrize(("kind", "shown"), [("GIF", "gif"), ("BMP", "bmp"), ("TIFF", "png"), ("PPM", "png")])
def test_data_urls_have_the_type_of_the_picture(kind: str, shown: str) -> None:
    """All of these used to be labelled image/png; browsers do not show TIFF and PPM."""
    file = io.BytesIO()
    Image.fromarray(np.tile(np.arange(60, dtype=np.uint8) * 4, (20, 1))).save(file, kind)
    page = report.pictures([report.Figure(file.getvalue())])
    head, _, rest = page.partition(f'src="data:image/{shown};base64,')
    with Image.open(io.BytesIO(base64.b64decode(rest.partition('"')[0]))) as picture:
        assert picture.format == shown.upper() and picture.size == (60, 20) and "data:" not in head
    assert "nothing" in report.pictures([report.Figure(INK, "")])


def test_confidences_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 confidences for 4 characters"):
        report.pictures([report.Figure(INK, "read", None, [0.1, 0.2])])


def points(svg: str) -> list[list[tuple[float, float]]]:
    lines = re.findall(r'<polyline points="([^"]*)"', svg)
    return [[tuple(map(float, pair.split(","))) for pair in line.split()] for line in lines]  # type: ignore[misc]


def test_positions_of_curve_points() -> None:
    svg = report.curve({"a": [(0, 0.0), (5, 0.1), (10, 0.2)], "b": [(0, 0.2)]}, x="round", y="CER", percent=True)
    parsed(svg)
    first, second = points(svg)
    assert first[1] == pytest.approx(((first[0][0] + first[2][0]) / 2, (first[0][1] + first[2][1]) / 2), abs=0.1)
    assert first[0][1] > first[2][1]  # a higher value is higher up
    assert second[0] == pytest.approx((first[0][0], first[2][1]))
    assert ">20</text>" in svg and "CER, %" in svg


@pytest.mark.parametrize("values", [[3.0], [0.0], [1e-7, 2e-7], [-5.0, 1e6], [7.0, 7.0], [1e300, -1e300]])
@pytest.mark.parametrize("from_zero", [True, False])
def test_curves_stay_inside_the_plot(values: list[float], from_zero: bool) -> None:
    svg = report.curve({"a": list(enumerate(values))}, x="x", y="y", from_zero=from_zero)
    for x, y in points(svg)[0]:
        assert 64 <= x <= 696 and 34 <= y <= 254
    assert 2 <= svg.count('class="grid"') <= 10


def test_empty_curves() -> None:
    assert "nothing was recorded" in report.curve({}, x="x", y="loss")
    assert "nothing was recorded" in report.curve({"a": [(0, float("nan"))]}, x="x", y="loss")
    assert "1 non-finite point is not drawn" in report.curve({"a": [(0, float("inf")), (1, 1.0)]}, x="x", y="loss")


def test_tables_align_numbers_right() -> None:
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


def test_an_earlier_reading_is_shown_above_the_later_one() -> None:
    html = report.pictures([report.Figure(INK, "paper", "paper", before="pamer")])
    assert html.index("<span>before</span>") < html.index("<span>after</span>") < html.index("<span>truth</span>")
    assert '<i class="x">m</i>' in html and "<span>read</span>" not in html


def test_the_label_of_a_reading() -> None:
    html = report.pictures([report.Figure(INK, "paper", label="believed")])
    assert "<span>believed</span>" in html and "<span>read</span>" not in html and "truth" not in html


def test_the_legend_explains_every_mark() -> None:
    html = report.legend()
    parsed(html)
    assert [mark in html for mark in ('class="x"', 'class="m"', 'class="u"', 'class="d"')] == [True] * 4
    assert "below 80 %" in html and "below 50 %" in html
    assert all(f".{mark} {{" in report.page("", []) for mark in "xud")


def test_bars_have_the_height_of_their_counts_and_the_last_a_label() -> None:
    svg = report.bars([2, 4, 1], low=100, width=10, x="width, px", y="pictures", note="median 113", and_more=True)
    parsed(svg)
    heights = [float(h) for h in re.findall(r'<rect [^>]* height="([^"]*)"', svg)]
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.2) and heights[1] == pytest.approx(4 * heights[2], abs=0.2)
    assert "120 and more: 1</title>" in svg and ">120 and more</text>" in svg and "median 113" in svg
    assert "from 110 to below 120: 4" in svg and "polyline" not in svg
    assert "and more" not in report.bars([2, 4], low=0, width=10, x="x", y="y")
    assert "nothing was recorded" in report.bars([], low=0, width=1, x="x", y="y")


def test_the_axis_of_bars_has_integer_ticks() -> None:
    ticks = re.findall(r'text-anchor="end">([^<]*)</text>', report.bars([1, 1], low=0, width=1, x="x", y="y"))
    assert ticks == ["0", "1"]


def test_facts_have_no_header_and_no_empty_rows() -> None:
    html = report.facts([("licence", "MIT"), ("seed", None), ("parents", ""), ("lines", 0)])
    parsed(html)
    assert html.count("<tr>") == 2 and "MIT" in html and "<td>0</td>" in html and "seed" not in html
    assert report.facts([("seed", None)]) == ""


def test_prose_is_markdown_without_headings_and_links() -> None:
    html = report.prose(
        "# A <card>\n\nIt *reads*\nwell:\n\n- one\n  and a half\n- two\n\n```\nscriven read X\n```\n\n"
        "| n | CER |\n| --- | --- |\n| 3 | 0.1 |\n\n<https://example.org> [a](https://example.org) ![b](x.png)\n"
    )
    tags = parsed(html)
    assert "<p><b>A &lt;card&gt;</b></p>" in html and "<p>It <em>reads</em>\nwell:</p>" in html
    assert "<li>one\nand a half</li>\n<li>two</li>" in html and "<pre><code>scriven read X\n</code></pre>" in html
    assert "<td>0.1</td>" in html and not [key for _, key, _ in tags.attributes if key in ("href", "src")]


@given(st.text(st.sampled_from("<>&\"'`*_#-|[]() \nab/:!\ud800")))
def test_prose_escapes_markup_in_any_text(markdown: str) -> None:
    tags = parsed(report.prose(markdown))
    assert not [key for _, key, _ in tags.attributes if key in ("href", "src", "style") or key.startswith("on")]
    report.prose(markdown).encode()


def test_the_table_of_rounds() -> None:
    first = {"round": 0, "accepted": True, "view_disagreement": 0.1676, "lm_bits_per_char": 4.2507, "characters": 52.99}
    html = report.rounds(
        [first, {**first, "round": 1, "accepted": False, "pseudo_labels": 213, "view_disagreement": 0.143}]
    )
    parsed(html)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in html.split("<tr>")[2:]]
    assert cells == [["0", "yes", "–", "16.8 %", "4.25", "53.0"], ["1", "no", "213", "14.3 %", "4.25", "53.0"]]
    heads = re.findall(r"<th[^>]*>(.*?)</th>", html)
    assert all(f"<li>{head.partition(',')[0]}:" in html for head in heads[1:]), heads
