"""What commands print: progress, bars on a terminal, JSON, encodings."""

import json
import logging
import os
import subprocess
from pathlib import Path

import pytest

from scriven.base import Skipped
from scriven.cli import common
from scriven.cli import progress as progress_lines


def test_skipped_inputs_are_named_and_give_exit_code_1(capsys) -> None:
    import typer

    common.finish([])
    with pytest.raises(typer.Exit) as left:
        common.finish([Skipped("a", "it is empty"), Skipped("b", "it is cut short")])
    out, err = capsys.readouterr()
    assert left.value.exit_code == 1 and out == ""
    assert err.splitlines()[:2] == ["scriven: skipped a: it is empty", "scriven: skipped b: it is cut short"]


def test_progress_is_plain_lines_on_standard_error(capsys) -> None:
    from scriven.base.progress import progress

    progress_lines.report_progress()
    for done in range(1, 101):
        progress("counting", done, 100)
    out, err = capsys.readouterr()
    assert out == "" and err == "counting: 100 of 100\n"
    progress_lines.report_progress(quiet=True)
    progress("counting", 100, 100)
    logging.getLogger("scriven.jobs.x").error("bad")
    assert capsys.readouterr().err == "bad\n"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_progress_bar_does_not_affect_standard_output(python) -> None:
    code = """
import logging, time
from scriven.cli.progress import report_progress
from scriven.base.progress import progress
report_progress()
for done in range(3):
    progress("counting", done, 3)
    time.sleep(0.11)
    print("result", done, flush=True)
    logging.getLogger("scriven.x").info("[said] between")
if __import__("sys").argv[1] == "crash":
    raise KeyError("crash")
progress("counting", 3, 3)
print("last")
"""
    for ending in ("well", "crash"):
        done, text = _on_a_terminal(python, code, ending)
        assert done.stdout.split("\n")[:3] == ["result 0", "result 1", "result 2"]
        assert "counting" in text and "[said] between" in text and "result" not in text
        assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l") >= 0  # the cursor is visible again


def _on_a_terminal(python, code: str, ending: str):
    """A finished process, and what it showed on a terminal as its standard error."""
    master, slave = os.openpty()
    try:
        done = python(code, ending, stderr=slave, stdout=subprocess.PIPE, env={"TERM": "xterm-256color"})
        os.close(slave)
        shown = b""
        while chunk := _read(master):
            shown += chunk
    finally:
        os.close(master)
    return done, shown.decode()


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # what Linux says when the other end is closed
        return b""


def test_json_is_one_object_without_nan(capsys) -> None:
    common.print_json({"text": "é", "path": Path("x")})
    assert json.loads(capsys.readouterr().out) == {"text": "é", "path": "x"}
    with pytest.raises(ValueError):
        common.print_json({"cer": float("nan")})


def test_output_on_a_terminal_that_is_not_utf8(python) -> None:
    code = "from scriven.cli import main, common\nimport sys\nsys.argv[1:] = ['--version']\n"
    code += "try:\n    main()\nfinally:\n    common.print_json({'text': 'ſé⁊'})"
    done = python(code, env={"PYTHONIOENCODING": "ascii"})
    assert "ſé⁊" in done.stdout


def test_progress_lines_are_printed_every_tenth_or_minute(monkeypatch) -> None:
    from types import SimpleNamespace

    now = [0.0]
    monkeypatch.setattr(progress_lines, "time", SimpleNamespace(monotonic=lambda: now[0]))
    handler, said = progress_lines.ProgressHandler(), []
    for second in range(3601):  # an hour of training
        now[0] = float(second)
        if handler.due("training", second / 36, 100):
            said.append(second)
    assert said == list(range(60, 3601, 60))
    now[0], done = 4000.0, []
    for second in range(101):  # a hundred seconds
        now[0] += 1
        if handler.due("adapting", second, 100):
            done.append(second)
    assert done == list(range(10, 101, 10))


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_the_bar_is_removed_before_other_output(python) -> None:
    code = """
import time
from scriven.cli import print_error
from scriven.cli.progress import end_progress, report_progress
from scriven.base.progress import percent
report_progress()
percent("training", 0.2)
time.sleep(0.3)
if __import__("sys").argv[1] == "well":
    end_progress()
    print("LAST", file=__import__("sys").stderr)
else:
    print_error("LAST", 2)
"""
    for ending in ("well", "error"):
        _, text = _on_a_terminal(python, code, ending)
        before, after = text.split("LAST")
        assert "training" in before and "training" not in after
        assert before.rfind("\x1b[?25h") > before.rfind("training")  # the cursor is visible, the line erased
