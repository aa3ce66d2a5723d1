"""Laying a text without line breaks onto lines: against brute force, and on lines made for what it has to tolerate."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriven.base import TextError
from scriven.reader.align import TooFewFrames, align
from scriven.reader.page_align import Evidence, confidence, evidence, place
from scriven.reader.page_chain import ChainCosts, chain
from scriven.reader.page_scores import FLOOR, NEVER, STEPS, line_ends
from scriven.reader.page_text import PageText, stretches
from scriven.text import Charset
from toy_page import CHARSET, line, posteriors, scores_of

COSTS = ChainCosts()


def text_of(body: str, charset: Charset = CHARSET) -> PageText:
    return PageText.of(body, charset)


def laid(shown: list[str], body: str, noise: float = 0.0) -> list[str | None]:
    """What each line gets of a text."""
    text = text_of(body)
    lines = [line(one, seed=i, noise=noise) for i, one in enumerate(shown)]
    found = {p.line: text.text[p.start : p.end] + "-" * p.hyphen for p in place(lines, text, COSTS)}
    return [found.get(i) for i in range(len(shown))]


@pytest.mark.parametrize("seed", range(4))
def test_scores_of_stretches_are_those_of_forced_alignment(seed: int) -> None:
    body, charset = "ab bba a-b", Charset(tuple("ab -"))
    text = text_of(body, charset)
    log_probs = posteriors("b bb", charset, seed, noise=1.5)
    relative = np.maximum(log_probs - log_probs.max(axis=1, keepdims=True), -FLOOR)
    begin = np.random.default_rng(seed).integers(-3000, 1, len(text) + 1)
    found = line_ends(scores_of(log_probs, charset), text, begin, divide=500, hyphen=300)
    for after in np.flatnonzero(text.starts):
        best, where = float(NEVER), -1
        end = text.end_of(int(after))
        for start in np.flatnonzero(text.starts[:end]):
            for marked in (False, True) if text.inside[end] else (False,):
                classes = charset.encode(body[start:end] + "-" * marked)
                try:
                    path = align(relative, classes)
                except TooFewFrames:
                    continue
                score = float(relative[np.arange(len(path)), path].sum()) * STEPS + begin[start]
                score -= (300 if marked else 500) if text.inside[end] else 0
                if score > best:
                    best, where = score, int(start)
        assert found.scores[after] == pytest.approx(best, abs=len(log_probs))
        if best > NEVER:
            assert int(found.starts[after]) == where


def test_several_vectors_of_starts_are_the_same_one_by_one() -> None:
    text, one = text_of("an old hat on the mat"), line("hat on", noise=1.0)
    begin = np.random.default_rng(0).integers(-9000, 1, (3, len(text) + 1))
    together = line_ends(one, text, begin, 5, 3)
    for i in range(3):
        alone = line_ends(one, text, begin[i], 5, 3)
        assert (together.scores[i] == alone.scores).all() and (together.starts[i] == alone.starts).all()


def test_a_text_is_cut_where_its_lines_end() -> None:
    shown = ["the quick brown", "fox", "jumps over the lazy", "dog"]
    assert laid(shown, " ".join(shown)) == shown
    assert laid(shown, " ".join(shown), noise=1.5) == shown


@pytest.mark.parametrize("mark", ["-", ""])
def test_a_word_is_divided_at_the_end_of_a_line(mark: str) -> None:
    shown = [f"beautiful hand{mark}", "writing is rare"]
    assert laid(shown, "beautiful handwriting is rare") == shown


def test_a_hyphen_of_the_text_stays_on_its_line() -> None:
    shown = ["the well-", "known man"]
    assert laid(shown, "the well-known man") == shown
    assert laid(shown, "the well- known man") == shown
    assert laid(["one well-known", "man"], "one well-known man") == ["one well-known", "man"]


def test_hyphens_of_the_transcript_are_the_hyphen_of_the_model() -> None:
    text = text_of("hand\u00acwriting")
    assert not text.lacking(CHARSET)
    found = place([line("hand-"), line("writing")], text, COSTS)
    assert [text.text[p.start : p.end] for p in found] == ["hand\u00ac", "writing"]


def test_text_that_no_line_shows_is_left_out() -> None:
    shown = ["the quick brown", "fox jumps over"]
    assert laid(shown, "a head above it the quick brown and more words here fox jumps over to the very end") == shown


def test_lines_without_text_are_left_out() -> None:
    shown = ["vvv", "the quick brown", "page twelve", "fox jumps over"]
    assert laid(shown, "the quick brown fox jumps over") == [None, shown[1], None, shown[3]]


def test_a_marginal_note_is_found_where_the_text_has_it() -> None:
    shown = ["the quick brown", "see above please", "fox jumps over", "the lazy dogs"]
    assert laid(shown, "the quick brown fox jumps over the lazy dogs see above please") == shown


def test_columns_in_another_order_are_found() -> None:
    first, second = ["one two three", "four five six", "seven eight"], ["nine and ten", "eleven twelve", "some more"]
    assert laid(second + first, " ".join(first + second)) == second + first


def test_no_stretch_goes_to_two_lines() -> None:
    assert laid(["the same words", "the same words"], "the same words").count("the same words") == 1


def test_a_text_of_another_page_is_not_laid() -> None:
    found = laid(["zebra zoo", "lynx klipp"], "the quick brown fox jumps over")
    assert found == [None, None]


def test_characters_that_the_model_lacks_do_not_stop_it() -> None:
    charset = Charset(tuple("abcdefghijklmnopqrstuvwxyz "))
    text = text_of("the ℞ quick brown fox", charset)
    assert text.lacking(charset) == {"℞": 1}
    found = place([line("the x quick", charset), line("brown fox", charset)], text, COSTS)
    assert [text.text[p.start : p.end] for p in found] == ["the ℞ quick", "brown fox"]


def test_lines_from_right_to_left_are_scanned_from_the_right() -> None:
    letters = "אבגדהוזחט"
    charset = Charset((*letters, " ", "1", "2"))
    body = "אבג דה 12 וזח טאב"
    text = text_of(body, charset)
    assert text.backwards
    lines = [scores_of(posteriors(one, charset), charset, backwards=True) for one in ("12 הד גבא", "באט חזו")]
    assert [text.text[p.start : p.end] for p in place(lines, text, COSTS)] == ["אבג דה 12", "וזח טאב"]


def test_empty_texts_and_no_lines_give_nothing() -> None:
    assert place([], text_of("abc"), COSTS) == [] and place([line("abc")], text_of(""), COSTS) == []
    assert chain([line("")], text_of("abc"), COSTS) == []


def test_stretches_are_what_lies_between_without_spaces() -> None:
    text = text_of("one two three four")
    assert stretches(text, [(4, 7)]) == [(0, 3), (8, 18)]
    assert stretches(text, []) == [(0, 18)] and stretches(text, [(0, 18)]) == []


WORDS = st.lists(st.text("abcdefghij", min_size=3, max_size=9), min_size=4, max_size=24)


@settings(max_examples=40, deadline=None)
@given(words=WORDS, data=st.data())
def test_any_division_into_lines_is_found(words: list[str], data: st.DataObject) -> None:
    """Lines of one to four words; a word divided at some line ends; nothing that is alike on both sides of a cut."""
    shown, at = list[str](), 0
    while at < len(words):
        count = data.draw(st.integers(1, 4))
        shown.append(" ".join(words[at : at + count]))
        at += count
    body = " ".join(shown)
    if data.draw(st.booleans()) and len(shown) > 1 and len(first := shown[0].split(" ")[-1]) > 5:
        shown[0], shown[1] = shown[0][:-3] + "-", first[-3:] + " " + shown[1]
    assert laid(shown, body) == shown


def judged(shown: list[str], body: str, noise: float = 0.0) -> list[Evidence]:
    text = text_of(body)
    lines = [line(one, seed=i, noise=noise) for i, one in enumerate(shown)]
    return evidence(lines, text, place(lines, text, COSTS), COSTS)


def test_a_clear_page_is_beyond_doubt_and_a_missing_word_is_not() -> None:
    shown = ["the quick brown", "fox jumps over", "the lazy dogs"]
    clear = judged(shown, " ".join(shown))
    assert min(map(confidence, clear)) > 0.95 and not any(one.divided or one.beside for one in clear)
    gap = judged(shown, "the quick brown fox over the lazy dogs")
    assert confidence(gap[1]) < 0.96 < min(confidence(gap[0]), confidence(gap[2]))


def test_margins_are_those_of_the_next_best_cut() -> None:
    shown = ["ab cd", "ef gh"]
    text, lines = text_of("ab cd ef gh"), [line(one, noise=2.0, seed=3) for one in shown]
    found = place(lines, text, COSTS)
    totals = {}
    for cut in np.flatnonzero(text.starts)[1:-1]:
        begin = np.full(len(text) + 1, NEVER, np.int64)
        begin[0] = 0
        first = line_ends(lines[0], text, begin, 10 * STEPS, 8 * STEPS).scores[cut]
        begin[0], begin[cut] = NEVER, first
        totals[int(cut)] = int(line_ends(lines[1], text, begin, 10 * STEPS, 8 * STEPS).scores[-1]) / STEPS
    best = totals.pop(6)
    assert best > max(totals.values())
    margins = [one.margin for one in evidence(lines, text, found, COSTS)]
    assert margins == pytest.approx([best - max(totals.values())] * 2, abs=0.01)


def test_evidence_of_one_line_with_the_whole_text_has_no_other_cut_that_is_good() -> None:
    (one,) = judged(["the quick brown fox"], "the quick brown fox")
    assert one.margin > 10 and math.isfinite(one.margin) and one.cer == one.excess == 0


@pytest.mark.parametrize(("limit", "value"), [("MOST", 20), ("BITS", 3)])
def test_a_text_that_is_too_long_for_memory_is_refused(monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(f"scriven.reader.page_chain.{limit}", value)
    with pytest.raises(TextError, match="give one text file for each page"):
        chain([line("abc"), line("def")], text_of("abc def ghi"), COSTS)


def test_memory_does_not_grow_with_frames_times_characters() -> None:
    """A line of 1,500 frames on a text of 20,000 characters: 240 MB if the scores of all frames were kept."""
    text = text_of("abc def ghi " * 1700)
    long = line("abc def " * 100)
    begin = np.zeros(len(text) + 1, np.int64)
    tracemalloc.start()
    line_ends(long, text, begin, 0, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(long) > 1000 and peak < 20e6
