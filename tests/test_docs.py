"""Documents: every command has help, an example that parses and a page; links are valid; the reference is current."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scriven.cli import COMMANDS, load

HOME = Path(__file__).parents[1]
DOCS = sorted([*(HOME / "docs").glob("*.md"), HOME / "README.md"])
EXPERIMENTS = sorted((HOME / "docs" / "experiments").glob("20*.md"))
FIELDS = ("Date", "Hypothesis", "Command", "n", "Verdict")
VERDICTS = ("kept", "rejected", "superseded", "open")


def tool() -> Any:
    """The script that writes docs/cli.md, as a module."""
    spec = importlib.util.spec_from_file_location("make_cli_docs", HOME / "tools" / "make_cli_docs.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands(command: Any) -> Iterator[Any]:
    yield command
    for child in getattr(command, "commands", {}).values():
        yield from commands(child)


def examples(text: str) -> list[str]:
    """The scriven command lines of a text, without pipes, redirections and comments."""
    lines = re.sub(r"\\\n\s*", " ", text).replace("\b", "")
    found = re.findall(r"(?:^|Example: )[ >$]*(scriven [^\n]*)", lines, flags=re.MULTILINE)
    return [re.split(r" (?:[|>#]|2>|&&|;) ?|`", line)[0].strip() for line in found]


def parse(line: str) -> None:
    """Parse a command line without running it. Fails for an unknown or missing command or option."""
    words = shlex.split(line)[1:]
    while words and words[0] in ("-q", "--quiet"):
        words.pop(0)
    if not words or words[0] in ("--help", "--version", "COMMAND"):
        return
    assert words[0] in COMMANDS, f"`{line}`: no such command"
    command = load(words[0])
    while getattr(command, "commands", None) and len(words) > 1 and words[1] != "--help":
        assert words[1] in command.commands, f"`{line}`: no such command"
        command, words = command.commands[words[1]], words[1:]
    if "--help" not in words and not getattr(command, "commands", None):
        try:
            command.make_context(words[0], words[1:])
        except Exception as error:
            raise AssertionError(f"`{line}`: {error}") from error


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_that_parses(name: str) -> None:
    command = load(name)
    for each in commands(command):
        assert each.help, f"scriven {name} {each.name} has no help"
    found = examples("\n".join(each.help for each in commands(command)))
    assert found, f"scriven {name} has no example"
    for line in found:
        assert shlex.split(line)[1] == name
        parse(line)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page_with_an_example(name: str) -> None:
    page = HOME / "docs" / tool().PAGES.get(name, f"{name}.md")
    assert page.is_file(), f"write {page}"
    assert any(shlex.split(line)[1:2] == [name] for line in examples(page.read_text("utf-8")))


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_command_line_in_the_documents_parses(page: Path) -> None:
    for block in re.findall(
        r"^```(?:bash|sh|console|text)?\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    ):
        for line in examples(block):
            parse(line)


@pytest.mark.parametrize("page", [*DOCS, *(HOME / "docs" / "experiments").glob("*.md")], ids=lambda page: page.name)
def test_links_between_documents_are_valid(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", EXPERIMENTS, ids=lambda page: page.stem)
def test_every_experiment_has_all_fields_and_a_result(page: Path) -> None:
    head, _, result = page.read_text("utf-8").partition("\n## Result\n")
    found = re.findall(r"^- \*\*(\w+)\*\*: *(\S.*)", head, flags=re.MULTILINE)
    assert tuple(name for name, _ in found) == FIELDS, f"{page.name}: its head names {FIELDS}, in this order"
    said = dict(found)
    assert said["Date"] == page.name[:10]
    assert said["Verdict"].split(":")[0] in VERDICTS
    assert result.strip(), f"{page.name} has no result"


def test_the_index_of_experiments_is_complete() -> None:
    index = (HOME / "docs" / "experiments" / "index.md").read_text("utf-8")
    rows = re.findall(r"^\| (\S+) \| \[[^\]]+\]\((20[^)]+\.md)\) \| [^|]+ \| (\w+) \|$", index, flags=re.MULTILINE)
    stated = [re.search(r"\*\*Verdict\*\*: (\w+)", page.read_text("utf-8")) for page in EXPERIMENTS]
    expected = [
        (page.name[:10], page.name, verdict and verdict[1]) for page, verdict in zip(EXPERIMENTS, stated, strict=True)
    ]
    assert sorted(rows) == expected


def test_the_reference_of_commands_is_current() -> None:
    current = (HOME / "docs" / "cli.md").read_text("utf-8")
    assert current == tool().reference(), "run: python tools/make_cli_docs.py"
