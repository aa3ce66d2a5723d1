"""From trained weights to a finished model folder: reading graphs, calibrated confidences, quantisation, model card."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scriven.base import atomic
from scriven.images import Grey
from scriven.language.model import CharLM
from scriven.reader.calibrate import calibrate, fit_boundary, fit_decoder, fit_stretch
from scriven.reader.model import Graph, ModelInfo, own_language, read_info, write_info
from scriven.reader.session import Picture, Reader
from scriven.recognisers.export import export, inference_graphs
from scriven.training.checkpoint import WEIGHTS, build_network, load_tensors
from scriven.training.quantise import StoredGraphs, reduce_precision
from scriven.training.sources import Source

log = logging.getLogger("scriven.publish")

LANGUAGE_MODEL = "language.npz"
# Validation lines needed to calibrate confidences and to evaluate int8 on; with fewer neither is done.
MIN_CALIBRATION_LINES = 50
Unlabelled = Sequence[tuple[str, Grey]]  # prepared pictures with their ids


def publish(folder: Path, info: ModelInfo, valid: Sequence[Source], unlabelled: Unlabelled = ()) -> None:
    """Make a model folder of the weights in `folder`; model.json is written last.

    With at least MIN_CALIBRATION_LINES labelled validation pictures, reading width and decoder are chosen and the
    confidences are calibrated on them. The graph is stored in int8 if that raises the CER by at most 0.2 points, else
    with 16-bit weights under the same condition. With as many unlabelled pictures, the readings of the fp32 graph take
    the place of the transcriptions in that comparison. Raises ModelError for weights that do not fit `info`.
    """
    net = build_network(info, folder)
    tensors = load_tensors(folder / WEIGHTS)
    net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
    with tempfile.TemporaryDirectory(prefix="scriven-publish-") as temporary:
        made = Path(temporary)
        log.info("exporting the reading graphs")
        exported = inference_graphs(net)
        for role, graph in exported.items():
            export(graph, made / f"{role}.onnx")
        files = {role: Graph(file=f"{role}.onnx") for role in exported}
        write_info(made, info.model_copy(update={"graphs": files}))
        _improve(made, valid, unlabelled)
        info = read_info(made)
        for graph_file in files.values():
            _copy(made / graph_file.file, folder / graph_file.file)
    _finish(folder, info)


def with_language_model(folder: Path, info: ModelInfo, parent: Path | None, lm: CharLM | None = None) -> ModelInfo:
    """`info` with the language model to decode with, which is stored: `lm`, else that of `parent`, else none."""
    if lm is not None:
        lm.save(folder / LANGUAGE_MODEL)
    elif parent is not None and (own := own_language(parent, read_info(parent))):
        _copy(own, folder / LANGUAGE_MODEL)
    else:
        return info.model_copy(update={"language_model": None})
    return info.model_copy(update={"language_model": LANGUAGE_MODEL})


def copy_parent(folder: Path, info: ModelInfo, parent: Path) -> None:
    """Make a model folder with the weights and reading graphs of `parent`, byte for byte.

    If the parent has no graphs they are exported from its weights.
    """
    _copy(parent / WEIGHTS, folder / WEIGHTS)
    graphs = read_info(parent).graphs
    if not graphs or not all((parent / graph.file).is_file() for graph in graphs.values()):
        return publish(folder, info, [])
    for graph in graphs.values():
        _copy(parent / graph.file, folder / graph.file)
    _finish(folder, info.model_copy(update={"graphs": graphs}))


def _finish(folder: Path, info: ModelInfo) -> None:
    with atomic(folder / "README.md", "w") as file:
        file.write(card(info))
    write_info(folder, info)


def _copy(source: Path, target: Path) -> None:
    with atomic(target) as file:
        file.write(source.read_bytes())


def _improve(folder: Path, valid: Sequence[Source], unlabelled: Unlabelled) -> None:
    """Calibrate the confidences and reduce the precision of the graphs, if there are MIN_CALIBRATION_LINES lines."""
    made = [source.make(i, 0.0) for source in valid for i in range(len(source))]
    pictures = [Picture.of(str(i), picture) for i, (picture, _, _) in enumerate(made)]
    texts: list[str] | None = [text for _, text, _ in made]
    if texts and len(texts) >= MIN_CALIBRATION_LINES:
        lines = list(zip(pictures, texts, strict=True))
        what = "width of the pictures, decoder, boundaries, confidences, precision"
        log.info("calibrating on %d validation lines: %s", len(lines), what)
        for fitted in (fit_stretch, fit_decoder, fit_boundary, calibrate):
            write_info(folder, fitted(Reader.load(folder, threads=1), lines))
        if len(decoders := read_info(folder).decoders) > 1:
            log.info("it reads with the decoder %s by default; --decoder chooses another", decoders[0])
    elif len(unlabelled) >= MIN_CALIBRATION_LINES:
        pictures, texts = [Picture.of(id, ink) for id, ink in unlabelled], None
    else:
        return
    report = reduce_precision(folder, pictures, pictures, texts)
    level = logging.DEBUG if texts is None else logging.INFO  # in adaptation, without texts, the graphs are a detail
    for way in report.tried:
        log.log(level, "reading graph %s: %.1f MB%s", way.precision, way.megabytes, _loss(way, texts))


def _loss(way: StoredGraphs, texts: Sequence[str] | None) -> str:
    """The CER of a graph, or without texts how far its readings differ from those of fp32, for the log."""
    if texts is not None:
        return f", CER {100 * way.cer:.2f} % on {len(texts)} validation lines"
    return (
        "" if way.precision == "fp32" else f", its readings differ from fp32 by {100 * way.cer:.2f} % of the characters"
    )


def card(info: ModelInfo) -> str:
    """The model card: Markdown with the front matter of Hugging Face."""
    tags = ", ".join(["handwriting", "htr", *info.decoders])
    front = ["---", "library_name: scriven", "pipeline_tag: image-to-text", f"tags: [{tags}]"]
    if info.licence:
        front.append(f"license: {info.licence.lower()}")
    if info.languages:
        front.append(f"language: [{', '.join(info.languages)}]")
    name = info.name or "A Scriven recogniser"
    valid = info.scores.get("valid")
    rows = [f"- network: {info.network} {info.size}, {info.height} px high, {len(info.charset)} characters"]
    rows += [f"- {role} graph: {graph.file}, {graph.precision}" for role, graph in info.graphs.items()]
    if info.language_model:
        rows.append(f"- decodes with the language model {info.language_model}; without it: --lm none")
    rows += [f"- started from: {info.came_from()}"] if info.parents else []
    rows += [f"- {note}" for note in info.notes]
    rows += [
        f"- trained on: {d['path']}"
        + (" (pictures only)" if d.get("labels") == "none" else "")
        + (f" ({d['lines']} {d.get('level', 'lines')})" if "lines" in d else "")
        for d in info.data
    ]
    if valid:
        rows.append(f"- CER on the {valid['n']} validation lines by which the weights were chosen: {valid['cer']:.2%}")
    rows.append(f"- made with: {', '.join(f'{k} {v}' for k, v in info.versions.items())}")
    use = f"    scriven read -m {info.name or 'THIS-FOLDER'} PICTURES"
    return "\n".join([*front, "---", "", f"# {name}", "", *rows, "", "Read with it:", "", use, ""])
