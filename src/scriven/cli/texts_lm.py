"""scriven texts lm"""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from scriven.cli.common import Json, finish, show

Inputs = Annotated[list[str], Argument(help="A language (fr), or text files and folders (UTF-8).")]
Out = Annotated[Path, Option("--out", "-o", help="File to write.")]


def lm(
    inputs: Inputs,
    out: Out,
    order: Annotated[int, Option(help="Length of the n-grams in characters.")] = 6,
    json: Json = False,
) -> None:
    """Train a character language model (.npz or .arpa). Example: scriven texts lm fr my-texts/ -o french.npz"""
    from scriven.jobs import texts

    model, skipped = texts.lm(inputs, out, order)
    data = {"characters": len(model.characters), "ngrams": model.ngrams.size, "bytes": out.stat().st_size}
    show(f"{data['ngrams']} n-grams, {data['bytes'] / 1e6:.1f} MB: {out}", data | {"out": str(out)}, json)
    finish(skipped)
