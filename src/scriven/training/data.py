"""Training and validation data of a run: its inputs as sources, their weights, the held-out lines."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from scriven.base import InputError, ScrivenError, SettingsError, Skipped, counted
from scriven.base.settings import Count, NonNegative, Seed, Share, changed, validated
from scriven.language.texts import source
from scriven.language.texts.languages import is_language, languages_of
from scriven.language.texts.sources import allowed
from scriven.lines import LinesFolder
from scriven.lines.sketch import sketch
from scriven.lines.training_set import training_characters, training_folders
from scriven.reader.charsets import total
from scriven.reader.trainable import InputSpec
from scriven.scribes.specs import SyntheticInput, default_settings, scribe_of, synthetic_input
from scriven.training.loader import Mixture
from scriven.training.sources import FixedSource, FolderSource, ScribeSource, Source, split_source

log = logging.getLogger("scriven.train")

REPLAY_SEED, VALIDATION_SEED = 500_009, 1_000_003  # added to that of the scribes that train


@validated
@dataclass(frozen=True)
class DataSettings:
    """What is taken of the inputs for training and for validation."""

    weights: tuple[NonNegative, ...] = ()  # share of each input; (): by its number of lines, scribes as all the rest
    usage: tuple[Annotated[float, Field(gt=0, le=1)], ...] = ()  # fraction of the training lines used: of each or all
    replay: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share of the pictures drawn from `replay_from`, not to forget
    replay_from: tuple[str, ...] = ()  # inputs as those to train on; (): typefaces, in the languages of the parent
    mix: tuple[str, ...] = ()  # scribes, such as stackmix:BANK or stackmix:BANK@TEXTS, from which `mix_share` is drawn
    mix_share: Annotated[float, Field(gt=0, lt=1)] = 0.5  # of the pictures that are not replayed
    mix_settings: dict[str, Any] = field(default_factory=dict)  # of these scribes, by name, such as those of StackMix
    lines: Share = 0.4  # share of whole lines among synthetic pictures, the rest are words
    validate_on: Count = 500  # maximum number of validation lines by which the best weights are chosen
    validate_fonts: Count = 400  # synthetic pictures to validate on if there are no labelled lines
    level: Literal["lines", "words", "both"] = "lines"  # which lines to use of folders that hold both
    seed: Seed = 0

    def __post_init__(self) -> None:
        for spec in self.mix:
            if (synthetic := synthetic_input(spec)) is None:
                raise SettingsError(f"the setting 'mix' names {spec!r}, which is no scribe; give stackmix:BANK")
            changed(default_settings(synthetic.scribe), self.mix_settings)  # raises for those that it does not have
        if self.mix_settings and not self.mix:
            raise SettingsError("the setting 'mix_settings' is of the scribes of mix; name one, or leave it out")
        if self.weights and not any(self.weights):
            raise SettingsError("the setting 'weights' is 0 for every input; set at least one of them above 0")


@dataclass
class InputData:
    """The sources of some inputs, their validation lines, a record of each for model.json, and skipped lines."""

    sources: list[Source] = field(default_factory=list)
    valid: list[FolderSource] = field(default_factory=list)
    data: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


@dataclass(frozen=True)
class TrainingData:
    """The mixture of sources, validation pictures, a record of the data for model.json, and skipped inputs."""

    mixture: Mixture  # what is trained on
    valid: tuple[Source, ...]
    data: tuple[dict[str, Any], ...]
    skipped: tuple[Skipped, ...]
    validated_on: str  # what an item of `valid` is called, in the singular: "validation line"
    replay_valid: tuple[Source, ...] = ()  # pictures of the inputs to replay, to measure forgetting on

    @classmethod
    def of(
        cls, inputs: Sequence[str | Path], spec: InputSpec, settings: DataSettings, replay: Sequence[str | Path] = ()
    ) -> "TrainingData":
        """The data of `inputs` (lines folders, scribes) for a network with the input `spec`, and of those to `replay`.

        Raises ScrivenError for inputs that cannot be read or hold no usable line, and for unsuitable `weights` and
        `usage`.
        """
        main = _gathered(inputs, spec, settings, _usage(inputs, settings))
        again = _gathered(replay, spec, replace(settings, seed=_seed(settings, REPLAY_SEED)), [1.0] * len(replay))
        mixed = _gathered(settings.mix, spec, _at_level(settings), [1.0] * len(settings.mix), settings.mix_settings)
        skipped = [*main.skipped, *mixed.skipped, *again.skipped]
        for one in skipped:
            log.warning("skipped %s: %s", one.id, one.reason)
        mixture, data = Mixture.of(main.sources, _weights(main.sources, settings)), main.data
        if settings.mix:
            data += mixed.data
            mixture = mixture.joined(Mixture.of(mixed.sources), settings.mix_share)
        if settings.replay:
            data += [{**record, "replay": True} for record in again.data]
            mixture = mixture.joined(Mixture.of(again.sources, _by_lines(again.sources)), settings.replay)
        return cls(
            mixture,
            _validation(main, settings),
            tuple(data),
            tuple(skipped),
            "validation line" if any(map(len, main.valid)) else "synthetic picture",
            _validation(again, settings) if replay else (),
        )


def _gathered(
    inputs: Sequence[str | Path],
    spec: InputSpec,
    settings: DataSettings,
    usage: Sequence[float],
    changes: Mapping[str, Any] | None = None,
) -> InputData:
    found = InputData()
    for given, fraction in zip(inputs, usage, strict=True):
        if synthetic := synthetic_input(given):
            written = _written(synthetic, spec, settings, changes or {})
            found.sources.append(written)
            found.skipped += written.scribe.skipped
            found.data.append({"path": str(given), "origin": written.scribe.origin})
            continue
        for folder in training_folders(given, settings.level):
            learn, check = split_source(folder, spec, fraction)
            found.skipped += [*learn.skipped, *check.skipped]
            if unchecked := learn.unchecked + check.unchecked:
                log.warning(
                    "%s: %d of %d texts were read by a model (they have a confidence) and are treated as correct; "
                    "clear the confidence of those you have checked, and delete the others",
                    folder.path, unchecked, len(learn) + len(check),
                )  # fmt: skip
            changed = total([learn.mapped, check.mapped])
            if changed.texts:
                log.info("%s: %s", folder.path, changed.sentence())
            if not len(learn):
                raise _nothing(folder, learn.skipped)
            found.sources.append(learn)
            found.valid.append(check)
            found.data.append(
                {
                    "path": str(given),
                    "level": folder.level or "lines",
                    "fingerprint": folder.fingerprint(),
                    "sketch": sketch(learn.digests),
                    "lines": len(learn),
                    **({"usage": fraction} if fraction < 1 else {}),
                    **({"mapped": changed.as_json()} if changed.texts else {}),
                }
            )
    return found


def _at_level(settings: DataSettings) -> DataSettings:
    """The settings of the scribes to mix with lines, or with words: these write lines, or words, only."""
    return settings if settings.level == "both" else replace(settings, lines=float(settings.level == "lines"))


def _usage(inputs: Sequence[str | Path], settings: DataSettings) -> list[float]:
    """The fraction of the lines of each input that is used. Raises SettingsError for an unsuitable `usage`."""
    given = settings.usage or (1.0,)
    if len(given) not in (1, len(inputs)):
        raise SettingsError(
            f"the setting 'usage' has {len(given)} numbers for {counted(len(inputs), 'input')}; give one for all, or "
            "one each"
        )
    each = list(given) * (len(inputs) if len(given) == 1 else 1)
    for one, fraction in zip(inputs, each, strict=True):
        if len(given) > 1 and fraction < 1 and synthetic_input(one):
            raise SettingsError(f"the setting 'usage' is {fraction:g} for {one}, which is endless; set it to 1 there")
    return each


def _nothing(folder: LinesFolder, skipped: Sequence[Skipped]) -> ScrivenError:
    why = f"; the first of {len(skipped)} skipped: {skipped[0].id}: {skipped[0].reason}" if skipped else ""
    return InputError(f"{folder.path} has no line that can be trained on{why}; check it with `scriven doctor`")


def _weights(sources: Sequence[Source], settings: DataSettings) -> tuple[float, ...]:
    if settings.weights:
        if len(settings.weights) != len(sources):
            raise SettingsError(
                f"the setting 'weights' has {counted(len(settings.weights), 'number')} for "
                f"{counted(len(sources), 'input')}; give one each"
            )
        return settings.weights
    return _by_lines(sources)


def _by_lines(sources: Sequence[Source]) -> tuple[float, ...]:
    """The number of lines of each source; of a scribe, that of all folders."""
    labelled = sum(len(s) for s in sources)
    return tuple(float(len(s) or max(labelled, 1)) for s in sources)


def _validation(found: InputData, settings: DataSettings) -> tuple[Source, ...]:
    sources, valid = found.sources, found.valid
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
    unseen = [_reseeded(s, s.seed + VALIDATION_SEED) for s in written]
    return tuple(FixedSource(s, range(each), strength=1.0) for s in unseen)


def _seed(settings: DataSettings, more: int) -> int:
    return (settings.seed + more) % 2**32


def _reseeded(source: ScribeSource, seed: int) -> ScribeSource:
    return ScribeSource(source.scribe, source.text_source, source.spec, seed=seed, lines=source.lines)


def _written(
    given: SyntheticInput, spec: InputSpec, settings: DataSettings, changes: Mapping[str, Any]
) -> ScribeSource:
    """The source of pictures of a synthetic input; `changes`: settings of the scribe."""
    chosen = changed(default_settings(given.scribe), changes) if changes else None
    scribe, texts = scribe_of(given.scribe, chosen), source(f"mixed:{given.texts}")
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
