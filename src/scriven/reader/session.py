"""The reader: a model folder's graph in ONNX Runtime or OpenVINO, pictures in, frames out. No torch.

Pictures are prepared, gathered in a look-ahead that is bounded in pixels, run in batches of about the same width and
handed on in the order they came.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scriven.base import ImageError, ModelError, SettingsError, cores
from scriven.images import Grey, prepare, widened
from scriven.lines import Reading
from scriven.reader.decoding import Decoder
from scriven.reader.model import ModelInfo, find_model, read_info
from scriven.reader.runtime import onnxruntime
from scriven.reader.windows import Window, stitch, windows

Floats = npt.NDArray[np.float32]
Run = Callable[[Floats, npt.NDArray[np.int64]], Floats]  # images (N, 1, H, W), widths (N,) -> logits (N, T, C)

LOOK_AHEAD = 131_072  # px of width: 8 MB of prepared pictures, about 128 lines or 700 words
BATCH = 4096  # px of width in a batch, padding included
BUCKET = 32  # px: widths of batches are multiples of it, so that the allocator sees few shapes


@dataclass(frozen=True)
class Picture:
    """A prepared picture: `ink` (H, W) uint8 with 255 paper; `scale` px of the given picture for one of its own."""

    id: str
    ink: Grey
    scale: float
    width: int  # px of the given picture

    @classmethod
    def of(cls, id: str, ink: Grey) -> "Picture":
        """A picture that `images.prepare` has made already."""
        return cls(id, ink, 1.0, ink.shape[1])

    def widened(self, factor: float) -> "Picture":
        """The same picture with its ink `factor` times as wide."""
        ink = widened(self.ink, factor)
        return replace(self, ink=ink, scale=self.scale * self.ink.shape[1] / ink.shape[1])


class Reader:
    """A recogniser, ready to read. Make one with `Reader.load`."""

    def __init__(self, info: ModelInfo, run: Run):
        self.info, self.run = info, run
        self.charset = info.characters

    @classmethod
    def load(
        cls, model: str | Path, engine: str = "onnxruntime", device: str = "cpu", threads: int | None = None
    ) -> "Reader":
        """Load a model folder or a bundled model. `threads` None: one for each core this process may use.

        Raises ModelError for a folder that is no recogniser or is damaged, SettingsError for an engine or a device
        that is not there.
        """
        folder = find_model(model)
        info = read_info(folder)
        if info.graph is None or not (folder / info.graph.file).is_file():
            raise ModelError(f"{folder} has no reading graph; finish its training or copy the folder again")
        if engine not in ENGINES:
            raise SettingsError(f"there is no engine {engine!r}; use one of {', '.join(ENGINES)}")
        threads = threads or cores()
        return cls(info, ENGINES[engine](folder / info.graph.file, device, threads))

    def prepare(self, id: str, picture: Grey) -> Picture:
        """What the graph eats. Raises ImageError for a picture that no line of writing can look like."""
        height, width = picture.shape
        try:
            ink = prepare(picture, self.info.height)
        except ImageError as error:
            raise ImageError(f"{id}: {error}") from None
        return Picture(id, ink, width / max(1, round(width * self.info.height / height)), width)

    def read(self, pictures: Iterable[tuple[str, Grey]], decoder: Decoder | None = None) -> Iterator[Reading]:
        """Readings of (id, grey uint8 picture) in order. Raises ImageError as `prepare` does."""
        return self.read_prepared((self.prepare(id, picture) for id, picture in pictures), decoder)

    def read_prepared(self, pictures: Iterable[Picture], decoder: Decoder | None = None) -> Iterator[Reading]:
        """Readings of prepared pictures, in order."""
        decoder = decoder or Decoder(self.info)
        for picture, logits in self.frames(pictures):
            yield decoder.reading(picture.id, logits, picture.scale, picture.width)

    def frames(self, pictures: Iterable[Picture]) -> Iterator[tuple[Picture, Floats]]:
        """Every prepared picture with its logits (T, C), in order; the padding's frames are cut off."""
        window: list[Picture] = []
        room = LOOK_AHEAD
        for picture in pictures:
            window.append(picture.widened(self.info.stretch))
            room -= window[-1].ink.shape[1]
            if room <= 0:
                yield from zip(window, self._logits(window), strict=True)
                window, room = [], LOOK_AHEAD
        yield from zip(window, self._logits(window), strict=True)

    def _logits(self, pictures: list[Picture]) -> list[Floats]:
        """Logits (T, C) of a window of pictures, computed in batches of like width."""
        cuts = [windows(picture.ink.shape[1], stride=self.info.stride) for picture in pictures]
        pieces = [(p, i, cut) for p, parts in enumerate(cuts) for i, cut in enumerate(parts)]
        pieces.sort(key=lambda piece: piece[2].stop - piece[2].start)
        parts: list[list[Floats]] = [[np.empty(0, np.float32)] * len(some) for some in cuts]
        for batch in batches([cut for _, _, cut in pieces]):
            chosen = pieces[batch]
            logits = self._run([pictures[p].ink[:, cut.start : cut.stop] for p, _, cut in chosen])
            for (p, i, _), frames in zip(chosen, logits, strict=True):
                parts[p][i] = frames
        return [stitch(some, cut, self.info.stride) for some, cut in zip(parts, cuts, strict=True)]

    def _run(self, pieces: list[Grey]) -> list[Floats]:
        widths = np.array([piece.shape[1] for piece in pieces], np.int64)
        images = np.zeros((len(pieces), 1, self.info.height, _bucket(int(widths.max()))), np.float32)
        for image, piece in zip(images[:, 0], pieces, strict=True):
            image[:, : piece.shape[1]] = (255 - piece) * np.float32(1 / 255)
        try:
            logits = self.run(images, widths)
        except Exception as error:  # each engine raises its own kinds, none of them documented
            shape = " x ".join(map(str, images.shape))
            raise ModelError(
                f"the reading graph cannot read pictures of {shape} ({_reason(error)}); copy the model folder again"
            ) from None
        if logits.shape[1] != -(-images.shape[3] // self.info.stride):
            raise ModelError(
                f"the graph makes {logits.shape[1]} frames of {images.shape[3]} px and model.json says one for each "
                f"{self.info.stride} px; copy the model folder again"
            )
        if logits.shape[2] != len(self.charset) + 1:
            raise ModelError(
                f"the graph names {logits.shape[2]} classes, model.json {len(self.charset)} characters and a blank; "
                "copy the model folder again"
            )
        steps = -(-widths // self.info.stride)
        return [frames[:count].copy() for frames, count in zip(logits, steps, strict=True)]


def batches(cuts: list[Window], limit: int = BATCH) -> Iterator[slice]:
    """Slices of pieces sorted by width, each at most `limit` px of width together, padding included, or one piece."""
    start = 0
    for stop in range(1, len(cuts) + 1):
        end = stop == len(cuts)
        if end or (stop + 1 - start) * _bucket(cuts[stop].stop - cuts[stop].start) > limit:
            yield slice(start, stop)
            start = stop


def _bucket(width: int) -> int:
    return -(-width // BUCKET) * BUCKET


def _onnxruntime(file: Path, device: str, threads: int) -> Run:
    ort = onnxruntime()
    providers = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
    kind = device.partition(":")[0]
    if kind not in providers or providers[kind] not in ort.get_available_providers():
        raise SettingsError(
            f"ONNX Runtime has no device {device!r} here; use cpu"
            + (", or install onnxruntime-gpu" if kind == "cuda" else "")
        )
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # shapes change from batch to batch
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not _vnni():
        options.add_session_config_entry("session.x64quantprecision", "1")  # int8 sums must not overflow; slower
    chosen: list[object] = [providers[kind]]
    if kind == "cuda":
        chosen = [(providers[kind], {"device_id": device.partition(":")[2] or "0"}), providers["cpu"]]
    try:
        session = ort.InferenceSession(str(file), options, providers=chosen)
        names = {value.name for value in (*session.get_inputs(), *session.get_outputs())}
    except Exception as error:  # ONNX Runtime raises its own kinds, none of them documented
        raise _damaged(file, error) from None
    if not {"images", "widths", "logits"} <= names:
        raise ModelError(f"{file} is not a reading graph: it has {', '.join(sorted(names))}; copy the folder again")
    return lambda images, widths: session.run(["logits"], {"images": images, "widths": widths})[0]


def _vnni() -> bool:
    """Whether this processor adds up 8-bit products in 32 bits; where that is not known, no."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return "vnni" in file.read(1 << 14)
    except OSError:
        return False


def _openvino(file: Path, device: str, threads: int) -> Run:
    try:
        import openvino
    except ModuleNotFoundError:
        from scriven.base import MissingExtra

        raise MissingExtra("the engine openvino", "openvino") from None
    core = openvino.Core()
    if device.upper().partition(".")[0] not in {name.partition(".")[0] for name in core.available_devices}:
        raise SettingsError(
            f"OpenVINO has no device {device!r} here; it has {', '.join(core.available_devices).lower()}"
        )
    settings = {"PERFORMANCE_HINT": "LATENCY"}
    if device == "cpu" and threads:
        settings["INFERENCE_NUM_THREADS"] = str(threads)
    try:
        compiled = core.compile_model(str(file), device.upper(), settings)
    except Exception as error:  # OpenVINO raises RuntimeError for whatever is wrong
        raise _damaged(file, error) from None
    request = compiled.create_infer_request()
    return lambda images, widths: np.array(
        request.infer({"images": images, "widths": widths})[compiled.output("logits")]
    )


def _damaged(file: Path, error: Exception) -> ModelError:
    return ModelError(f"{file} is damaged or of an unknown kind ({_reason(error)}); copy the model folder again")


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


ENGINES: dict[str, Callable[[Path, str, int], Run]] = {"onnxruntime": _onnxruntime, "openvino": _openvino}
