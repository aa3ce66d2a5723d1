"""The recognisers that recipes compare: functions from picture files to texts."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from _common import Ran, digest, fingerprint, run, scriven

from scriven.base import ModelError

TESSDATA = {"fr": "fra", "en": "eng", "pt": "por", "cs": "ces", "de": "deu", "es": "spa", "it": "ita", "nl": "nld"}
ONE_THREAD = {"OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "1"}
Reads = Callable[[Sequence[Path], str, Path], tuple[list[str], Ran, str]]  # pictures, language, folder to work in


class CannotRead(Exception):
    """A recogniser cannot read a collection; the message is the reason."""


@dataclass(frozen=True)
class Peer:
    """A recogniser: its name, exact version and read function; `note` if it cannot read here."""

    name: str
    version: str
    read: Reads | None
    note: str = ""


def tesseract() -> Peer:
    program = shutil.which("tesseract")
    if program is None:
        return Peer("tesseract", "", None, "not installed")
    version = run([program, "--version"]).out.split()[1]
    there = set(run([program, "--list-langs"]).out.split())

    def read(pictures: Sequence[Path], spoken: str, work: Path) -> tuple[list[str], Ran, str]:
        known = TESSDATA.get(spoken, spoken)
        if known not in there:
            raise CannotRead(f"no language data {known!r}")
        names = work / "pictures.txt"
        names.write_text("".join(f"{p}\n" for p in pictures))
        command: list[str | Path] = [program, names, "stdout", "--psm", "7", "-l", known]
        ran = run(command, ONE_THREAD)
        texts = ran.out.split("\f")  # separates the pictures
        if ran.code or len(texts) != len(pictures):
            raise CannotRead(f"failed on {work.name}: {len(texts)} texts of {len(pictures)}, exit code {ran.code}")
        return texts, ran, "tesseract PICTURES.txt stdout --psm 7 -l LANG"

    return Peer(f"Tesseract {version}", version, read)


def kraken() -> Peer:
    program, model = shutil.which("kraken"), os.environ.get("KRAKEN_MODEL", "")
    if program is None:
        return Peer("kraken", "", None, "not installed")
    if not Path(model).is_file():
        return Peer("kraken", "", None, f"no model {model!r}" if model else "no model (KRAKEN_MODEL is not set)")
    version = (run([program, "--version"]).out.split() or ["?"])[-1]

    def read(pictures: Sequence[Path], spoken: str, work: Path) -> tuple[list[str], Ran, str]:
        outs = [work / f"{p.stem}.kraken.txt" for p in pictures]
        for out in outs:
            out.unlink(missing_ok=True)
        pairs = [part for picture, out in zip(pictures, outs, strict=True) for part in ("-i", picture, out)]
        ran = run([program, "-d", "cpu", *pairs, "ocr", "-s", "-m", model], ONE_THREAD)
        missing = [o for o in outs if not o.is_file()]
        if ran.code or missing:
            raise CannotRead(f"failed on {work.name}: {len(missing)} pictures unread, exit code {ran.code}")
        texts = [o.read_text("utf-8") for o in outs]
        return texts, ran, f"kraken -d cpu -i PICTURE TEXT ... ocr -s -m {Path(model).name}"

    return Peer(f"kraken {version}", f"{version} {digest(Path(model))}", read)


def ours(model: str) -> Peer:
    name = Path(model).name
    try:
        version = fingerprint(model)
    except ModelError:
        return Peer(name, "", None, "model not found")

    def read(pictures: Sequence[Path], spoken: str, work: Path) -> tuple[list[str], Ran, str]:
        ran = scriven("read", "-m", model, "--lm", "none", "-f", "json", "--threads", "1", *pictures)
        result = json.loads(ran.out)
        for skipped in result["skipped"]:
            print(f"{name} skipped {skipped['id']}: {skipped['reason']}; it counts as empty", file=sys.stderr)
        found = {Path(r["image"]).name: r["text"] for r in result["readings"]}
        return (
            [found.get(p.name, "") for p in pictures],
            ran,
            f"scriven read -m {name} --lm none -f json --threads 1 PICTURES",
        )

    return Peer(name, version, read)
