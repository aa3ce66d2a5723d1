import random
from pathlib import Path

import jiwer
import numpy as np
import pytest

from scriven.base import InputError
from scriven.metrics import (
    PROTOCOLS,
    calibration,
    confusions,
    distance,
    groups_of,
    paired_difference,
    score,
    table,
)


def _random_pairs(count: int) -> tuple[list[str], list[str]]:
    draw = random.Random(1)
    letters = "abcdeéß .,-ſ\u0301"

    def text() -> str:
        return "".join(draw.choices(letters, k=draw.choice((0, 1, 3, 8, 30))))

    def damaged(truth: str) -> str:
        return "".join(c for c in truth if draw.random() > 0.1) + draw.choice(("", "x", " y"))

    truths = [text() for _ in range(count)]
    return truths, [damaged(t) if draw.random() < 0.7 else text() for t in truths]


def test_agrees_with_jiwer_on_ten_thousand_pairs() -> None:
    from scriven.text import normalise

    truths, guesses = _random_pairs(10_000)
    clean_truths, clean_guesses = [normalise(t) for t in truths], [normalise(g) for g in guesses]
    characters = jiwer.process_characters(clean_truths, clean_guesses)
    words = jiwer.process_words(clean_truths, clean_guesses)
    ours = score(truths, guesses)
    assert ours.cer == pytest.approx(characters.cer, abs=1e-12)
    assert ours.wer == pytest.approx(words.wer, abs=1e-12)
    assert ours.edits == characters.substitutions + characters.insertions + characters.deletions
    for i in range(0, 10_000, 101):
        assert score([truths[i]], [guesses[i]], resamples=1).cer == jiwer.cer(clean_truths[i], clean_guesses[i])


def test_empty_references_count_their_insertions() -> None:
    assert score([""], [""]).cer == 0
    assert score(["", ""], ["ab", ""]).cer == 2 == jiwer.cer(["", ""], ["ab", ""])
    assert score(["ab", ""], ["ab", "x"]).cer == 0.5


def test_the_default_protocol_by_hand() -> None:
    ours = score(["abcd ef", "e\u0301"], ["abxd", "é"])
    assert (ours.edits, ours.characters, ours.n, ours.words) == (4, 8, 2, 3)
    assert ours.cer == 4 / 8
    assert ours.wer == 2 / 3
    assert ours.exact == 1 / 2
    assert distance(["a", "b"], ["b"]) == 1


def test_mean_per_word_counts_an_empty_prediction_as_one() -> None:
    # AttentionHTR added 0 for it, so a recogniser that reads nothing has a perfect score.
    assert score(["abcd", "xy"], ["", ""], protocol="cer_mean_per_word").cer == 1
    assert score(["abcd", "xy"], ["abcx", "xy"], protocol="cer_mean_per_word").cer == (1 / 4 + 0) / 2
    assert score(["", "xy"], ["a", "xy"], protocol="cer_mean_per_word").cer == 1 / 2


def test_alphanumeric_protocol() -> None:
    ours = score(["Don't, 2 B!"], ["dont 2b"], protocol="alnum_insensitive")
    assert (ours.cer, ours.characters) == (0, 6)
    assert ours.wer == 2 / 3  # spaces still separate words
    assert score(["é"], ["x"], protocol="alnum_insensitive").characters == 0
    words = (["A", "abcdefghij"], ["b!", "ABCDEFGHIJ"])  # the mean of 1 and 0, and 1 error in 11 characters
    assert score(*words, protocol="alnum_mean_per_word").cer == 0.5
    assert score(*words, protocol="alnum_insensitive").cer == pytest.approx(1 / 11)


def test_batch_mean_is_the_mean_of_ratios() -> None:
    ours = score(["aaaa", "b", "c"], ["aaaa", "x", "c"], protocol="batch_mean", batch=2)
    assert ours.cer == (1 / 5 + 0 / 1) / 2
    assert ours.resampled == "batches"


def test_asr_protocol_ignores_punctuation_and_case() -> None:
    assert score(["«Oui», dit-il."], ["oui ditil"], protocol="asr").cer == 0
    assert score(["Oui."], ["oui"]).cer == 2 / 4


def test_interval_is_seeded_and_covers_the_truth() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(60):
        hands, truths, guesses = [], [], []
        for hand in range(40):
            wrong = rng.beta(2, 8)  # mean 0.2, hands differ
            for _ in range(5):
                truths.append("a" * 20)
                guesses.append("".join("b" if rng.random() < wrong else "a" for _ in range(20)))
                hands.append(f"h{hand}")
        low, high = score(truths, guesses, groups=hands).interval
        covered += low <= 0.2 <= high
    assert 51 <= covered <= 60
    again = score(truths, guesses, groups=hands)
    assert again == score(truths, guesses, groups=hands)
    assert again.resampled == "groups"
    lines = score(truths, guesses).interval
    assert lines[1] - lines[0] < again.interval[1] - again.interval[0]  # lines of one hand are not independent
    assert score(truths, guesses, groups=hands, rng=np.random.default_rng(9)).interval != again.interval


def test_one_group_falls_back_to_lines() -> None:
    assert score(["ab", "cd"], ["ab", "cx"], groups=["h", "h"]).resampled == "lines"


def test_groups_of_prefers_hands_then_pages() -> None:
    hands, pages = [f"h{i}" for i in range(5)], [f"p{i}" for i in range(5)]
    assert groups_of(hands, pages) == (hands, "hands")
    assert groups_of(["h"] * 5, pages) == (pages, "pages")
    assert groups_of([""] * 5, ["p"] * 5) == (None, "lines")


def test_paired_difference_is_narrower_than_the_scores() -> None:
    rng = np.random.default_rng(0)
    truths = ["a" * 20] * 200
    a = ["".join("b" if rng.random() < p else "a" for _ in range(20)) for p in rng.beta(1, 3, 200)]
    b = [line.replace("b", "a", 1) for line in a]
    found = paired_difference(truths, a, b)
    assert found.difference == pytest.approx(score(truths, b).cer - score(truths, a).cer)
    assert found.interval[0] <= found.difference <= found.interval[1] < 0
    alone = score(truths, a).interval
    assert found.interval[1] - found.interval[0] < (alone[1] - alone[0]) / 2
    assert paired_difference(truths, a, a, [str(i % 9) for i in range(200)]).interval == (0, 0)


def test_confusions_count_all_three_kinds() -> None:
    found = {(c.reference, c.prediction): (c.count, c.occurrences) for c in confusions(["ana", "na"], ["aua", "nat"])}
    assert found == {("n", "u"): (1, 2), ("", "t"): (1, 1)}
    assert confusions(["abc", "abd"], ["bc", "bd"])[0].reference == "a"
    assert confusions(["same"], ["same"]) == []


def test_exact_uses_the_normalisation_of_the_cer() -> None:
    result = score(["ab c"], ["a bc"], protocol="alnum_insensitive")  # in which spaces do not count
    assert (result.cer, result.exact) == (0.0, 1.0)
    assert score(["ab c"], ["a bc"]).exact == 0.0


def test_calibration() -> None:
    perfect = calibration([0.25] * 4 + [1.0] * 2, [True, False, False, False, True, True])
    assert perfect.ece == pytest.approx(0)
    assert [b.n for b in perfect.bins] == [4, 2]
    assert calibration([0.9] * 10, [False] * 10).ece == pytest.approx(0.9)


def test_invalid_arguments_are_refused_with_a_message() -> None:
    with pytest.raises(InputError, match="no lines"):
        score([], [])
    with pytest.raises(InputError, match="2 references but 1 predictions"):
        score(["a", "b"], ["a"])
    with pytest.raises(InputError, match="alnum_insensitive"):
        score(["a"], ["a"], protocol="alnum")
    with pytest.raises(InputError, match="groups"):
        score(["a"], ["a"], groups=["x", "y"])


def test_every_protocol_is_in_the_documentation() -> None:
    page = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
    for name in PROTOCOLS:
        assert f"| `{name}` |" in page
        assert 0 <= score(["Le chat, 12."], ["le chai 12"], protocol=name).cer < 1


def test_the_example_in_the_documentation() -> None:
    page = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    names: dict[str, object] = {}
    exec(code, names)
    assert names["result"] == score(["Bonjour, Marie", "le 7 mai"], ["Bonjour Marie", "le 1 mai"], groups=["p1", "p2"])


def test_json_and_table() -> None:
    ours = score(["abcd"], ["abcx"])
    assert list(ours.as_json())[:5] == ["cer", "wer", "exact", "n", "interval"]
    text = table([{"set": "one", **ours.row()}, {"set": "another", "note": "x"}])
    assert text.splitlines()[0].split() == ["set", "CER", "%", "95", "%", "WER", "%", "exact", "%", "n", "note"]
    assert "25.00" in text.splitlines()[2]
