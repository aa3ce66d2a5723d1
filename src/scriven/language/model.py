"""A character n-gram language model: the probability of a text, and of the next character.

Order 6 by default, modified Kneser-Ney smoothing, pruned; numpy only. All scores are natural logarithms. Texts are
normalised (NFC, single spaces) first.
"""

import io
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scriven.base import ModelError, TextError, atomic
from scriven.language.arpa import ENDINGS, read_arpa, write_arpa
from scriven.language.automaton import Automaton, Ints
from scriven.language.ngrams import END, SPECIALS, UNKNOWN, Counts, NGrams, kneser_ney
from scriven.text import normalise, right_to_left, visual

LM_FORMAT = "scriven character language model 1"
MAX_NGRAMS = 400_000  # about 3 MB on disk
WORDS_TOTAL = 1_000_000.0  # total number of tokens that a word list counts as

# Contexts in which a word of a word list is counted, and their shares. U+0002 and U+0003 are start and end of a line.
_CONTEXTS = ((" {} ", 0.70), (" {}, ", 0.07), (" {}. ", 0.04), (" {}\x03", 0.05), ("\x02{} ", 0.05))
_TITLE, _UPPER, _NUMBERS = 0.08, 0.01, 0.02


class CharLM:
    """A trained model; safe to share between threads.

    Columns of `scores`: 0 `<s>` (never predicted), 1 `</s>`, 2 `<unk>`, 3 and up `characters`; see `columns`.
    """

    def __init__(self, ngrams: NGrams):
        self.ngrams = ngrams
        self.characters = ngrams.characters
        self.order = ngrams.order
        self.size = len(ngrams.characters) + SPECIALS  # V, columns of `scores`
        self._column = {c: i for i, c in enumerate(ngrams.characters, start=SPECIALS)}
        self._automaton = Automaton(ngrams)

    # --- making ---------------------------------------------------------------------------------------------------

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        order: int = 6,
        *,
        words: Mapping[str, float] | None = None,
        words_share: float = 0.5,
        max_ngrams: int = MAX_NGRAMS,
        min_gain: float = 0.0,
    ) -> "CharLM":
        """Train on texts (one line each), in visual order, and on a word list with counts if given.

        With both, the words have the share `words_share` of all tokens. Raises TextError if there is neither.
        """
        counts = Counts(order)
        counts.add_texts(visual(text) for text in map(normalise, texts) if text)
        total = float(counts.tables[0][1].sum())
        if words:
            spread = WORDS_TOTAL if not total else total / 6 * words_share / max(1 - words_share, 1e-3)
            counts.add((_seen(piece), weight) for piece, weight in _in_context(words, spread))
        if not len(counts.tables[0][0]):
            raise TextError(
                "there is no text to train a language model on; give a corpus or a word list that is not empty"
            )
        return cls(kneser_ney(counts, max_ngrams, min_gain))

    @classmethod
    def from_words(
        cls, words: Sequence[str], counts: ArrayLike, order: int = 6, *, max_ngrams: int = MAX_NGRAMS
    ) -> "CharLM":
        """Train on a word list with counts (in any scale), for a language without a corpus."""
        return cls.train(
            (), order, words=dict(zip(words, np.asarray(counts, float), strict=True)), max_ngrams=max_ngrams
        )

    @classmethod
    def from_arpa(cls, path: Path) -> "CharLM":
        """Read an ARPA file whose tokens are characters. Raises ModelError for anything else."""
        return cls(read_arpa(path))

    def to_arpa(self, path: Path) -> None:
        """Write an ARPA file (log10, the space as `<space>`). Raises OutputError."""
        write_arpa(self.ngrams, path)

    def save(self, path: Path) -> None:
        """Write the bytes of `packed` to a file. Raises OutputError."""
        with atomic(Path(path)) as file:
            file.write(self.packed())

    def packed(self) -> bytes:
        """The model as bytes: compressed numpy arrays, no pickle; probabilities in 32 bits."""
        grams = self.ngrams
        arrays = {
            "format": np.array(LM_FORMAT),
            "characters": np.array("".join(grams.characters)),
            "bits": np.array(grams.bits),
        }
        for k in range(grams.order):
            keys = grams.keys[k]
            arrays[f"keys{k + 1}"] = np.diff(keys, prepend=np.uint64(0))  # differences: they compress
            arrays[f"logs{k + 1}"] = grams.logs[k].astype(np.float32)
            arrays[f"backs{k + 1}"] = grams.backs[k].astype(np.float32)
        made = io.BytesIO()
        np.savez_compressed(made, allow_pickle=False, **arrays)
        return made.getvalue()

    @classmethod
    def load(cls, path: Path) -> "CharLM":
        """Read a file written by `save`, or an ARPA file by its extension. Raises ModelError for anything else."""
        path = Path(path)
        if path.name.endswith(ENDINGS):
            return cls.from_arpa(path)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise ModelError(f"there is no language model {path}; make one with: scriven texts lm") from None
        except OSError as error:
            raise ModelError(f"cannot read the language model {path}: {error.strerror}; copy it again") from None
        return cls.unpacked(data, path)

    @classmethod
    def unpacked(cls, data: bytes, path: Path) -> "CharLM":
        """The model of the bytes of `packed`; `path` is used in messages. Raises ModelError for anything else."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                if "format" not in file or str(file["format"]) != LM_FORMAT:
                    raise ModelError(f"{path} is not a language model of scriven; make one with: scriven texts lm")
                orders = range(1, sum(name.startswith("keys") for name in file.files) + 1)
                return cls(
                    NGrams(
                        characters=tuple(str(file["characters"])),
                        bits=int(file["bits"]),
                        keys=tuple(np.cumsum(file[f"keys{k}"], dtype=np.uint64) for k in orders),
                        logs=tuple(file[f"logs{k}"].astype(np.float64) for k in orders),
                        backs=tuple(file[f"backs{k}"].astype(np.float64) for k in orders),
                    )
                )
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error, NotImplementedError):
            raise ModelError(
                f"cannot read the language model {path}: it is damaged or was not written by scriven; copy it "
                "again, or make it with: scriven texts lm"
            ) from None

    # --- the automaton --------------------------------------------------------------------------------------------

    @property
    def states(self) -> int:
        """The number of states; they are numbered 0 .. states - 1."""
        return self._automaton.states

    def start(self) -> int:
        """The state before the first character of a line."""
        return self._automaton.start

    def columns(self, characters: Iterable[str]) -> Ints:
        """The column of each character; that of `<unk>` for unknown ones."""
        return np.array([self._column.get(c, UNKNOWN) for c in characters], np.int64)

    def scores(self, states: ArrayLike) -> NDArray[np.float32]:
        """Natural log-probabilities `(len(states), V)` of every column after each state."""
        return self._automaton.scores(states)

    def ends(self, states: ArrayLike) -> NDArray[np.float32]:
        """Natural log-probabilities `(len(states),)` that the line ends after each state."""
        return self._automaton.ends(states)

    def advance(self, state: int, column: int) -> int:
        """The state after one more character."""
        return self._automaton.advance(state, column)

    def advances(self, states: ArrayLike, columns: ArrayLike) -> Ints:
        """`advance` for many states at once, or `(n, 1)` states with `(n, k)` columns."""
        return self._automaton.advances(states, columns)

    # --- whole texts ----------------------------------------------------------------------------------------------

    def logprobs(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Natural log-probability `(len(texts),)` of each text with its end, computed for all texts in parallel."""
        coded = [self.columns(visual(normalise(text))).tolist() + [END] for text in texts]
        total = np.zeros(len(coded))
        if not coded:
            return total
        lengths = np.array([len(c) for c in coded])
        order = np.argsort(-lengths, kind="stable")
        table = np.full((len(coded), int(lengths.max())), END)
        for row, i in enumerate(order):
            table[row, : lengths[i]] = coded[i]
        states = np.full(len(coded), self._automaton.start)
        for t in range(table.shape[1]):
            n = int((lengths > t).sum())  # sorted: the longest texts come first
            gained, states = self._automaton.step(states[:n], table[:n, t])
            total[order[:n]] += gained
        return total

    def logprob(self, text: str) -> float:
        """Natural log-probability of a text with its end."""
        return float(self.logprobs([text])[0])

    def bits_per_char(self, text: str) -> float:
        """Bits per character, counting the end of the text as one character; low for likely texts."""
        return -self.logprob(text) / float(np.log(2)) / (len(normalise(text)) + 1)

    def perplexity(self, texts: Sequence[str]) -> float:
        """Perplexity per character, ends included, over all texts."""
        characters = sum(len(normalise(text)) + 1 for text in texts)
        return float(np.exp(-self.logprobs(texts).sum() / max(characters, 1)))


def _seen(piece: str) -> str:
    """A piece of a line in visual order; the start of a right-to-left line is on the right."""
    if not right_to_left(piece):
        return piece
    begins, ends = piece.startswith("\x02"), piece.endswith("\x03")
    return "\x02" * ends + visual(piece.strip("\x02\x03")) + "\x03" * begins


def _in_context(words: Mapping[str, float], total: float) -> Iterable[tuple[str, float]]:
    """Weighted pieces of lines from a word list: each word in its contexts, capitalised and in capitals; numbers."""
    scale = total / max(sum(words.values()), 1e-300)
    for raw, count in words.items():
        word, weight = normalise(raw), count * scale
        if not word:
            continue
        for context, share in _CONTEXTS:
            yield context.format(word), weight * share
        title = word[:1].upper() + word[1:]
        yield f" {title} ", weight * _TITLE / 2
        yield f"\x02{title} ", weight * _TITLE / 2
        yield f" {word.upper()} ", weight * _UPPER
    numbers = [*range(100), *range(1500, 2030)]
    for number in numbers:
        yield f" {number} ", total * _NUMBERS / len(numbers)
