"""The public interface: `import scriven` is fast, and every command is a function with a working example."""

import doctest
import importlib
import inspect
import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import scriven
from scriven.cli import COMMANDS
from toy_flow import toy_flow
from toy_pictures import drawn_folder, drawn_line
from toy_published import published_file
from toy_server import serving, zipped

GROUPS = {"texts", "fonts", "models"}
FUNCTIONS = sorted(set(scriven.__all__) - GROUPS)
TRAINS = {
    "adapt",
    "train",
    "train_scribe",
    "demo",
    "bench",
}  # whose examples take minutes; run in the tests marked slow


def test_every_command_has_a_name_in_python() -> None:
    names = {"import": "import_lines"}
    expected = {names.get(command, command.replace("-", "_")) for command in COMMANDS} | {"load"}
    assert set(scriven.__all__) == expected


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_command_is_a_typed_function_with_an_example(name: str) -> None:
    function = getattr(scriven, name)
    assert inspect.isfunction(function) and function.__name__ == name
    signature = inspect.signature(function)
    assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())
    assert signature.return_annotation is not inspect.Signature.empty
    assert ">>> " in (function.__doc__ or ""), f"scriven.{name} has no example"


def test_public_names_are_functions_after_all_modules_were_imported() -> None:
    for module in pkgutil.walk_packages(scriven.__path__, "scriven."):
        if module.name != "scriven.__main__":
            importlib.import_module(module.name)
    assert all(inspect.isfunction(getattr(scriven, name)) for name in FUNCTIONS)
    assert all(inspect.ismodule(getattr(scriven, name)) for name in GROUPS)
    assert set(scriven.__all__) <= set(dir(scriven))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="transcribe"):
        scriven.transcribe  # noqa: B018


def test_importing_is_fast_and_imports_neither_numpy_nor_torch() -> None:
    code = "import sys, time; t = time.process_time(); import scriven; s = time.process_time() - t; "
    code += "assert not {'numpy', 'torch', 'pydantic', 'cv2'} & set(sys.modules); print(s)"
    seconds = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds.append(float(done.stdout))
    assert min(seconds) < 0.06


def examples(name: str) -> list[doctest.DocTest]:
    function = getattr(scriven, name)
    return [t for t in doctest.DocTestFinder(recurse=False).find(function, name) if t.examples]


@pytest.fixture(scope="module")
def scribe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a trained scribe."""
    return toy_flow(tmp_path_factory.mktemp("flow") / "scribe")


@pytest.fixture
def desk(tmp_path: Path, scribe: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the files of the examples: pictures, their text, `pairs/`, `weights.pth`, `letters/`, `my-scribe/`.

    The data set of `mirror.json` is on a server of this machine.
    """
    drawn_line(tmp_path / "line.png", "the quick")
    for number in range(12):
        drawn_line(tmp_path / "scans" / f"line-{number}.png", f"line {number}", seed=number)
        drawn_line(tmp_path / "pairs" / f"line-{number}.png", f"line {number}", seed=number)
        (tmp_path / "pairs" / f"line-{number}.gt.txt").write_text(f"line {number}\n", "utf-8")
    names = sorted(f"line-{number}.png" for number in range(12))
    (tmp_path / "page.txt").write_text(" ".join(name[:-4].replace("-", " ") for name in names), "utf-8")
    published_file(tmp_path / "weights.pth")
    drawn_folder(tmp_path / "generated", [f"line {number}" for number in range(20, 32)])
    drawn_folder(tmp_path / "letters", [f"line {number}" for number in range(12)], hand="drawn")
    shutil.copytree(scribe, tmp_path / "my-scribe")
    monkeypatch.chdir(tmp_path)
    with serving() as site:
        site.files["letters.zip"] = zipped(a=b"1", b=b"2")
        site.table(tmp_path / "mirror.json", "letters", site.row("letters.zip", "sha256"))
        yield tmp_path


def run(name: str) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report: list[str] = []
    for test in examples(name):
        runner.run(test, out=report.append)
    assert runner.tries and not runner.failures, "".join(report)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - TRAINS))
def test_examples(name: str, desk: Path) -> None:
    run(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TRAINS))
def test_examples_that_train(name: str, desk: Path) -> None:
    run(name)
