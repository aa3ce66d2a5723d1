"""Write docs/cli.md, the reference of all commands, from the commands themselves: python tools/make_cli_docs.py"""

import inspect
from pathlib import Path
from typing import Any

from scriven.cli import COMMANDS, load

FILE = Path(__file__).parents[1] / "docs" / "cli.md"
PAGES = {"cut": "stackmix.md", "models": "models-bundled.md"}  # commands whose page has another name


def reference() -> str:
    """The whole page as Markdown."""
    parts = [
        "# Commands\n",
        "<!-- made by tools/make_cli_docs.py; change the help texts in src/scriven/cli, not this file -->\n",
        "Results go to standard output; progress and errors go to standard error. Exit codes: 0; 1 = some inputs "
        "failed, each named; 2 = nothing could be done; 130 = interrupted.\n",
        "\n".join(f"- [`scriven {name}`](#scriven-{name}): {help}" for name, (_, _, help) in COMMANDS.items()) + "\n",
    ]
    for name in COMMANDS:
        parts += section(load(name), f"scriven {name}", 2)
        page = PAGES.get(name, f"{name}.md")
        parts.append(f"More: [{page}]({page})\n")
    return "\n".join(parts)


def section(command: Any, path: str, depth: int) -> list[str]:
    """A command with its sub-commands."""
    parts = [f"{'#' * depth} {path}\n", help_text(command.help or "")]
    rows = [row(p) for p in command.params if not getattr(p, "hidden", False) and p.name != "help"]
    if rows:
        parts.append("\n".join(["| | | default |", "| --- | --- | --- |", *rows]) + "\n")
    for name, child in getattr(command, "commands", {}).items():
        parts += section(child, f"{path} {name}", depth + 1)
    return parts


def help_text(help: str) -> str:
    """Help as Markdown: paragraphs as they are, examples as code."""
    parts = []
    for paragraph in inspect.cleandoc(help).replace("\f", "").split("\n\n"):
        paragraph = paragraph.replace("\b\n", "").strip("\n")
        if paragraph.strip() and all(line.startswith("    ") for line in paragraph.splitlines()):
            parts.append("```\n" + "\n".join(line[4:] for line in paragraph.splitlines()) + "\n```")
        elif paragraph.strip():
            parts.append(paragraph)
    return "\n\n".join(parts) + "\n"


def row(parameter: Any) -> str:
    is_flag = getattr(parameter, "is_flag", False)
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts] if name.startswith("-"))
    metavar = parameter.metavar or ("" if is_flag else parameter.name.upper())
    shown = f"{names} `{metavar}`" if names and metavar and not is_flag else names or f"`{metavar}`"
    default = "" if parameter.default in (None, False, "", ()) or parameter.required else f"`{parameter.default}`"
    help = (getattr(parameter, "help", None) or "").replace("|", "\\|").replace("\n", " ")
    cells = (shown.replace("|", "\\|"), help, "required" if parameter.required else default)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    FILE.write_text(reference(), "utf-8")
    print(FILE)
