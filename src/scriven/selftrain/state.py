"""The state of an adaptation on disk, from which an interrupted run is resumed: its inputs, and a folder per round.

OUT/state/adapt.json     inputs, parent and settings of the run, digests of the pictures and of the parent's weights
OUT/rounds/03/           pseudo-labels (a lines folder), then log.jsonl and weights.safetensors of the student,
                         then done.json: the round's row of the log and its seconds; with StackMix also a bank
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scriven.base import OutputError, atomic
from scriven.lines.folder import read_about
from scriven.selftrain.settings import AdaptSettings
from scriven.training.checkpoint import LOG, WEIGHTS

STATE = "state/adapt.json"
DONE_FILE = "done.json"
BANK = "bank"  # folder of a round: see selftrain.stackmix
RULES = 4  # version of the preparation of pictures and of the selection of pseudo-labels; it is fixed within a run


def run_key(inputs: Sequence[str | Path], parent: str | Path, settings: AdaptSettings) -> dict[str, Any]:
    """The key that identifies a run, for JSON; digests of pictures and weights are added when they are known."""
    given = {"inputs": [str(i) for i in inputs], "parent": str(parent), "settings": asdict(settings)}
    key: dict[str, Any] = json.loads(json.dumps({"rules": RULES, **given}))
    return key


def check_same_run(out: Path, key: dict[str, Any]) -> None:
    """Raises OutputError if `out` holds a run with another key."""
    if not (out / STATE).is_file():
        return
    before = read_state(out / STATE, out)
    differ = [name for name in key if before.get(name) != key[name]]
    if "rules" in differ or before.get("settings", {}).keys() != key["settings"].keys():
        why = "by another version of Scriven"
    elif {"inputs", "parent", "settings"} & set(differ):
        why = "with other settings"
    elif differ:
        why = f"with other {differ[0]}, which have changed since"
    else:
        return
    raise OutputError(f"{out} was begun {why}; choose another -o or delete it")


def save_key(out: Path, key: dict[str, Any]) -> None:
    """Store the key of a run in its folder."""
    with atomic(out / STATE, "w") as file:
        json.dump(key, file)


def read_state(file: Path, out: Path) -> Any:
    """The content of a JSON file of a run. Raises OutputError, which names the folder `out`, if it is damaged."""
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        raise OutputError(f"{file} is damaged or missing; delete {out} and start again") from None


def round_folder(out: Path, number: int) -> Path:
    """The folder of round `number`, from 1 on."""
    return out / "rounds" / f"{number:02d}"


def last_accepted(out: Path, rows: Sequence[dict[str, Any]]) -> Path | None:
    """The folder of the last accepted round, by the rows of the log (the parent's first); None if there is none."""
    numbers = [row["round"] for row in rows[1:] if row["accepted"]]
    return round_folder(out, numbers[-1]) if numbers else None


def seconds_spent(folder: Path) -> float:
    """Seconds that interrupted processes spent on the finished steps of a round: pseudo-labels and student."""
    about = read_about(folder / "about.json") or {}
    labelling = float(about.get("seconds", 0)) if about.get("finished") else 0.0
    if not (folder / WEIGHTS).is_file():
        return labelling
    return labelling + 60.0 * float(read_state(folder / LOG, folder.parents[1])["minutes"])


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def tidy(out: Path) -> None:
    """Delete the students and banks of a finished run, and partial files of killed processes."""
    for folder in (out / "rounds").glob("*"):
        shutil.rmtree(folder / BANK, ignore_errors=True)
        for file in (folder / WEIGHTS, *folder.glob(".*.part")):
            file.unlink(missing_ok=True)
