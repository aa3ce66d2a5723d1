"""Lines of a score with the places of their characters, for its page: read again, as they were read."""

from collections.abc import Iterator

from scriven.base import evenly
from scriven.images import encode
from scriven.jobs.scored import ScoredSet, Scores
from scriven.metrics import distance
from scriven.reader.decoder_contract import Decoder, frame_px
from scriven.reader.session import Reader
from scriven.report import AlignedLine
from scriven.text import normalise, visual

SHOWN = 12  # lines


def aligned_lines(scores: Scores) -> Iterator[AlignedLine]:
    """At most SHOWN lines, evenly spaced from the one with the highest error rate to the one with the lowest."""
    if scores.loaded is None:
        return
    ranked = [
        (distance(normalise(truth), normalise(reading)) / max(len(truth), 1), one, i)
        for one in scores.labelled()
        for i, (truth, reading) in enumerate(zip(one.references, one.predictions, strict=True))
    ]
    ranked.sort(key=lambda entry: -entry[0])
    for cer, one, i in evenly(ranked, SHOWN):
        yield _aligned(one, one.ids[i], f"CER {100 * cer:.0f} %", *scores.loaded)


def _aligned(one: ScoredSet, id: str, note: str, reader: Reader, decoder: Decoder) -> AlignedLine:
    assert one.folder is not None
    picture = one.folder.picture(one.folder.find(id))
    ((stretched, frames),) = reader.frames([reader.prepare(id, picture)])
    reading = decoder.reading(id, frames, stretched.scale, stretched.width)
    attending = visual(reading.text)
    return AlignedLine(
        encode(picture),
        [(c.text, c.start, c.end) for c in reading.characters],
        f"{id} · {one.name} · {note}",
        decoder.attention(frames, decoder.charset.encode(attending)),
        attending,
        frame_px(reader.info, len(frames), stretched.scale, stretched.width),
    )
