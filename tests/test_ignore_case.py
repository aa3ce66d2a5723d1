"""Reading without regard to case: probabilities of case variants are summed, in every decoder."""

from pathlib import Path

import numpy as np
import pytest

from scriven.base import SettingsError
from scriven.jobs.read import ReadSettings, read
from scriven.language.model import CharLM
from scriven.reader.attention_decoder import AttentionDecoder
from scriven.reader.case_variants import NEVER, CaseVariants, folded
from scriven.reader.ctc_decoder import CtcDecoder
from scriven.reader.decoder_contract import DecodeSettings
from scriven.reader.model import ModelInfo
from scriven.reader.scorers import LanguageScorer
from scriven.text import Charset
from toy_pictures import drawn_folder, drawn_line

CHARSET = Charset(tuple(" abAB"))
INFO = ModelInfo(network="toy", sizes={"size": "toy"}, charset=CHARSET.characters)
IGNORING = DecodeSettings(ignore_case=True)


def frames(*rows: dict[str, float]) -> np.ndarray:
    """Log posteriors (T, C) from the probabilities of characters per frame; the rest is the blank."""
    table = np.full((len(rows), len(CHARSET) + 1), 1e-9)
    for frame, row in zip(table, rows, strict=True):
        for character, probability in row.items():
            frame[CHARSET.encode(character)[0]] = probability
        frame[0] = 1 - sum(row.values())
    return np.log(table).astype(np.float32)


SPLIT = frames({"a": 0.3, "A": 0.3}, {}, {"B": 0.5, "b": 0.45})  # the blank is likelier than either letter of frame 1


def test_probabilities_are_summed_exactly_and_classes_keep_their_numbers() -> None:
    variants = CaseVariants(
        Charset(tuple("aK\u00c9kA\u212a\u00e9\u03a9"))
    )  # K: also the Kelvin sign, as a third variant
    assert (
        "".join(variants.charset.characters) == "aK\u00c9kA\u212a\u00e9\u03c9"
    )  # of omega the set has only the capital
    p = np.array([0.1, 0.05, 0.2, 0.1, 0.1, 0.15, 0.05, 0.15, 0.1])  # the blank, then the characters
    found = np.exp(variants.summed(np.log(p), 1))
    assert found == pytest.approx([0.1, 0.2, 0, 0, 0.35, 0, 0, 0.25, 0.1])
    assert variants.likeliest(np.log(p), 1)[[1, 4, 7, 8]].tolist() == [5, 2, 7, 8]


def test_a_letter_is_read_that_is_less_likely_than_the_blank_in_either_case() -> None:
    assert CtcDecoder(INFO).reading("x", SPLIT).text == "B"
    reading = CtcDecoder(INFO, IGNORING).reading("x", SPLIT)
    assert reading.text == "ab"
    assert [c.confidence for c in reading.characters] == pytest.approx([0.6, 0.95], abs=1e-4)
    assert reading.confidence == pytest.approx(0.6 * 1.0 * 0.95, abs=1e-3)
    assert {name for c in reading.characters for name, p in c.alternatives if p > 1e-6} <= set("ab ")


@pytest.mark.parametrize("beam", [0, 8])
def test_greedy_and_beam_agree(beam: int) -> None:
    decoder = CtcDecoder(INFO, DecodeSettings(ignore_case=True, beam=beam))
    assert decoder.reading("x", SPLIT).text == "ab"
    best = decoder.hypotheses(SPLIT)[0]
    assert np.exp(best.optical) == pytest.approx(0.6 * 0.95, abs=1e-3)


def test_the_language_model_predicts_a_letter_in_either_case() -> None:
    lm = CharLM.train(["ab Ab", "AB ab"] * 10, order=2)
    variants = CaseVariants(CHARSET)
    plain = LanguageScorer(lm, CHARSET, 1.0, 0.0)
    summed = LanguageScorer(lm, variants.charset, 1.0, 0.0, cases=variants)
    before, after = plain.rows([plain.start()])[0], summed.rows([summed.start()])[0]
    assert after[2] == pytest.approx(np.logaddexp(before[2], before[4])) and after[4] == NEVER
    weak = frames({"a": 0.49, "A": 0.02, "b": 0.48}, {})
    chosen = DecodeSettings(ignore_case=True, alpha=1.0, beta=0.0, cut=0.0)
    assert CtcDecoder(INFO, chosen, CharLM.train(["A"] * 20, order=2)).reading("x", weak).text == "a"


def test_expected_words_match_in_any_case() -> None:
    unsure = frames({"a": 0.4, "b": 0.45}, {}, {"b": 0.9})
    assert CtcDecoder(INFO, IGNORING, words=["AB"]).reading("x", unsure).text == "ab"
    assert CtcDecoder(INFO, IGNORING).reading("x", unsure).text == "bb"


def attention(settings: DecodeSettings) -> tuple[AttentionDecoder, list[list[int]]]:
    """A decoder whose steps are known: first a or A, then b after A and a after a; and what its graph was given."""
    given: list[list[int]] = []
    first = {"a": 0.3, "A": 0.4, "END": 0.3}
    after = {"a": {"a": 0.9, "END": 0.1}, "A": {"b": 0.5, "B": 0.3, "END": 0.2}}

    def row(wanted: dict[str, float]) -> np.ndarray:
        p = np.full(len(CHARSET) + 2, 1e-9)
        for name, value in wanted.items():
            p[1 if name == "END" else CHARSET.encode(name)[0] + 1] = value
        return np.log(p / p.sum())

    def start(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"state": np.zeros((len(inputs["frames"]), 1), np.float32)}

    def step(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        assert set(inputs) == {"previous", "state"}  # nothing of the decoder's own reaches the graph
        given.append(inputs["previous"].tolist())
        names = [CHARSET.characters[c - 2] if c > 1 else "" for c in inputs["previous"]]
        rows = [row(first if not name else after.get(name, {"END": 1.0})) for name in names]
        uniform = np.full((len(rows), 4), 0.25, np.float32)
        return {"logits": np.array(rows, np.float32), "attention": uniform, "next_state": inputs["state"]}

    return AttentionDecoder(INFO, settings, runs={"start": start, "step": step}), given


@pytest.mark.parametrize("beam", [0, 4])
def test_an_attention_decoder_sums_each_step_and_continues_from_the_likeliest_variant(beam: int) -> None:
    decoder, given = attention(DecodeSettings(ignore_case=True, beam=beam))
    reading = decoder.reading("x", np.zeros((4, 3), np.float32))
    assert reading.text == "ab"
    assert [c.confidence for c in reading.characters] == pytest.approx([0.7, 0.8], abs=1e-4)
    if not beam:
        assert given == [[0], [5], [4]]  # the start, A, which is likelier than a, and B of the likelier case b
    plain, _ = attention(DecodeSettings(beam=beam))
    assert plain.reading("x", np.zeros((4, 3), np.float32)).text in ("Ab", "aa", "")


def test_texts_are_folded_by_single_characters() -> None:
    assert folded("Straẞe ÉΩ \u0130") == "straße éω \u0130"


def test_read_and_score_ignore_case(tmp_path: Path, scriven) -> None:
    drawn_line(tmp_path / "line.png", "Quick")
    (plain,) = read(tmp_path / "line.png").lines
    (line,) = read(tmp_path / "line.png", settings=ReadSettings(ignore_case=True)).lines
    assert line.text == folded(line.text) and line.text.startswith(plain.text[:1].lower())
    folder = drawn_folder(tmp_path / "letters", ["QUICK", "Fox"])
    code, out, _ = scriven("score", "scriven-general", folder, "--ignore-case", "--split", "train")
    assert code == 0 and "case is ignored" in out.splitlines()
    code, out, _ = scriven("read", tmp_path / "line.png", "--ignore-case")
    assert code == 0 and out.strip() == line.text
    with pytest.raises(SettingsError, match="leave the setting ignore_case or adapt out"):
        read(tmp_path / "line.png", settings=ReadSettings(ignore_case=True, adapt=True))
