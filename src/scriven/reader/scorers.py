"""Prior knowledge about texts as scorers of the beam search: a character language model, and a list of words.

Both are in visual order, as the classes of a recogniser are; see `scriven.text`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from scriven.language.model import CharLM
from scriven.reader.beam import BeamSettings, Rows, Scorer
from scriven.reader.case_variants import CaseVariants, folded
from scriven.reader.ctc_paths import Floats
from scriven.text import Charset, normalise, visual

if TYPE_CHECKING:
    from scriven.reader.decoder_contract import DecodeSettings


class LanguageScorer:
    """Adds `alpha` times the log-probability of the language model, and `beta` per character.

    With `word`, the text is one word at any place of a line: after a space, and before a space or the end.
    """

    def __init__(
        self,
        model: CharLM,
        charset: Charset,
        alpha: float,
        beta: float,
        word: bool = False,
        cases: CaseVariants | None = None,
    ):
        """`cases`: the predictions of case variants are added up."""
        self.model, self.alpha, self.beta, self.word, self._cases = model, alpha, beta, word, cases
        self._space = int(model.columns(" ")[0])
        self.columns = np.append(0, model.columns(charset.characters))  # class -> column
        self._column = self.columns.tolist()

    def start(self) -> int:
        return self.model.advance(self.model.start(), self._space) if self.word else self.model.start()

    def rows(self, states: Sequence[int]) -> Rows:
        rows = self.model.scores(states)[:, self.columns].astype(np.float64)
        if self._cases:
            rows = self._cases.summed(rows, 1)
        return np.asarray(rows * self.alpha + self.beta)

    def advance(self, state: int, class_: int) -> int:
        return self.model.advance(state, self._column[class_])

    def final(self, state: int) -> float:
        end = float(self.model.ends([state])[0])
        if self.word:
            end = float(np.logaddexp(end, self.model.scores([state])[0, self._space]))
        return self.alpha * end

    def rescored(self, rows: Floats, classes: Sequence[int]) -> Floats:
        """Log posteriors (K, C) at the peaks of K characters, multiplied by the language model's prediction for each.

        The blank keeps its probability; those of the characters are renormalised to the rest.
        """
        states = [self.start()]
        for class_ in classes[:-1]:
            states.append(self.advance(states[-1], class_))
        letters = rows[:, 1:] + self.rows(states)[:, 1:]
        share = np.logaddexp.reduce(rows[:, 1:], axis=1) - np.logaddexp.reduce(letters, axis=1)
        return np.concatenate([rows[:, :1], letters + share[:, None]], axis=1).astype(np.float32)


class WordScorer:
    """Adds `bonus` per letter that continues a listed word, and subtracts it again if the word is not completed.

    A state is (node of the prefix tree, bonus given since the word began); node 0 is the start of a word, -1 an
    unlisted word. Words are delimited by characters that are neither letters nor digits and occur in no listed word.
    """

    def __init__(self, words: Iterable[str], charset: Charset, bonus: float):
        self.bonus = bonus
        self.children: list[dict[int, int]] = [{}]
        self.complete: set[int] = set()
        for word in map(visual, map(normalise, words)):
            if word and not charset.missing([word]):
                self._add(charset.encode(word))
        inside = {class_ for children in self.children for class_ in children}
        between = [i for i, c in enumerate(charset.characters, 1) if not c.isalnum() and i not in inside]
        self.between = frozenset(between)
        self.size = len(charset) + 1
        self._between = np.array(between, np.int64)

    def _add(self, classes: Sequence[int]) -> None:
        node = 0
        for class_ in classes:
            if class_ not in self.children[node]:
                self.children[node][class_] = len(self.children)
                self.children.append({})
            node = self.children[node][class_]
        self.complete.add(node)

    def start(self) -> tuple[int, float]:
        return 0, 0.0

    def rows(self, states: Sequence[tuple[int, float]]) -> Rows:
        rows = np.zeros((len(states), self.size))
        for row, (node, given) in zip(rows, states, strict=True):
            row[:] = -given
            if node >= 0:
                row[list(self.children[node])] = self.bonus
            if node in self.complete:
                row[self._between] = 0.0
        return rows

    def advance(self, state: tuple[int, float], class_: int) -> tuple[int, float]:
        node, given = state
        if node >= 0 and class_ in self.children[node]:
            return self.children[node][class_], given + self.bonus
        return (0, 0.0) if class_ in self.between else (-1, 0.0)

    def final(self, state: tuple[int, float]) -> float:
        node, given = state
        return 0.0 if node in self.complete else -given


@dataclass(frozen=True)
class SearchSpace:
    """What every decoder makes of its model and settings.

    `charset`: the characters that are read; with `cases`, those of the model in lower case. `space`: its class, 0 if
    there is none. `language`: the scorer of the language model, also one of `scorers`. `beam`: 0 for greedy decoding.
    """

    charset: Charset
    cases: CaseVariants | None
    space: int
    language: LanguageScorer | None
    scorers: Sequence[Scorer]
    beam: int

    @classmethod
    def of(cls, charset: Charset, settings: "DecodeSettings", lm: CharLM | None, words: Sequence[str]) -> Self:
        """For a model of `charset`, with a language model and a list of words if given."""
        cases = CaseVariants(charset) if settings.ignore_case else None
        read = cases.charset if cases else charset
        language, every = None, list[Scorer]()
        if lm is not None:
            language = LanguageScorer(lm, read, settings.alpha, settings.beta, settings.word, cases)
            every.append(language)
        if words:
            every.append(WordScorer([folded(w) for w in words] if cases else words, read, settings.bonus))
        space = read.encode(" ")[0] if " " in read else 0
        return cls(read, cases, space, language, every, settings.beam or (BeamSettings.width if every else 0))
