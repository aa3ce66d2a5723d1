"""The architecture of the package, as a test: rooms and their order, caps of size, no circles, no ambiguous names.

A room is a folder (or a file) of `src/scriven`. It imports only rooms earlier in ORDER; recognisers, scribes and
segmenters do not import one another; nothing before `tensors` needs the training packages. `language` comes before
`lines` and holds the texts (`language/texts`) that language models are made of and that scribes write.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import scriven
from scriven.cli import COMMANDS

ORDER = (
    "base text metrics images augment language lines page importers exporters reader estimate judging segment report "
    "tensors recognisers scribes segmenters selection training selftrain jobs serve cli"
).split()
HANDS = {"recognisers", "scribes", "segmenters"}  # none of them imports another
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_COMMAND, MOST_PARAMETERS = 350, 60, 60, 8
TRAINING = {"torch", "lightning_fabric", "safetensors", "onnx", "uharfbuzz", "freetype"}
LISTS = {"wordfreq"}  # word frequencies: imported inside functions of `language`, which say which extra brings them
SOURCE = Path(scriven.__file__).parent


def modules() -> Iterator[tuple[str, Path]]:
    for file in sorted(SOURCE.rglob("*.py")):
        room = file.relative_to(SOURCE).parts[0].removesuffix(".py")
        if room not in ("__init__", "__main__"):
            yield room, file


def imports(file: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno} imports by dots; write the whole name"
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from ((name, node.lineno) for name in (names if node.module == "scriven" else [node.module or ""]))


def test_every_room_is_in_the_order() -> None:
    assert {room for room, _ in modules()} <= set(ORDER)


def test_a_room_imports_only_rooms_below_it() -> None:
    wrong = []
    for room, file in modules():
        for name, line in imports(file):
            other = name.split(".")[1] if name.startswith("scriven.") else None
            if other in ORDER and other != room:
                hands = {room, other} <= HANDS
                if hands or ORDER.index(other) > ORDER.index(room):
                    wrong.append(f"{file.relative_to(SOURCE)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_nothing_before_tensors_needs_what_only_training_needs() -> None:
    wrong = [
        f"{file.relative_to(SOURCE)}:{line} imports {name}"
        for room, file in modules()
        if ORDER.index(room) < ORDER.index("tensors")
        for name, line in imports(file)
        if name.split(".")[0] in TRAINING | (set() if room == "language" else LISTS)
    ]
    assert not wrong, "\n".join(wrong)


FILES = sorted(SOURCE.rglob("*.py"))


def name_of(file: Path) -> str:
    """The dotted name of a module of the package."""
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_files_and_functions_stay_below_their_caps(file: Path) -> None:
    text = file.read_text("utf-8")
    command = name_of(file) in {module for module, *_ in COMMANDS.values()}
    most = LONGEST_COMMAND if command else LONGEST_FILE
    assert len(text.splitlines()) <= most, f"{file} is longer than {most} lines: a concept is missing"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            where = f"{file}:{node.lineno} {node.name}"
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, f"{where} is too long"
            if not command:  # whose parameters are the options of the command line
                given = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
                count = len([name for name in given if name not in ("self", "cls")])
                assert count <= MOST_PARAMETERS, f"{where} has {count} parameters"


HOME = Path(__file__).parents[1]
OUTSIDE = [
    file
    for folder in ("tests", "tools", "recipes")
    for file in sorted((HOME / folder).rglob("*"))
    if file.suffix == ".py" or (file.parent.name == "recipes" and file.is_file() and not file.suffix)
]


@pytest.mark.parametrize("file", OUTSIDE, ids=lambda file: str(file.relative_to(HOME)))
def test_tests_tools_and_recipes_stay_below_the_same_caps(file: Path) -> None:
    text = file.read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE, f"{file} is longer than {LONGEST_FILE} lines: split it by topic"
    if file.suffix != ".py" and "python" not in text.partition("\n")[0]:
        return  # a recipe for the shell
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            where = f"{file}:{node.lineno} {node.name}"
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, f"{where} is too long"


def test_no_two_public_classes_of_different_rooms_share_a_name() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for room, file in modules():
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].add(room)
    assert not {name: sorted(rooms) for name, rooms in found.items() if len(rooms) > 1}


def test_no_circle_of_files() -> None:
    """Imports inside functions and for type checkers count; the public door, which every file may name, does not."""
    every = {name_of(file): file for file in FILES if file != SOURCE / "__init__.py"}
    graph = {name: {other for other, _ in _modules_imported(file, every)} - {name} for name, file in every.items()}
    while leaves := [name for name, others in graph.items() if not others]:
        for leaf in leaves:
            del graph[leaf]
        for others in graph.values():
            others.difference_update(leaves)
    circle = {name: others for name, others in graph.items() if any(name in graph[other] for other in others)}
    assert not graph, f"a circle among {sorted(circle or graph)}"


def _modules_imported(file: Path, every: dict[str, Path]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name in every)
        elif isinstance(node, ast.ImportFrom) and node.module in every:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner if inner in every else node.module), node.lineno


def test_no_function_appends_to_a_list_of_skipped_inputs_of_its_caller() -> None:
    """What is skipped is returned with the result or is its attribute `skipped`, so it cannot be forgotten."""
    found = []
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                args = node.args
                every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
                notes = [ast.unparse(arg.annotation) for arg in every if arg and arg.annotation]
                if any("list[Skipped]" in note for note in notes):
                    found.append(f"{file.relative_to(SOURCE)}:{node.lineno} {node.name}")
    assert not found, "\n".join(found)


TESTS = sorted(Path(__file__).parent.glob("*.py"))
OTHERS = {
    "_replace",
    "_rng",
    "_loss",
    "_exit",
    "_is_mkldnn_bf16_supported",
}  # of other packages, or of the tests


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_tests_touch_no_private_names_of_the_package(file: Path) -> None:
    found = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("scriven"):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [node.attr]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setattr":
            names = [str(a.value).rpartition(".")[2] for a in node.args[:2] if isinstance(a, ast.Constant)]
        private = [n for n in names if n.startswith("_") and not n.startswith("__") and n not in OTHERS]
        found += [f"{file.name}:{node.lineno} {name}" for name in private]
    assert not found
