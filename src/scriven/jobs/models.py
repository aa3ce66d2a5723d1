"""models: list the bundled models, show one model, give one a larger character set."""

import logging
from pathlib import Path
from typing import Any

from scriven.base import SettingsError
from scriven.jobs.folders import free
from scriven.reader.model import ModelInfo, bundled, find_model, read_info
from scriven.text import name, normalise, visual

log = logging.getLogger("scriven")


def list_() -> list[dict[str, Any]]:
    """One row per bundled model: name, network, size, megabytes of its folder, characters, languages, licence."""
    rows = []
    for model in bundled():
        folder = find_model(model)
        info = read_info(folder)
        rows.append(
            {
                "name": model,
                "network": info.network,
                "size": info.size,
                "megabytes": sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6,
                "characters": len(info.charset),
                "languages": info.languages,
                "licence": info.licence,
            }
        )
    return rows


def show(model: str | Path) -> tuple[dict[str, Any], str]:
    """The contents of model.json, and the model card (README.md) or, if there is none, the facts line by line.

    Raises ModelError.
    """
    folder = find_model(model)
    info = read_info(folder)
    facts = info.model_dump(mode="json")
    card = folder / "README.md"
    if card.is_file():
        return facts, card.read_text("utf-8", errors="replace")
    shown = {**{k: v for k, v in facts.items() if k not in ("charset", "data")}, "parents": info.came_from()}
    lines = [f"{key}: {value}" for key, value in shown.items() if value not in ("", [], {}, None)]
    return facts, "\n".join([*lines, f"charset: {''.join(facts['charset'])}", f"folder: {Path(folder)}"])


def grow(model: str | Path, characters: str, out: str | Path) -> ModelInfo:
    """Make a model folder `out` of `model` that has `characters` too.

    Weights of old characters are unchanged. A new one starts from the old one that looks most like it, a little less
    likely, and is learnt by training from `out`. The language model of `model` is not kept: it lacks the characters.
    Needs the extra `train`. Raises SettingsError if `model` has all of the characters, ModelError, OutputError.
    """
    from scriven.training.checkpoint import WEIGHTS, load_net, save_weights, versions
    from scriven.training.growing import OUTPUT_LR, described, grown, unchanged
    from scriven.training.publish import publish

    folder, out = find_model(model), Path(out)
    free(out, WEIGHTS)
    old, info = load_net(folder)
    charset = info.characters.grow(visual(normalise(characters)))
    added = charset.characters[len(info.charset) :]
    if not characters.strip():
        raise SettingsError("there are no characters to add; name at least one")
    if not added:
        raise SettingsError(f"{model} has all of the characters {characters!r} already; name others")
    if had := sorted({*visual(normalise(characters))} - {*added, " "}):
        log.info("it has %s already", ", ".join(map(name, had)))
    net, like = grown(old, charset)
    out.mkdir(parents=True, exist_ok=True)
    save_weights(out, net)
    said = described(added, like)
    if info.language_model:
        log.info("the language model of %s is not kept: it lacks the new characters", model)
    made = info.model_copy(
        update={
            "name": "",
            "charset": charset.characters,
            "graphs": {},
            "language_model": None,
            "parents": [info.as_parent(model)],
            "scores": {},
            "notes": [f"it has new characters that are not trained yet: {said}"],
            "versions": versions(),
        }
    )
    publish(out, made, ())
    log.info("new characters: %s", said)
    settings = f"--set freeze={','.join(unchanged(old, net))} --set lr={OUTPUT_LR:g}"
    log.info("to teach them at the least cost to the others, train the output layer alone: %s", settings)
    return read_info(out)
