"""The command line: `scriven COMMAND ...`. A command is imported when it is called, so that help is fast.

A command is one file with one function, and one row of COMMANDS. Exit codes: 0 success; 1 some inputs failed, each
named; 2 nothing could be done; 130 interrupted.
"""

import difflib
import errno
import importlib
import os
import re
import sys
from typing import Any

import typer
import typer.core
import typer.main

from scriven import __version__
from scriven.base import ITEM, TEXT, MissingExtra, ScrivenError

COMMANDS = {  # name: (module, attribute, help in the list of commands)
    "demo": ("scriven.cli.demo", "demo", "Try it: adapt to an unseen hand without labels, offline, in minutes."),
    "read": ("scriven.cli.read", "read", "Recognise handwriting: pictures in, text out."),
    "adapt": ("scriven.cli.adapt", "adapt", "Adapt a model to a hand, from pictures without labels."),
    "train": ("scriven.cli.train", "train", "Train a recogniser on labelled or synthetic lines."),
    "align": ("scriven.cli.align", "align", "Lay the transcript of a page onto pictures of its lines."),
    "pick": ("scriven.cli.pick", "pick", "Select the lines most worth transcribing."),
    "score": ("scriven.cli.score", "score", "Measure the error rates of a model on lines."),
    "write": ("scriven.cli.write", "write", "Write synthetic handwriting into a lines folder."),
    "cut": ("scriven.cli.cut", "cut", "Cut lines into a bank of characters for StackMix."),
    "train-scribe": (
        "scriven.cli.train_scribe",
        "train_scribe",
        "Train a generator that writes in the hands of some lines.",
    ),
    "regenerate": (
        "scriven.cli.regenerate",
        "regenerate",
        "Write the lines of a folder again, in the hands of a trained scribe.",
    ),
    "judge": ("scriven.cli.judge", "judge", "Measure generated handwriting against real handwriting."),
    "import": ("scriven.cli.import_", "import_", "Convert other formats to a lines folder."),
    "fetch": ("scriven.cli.fetch", "fetch", "Download a published data set."),
    "import-model": (
        "scriven.cli.import_model",
        "import_model",
        "Convert published weights of other programs to a model.",
    ),
    "export": ("scriven.cli.export", "export", "Convert a lines folder to another format."),
    "publish": ("scriven.cli.publish", "publish", "Check lines or a model, and write its card."),
    "look": ("scriven.cli.look", "look", "Show a lines folder or a model as one HTML page."),
    "doctor": ("scriven.cli.doctor", "doctor", "Check lines for problems before training."),
    "texts": ("scriven.cli.texts", "app", "Word lists, text samples and language models."),
    "fonts": ("scriven.cli.fonts", "app", "Handwriting typefaces: list, coverage, contact sheet."),
    "models": ("scriven.cli.models", "app", "Models: list, show, give more characters."),
    "bench": ("scriven.cli.bench", "bench", "Measure the speed of this machine."),
}

SYNONYMS = {  # names of commands in other tools: the command here
    **dict.fromkeys(("transcribe", "recognise", "recognize", "ocr", "htr", "predict", "infer"), "read"),
    **dict.fromkeys(("evaluate", "eval", "test", "validate"), "score"),
    **dict.fromkeys(("finetune", "fine-tune", "fit"), "train"),
    **dict.fromkeys(("synthesise", "synthesize", "synth", "generate", "render"), "write"),
    **dict.fromkeys(("select", "sample"), "pick"),
    **dict.fromkeys(("check", "lint"), "doctor"),
    **dict.fromkeys(("show", "view", "report"), "look"),
    "convert": "import",
    "download": "fetch",
    "benchmark": "bench",
}
EXTRAS = {  # a missing package: the extra of pyproject.toml that installs it
    **dict.fromkeys(("torch", "lightning_fabric", "safetensors", "onnx"), "train"),
    **dict.fromkeys(("uharfbuzz", "freetype", "fontTools", "wordfreq"), "train"),
    "lmdb": "lmdb",
    "openvino": "openvino",
    "tensorboard": "track",
}

INTERRUPTED = 130
SYSTEM_ERRORS = "ENOSPC EDQUOT EFBIG EROFS EACCES ENAMETOOLONG ELOOP"  # errors of the system, not bugs
UsageError: Any = typer.BadParameter.__base__  # typer ships its own click or uses the installed one, by version


class LazyGroup(typer.core.TyperGroup):
    """The command group: lists the commands of COMMANDS and imports only the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            close = difflib.get_close_matches(args[0], COMMANDS, n=1, cutoff=0.5)
            meant = SYNONYMS.get(args[0].lower(), close[0] if close else "")
            hint = f"did you mean `scriven {meant}`?" if meant else f"there are: {', '.join(COMMANDS)}"
            raise UsageError(f"there is no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, _, help) in COMMANDS.items()])


def load(name: str) -> Any:
    """The click command for a name in COMMANDS; imports only its module."""
    module, attribute, _ = COMMANDS[name]
    made = getattr(importlib.import_module(module), attribute)
    if not isinstance(made, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name, no_args_is_help=False)(made)
        made = app
    made.rich_markup_mode = None
    command = typer.main.get_command(made)
    command.name = name
    _keep_examples(command)
    return command


def _keep_examples(command: Any) -> None:
    """Keep the line breaks of `Examples:` and of indented paragraphs in help: click needs a backspace before them."""
    paragraphs = re.split(r"\n\s*\n", (command.help or "").replace("\b\n", ""))
    command.help = "\n\n".join(
        f"\b\n{p}" if p.startswith((" ", "Examples:", "Example:")) else p for p in (p.rstrip() for p in paragraphs)
    )
    for child in getattr(command, "commands", {}).values():
        _keep_examples(child)


def root() -> Any:
    """The command line as a click group."""
    app = typer.Typer(cls=LazyGroup, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

    @app.callback(invoke_without_command=True)
    def scriven(
        ctx: typer.Context,
        version: bool = typer.Option(False, "--version", help="Print the version and exit."),
        quiet: bool = typer.Option(False, "--quiet", "-q", help="Print only errors on standard error."),
    ) -> None:
        """Scriven recognises handwriting, and adapts to a new hand without labels.

        Results go to standard output, progress and errors to standard error. `scriven COMMAND --help` has examples.
        """
        if version:
            typer.echo(f"scriven {__version__}")
        elif ctx.invoked_subcommand is None:
            typer.echo(ctx.get_help())
        else:
            from scriven.cli.progress import report_progress

            report_progress(quiet)

    return typer.main.get_command(app)


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit code. Errors that the user can fix are printed as one sentence."""
    try:
        code = root().main(arguments, prog_name="scriven", standalone_mode=False)
        if code == INTERRUPTED:  # newer versions of typer
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except typer.Exit as left:
        return int(left.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return print_error("interrupted; run the same command again to continue an unfinished folder", INTERRUPTED)
    except UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # a group without a command; the message is its help
            print(error.format_message(), file=sys.stderr)
            return 2
        context = getattr(error, "ctx", None)
        where = f" (see `{context.command_path} --help`)" if context else ""
        return print_error(f"{error.format_message()}{where}", 2)
    except ScrivenError as error:
        return print_error(str(error), 2)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        command = next((a for a in arguments if a in COMMANDS), "this command")
        return print_error(str(MissingExtra(f"`scriven {command}`", extra)), 2)
    except OSError as error:
        if errno.errorcode.get(error.errno or 0) not in SYSTEM_ERRORS.split():
            raise
        where = error.filename or "the output or a temporary file"
        return print_error(f"cannot open or write {where}: {error.strerror}; check the path, or free some space", 2)


def print_error(sentence: str, code: int) -> int:
    """Remove the progress bar and print an error on standard error; returns the exit code."""
    from scriven.cli.progress import end_progress

    end_progress()
    lines = (" ".join(line.split()) for line in sentence.split(ITEM))  # several lines only if it lists inputs
    print(f"scriven: {ITEM.join(lines)}", file=sys.stderr)
    return code


def main() -> None:
    """The entry point. Sets environment variables so that OpenMP threads do not spin and torch uses large pages."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # see training/memory.py
    sys.stdout = sys.stdout or open(os.devnull, "w")  # closed by the caller
    sys.stderr = sys.stderr or open(os.devnull, "w")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(**TEXT)
    sys.exit(_delivered(run(sys.argv[1:])))


def _delivered(code: int) -> int:
    """Flush standard output and return the exit code; a closed pipe is not an error."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise Python flushes again at exit
        if code != 2 and error.errno != errno.EPIPE:
            return print_error(
                f"cannot write to standard output: {error.strerror}; free some space or write elsewhere", 2
            )
    return code
