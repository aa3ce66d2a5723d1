"""models: list the bundled models, show one model."""

from pathlib import Path
from typing import Any

from scriven.reader.model import bundled, find_model, read_info


def list_() -> list[dict[str, Any]]:
    """One row per bundled model: name, network, size, megabytes of its folder, characters, languages, licence."""
    rows = []
    for name in bundled():
        folder = find_model(name)
        info = read_info(folder)
        rows.append(
            {
                "name": name,
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
