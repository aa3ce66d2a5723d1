"""The judge's numbers: distances against closed forms, features alone and in company, hands, and who may import it."""

import ast
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import scriven
from scriven.base import ImageError, InputError, ModelError
from scriven.judging.distances import cubic, frechet, frechet_of_gaussians, kernel
from scriven.judging.features import load_features
from scriven.judging.hands import apart, halves, mean_over, means, nearest, positions, rank, recognised
from scriven.judging.pictures import HEIGHT, ink_of, judged
from scriven.recognisers.export import export, folded
from scriven.scribes.flow import columns
from scriven.training.hand_network import HandNetwork, feature_graph
from toy_pictures import drawn

SOURCE = Path(scriven.__file__).parent


# Distances


def test_frechet_of_gaussians_has_its_closed_forms() -> None:
    """Equal covariances: the squared distance of the means; diagonal ones: the squared difference of deviations."""
    a, b = np.array([1.0, 2, 3]), np.array([0.0, 2, 5])
    full = np.array([[2.0, 0.5, 0], [0.5, 1, 0.2], [0, 0.2, 3]])
    assert frechet_of_gaussians(a, full, b, full) == pytest.approx(5, abs=1e-9)
    one, other = np.diag([4.0, 9, 1]), np.diag([1.0, 1, 16])
    assert frechet_of_gaussians(a, one, b, other) == pytest.approx(5 + 1 + 4 + 9)
    assert frechet_of_gaussians(a, np.zeros((3, 3)), a, other) == pytest.approx(18)  # of a single point
    commuting = full @ full
    assert frechet_of_gaussians(a, full @ full, a, commuting @ commuting) == pytest.approx(
        np.trace((full - commuting) @ (full - commuting))
    )


def test_frechet_finds_the_distance_of_samples() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(0, 1, (4000, 4))
    b = rng.normal([1, 0, 0, 0], [1, 1, 2, 1], (4000, 4))
    found = frechet(a, b, resamples=20)
    assert found.value == pytest.approx(2, abs=0.15) and found.n == (4000, 4000)
    assert found.interval[0] < 2 < found.interval[1] and found.interval[1] - found.interval[0] < 0.5
    assert frechet(a, a, resamples=2).value == pytest.approx(0, abs=1e-6)


def test_the_kernel_distance_is_unbiased() -> None:
    """Its mean over small samples of one distribution is 0; that of the biased one is not."""
    rng = np.random.default_rng(1)
    found, biased = [], []
    for _ in range(200):
        a, b = rng.normal(size=(12, 6)), rng.normal(size=(9, 6))
        found.append(kernel(a, b, resamples=1).value)
        biased.append(cubic(a, a).mean() + cubic(b, b).mean() - 2 * cubic(a, b).mean())
    error = np.std(found) / len(found) ** 0.5
    assert abs(np.mean(found)) < 3 * error
    assert np.mean(biased) > 10 * error
    two = np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 1], [1, 1]])
    assert kernel(*two, resamples=1).value == pytest.approx(1 + 8 - 2 * 1.5**3)  # by hand


def test_intervals_are_resampled_by_hand() -> None:
    """Pictures of one hand are alike: an interval over pictures is too narrow."""
    rng = np.random.default_rng(2)
    hands = [f"h{i // 20}" for i in range(200)]
    a = np.repeat(rng.normal(size=(10, 3)), 20, axis=0) + 0.01 * rng.normal(size=(200, 3))
    b = rng.normal(size=(200, 3))
    wide, narrow = (d.interval[1] - d.interval[0] for d in (kernel(a, b, hands), kernel(a, b)))
    assert wide > 1.5 * narrow


def test_sets_without_a_distance_are_refused() -> None:
    some = np.ones((3, 2))
    with pytest.raises(InputError, match="a set of 1 pictures has no spread.*two pictures or more"):
        frechet(some[:1], some)
    with pytest.raises(InputError, match="features of 2 and of 4 numbers cannot be compared"):
        kernel(some, np.ones((3, 4)))


# Features


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network of random weights with the inputs of the bundled one."""
    import torch

    torch.manual_seed(0)
    net = HandNetwork(5, (4, 8, 8, 8), 16)
    net(torch.rand(4, 1, HEIGHT, 96), torch.full((4,), 96))  # statistics other than 0 and 1
    file = tmp_path_factory.mktemp("features") / "toy.onnx"
    export(feature_graph(folded(net)), file)  # type: ignore[arg-type]
    return file


def foreign(file: Path, shape: list[int | str], node: str = "GlobalAveragePool", inputs: int = 1) -> Path:
    """An ONNX file of another network: one node on one or two inputs."""
    given = [helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, shape) for i in range(inputs)]
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    nodes = [helper.make_node(node, [one.name for one in given], ["y"])]
    graph = helper.make_graph(nodes, "g", given, [out])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), file)
    return file


def test_a_picture_has_the_same_features_alone_and_in_company(network: Path) -> None:
    features = load_features(network)
    rng = np.random.default_rng(0)
    inks = [rng.random((HEIGHT, wide), np.float32) for wide in (9, 200, 33, 400, 64, 31)]
    together = features.of(inks)
    assert together.shape == (6, 16) and np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for ink, row in zip(inks, together, strict=True):
        assert np.allclose(features.of([ink])[0], row, atol=2e-6)
    assert np.linalg.norm(together[0] - together[1]) > 1e-4


def test_the_exported_network_is_that_of_torch(tmp_path: Path) -> None:
    import torch

    torch.manual_seed(1)
    net = HandNetwork(3, (4, 8, 8, 8), 8)
    ink = torch.rand(2, 1, HEIGHT, 80)
    net(ink, torch.tensor([80, 50]))
    net.eval()
    with torch.no_grad():
        expected = net(ink, torch.tensor([80, 50])).numpy()
    export(feature_graph(folded(net)), tmp_path / "g.onnx")  # type: ignore[arg-type]
    found = load_features(tmp_path / "g.onnx").of([ink[0, 0].numpy(), ink[1, 0, :, :50].numpy()])
    assert np.allclose(found, expected, atol=1e-5)


def test_networks_of_other_programs_see_paper_as_one(tmp_path: Path) -> None:
    ink = np.zeros((HEIGHT, 100), np.float32)
    ink[:, :50] = 1
    fixed = load_features(foreign(tmp_path / "inception.onnx", ["n", 3, 299, 299]))
    assert fixed.name == "inception" and np.allclose(fixed.of([ink, ink]), 0.5, atol=0.01)
    assert fixed.of([ink]).shape == (1, 3)
    free = load_features(foreign(tmp_path / "vgg.onnx", ["n", 1, 32, "w"]))
    assert np.allclose(free.of([ink * 0.4]), [[0.8]], atol=0.01)
    maps = load_features(foreign(tmp_path / "maps.onnx", ["n", 3, "h", "w"], "Relu"))
    assert np.allclose(maps.of([ink]), [[0.5] * 3], atol=0.01)


def test_files_that_make_no_features_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no file .*none.onnx; give an ONNX network"):
        load_features(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ModelError, match=r"text\.onnx is damaged or of an unknown kind.*; give an ONNX network"):
        load_features(tmp_path / "text.onnx")
    with pytest.raises(ModelError, match=r"takes x0 n x 3 x 8 x 8, x1 .*, not pictures"):
        load_features(foreign(tmp_path / "two.onnx", ["n", 3, 8, 8], "Add", 2))
    with pytest.raises(ModelError, match=r"takes x0 n x 16, not pictures"):
        load_features(foreign(tmp_path / "flat.onnx", ["n", 16], "Relu"))
    shape = load_features(foreign(tmp_path / "shape.onnx", ["n", 3, 8, 8], "Squeeze"))
    with pytest.raises(ModelError, match="cut it before its last layer"):
        shape.of([np.zeros((HEIGHT, 40), np.float32)])


def test_pictures_are_cleaned_as_those_of_the_generator() -> None:
    grey = np.arange(256, dtype=np.uint8)[None].repeat(64, 0)
    assert np.array_equal(ink_of(grey), columns.ink_of(grey).T)
    wide = np.pad(drawn("word"), ((0, 0), (300, 200)), constant_values=255)
    assert judged(wide).shape[0] == HEIGHT and judged(wide).shape[1] < wide.shape[1] - 400
    with pytest.raises(ImageError, match="shows no writing"):
        judged(np.full((64, 200), 250, np.uint8))


# Hands


def test_hands_are_recognised_by_the_nearest_mean() -> None:
    rng = np.random.default_rng(3)
    centres = {hand: 4 * rng.normal(size=8) for hand in "abcd"}
    hands = [hand for hand in "abcd" for _ in range(10)]
    features = np.stack([centres[hand] + 0.1 * rng.normal(size=8) for hand in hands])
    first, second = halves(hands)
    assert [len(first[h]) + len(second[h]) for h in "abcd"] == [10] * 4 and not set(first["a"]) & set(second["a"])
    known = means(features, first)
    found = recognised(features, hands, known)
    assert found is not None and (found.value, found.n, found.hands) == (1.0, 40, 4)
    swapped = recognised(features, ["b" if h == "a" else h for h in hands], known)
    assert swapped is not None and swapped.value == 0.75 and swapped.interval[0] < 0.75 < swapped.interval[1]
    assert recognised(features, ["elsewhere"] * 40, known) is None
    own, wrong = rank(features, hands, known), rank(features, ["b" if h == "a" else h for h in hands], known)
    assert own is not None and wrong is not None and own.value == 1 and wrong.value < own.value
    assert rank(features, hands, {"a": known["a"]}) is None  # no other hand to be nearer to
    far = apart(known, {hand: mean + 2 for hand, mean in known.items()})
    assert far is not None and far.value == pytest.approx(2 * 8**0.5) and far.hands == 4


def test_hands_with_few_pictures_and_none_at_all() -> None:
    assert positions(["", "a", "", "a"]).keys() == {"a"}
    assert halves(["a"] * 3) == ({}, {})
    assert mean_over({}) is None and mean_over({"a": []}) is None
    one = mean_over({"a": [0.0, 1.0] * 20})
    assert one is not None and one.value == 0.5 and one.interval[0] < 0.5 < one.interval[1]
    away, place = nearest(np.array([[0.0, 0], [3, 4]]), np.array([[3.0, 4], [0, 1]]))
    assert place.tolist() == [1, 0] and np.allclose(away, [1, 0])


# Who may import the judge


@cache
def direct(module: str) -> tuple[str, ...]:
    """The modules of the package that a module imports itself, also inside functions; the public door is left out."""
    place = SOURCE.joinpath(*module.split(".")[1:])
    file = place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py"
    if module == "scriven" or not file.is_file():
        return ()
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in names if name.startswith("scriven."))


def imported(module: str) -> set[str]:
    """All modules of the package that a module imports, directly or not."""
    seen, waiting = set[str](), [module]
    while waiting:
        if (one := waiting.pop()) not in seen:
            seen.add(one)
            waiting += direct(one)
    return seen


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


JUDGES = (
    "scriven.judging",
    "scriven.jobs.judge",
    *(f"scriven.training.hand_{part}" for part in ("network", "batches", "fit")),
)
OWN = {"scriven.cli.judge"}


def test_no_scribe_no_training_and_no_gate_imports_the_judge() -> None:
    """Nothing but the command and its own training does: a generator is not fitted to, nor selected by, its judge."""
    wrong, sees = [], 0
    for file in sorted(SOURCE.rglob("*.py")):
        module = name_of(file)
        found = {name for name in imported(module) if name.startswith(JUDGES)}
        if module.startswith(JUDGES) or module in OWN:
            sees += bool(found)
        elif found:
            wrong.append(f"{module} imports {', '.join(sorted(found))}")
    assert not wrong and sees > 5, "\n".join(wrong)
