"""The page of a demo: the error rate before and after, and pictures with both readings."""

from collections.abc import Iterable, Mapping

from scriven.base import counted
from scriven.images import Grey, encode, to_height
from scriven.jobs.demo.pictures import Key, key_of
from scriven.jobs.demo.result import Demo, Scored
from scriven.lines import Reading
from scriven.metrics import Score
from scriven.page.inputs import LinePicture
from scriven.report import Figure, Html, headline, legend, page, pictures, rounds, section, text
from scriven.selftrain.report import pseudo_label_pictures, title_of
from scriven.selftrain.state import last_accepted

MAX_PICTURE_HEIGHT = 96  # px of a picture in the report
SOURCE = (
    "The letters are synthetic, not scans: a text written for this demo, in a typeface (Fuggles, SIL Open Font "
    "License) that no bundled model was trained on, drawn as a hasty hand in faint ink on ruled paper with "
    "bleed-through. The lines were cut out of whole pages and show parts of their neighbours. They are in the folder "
    "letters beside this page: scriven look letters/."
)


def report(
    done: Demo,
    shown: Iterable[LinePicture],
    known: Mapping[Key, LinePicture],
    before: Mapping[Key, Reading],
    after: Mapping[Key, Reading],
) -> Html:
    """The page. `shown`: pictures with pixels; `known`: their transcriptions; `before`, `after`: their readings."""
    figures = [_figure(item, known[key_of(item)].text, before, after) for item in shown]
    kept = last_accepted(done.adapted.folder, done.adapted.rounds)
    kind = "the lines of a box of letters" if done.drawn else "the pictures"
    parts = [
        section("Result", headline(_numbers(done)), text(*_result(done))),
        section(
            "Before and after",
            text(f"{len(figures)} of {done.n:,} pictures, evenly spaced over {kind}, not selected by hand."),
            legend(truth=done.scored is not None),
            pictures(figures, wide=True),
        ),
    ]
    if kept:
        parts.append(section("Pseudo-labels", *pseudo_label_pictures(kept)))
    parts.append(section("Round by round, without labels", rounds(done.adapted.rounds)))
    if done.drawn:
        parts.append(section("The pictures", text(SOURCE)))
    lead = f"{counted(done.n, 'picture')} of one hand, read before and after the model adapted to them."
    return page(title_of(done.adapted.rounds), parts, lead)


def _figure(
    item: LinePicture, truth: str | None, before: Mapping[Key, Reading], after: Mapping[Key, Reading]
) -> Figure:
    reading = after[key_of(item)]
    confidences = [character.confidence for character in reading.characters]
    assert item.picture is not None
    return Figure(_small(item.picture), reading.text, truth, confidences, before=before[key_of(item)].text)


def _small(picture: Grey) -> bytes:
    return encode(to_height(picture, MAX_PICTURE_HEIGHT) if picture.shape[0] > MAX_PICTURE_HEIGHT else picture, "jpeg")


def _numbers(done: Demo) -> list[tuple[str, str, str]]:
    """The headline numbers: the measured CER, or the estimated one if there are no transcriptions."""
    time = ("pictures", f"{done.n:,}", f"{done.seconds / 60:.1f} minutes")
    if done.scored:
        rates = (("before", done.scored.before), ("after", done.scored.after))
        return [(f"character error rate {name}", percent(rate.cer), _interval(rate)) for name, rate in rates] + [time]
    found = zip(("before", "after"), done.adapted.estimates, strict=True)
    return [
        (f"estimated character error rate {name}", percent(one.cer), f"95 % interval: {between(one.interval)}")
        for name, one in found
        if one is not None
    ] + [time]


def _result(done: Demo) -> list[str]:
    """Paragraphs that explain the numbers."""
    if not done.adapted.helped:
        sentences = [
            f"The adaptation did not help, the weights of the parent are kept: {done.adapted.why}. Before and after "
            "are therefore the same model. More time (--minutes) or more pictures of the hand may help."
        ]
    else:
        sentences = [
            "The pictures are those that the model adapted to: the numbers show the gain for a collection that is "
            "first adapted to and then read. They do not show how the adapted model reads other hands."
        ]
        if done.scored:
            sentences = [*_measured(done.scored), *sentences]
        if done.adapted.why:
            ended = "The adaptation ended" if done.adapted.rounds[-1]["accepted"] else "The last round was discarded"
            sentences.append(f"{ended}: {done.adapted.why}.")
    return sentences + _estimated(done)


def _measured(scored: Scored) -> list[str]:
    change, (low, high) = 100 * scored.difference.difference, (100 * end for end in scored.difference.interval)
    way = "fell" if change < 0 else "rose"
    moved = f"{way} by {abs(change):.1f} percentage points" if round(change, 1) else "stayed the same"
    interval = f"{low:+.1f} to {high:+.1f}".replace("-", "−")
    sentences = [
        f"The character error rate {moved} (from {percent(scored.before.cer)} to {percent(scored.after.cer)}, "
        f"{scored.before.n:,} transcribed pictures). 95 % interval of the change: {interval} points, resampled by "
        f"{scored.unit}. The transcriptions were used for this score only, not for training."
    ]
    if scored.without_lm != scored.after:
        sentences.append(
            "The adapted model is decoded with the language model of its pseudo-labels, made from word frequencies. "
            f"Without it the error rate is {percent(scored.without_lm.cer)}."
        )
    return sentences


def _estimated(done: Demo) -> list[str]:
    """The error rates estimated without transcriptions, for pictures held out of the adaptation."""
    before, after = done.adapted.estimates
    if before is None or after is None:
        return []
    sentence = (
        f"Estimated without any transcription, on {counted(after.n, 'picture')} held out of the adaptation: "
        f"{percent(before.cer)} before ({between(before.interval)}), {percent(after.cer)} after "
        f"({between(after.interval)})."
    )
    advice = "" if done.scored else " To measure it, transcribe about 20 of the pictures; see scriven score."
    return [sentence + advice]


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def between(interval: tuple[float, float]) -> str:
    return f"{percent(interval[0])} to {percent(interval[1])}"


def _interval(value: Score) -> str:
    return f"95 % interval: {between(value.interval)}"
