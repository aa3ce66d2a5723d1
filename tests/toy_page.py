"""Lines of a page as fabricated CTC posteriors, without pictures: three frames a character, with or without noise."""

import numpy as np

from scriven.reader.ctc_paths import collapse, greedy
from scriven.reader.page_scores import LineScores
from scriven.text import Charset

CHARSET = Charset(tuple("-abcdefghijklmnopqrstuvwxyz "))


def posteriors(shown: str, charset: Charset = CHARSET, seed: int = 0, noise: float = 0.0) -> np.ndarray:
    """Log posteriors (T, C) of a line that shows a text: 0.9 for the class shown, log-normal noise on all."""
    classes = [0] + [k for c in charset.encode(shown) for k in (c, c, 0)]
    probs = np.full((len(classes), len(charset) + 1), 0.1 / len(charset))
    probs[np.arange(len(classes)), classes] = 0.9
    logits = np.log(probs) + noise * np.random.default_rng(seed).normal(size=probs.shape)
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)


def scores_of(log_probs: np.ndarray, charset: Charset = CHARSET, backwards: bool = False) -> LineScores:
    reading = charset.decode(collapse(greedy(log_probs))).strip()
    return LineScores.of(log_probs, charset, reading, backwards)


def line(shown: str, charset: Charset = CHARSET, seed: int = 0, noise: float = 0.0) -> LineScores:
    """The scores of a line that shows a text."""
    return scores_of(posteriors(shown, charset, seed, noise), charset)
