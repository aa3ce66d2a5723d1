"""The model folder of a flow scribe: weights held once, hands with and without pictures, damage."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scriven.base import ModelError, SettingsError
from scriven.scribes.flow import flow_scribe
from scriven.scribes.flow.columns import COLUMN, HEIGHT
from scriven.scribes.flow.generator import Generator
from scriven.scribes.flow.model import HANDS, REFERENCE_COLUMNS, ROLES, Hand, ScribeInfo, joined, load_hands, save_hands
from scriven.scribes.flow.network import FlowNetwork
from scriven.scribes.flow.scribe import FlowScribe
from scriven.scribes.flow.settings import FlowSettings
from scriven.scribes.specs import scribe_of
from scriven.text import Charset
from scriven.training.checkpoint import WEIGHTS, save_tensors
from scriven.training.flow_publish import load_network, publish_scribe, torch_generator
from toy_flow import CHARACTERS, FABRIC, toy_flow, toy_hand
from toy_reader import write_model


@pytest.fixture(scope="module", params=[0, 8])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_flow(tmp_path_factory.mktemp("flow") / "model", request.param)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder without graphs, for what is refused before they are loaded."""
    folder = tmp_path_factory.mktemp("flow") / "one"
    folder.mkdir()
    info = ScribeInfo(sizes={"width": 32, "layers": 1, "latent": 0}, charset=CHARACTERS)
    content = info.model_dump(mode="json") | {"graphs": {role: {"file": f"{role}.onnx"} for role in ROLES}}
    (folder / "model.json").write_text(json.dumps(content))
    for role in ROLES:
        (folder / f"{role}.onnx").write_bytes(b"no graph")
    (folder / WEIGHTS).write_bytes(b"no weights")
    save_hands(folder, [toy_hand(0, info.characters)], info.characters)
    return folder


def ink(toy: Generator, text: str = "paper", seed: int = 1, hand: int | None = 0, **settings: object) -> np.ndarray:
    """The picture of a text, in 3 steps unless the settings say otherwise."""
    chosen = FlowSettings(**{"steps": 3, **settings})  # type: ignore[arg-type]
    return FlowScribe.of(toy, chosen).write(text, np.random.default_rng(seed), hand=hand).picture


# --- graphs -----------------------------------------------------------------------------------------------------------


def test_the_graphs_equal_the_network(model: Path) -> None:
    net, info, hands = load_network(model)
    in_torch, exported = torch_generator(net, info, hands, FABRIC), Generator.load(model, threads=1)
    for hand in [*hands[:2], Hand("", np.zeros((0, HEIGHT), np.float32), np.zeros(0, np.int64), np.zeros((0, 2)))]:
        a, b = in_torch.styled(hand), exported.styled(hand)
        for name in ("keys", "bias", "mean"):
            assert np.abs(getattr(a, name) - getattr(b, name)).max() < 1e-3, name
    classes = np.array(info.characters.encode("a text, of any length"), np.int64)
    for count in (1, 4, len(classes)):
        edges = [g.edges(classes[:count], g.styled(hands[0]), np.ones(count), 5.0) for g in (in_torch, exported)]
        assert np.abs(edges[0] - edges[1]).max() < 1e-2
    settings = {"steps": 3, "guidance": 2.0, "style_guidance": 2.0}
    for text in ("a", "paper and ink 7"):
        a, b = ink(in_torch, text, **settings), ink(exported, text, **settings)
        assert a.shape == b.shape and np.abs(a.astype(int) - b.astype(int)).max() <= 1 and a.std() > 5


def test_the_folder_holds_its_weights_once(model: Path, tmp_path: Path) -> None:
    """The graphs point into the file of weights, in 32 or in 16 bits."""
    weights = (model / WEIGHTS).stat().st_size
    graphs = sum((model / f"{role}.onnx").stat().st_size for role in ROLES)
    parameters = sum(weight.numel() for weight in load_network(model)[0].parameters())
    assert weights > 4 * parameters and graphs < 4 * parameters
    half = tmp_path / "half"
    half.mkdir()
    net, info, hands = load_network(model)
    tensors = net.state_dict()
    save_tensors(half / WEIGHTS, {k: v.half() if v.ndim > 1 else v for k, v in tensors.items()})
    publish_scribe(half, net, info, hands)
    a, b = (ink(Generator.load(one, threads=1), steps=3).astype(int) for one in (model, half))
    assert (half / WEIGHTS).stat().st_size < 0.6 * weights and a.shape == b.shape and np.abs(a - b).mean() < 2
    (half / WEIGHTS).unlink()
    with pytest.raises(ModelError, match="lacks its weights"):
        Generator.load(half, threads=1)


def test_a_folder_is_a_scribe_and_its_hands_come_back(model: Path) -> None:
    scribe = scribe_of(str(model))
    assert isinstance(scribe, FlowScribe) and scribe.hands == 3 and "CC0-1.0" in scribe.licence
    charset = Charset(CHARACTERS)
    for number, hand in enumerate(load_hands(model, charset)):
        was = toy_hand(number, charset)
        assert hand.name == was.name and np.array_equal(hand.classes, was.classes)
        assert np.array_equal(hand.edges, was.edges) and np.abs(hand.ink - was.ink).max() <= 1 / 255


def test_an_encoded_hand_writes_as_its_pictures_do_and_holds_none(model: Path, tmp_path: Path) -> None:
    drawn = Generator.load(model, threads=1)
    folder = Path(shutil.copytree(model, tmp_path / "encoded"))
    coded = [drawn.encoded(hand) for hand in drawn.hands if isinstance(hand, Hand)]
    save_hands(folder, [*coded, drawn.hands[0]], drawn.charset)
    rows = pq.read_table(folder / HANDS).to_pylist()
    assert [row["image"] is None for row in rows] == [True, True, True, False]
    back = Generator.load(folder, threads=1)
    for number, hand in enumerate(drawn.hands):
        a, b = drawn.styled(hand), back.styled(back.hands[number])
        assert np.abs(a.keys - b.keys).max() < 0.05 * np.abs(a.keys).max() and np.array_equal(a.bias, b.bias)
    a, b = (ink(one, "paper", hand=1).astype(float) for one in (drawn, back))
    assert a.shape == b.shape and np.abs(a - b).mean() < 3 < np.abs(a - 255).mean()


def test_a_hand_of_pieces_is_as_long_as_a_reference_at_most() -> None:
    piece_ = (np.ones((100, HEIGHT), np.float32), np.array([1, 2]), np.array([[-5.0, 50], [50, 300]]))
    found = joined("x", [piece_] * 9)
    assert len(found.ink) == REFERENCE_COLUMNS * COLUMN and found.edges[:2].tolist() == [[0, 50], [50, 104]]
    assert found.edges.max() == REFERENCE_COLUMNS * COLUMN
    given = found.inputs()["given"]
    assert given.all() and joined("x", [piece_]).inputs()["given"].sum() == 13


# --- damage -----------------------------------------------------------------------------------------------------------


def changed(source: Path, to: Path, **content: object) -> Path:
    shutil.copytree(source, to)
    about = json.loads((to / "model.json").read_text())
    (to / "model.json").write_text(json.dumps(about | content))
    return to


def test_a_folder_that_is_no_scribe_is_refused(one: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs a model: flow:MODEL; make one with `scriven train-scribe"):
        flow_scribe("")
    recogniser = write_model(tmp_path / "reader")
    for given in (str(recogniser), f"flow:{recogniser}"):
        with pytest.raises(ModelError, match="of the kind 'recogniser', not a scribe; give a scribe"):
            scribe_of(given)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="empty is not a model folder"):
        flow_scribe(str(tmp_path / "empty"))
    with pytest.raises(ModelError, match="there is no model"):
        flow_scribe(str(tmp_path / "none"))
    for content, said in (
        ({"network": "gan"}, "is a scribe of the network 'gan'; give a flow one"),
        ({"charset": ["a", "a"]}, "cannot be used: .*copy the model folder again"),
        ({"charset": []}, "cannot be used: charset"),
        ({"graphs": {}}, "lacks the graphs reference, style, text, widths, velocity, decoder"),
        ({"format": 9}, "has the format 9"),
    ):
        folder = changed(one, tmp_path / f"changed-{len(list(tmp_path.iterdir()))}", **content)
        with pytest.raises(ModelError, match=said):
            Generator.load(folder)
    with pytest.raises(ModelError, match="velocity.onnx|reference.onnx"):
        Generator.load(one)  # its graphs are none
    (changed(one, tmp_path / "without") / "widths.onnx").unlink()
    with pytest.raises(ModelError, match="lacks its graph widths.onnx"):
        Generator.load(tmp_path / "without")


def test_damaged_hands_are_named(one: Path, tmp_path: Path) -> None:
    charset, file = Charset(CHARACTERS), tmp_path / HANDS
    good = pq.read_table(one / HANDS).to_pylist()[0]
    for rows in ([], [{"hand": "x"}], [{**good, "image": None}], [{**good, "image": b"x"}], [{**good, "edges": [1.0]}]):
        pq.write_table(pa.Table.from_pylist(rows), file)
        with pytest.raises(ModelError, match=r"hands\.parquet is missing or damaged \(.*copy the model folder again"):
            load_hands(tmp_path, charset)
    file.write_bytes((one / HANDS).read_bytes()[:99])
    with pytest.raises(ModelError, match="missing or damaged"):
        load_hands(tmp_path, charset)
    file.unlink()
    with pytest.raises(ModelError, match="missing or damaged"):
        load_hands(tmp_path, charset)


def test_weights_that_do_not_fit_are_named(one: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="weights.safetensors is damaged"):
        load_network(one)
    lacking = changed(one, tmp_path / "lacking")
    (lacking / WEIGHTS).unlink()
    with pytest.raises(ModelError, match="weights.safetensors is missing"):
        load_network(lacking)
    for number, sizes in enumerate(({"width": 64, "layers": 1, "latent": 0}, {"depth": 3}, {"width": "wide"})):
        folder = changed(one, tmp_path / f"{number}", sizes=sizes)
        save_tensors(folder / WEIGHTS, FlowNetwork(Charset(CHARACTERS), 32, 1).state_dict())
        with pytest.raises(ModelError, match="do not fit its model.json"):
            load_network(folder)
