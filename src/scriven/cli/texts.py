"""scriven texts words|sample|lm|balance"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from scriven.cli.common import Changes, Json, Seed, finish, print_json, settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Word lists, samples, language models.")
Inputs = Annotated[list[str], typer.Argument(help="A language (fr), or text files and folders (UTF-8).")]
Out = Annotated[Path, typer.Option("--out", "-o", help="File to write.")]
Ngrams = Annotated[bool, typer.Option("--ngrams", help="Write word n-grams (.npz) for --texts ngram:FILE instead.")]


@app.command()
def words(
    inputs: Inputs,
    out: Out,
    only_letters: bool = False,
    ngrams: Ngrams = False,
    set_: Changes = None,
    json: Json = False,
) -> None:
    """Write the words of a language or of texts as CSV word,count. Example: scriven texts words fr -o words.csv"""
    from scriven.base import SettingsError
    from scriven.jobs import texts

    chosen = settings(texts.DEFAULTS, set_)
    if ngrams and only_letters:
        raise SettingsError("word n-grams keep marks and figures; give --ngrams or --only-letters, not both")
    if ngrams:
        skipped = texts.ngrams(inputs, out, chosen)
        print_json({"out": str(out)}) if json else typer.echo(f"word n-grams: {out}")
    else:
        found, skipped = texts.words(inputs, out, chosen, only_letters)
        report = {"words": len(found.words), "out": str(out)}
        print_json(report) if json else typer.echo(f"{len(found.words)} words: {out}")
    finish(skipped)


@app.command()
def sample(spec: str, count: int = 10, seed: Seed = 0, set_: Changes = None) -> None:
    """Print what a source of texts gives to write. Example: scriven texts sample lines:fr --count 5"""
    from scriven.jobs import texts

    skipped: list[Any] = []
    typer.echo("\n".join(texts.sample(spec, count, seed, None, settings(texts.DEFAULTS, set_), skipped)))
    finish(skipped)


@app.command()
def lm(inputs: Inputs, out: Out, order: int = 6, json: Json = False) -> None:
    """Train a character language model (.npz, or .arpa). Example: scriven texts lm fr my-texts/ -o french.npz"""
    from scriven.jobs import texts

    model, skipped = texts.lm(inputs, out, order)
    ngrams, size = sum(map(len, model.ngrams.keys)), out.stat().st_size
    report = {"characters": len(model.characters), "ngrams": ngrams, "bytes": size, "out": str(out)}
    print_json(report) if json else typer.echo(f"{ngrams} n-grams, {size / 1e6:.1f} MB: {out}")
    finish(skipped)


@app.command()
def balance(spec: str, count: int = 10_000, characters: str = "", set_: Changes = None, json: Json = False) -> None:
    """Count the characters a source writes; name the rare ones. Example: scriven texts balance words:fr"""
    from scriven.jobs import texts

    report = texts.balance(spec, count, characters, settings=settings(texts.DEFAULTS, set_))
    print_json(asdict(report)) if json else typer.echo(report.report())
    finish(report.skipped)
