"""From trained weights to a finished model folder of a scribe: its graphs, its hands, its card."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from scriven.base import ModelError, atomic
from scriven.reader.model import FolderInfo, Graph, find_model, write_model
from scriven.recognisers.contract import GraphSpec, Method
from scriven.recognisers.export import export
from scriven.scribes.flow.columns import COLUMN, HEIGHT, PARTS, PLACES
from scriven.scribes.flow.generator import Generator, read_scribe_info
from scriven.scribes.flow.model import REFERENCE_COLUMNS, AnyHand, Hand, ScribeInfo, load_hands, save_hands
from scriven.scribes.flow.network import FlowNetwork
from scriven.training.aligned_lines import AlignedLines
from scriven.training.checkpoint import WEIGHTS, load_tensors
from scriven.training.flow_batches import FlowBatches
from scriven.training.shared_weights import write_shared
from scriven.training.torch_graphs import torch_run

HAND_SEED = 77  # of the choice of the pieces that stand for a hand


def flow_graphs(net: FlowNetwork) -> dict[str, GraphSpec]:
    """The graphs of a network by role; the example inputs are on the CPU."""
    net = net.eval()
    columns, known, size, width = 4, 3, net.code, net.width
    shown = REFERENCE_COLUMNS
    classes = torch.zeros(1, known, dtype=torch.int64)
    layout = {"classes": classes, "overlap": torch.zeros(1, PARTS * columns, known)}
    layout["places"] = torch.zeros(1, PARTS * columns, PLACES)
    axes = {"classes": {1: "k"}, "overlap": {1: "p", 2: "k"}, "places": {1: "p"}}
    reference = {
        "ink": torch.zeros(1, 1, HEIGHT, shown * COLUMN), "classes": classes,
        "overlap": torch.zeros(1, PARTS * shown, known), "places": torch.zeros(1, PARTS * shown, PLACES),
        "given": torch.ones(1, shown),
    }  # fmt: skip
    latents = torch.zeros(1, columns, size)
    style = {
        "keys": torch.zeros(1, len(net.blocks), shown, 2 * width), "bias": torch.zeros(1, shown),
        "mean": torch.zeros(1, width),
    }  # fmt: skip
    code = {"code": torch.zeros(1, shown, width), "given": torch.ones(1, shown)}
    velocity = {"noisy": latents, "time": torch.zeros(1), "text": torch.zeros(1, columns, width), **style}
    few = {1: "k"}
    return {
        "reference": GraphSpec(
            Method(net, "reference"), reference, ("code",), {"classes": few, "overlap": {2: "k"}}
        ),
        "style": GraphSpec(Method(net, "style_of"), code, ("keys", "bias", "mean"), {}),
        "text": GraphSpec(Method(net, "text"), layout, ("content",), axes),
        "widths": GraphSpec(
            Method(net, "widths"), {"classes": classes, "mean": style["mean"]}, ("middle", "deviation"),
            {"classes": few},
        ),
        "velocity": GraphSpec(
            Method(net, "velocity"), velocity, ("velocity",),
            {name: {0: "n", 1: "t"} if name in ("noisy", "text") else {0: "n"} for name in velocity},
        ),
        "decoder": GraphSpec(Method(net, "decode"), {"latents": latents}, ("picture",), {"latents": {1: "t"}}),
    }  # fmt: skip


def torch_generator(net: FlowNetwork, info: ScribeInfo, hands: Sequence[AnyHand], fabric: Fabric) -> Generator:
    """A generator that runs a network itself, on the device of `fabric`, in place of its exported graphs."""
    return Generator(info, {role: torch_run(graph, fabric) for role, graph in flow_graphs(net).items()}, list(hands))


def hands_of(lines: AlignedLines, indices: list[int], columns: int) -> list[Hand]:
    """A piece of the writing of each hand, by its number; hands without a usable line are left out."""
    batches, found = FlowBatches(lines, indices, indices, columns, HAND_SEED), list[Hand]()
    for number, own in sorted(lines.by_hand(indices).items()):
        hand = batches.representative(own, np.random.default_rng([HAND_SEED, number]))
        if hand.ink.any():
            found.append(hand)
    return found


def without_pictures(net: FlowNetwork, info: ScribeInfo, hands: Sequence[AnyHand], fabric: Fabric) -> list[AnyHand]:
    """The hands as codes, which is all that writing needs of them."""
    generator = torch_generator(net, info, hands, fabric)
    return [generator.encoded(hand) if isinstance(hand, Hand) else hand for hand in hands]


def load_network(folder: str | Path) -> tuple[FlowNetwork, ScribeInfo, list[AnyHand]]:
    """The network of a scribe's model folder with its hands. Raises ModelError."""
    place = find_model(folder)
    info = read_scribe_info(place)
    try:
        net = FlowNetwork(info.characters, **info.sizes)
        net.load_state_dict({k: v.float() for k, v in load_tensors(place / WEIGHTS).items()})
    except (RuntimeError, TypeError, ValueError) as error:
        detail = str(error).splitlines()[-1].strip()
        raise ModelError(
            f"the weights in {place} do not fit its model.json ({detail}); copy the folder again"
        ) from error
    return net, info, load_hands(place, info.characters)


def publish_scribe(folder: Path, net: FlowNetwork, info: ScribeInfo, hands: Sequence[AnyHand]) -> None:
    """Write graphs, hands, card and, last, model.json beside the weights in `folder`."""
    with tempfile.TemporaryDirectory(prefix="scriven-publish-") as temporary:
        graphs = {}
        for role, graph in flow_graphs(net.cpu()).items():
            file = f"{role}.onnx"
            export(graph, Path(temporary) / file, fold=False)
            write_shared(Path(temporary) / file, folder / file)
            graphs[role] = Graph(file=file)
    save_hands(folder, hands, info.characters)
    info = info.model_copy(update={"graphs": graphs})
    with atomic(folder / "README.md", "w") as file_:
        file_.write(card(info, len(hands)))
    write_model(folder, info)


def card(info: FolderInfo, hands: int) -> str:
    """The model card: Markdown with the front matter of Hugging Face."""
    front = ["---", "library_name: scriven", "pipeline_tag: text-to-image", "tags: [handwriting, generation]"]
    front += [f"license: {info.licence.lower()}"] if info.licence else []
    rows = [f"- writes {len(info.charset)} characters in {hands} hands; network: {info.network} {info.size}"]
    rows += [
        f"- trained on: {one['path']}" + (f" ({one['lines']} lines)" if "lines" in one else "") for one in info.data
    ]
    rows += [f"- {key}: {value:.4g}" for key, value in info.scores.items() if isinstance(value, float)]
    rows += [f"- {note}" for note in info.notes]
    rows.append(f"- made with: {', '.join(f'{k} {v}' for k, v in info.versions.items())}")
    use = f"    scriven write --scribe {info.name or 'THIS-FOLDER'} --texts FILE -o LINES"
    return "\n".join(
        [*front, "---", "", f"# {info.name or 'A Scriven scribe'}", "", *rows, "", "Write with it:", "", use, ""]
    )
