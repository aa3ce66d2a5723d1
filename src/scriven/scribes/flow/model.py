"""The model folder of a flow scribe: model.json, the graphs, and a piece of the writing of each of its hands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scriven.base import ImageError, ModelError, atomic
from scriven.images import as_stored, encode
from scriven.reader.model import FolderInfo
from scriven.scribes.flow.columns import COLUMN, Classes, Floats, covered, ink_in, picture_of, piece
from scriven.text import Charset

KIND, NETWORK = "scribe", "flow"
HANDS = "hands.parquet"
REFERENCE_COLUMNS = 48  # columns of a hand's writing that the network is shown
ROLES = ("reference", "style", "text", "widths", "velocity", "decoder")
LEVELS = 127  # of the numbers of an encoded hand, on either side of zero


class ScribeInfo(FolderInfo):
    """The content of the model.json of a scribe."""

    kind: str = KIND
    network: str = NETWORK


@dataclass(frozen=True)
class Hand:
    """A piece of the writing of a hand: ink (8 R, HEIGHT), and its characters with their edges (K, 2), px."""

    name: str
    ink: Floats
    classes: Classes
    edges: npt.NDArray[np.float64]

    def inputs(self) -> dict[str, npt.NDArray[Any]]:
        """The inputs of the graph `reference` for this hand alone."""
        shown = np.zeros((REFERENCE_COLUMNS * COLUMN, self.ink.shape[1]), np.float32)
        used = min(len(self.ink), len(shown))
        shown[:used] = self.ink[:used]
        given = (np.arange(REFERENCE_COLUMNS) * COLUMN < used).astype(np.float32)
        layout = covered(self.classes, np.minimum(self.edges, used), REFERENCE_COLUMNS)
        named = {name: value[None] for name, value in layout._asdict().items()}
        return {"ink": np.ascontiguousarray(shown.T)[None, None], **named, "given": given[None]}


def joined(name: str, pieces: Sequence[tuple[Floats, Classes, npt.NDArray[np.float64]]]) -> Hand:
    """A hand of several pieces (ink, classes, edges) side by side, at most REFERENCE_COLUMNS columns of them."""
    inks, classes, edges, at = list[Floats](), list[Classes](), list[npt.NDArray[np.float64]](), 0
    for ink, own, places in pieces:
        columns = min(-(-len(ink) // COLUMN), REFERENCE_COLUMNS - at // COLUMN)
        if columns <= 0:
            break
        inks.append(piece(ink, 0, columns))
        classes.append(own)
        edges.append(np.clip(places, 0, columns * COLUMN) + at)
        at += columns * COLUMN
    return Hand(name, np.concatenate(inks), np.concatenate(classes), np.concatenate(edges))


@dataclass(frozen=True)
class EncodedHand:
    """What the network makes of a piece of the writing of a hand: its code (R, d). It holds no picture."""

    name: str
    code: Floats

    def inputs(self) -> dict[str, npt.NDArray[Any]]:
        """The inputs of the graph `style` for this hand alone."""
        columns, width = self.code.shape
        code = np.zeros((1, REFERENCE_COLUMNS, width), np.float32)
        code[0, :columns] = self.code
        return {"code": code, "given": (np.arange(REFERENCE_COLUMNS) < columns).astype(np.float32)[None]}


AnyHand = Hand | EncodedHand


def save_hands(folder: Path, hands: Sequence[AnyHand], charset: Charset) -> None:
    """Write the hands of a model. Raises OutputError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [_encoded_row(one) if isinstance(one, EncodedHand) else _picture_row(one, charset) for one in hands]
    with atomic(folder / HANDS) as file:
        pq.write_table(pa.Table.from_pylist(rows, _schema()), file, compression="zstd")


def load_hands(folder: Path, charset: Charset) -> list[AnyHand]:
    """The hands of a model. Raises ModelError if their file is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = {character: number for number, character in enumerate(charset.characters, start=1)}
    try:
        rows = pq.read_table(folder / HANDS).to_pylist()
        if not rows:
            raise ValueError("it has no hand")
        return [_encoded(row) if row.get("code") is not None else _pictured(row, numbers) for row in rows]
    except (OSError, KeyError, TypeError, ValueError, ImageError, pa.ArrowException) as error:
        raise ModelError(f"{folder / HANDS} is missing or damaged ({error}); copy the model folder again") from error


def _schema() -> Any:
    """The columns of HANDS: `image characters edges` of a hand with pictures, `code scales` of an encoded one."""
    import pyarrow as pa

    lists = {"characters": pa.list_(pa.string()), "edges": pa.list_(pa.float32()), "scales": pa.list_(pa.float32())}
    return pa.schema({"hand": pa.string(), "image": pa.binary(), "code": pa.binary(), **lists})


def _picture_row(hand: Hand, charset: Charset) -> dict[str, Any]:
    characters = ["" if number == 0 else charset.characters[number - 1] for number in hand.classes.tolist()]
    edges = hand.edges.astype(np.float32).ravel().tolist()
    return {
        "hand": hand.name, "image": encode(picture_of(hand.ink.T), "png"), "characters": characters, "edges": edges
    }  # fmt: skip


def _pictured(row: Mapping[str, Any], numbers: Mapping[str, int]) -> Hand:
    return Hand(
        row["hand"],
        ink_in(as_stored(row["image"], row["hand"])),
        np.array([numbers.get(one, 0) for one in row["characters"]], np.int64),
        np.array(row["edges"], np.float64).reshape(-1, 2),
    )


def _encoded_row(hand: EncodedHand) -> dict[str, Any]:
    """A row whose code is in 8 bits, with a scale for each column."""
    scales = np.maximum(np.abs(hand.code).max(1), 1e-6) / LEVELS  # (R,)
    levels = np.rint(hand.code / scales[:, None]).astype(np.int8)
    return {"hand": hand.name, "code": levels.tobytes(), "scales": scales.astype(np.float32).tolist()}


def _encoded(row: Mapping[str, Any]) -> EncodedHand:
    scales = np.array(row["scales"], np.float32)
    levels = np.frombuffer(row["code"], np.int8).reshape(len(scales), -1)
    return EncodedHand(row["hand"], levels * scales[:, None])
