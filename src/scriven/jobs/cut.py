"""cut: the characters of labelled or pseudo-labelled lines into a bank, from which StackMix assembles new lines."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from scriven.base import InputError, LinesError, Skipped, counted
from scriven.base.progress import progress
from scriven.lines import LinesFolder
from scriven.lines.training_set import held_out_ids
from scriven.metrics import Score, score
from scriven.reader.session import Reader
from scriven.scribes.stackmix.cutting import CUT_DEFAULTS, Cut, CutSettings, cut_lines
from scriven.scribes.stackmix.scribe import StackMixScribe
from scriven.scribes.stackmix.writer import BankWriter

log = logging.getLogger("scriven")

READ_BACK = 200  # lines that are assembled and read to check a bank


@dataclass(frozen=True)
class Banked:
    """The result of `cut`: a bank, and how the model reads lines that are assembled from it."""

    bank: Path
    lines: int
    characters: int  # in spans
    cer: float  # of the model on the lines that were cut
    read_back: Score | None  # of the model on lines assembled from the bank, of the texts of its own lines, if it can
    disagreements: int  # of them are read otherwise than they were assembled
    skipped: tuple[Skipped, ...]

    def sentence(self) -> str:
        """What was cut, and the check."""
        made = f"{self.bank}: {counted(self.lines, 'line')}, {counted(self.characters, 'character')}. "
        if self.read_back is None:
            return f"{made}None of their texts can be assembled whole; cut more lines"
        return (
            f"{made}Of {self.read_back.n} assembled lines the model reads {self.disagreements} otherwise, "
            f"CER {100 * self.read_back.cer:.1f} %; {100 * self.cer:.1f} % of the lines that were cut"
        )

    def as_json(self) -> dict[str, Any]:
        """`bank lines characters cer read_back`; the last is that of assembled lines with n and interval, or null."""
        check = self.read_back and {**self.read_back.as_json(), "disagreements": self.disagreements}
        return {
            "bank": str(self.bank), "lines": self.lines, "characters": self.characters, "cer": self.cer,
            "read_back": check, "skipped": len(self.skipped),
        }  # fmt: skip


def cut(
    model: str | Path,
    lines: str | Path,
    out: str | Path,
    *,
    split: str = "",
    level: str = "",
    threads: int | None = None,
    settings: CutSettings = CUT_DEFAULTS,
) -> Banked:
    """Cut the characters of a lines folder into the bank `out`, by forced alignment with `model`.

    `split`: which split; "": train, without the lines that training holds out for validation. Lines that cannot be cut
    are skipped with the reason.
    Raises LinesError for a split that is not there, InputError if no line can be cut or the model does not decode by
    CTC, OutputError if `out` exists.

    >>> import scriven
    >>> bank = scriven.cut("scriven-general", "letters/", "bank")
    >>> bank.lines > 5
    True
    """
    folder = LinesFolder(lines, level or None)
    chosen = split or "train"
    if chosen not in folder.splits:
        raise LinesError(f"{lines} has no split {chosen!r}; name one with --split: {', '.join(folder.splits)}")
    left_out = set() if split else held_out_ids(folder)
    reader = Reader.load(model, threads=threads)
    total = folder.count(chosen) - len(left_out)
    pictures = ((one, partial(folder.picture, one)) for one in folder.lines(chosen) if one.id not in left_out)
    cuts, skipped = list[Cut](), list[Skipped]()
    with BankWriter(out, reader.info.height) as bank:
        for number, made in enumerate(cut_lines(reader, pictures, bank, settings), start=1):
            progress("cutting", number, total)
            cuts += [made] if isinstance(made, Cut) else []
            skipped += [made] if isinstance(made, Skipped) else []
        skipped += folder.skipped
        if not bank.characters:
            why = f"; the first of {len(skipped)}: {skipped[0].sentence()}" if skipped else ""
            raise InputError(f"{lines} has no line that can be cut{why}")
        about = {"model": str(model), "source": folder.fingerprint(), "licence": folder.about.get("licence") or ""}
        bank.finish({**about, "split": chosen, "held_out": len(left_out)})
    read_back, disagreements = _read_back(Path(out), reader)
    cer = sum(one.edits for one in cuts) / max(sum(one.characters for one in cuts), 1)
    usable = sum(one.usable for one in cuts)
    return Banked(Path(out), len(cuts), usable, cer, read_back, disagreements, tuple(skipped))


def _read_back(bank: Path, reader: Reader) -> tuple[Score | None, int]:
    """How a reader reads lines assembled from a bank, of the texts of up to READ_BACK of its lines; None if of none."""
    scribe = StackMixScribe(bank)
    able = [text for text in scribe.texts if scribe.refusal(text) is None]
    if not able:
        return None, 0
    chosen = [able[i] for i in np.random.default_rng(0).permutation(len(able))[:READ_BACK].tolist()]

    def written() -> Iterator[tuple[str, np.ndarray]]:
        for number, text in enumerate(chosen):
            yield text, scribe.write(text, np.random.default_rng(number)).picture

    read = [one.text for one in reader.read(written())]
    return score(chosen, read), sum(one != other for one, other in zip(chosen, read, strict=True))
