"""The page of `score`: error rates, the most frequent confusions and the lines with most errors."""

from collections.abc import Iterator
from pathlib import Path

from scriven.base import OutputError, evenly
from scriven.jobs.score_alignment import aligned_lines
from scriven.jobs.scored import ScoredSet, Scores
from scriven.metrics import distance
from scriven.report import (
    Figure,
    Html,
    alignments,
    confusions,
    headline,
    is_page,
    legend,
    page,
    pictures,
    save,
    section,
    table,
    text,
)
from scriven.text import normalise

WORST = 24  # lines shown
TITLE = "Scores of "  # identifies a page of this job, which may be overwritten


def save_page(scores: Scores, file: Path) -> Path:
    """Write the page of scores. An earlier page of `score` is overwritten; raises OutputError for any other file."""
    check_place(file)
    return save(file, score_page(scores))


def check_place(file: Path) -> None:
    """Raise OutputError if a file exists that is not a page of `score`."""
    if file.exists() and not is_page(file, TITLE):
        raise OutputError(f"{file} exists and is not a page of `scriven score`; choose another --report")


def score_page(scores: Scores) -> Html:
    """The page: error rates, estimates, confusions, the lines with most errors, and skipped lines."""
    parts = [section("Result", *_result(scores))]
    if scores.labelled():
        shown = scores.confusions()
        parts.append(section("Confusions", text("Characters written, and what was read instead."), confusions(shown)))
        parts.append(section("Lines with most errors", *_worst(scores)))
        parts += _places(scores)
    if scores.missing:
        rows = [{"character": c if c != " " else "␣", "times": n} for c, n in scores.missing.most_common()]
        parts.append(section("Characters the model cannot write", table(rows)))
    if scores.skipped:
        parts.append(section("Skipped", table([{"id": s.id, "reason": s.reason} for s in scores.skipped])))
    return page(f"{TITLE}{scores.model}", parts, ", ".join(s.name for s in scores.sets))


def _result(scores: Scores) -> Iterator[Html]:
    if scores.labelled():
        overall = scores.overall()
        low, high = overall.interval
        yield headline(
            [
                (
                    "character error rate",
                    f"{100 * overall.cer:.1f} %",
                    f"95 % interval {100 * low:.1f}-{100 * high:.1f} %",
                ),
                ("word error rate", f"{100 * overall.wer:.1f} %", ""),
                ("lines without error", f"{100 * overall.exact:.1f} %", f"of {overall.n:,}"),
            ]
        )
        yield table(scores.rows(), "error rates in percent, loss in nats per character")
        yield text(scores.model_sentence(), *scores.unscored_sentences())
    if estimates := scores.estimates():
        yield table(estimates, "lines without transcription: estimated, not measured; in percent")
    if names := [s.name for s in scores.sets if s.trained_on]:
        yield text(f"The model was trained on lines of {', '.join(names)}: there the true error rate is higher.")


def _places(scores: Scores) -> Iterator[Html]:
    """A section of pictures with the places of their characters."""
    lines = list(aligned_lines(scores))
    if not lines:
        return
    said = [f"{len(lines)} lines, from high to low error rates. Boxes show where each character was found."]
    if any(line.attention is not None for line in lines):
        said.append(
            "The rows below a picture are the characters as they were written one after another: the darker, the more "
            "of the attention was at this place, relative to the darkest place of the row."
        )
    yield section("Where the characters are", text(*said), alignments(lines))


def _worst(scores: Scores) -> Iterator[Html]:
    """The pictures of the lines with most errors, most first."""
    ranked = [
        (distance(normalise(truth), normalise(reading)), one, i)
        for one in scores.labelled()
        for i, (truth, reading) in enumerate(zip(one.references, one.predictions, strict=True))
    ]
    wrong = sorted((entry for entry in ranked if entry[0]), key=lambda entry: -entry[0])
    shown = [_figure(one, i, edits) for edits, one, i in wrong[:WORST]]
    if not shown:
        yield text("No line has an error.")
        return
    yield text(f"{len(shown)} of the {len(wrong):,} lines with errors, {len(ranked):,} lines in all.")
    yield legend(shades=False)
    yield pictures(shown, wide=any(figure.wide for figure in evenly(shown, WORST)))


def _figure(one: ScoredSet, number: int, edits: int) -> Figure:
    truth, reading, id = one.references[number], one.predictions[number], one.ids[number]
    assert one.folder is not None
    line = one.folder.find(id)
    rate = f"{edits} errors in {len(truth)} characters" if edits > 1 else f"1 error in {len(truth)} characters"
    return Figure(line.image, reading, truth, caption=" · ".join(part for part in (id, one.name, rate) if part))
