"""Training and validation data of a run: its inputs as sources, their weights, the held-out lines."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from scriven.base import InputError, ScrivenError, SettingsError, Skipped
from scriven.base.settings import Count, NonNegative, Seed, Share, validated
from scriven.language.texts import source
from scriven.language.texts.languages import is_language, languages_of
from scriven.language.texts.sources import allowed
from scriven.lines import LinesFolder
from scriven.lines.sketch import sketch
from scriven.lines.training_set import training_characters, training_folders
from scriven.reader.trainable import InputSpec
from scriven.scribes.specs import SyntheticInput, scribe_of, synthetic_input
from scriven.training.sources import FixedSource, FolderSource, ScribeSource, Source, split_source

log = logging.getLogger("scriven.train")


@validated
@dataclass(frozen=True)
class DataSettings:
    """What is taken of the inputs for training and for validation."""

    weights: tuple[NonNegative, ...] = ()  # share of each input; (): by its number of lines, scribes as all the rest
    lines: Share = 0.4  # share of whole lines among synthetic pictures, the rest are words
    validate_on: Count = 500  # maximum number of validation lines by which the best weights are chosen
    validate_fonts: Count = 400  # synthetic pictures to validate on if there are no labelled lines
    level: Literal["lines", "words", "both"] = "lines"  # which lines to use of folders that hold both
    seed: Seed = 0

    def __post_init__(self) -> None:
        if self.weights and not any(self.weights):
            raise SettingsError("the setting 'weights' is 0 for every input; set at least one of them above 0")


@dataclass(frozen=True)
class TrainingData:
    """Sources with their weights, validation pictures, a record of the data for model.json, and skipped inputs."""

    sources: tuple[Source, ...]
    weights: tuple[float, ...]
    valid: tuple[Source, ...]
    data: tuple[dict[str, Any], ...]
    skipped: tuple[Skipped, ...]
    validated_on: str  # what an item of `valid` is called, in the singular: "validation line"

    @classmethod
    def of(cls, inputs: Sequence[str | Path], spec: InputSpec, settings: DataSettings) -> "TrainingData":
        """The data of `inputs` (lines folders, scribes) for a network with the input `spec`.

        Raises ScrivenError for inputs that cannot be read or hold no usable line, and for unsuitable `weights`.
        """
        sources: list[Source] = []
        valid: list[FolderSource] = []
        data: list[dict[str, Any]] = []
        skipped: list[Skipped] = []
        for given in inputs:
            if synthetic := synthetic_input(given):
                written = _written(synthetic, spec, settings)
                sources.append(written)
                skipped += written.scribe.skipped
                data.append({"path": str(given), "origin": written.scribe.origin})
                continue
            for folder in training_folders(given, settings.level):
                learn, check = split_source(folder, spec)
                skipped += [*learn.skipped, *check.skipped]
                if unchecked := learn.unchecked + check.unchecked:
                    log.warning(
                        "%s: %d of %d texts were read by a model (they have a confidence) and are treated as correct; "
                        "clear the confidence of those you have checked, and delete the others",
                        folder.path, unchecked, len(learn) + len(check),
                    )  # fmt: skip
                if not len(learn):
                    raise _nothing(folder, learn.skipped)
                sources.append(learn)
                valid.append(check)
                data.append(
                    {
                        "path": str(given),
                        "level": folder.level or "lines",
                        "fingerprint": folder.fingerprint(),
                        "sketch": sketch(learn.digests),
                        "lines": len(learn),
                    }
                )
        for one in skipped:
            log.warning("skipped %s: %s", one.id, one.reason)
        return cls(
            tuple(sources),
            _weights(sources, settings),
            _validation(sources, valid, settings),
            tuple(data),
            tuple(skipped),
            "validation line" if any(map(len, valid)) else "synthetic picture",
        )


def _nothing(folder: LinesFolder, skipped: Sequence[Skipped]) -> ScrivenError:
    why = f"; the first of {len(skipped)} skipped: {skipped[0].id}: {skipped[0].reason}" if skipped else ""
    return InputError(f"{folder.path} has no line that can be trained on{why}; check it with `scriven doctor`")


def _weights(sources: Sequence[Source], settings: DataSettings) -> tuple[float, ...]:
    if settings.weights:
        if len(settings.weights) != len(sources):
            raise SettingsError(
                f"the setting 'weights' has {len(settings.weights)} numbers for {len(sources)} inputs; give one each"
            )
        return settings.weights
    labelled = sum(len(s) for s in sources)
    return tuple(float(len(s) or max(labelled, 1)) for s in sources)


def _validation(sources: Sequence[Source], valid: Sequence[FolderSource], settings: DataSettings) -> tuple[Source, ...]:
    total = sum(map(len, valid))
    if total:
        share = min(1.0, settings.validate_on / total)
        rng = np.random.default_rng(0)
        filled = [v for v in valid if len(v)]
        return tuple(FixedSource(v, rng.permutation(len(v))[: max(1, round(share * len(v)))].tolist()) for v in filled)
    written = [s for s in sources if isinstance(s, ScribeSource)]
    if not written:
        raise InputError("there are too few lines to hold some out for validation; give at least two, or a valid split")
    each = max(1, settings.validate_fonts // len(written))
    unseen = [_reseeded(s, settings.seed + 1_000_003) for s in written]
    return tuple(FixedSource(s, range(each), strength=1.0) for s in unseen)


def _reseeded(source: ScribeSource, seed: int) -> ScribeSource:
    return ScribeSource(source.scribe, source.text_source, source.spec, seed=seed, lines=source.lines)


def _written(given: SyntheticInput, spec: InputSpec, settings: DataSettings) -> ScribeSource:
    """The source of pictures of a synthetic input."""
    scribe, texts = scribe_of(given.scribe), source(f"mixed:{given.texts}")
    return ScribeSource(scribe, texts, spec, seed=settings.seed, lines=settings.lines)


def languages(inputs: Sequence[str | Path]) -> list[str]:
    """Codes of the languages of the synthetic inputs."""
    return [
        code
        for given in inputs
        if (synthetic := synthetic_input(given))
        for code in languages_of(synthetic.texts)
        if is_language(code)
    ]


def characters(inputs: Sequence[str | Path], level: str) -> set[str]:
    """All characters of the texts of the inputs, including the space."""
    needed: set[str] = set(" ")
    for given in inputs:
        if synthetic := synthetic_input(given):
            needed |= allowed(source(f"mixed:{synthetic.texts}"))
            continue
        for folder in training_folders(given, level):
            needed |= training_characters(folder)
    return needed
