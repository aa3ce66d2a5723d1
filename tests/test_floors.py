"""The floors of the house: a room imports only rooms below it, and nothing before `tensors` knows torch."""

import ast
from collections.abc import Iterator
from pathlib import Path

import scriven

ORDER = (
    "base text metrics images augment language lines page importers exporters reader estimate segment report tensors "
    "recognisers scribes segmenters training selftrain jobs serve cli"
).split()
HANDS = {"recognisers", "scribes", "segmenters"}  # none of them imports another
TRAINING = {"torch", "lightning_fabric", "safetensors", "onnx", "onnxscript", "uharfbuzz", "freetype"}
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
