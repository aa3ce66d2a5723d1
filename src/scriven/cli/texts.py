"""scriven texts words|sample|lm|balance"""

from dataclasses import asdict
from typing import Annotated

from typer import Argument, Option, Typer

from scriven.cli.common import Changes, Json, Seed, finish, settings, show
from scriven.cli.texts_lm import Inputs, Out, lm

app = Typer(no_args_is_help=True, add_completion=False, help="Word lists, text samples and language models.")
Source = Annotated[str, Argument(metavar="SOURCE", help="words:fr, lines:fr, ngram:FOLDER, or a file; see texts.md.")]
Letters = Annotated[bool, Option("--only-letters", help="Only words without digits, hyphens and apostrophes.")]
Ngrams = Annotated[bool, Option("--ngrams", help="Write word n-grams (.npz) for --texts ngram:FILE instead.")]
Count = Annotated[int, Option(help="Number of texts.")]
Characters = Annotated[str, Option(help="The expected characters. Default: those of the language, or of the texts.")]


@app.command()
def words(
    inputs: Inputs,
    out: Out,
    only_letters: Letters = False,
    ngrams: Ngrams = False,
    set_: Changes = None,
    json: Json = False,
) -> None:
    """Write the words of a language or of texts as CSV (word,count). Example: scriven texts words fr -o words.csv"""
    from scriven.jobs import texts

    make = texts.ngrams if ngrams else texts.words
    found, skipped = make(inputs, out, settings(texts.TEXT_DEFAULTS, set_), only_letters)
    data = {"ngrams" if ngrams else "words": found.size, "out": str(out)}
    show(f"{found.size} {'word n-grams' if ngrams else 'words'}: {out}", data, json)
    finish(skipped)


@app.command()
def sample(source: Source, count: Count = 10, seed: Seed = 0, set_: Changes = None) -> None:
    """Print texts of a source. Example: scriven texts sample lines:fr --count 5"""
    from scriven.jobs import texts

    drawn, skipped = texts.sample(source, count, seed, None, settings(texts.TEXT_DEFAULTS, set_))
    show("\n".join(drawn), None, False)
    finish(skipped)


app.command()(lm)


@app.command()
def balance(
    source: Source, count: Count = 10_000, characters: Characters = "", set_: Changes = None, json: Json = False
) -> None:
    """Count the characters in the texts of a source; list rare ones. Example: scriven texts balance words:fr"""
    from scriven.jobs import texts

    report = texts.balance(source, count, characters, settings=settings(texts.TEXT_DEFAULTS, set_))
    show(report.report(), asdict(report), json)
    finish(report.skipped)
