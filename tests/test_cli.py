"""The command line: fast help, short errors, exit codes, settings, no telemetry and no files."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

import toy_reader
from scriven.base import SettingsError
from scriven.cli import COMMANDS, EXTRAS, common
from scriven.cli import run as run_here
from scriven.images import encode
from toy_server import serving, zipped

HEAVY = ("torch", "pyarrow", "cv2", "onnxruntime", "numpy", "PIL", "rich.console")
RUN = "import sys\nfrom scriven.cli import run\ncode = run(sys.argv[1:])\n"
NAME_HEAVY = f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\nsys.exit(code)"


def processor_seconds(python, code: str, *arguments: str) -> float:
    """Seconds that a fresh process takes to run a piece of code: the minimum of three runs."""
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert python(code, *arguments).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(took)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_heavy(python, command: str) -> None:
    done = python(RUN + NAME_HEAVY, *([command] if command else []), "--help")
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert "Usage: scriven" in done.stdout


SMALLEST = """
import typer
app = typer.Typer(rich_markup_mode=None)
@app.callback()
def group(quiet: bool = False): ...
@app.command()
def command(n: int = 0): ...
app(["command", "--help"], standalone_mode=False)
"""


def test_help_is_fast(python) -> None:
    """Relative to a minimal typer application, which a busy machine slows down equally."""
    ours = processor_seconds(python, RUN + "sys.exit(code)", "read", "--help")
    assert ours < 2 * processor_seconds(python, SMALLEST)


def test_a_misspelt_command_gets_a_suggestion(scriven) -> None:
    code, out, err = scriven("raed", "x.png")
    assert (code, out) == (2, "")
    assert "did you mean `scriven read`?" in err and err.count("\n") == 1


@pytest.mark.parametrize(("given", "meant"), [("transcribe", "read"), ("Evaluate", "score"), ("finetune", "train")])
def test_commands_of_other_tools_get_a_suggestion(scriven, given: str, meant: str) -> None:
    code, _, err = scriven(given, "x.png")
    assert code == 2 and f"did you mean `scriven {meant}`?" in err


@pytest.mark.parametrize("arguments", [("read", "--bogus"), ("write",), ("models", "nothing")])
def test_usage_errors_are_one_line_with_exit_code_2(scriven, arguments: tuple[str, ...]) -> None:
    code, out, err = scriven(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--help" in err


@pytest.mark.parametrize("group", ["texts", "fonts", "models"])
def test_a_group_without_its_command_prints_its_help(scriven, group: str) -> None:
    code, out, err = scriven(group)
    assert (code, out) == (2, "")
    assert err.startswith(f"Usage: scriven {group}") and "\nCommands:\n" in err


def test_user_errors_are_one_line_with_exit_code_2(scriven, tmp_path: Path) -> None:
    code, out, err = scriven("look", tmp_path / "nowhere")
    assert (code, out) == (2, "") and err.startswith("scriven: ") and err.count("\n") == 1


def test_bugs_keep_their_traceback(monkeypatch) -> None:
    from scriven.jobs import models

    monkeypatch.setattr(models, "list_", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_here(["models", "list"])


@pytest.mark.parametrize("package", ["torch", "uharfbuzz", "wordfreq", "lmdb"])
def test_a_missing_extra_prints_the_pip_line(scriven, monkeypatch, package: str) -> None:
    from scriven.jobs import models

    def missing() -> None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=f"{package}.inner")

    monkeypatch.setattr(models, "list_", missing)
    code, _, err = scriven("models", "list")
    assert code == 2 and f'pip install ".[{EXTRAS[package]}]"' in err and err.count("\n") == 1


def test_a_missing_module_of_scriven_is_a_bug(monkeypatch) -> None:
    from scriven.jobs import models

    def missing() -> None:
        raise ModuleNotFoundError("No module named 'scriven.x'", name="scriven.x")

    monkeypatch.setattr(models, "list_", missing)
    with pytest.raises(ModuleNotFoundError):
        run_here(["models", "list"])


def test_an_interrupt_gives_a_sentence_and_exit_code_130(scriven, monkeypatch) -> None:
    from scriven.jobs import models

    def stop() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "list_", stop)
    code, out, err = scriven("models", "list")
    assert (code, out) == (130, "") and "interrupted" in err


def test_read_import_fetch_and_look_need_no_training_packages(python, tmp_path: Path, letters) -> None:
    (tmp_path / "pairs").mkdir()
    for number, line in enumerate(letters[:2]):
        (tmp_path / "pairs" / f"{number}.png").write_bytes(line.image)
        (tmp_path / "pairs" / f"{number}.gt.txt").write_text(line.text)
    block = "".join(f"sys.modules[{name!r}] = None\n" for name in EXTRAS if name not in ("lmdb", "openvino"))
    (tmp_path / "page.txt").write_text("letter 0 letter 1")
    code = "import sys\n" + block + RUN + "sys.exit(code)"
    with serving() as site:
        site.files["a.zip"] = zipped(a=b"1")
        table = site.table(tmp_path / "table.json", "toy", site.row("a.zip", "sha256"))
        done = python(code, "fetch", "toy", "--table", table, cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "toy" / "a").is_file(), done.stderr
    for arguments in (
        ("import", "pairs", "pairs", "-o", "lines"),
        ("look", "lines"),
        ("export", "csv", "lines", "-o", "csv"),
        ("align", "page.txt", "lines", "-o", "labelled"),
        ("read", "--help"),
        ("models", "list"),
    ):
        done = python(code, *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr


READ_ONLY = """
import os, sys
def watch(event, arguments):
    writes = event == "open" and arguments[0] != "/dev/null" and isinstance(arguments[2], int) and (
        arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))
    if writes or event in ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "tempfile.mkstemp"):
        raise PermissionError(f"read-only: {event} {arguments[0]}")
sys.addaudithook(watch)
"""


def test_read_writes_no_files_and_needs_no_home(python, tmp_path: Path) -> None:
    """As in a container with a read-only file system and a user without a home."""
    toy_reader.write_model(tmp_path / "toy")
    (tmp_path / "word.png").write_bytes(encode(toy_reader.picture("abc"), "png"))
    nowhere = {"HOME": "/nonexistent", "TMPDIR": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent"}
    done = python(READ_ONLY + RUN + "sys.exit(code)", "read", "-m", "toy", "word.png", cwd=tmp_path, env=nowhere)
    assert (done.returncode, done.stdout) == (0, "abc\n"), done.stderr
    skipped = python(READ_ONLY + "open('x', 'w')", cwd=tmp_path)  # the check itself works
    assert "read-only: open" in skipped.stderr


def test_read_collects_no_telemetry(python, tmp_path: Path) -> None:
    """ONNX Runtime would store an identifier and a queue of events in the user's cache."""
    toy_reader.write_model(tmp_path / "toy")
    (tmp_path / "word.png").write_bytes(encode(toy_reader.picture("abc"), "png"))
    (tmp_path / "home").mkdir()
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home")}
    unset = "import os\nfor name in ('ORT_DISABLE_TELEMETRY', 'CI', 'GITHUB_ACTIONS'): os.environ.pop(name, None)\n"
    done = python(unset + RUN + "sys.exit(code)", "read", "-m", "toy", "word.png", cwd=tmp_path, env=home)
    assert (done.returncode, done.stdout) == (0, "abc\n"), done.stderr
    assert not list((tmp_path / "home").rglob("*"))


def test_flags_override_the_settings_file(tmp_path: Path) -> None:
    from scriven.jobs.write import settings_with

    file = tmp_path / "s.yaml"
    file.write_text("strength: 0.25\nheight: 48\ntags: [print, school]\nmin_chars: null\n")
    chosen = settings_with(common.changes_of(["height=96"], file))
    assert (chosen.scribe.strength, chosen.scribe.height, chosen.scribe.tags) == (0.25, 96, ("print", "school"))
    with pytest.raises(SettingsError, match="did you mean 'strength'"):
        settings_with(["strenght=1"])
    file.write_text("- a\n- b\n")
    with pytest.raises(SettingsError, match="key: value"):
        common.changes_of(None, file)
    with pytest.raises(SettingsError, match="nowhere"):
        common.changes_of(None, tmp_path / "nowhere.yaml")


def test_a_flag_that_is_not_given_does_not_override_the_file(tmp_path: Path) -> None:
    from scriven.jobs.read import ReadSettings

    file = tmp_path / "s.yaml"
    file.write_text("device: cuda\nbeam: 4\nword: true\n")
    chosen = common.settings(ReadSettings(), ["beam=9"], file, device=None, beam=5, threads=2)
    assert (chosen.device, chosen.beam, chosen.word, chosen.threads) == ("cuda", 9, True, 2)


@pytest.mark.parametrize(
    ("arguments", "steps", "minutes"),
    [
        ((), None, 60.0),
        (("--minutes", "5"), None, 5.0),
        (("--set", "minutes=7"), None, 7.0),
        (("--steps", "9"), 9, None),
        (("--set", "steps=8"), 8, None),
        (("--config", "train.yaml"), 6, None),
        (("--config", "train.yaml", "--steps", "9"), 9, None),
    ],
)
def test_the_end_of_training_can_be_set_by_flags_set_or_file(
    scriven, tmp_path: Path, monkeypatch, arguments: tuple[str, ...], steps: int | None, minutes: float | None
) -> None:
    train = pytest.importorskip("scriven.jobs.train")
    monkeypatch.chdir(tmp_path)
    Path("letters").mkdir()
    Path("train.yaml").write_text("steps: 6\nsize: tiny\n")
    told = []

    def job(*inputs: object, settings: object, **_: object) -> None:
        told.append(settings)
        raise SettingsError("enough")

    monkeypatch.setattr(train, "train", job)
    code, _, err = scriven("train", "letters", "-o", "m", *arguments)
    assert (code, err) == (2, "scriven: enough\n")
    assert (told[0].steps, told[0].minutes) == (steps, minutes)
    assert told[0].size == ("tiny" if "--config" in arguments else None)


def test_openmp_threads_do_not_spin(python) -> None:
    code = "import os, sys\nos.environ.pop('OMP_WAIT_POLICY', None)\nfrom scriven import cli\n"
    code += "sys.argv[1:] = ['--version']\ntry:\n    cli.main()\nfinally:\n    print(os.environ['OMP_WAIT_POLICY'])"
    assert python(code).stdout.splitlines()[-1] == "PASSIVE"


@pytest.mark.parametrize("command", ["train", "adapt"])
def test_a_missing_input_is_refused_before_torch_is_loaded(command: str, tmp_path: Path) -> None:
    code = "import sys; from scriven.cli import run; print(run(sys.argv[1:]), 'torch' in sys.modules)"
    arguments = [command, str(tmp_path / "none"), "-o", str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], text=True, capture_output=True, timeout=60)
    assert done.stdout.strip() == "2 False" and "there is no such file or folder" in done.stderr


def test_the_package_can_be_run_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "scriven", "--version"], text=True, capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stdout.strip()
