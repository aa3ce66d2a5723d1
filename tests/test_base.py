"""Room base: typed settings, suggestions for misspellings, atomic files, skipped inputs, the cache."""

import dataclasses
import os
import pickle
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Optional

import pytest

import scriven.base as base
from scriven.base import MissingExtra, OutputError, ScrivenError, SettingsError, Skipped, atomic, cache, evenly
from scriven.base import errors as errors_module
from scriven.base.settings import Natural, Range, Share, check, override, validated

Python = Callable[..., "subprocess.CompletedProcess[str]"]


@validated
@dataclass(frozen=True)
class Settings:
    rate: float = 1e-3
    steps: int = 10
    name: str = "a"
    mixed: bool = False
    minutes: float | None = None
    older: Optional[int] = None  # noqa: UP045
    tags: tuple[str, ...] = ()
    sizes: tuple[int, ...] = (1,)
    span: tuple[float, int] = (0.0, 1)
    mode: Literal["fast", "exact"] = "fast"
    stride: Literal[4, 8] = 4
    folder: Path = Path("x")


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        ("rate=1e-4", "rate", 1e-4),
        (" rate = 2 ", "rate", 2.0),
        ("steps=300", "steps", 300),
        ("name=a=b, c", "name", "a=b, c"),
        ("name=", "name", ""),
        *((f"mixed={word}", "mixed", True) for word in ("true", "True", "yes", "on", "1")),
        *((f"mixed={word}", "mixed", False) for word in ("false", "NO", "off", "0")),
        *((f"minutes={word}", "minutes", None) for word in ("none", "None", "null", "")),
        ("minutes=2.5", "minutes", 2.5),
        ("older=3", "older", 3),
        ("older=none", "older", None),
        ("tags=print, cursive,", "tags", ("print", "cursive")),
        ("tags=", "tags", ()),
        ("sizes=1,2,3", "sizes", (1, 2, 3)),
        ("span=0.5,2", "span", (0.5, 2)),
        ("mode=exact", "mode", "exact"),
        ("stride=8", "stride", 8),
        ("folder=/tmp/y", "folder", Path("/tmp/y")),
    ],
)
def test_settings_are_converted_to_the_type_of_their_field(change: str, key: str, value: object) -> None:
    changed = override(Settings(), [change])
    assert getattr(changed, key) == value and type(getattr(changed, key)) is type(value)
    assert dataclasses.replace(changed, **{key: getattr(Settings(), key)}) == Settings()


def test_dashes_equal_underscores_and_the_last_change_wins() -> None:
    @validated
    @dataclass(frozen=True)
    class Two:
        warm_up: int = 0

    assert override(Two(), ["warm-up=3", "warm_up=5"]) == Two(5)
    assert override(Two(), []) == Two()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("stpes=3", "no setting 'stpes'; did you mean 'steps'"),
        ("qqqqqq=3", "there are: folder, minutes"),
        ("steps", "'steps'; write it as key=value"),
        ("steps=many", "'steps' is 'many', which is not valid; set it to a whole number$"),
        ("steps=1.5", "'steps' is 1.5, .* a whole number"),
        ("rate=fast", "'rate' is 'fast', .* a number$"),
        ("rate=nan", "'rate' is 'nan', .* a number$"),
        ("rate=inf", "'rate' is 'inf', .* a number$"),
        ("steps=none", "'steps' is 'none', .* a whole number"),
        ("mixed=maybe", "'mixed' is 'maybe', .* true or false"),
        ("minutes=soon", "'minutes' is 'soon', .* a number or none"),
        ("sizes=1,two", "'sizes' is 'two', .* values separated by commas, each a whole number"),
        ("span=1", "'span' is .*1.*, .* 2 values separated by commas, each a number and a whole number"),
        ("mode=slow", "'mode' is 'slow', .* fast or exact"),
        ("stride=5", "'stride' is 5, .* 4 or 8"),
    ],
)
def test_invalid_settings_are_refused_in_one_sentence(change: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        override(Settings(), [change])


@validated
@dataclass(frozen=True)
class Bounded:
    share: Share = 0.5
    start: Natural | None = None
    height: Range[Share] = (0.1, 0.2)
    inner: Settings = field(default_factory=Settings)
    RENAMED: ClassVar = {"portion": "share"}

    def __post_init__(self) -> None:
        if self.start == 13:
            raise SettingsError("the setting 'start' is 13; choose another")


@validated
@dataclass(frozen=True)
class Derived(Bounded):
    own: Share = Bounded.share


@pytest.mark.parametrize("kind", [Bounded, Derived])
def test_settings_are_validated_on_construction(kind: type[Bounded]) -> None:
    made: Any = kind
    assert made("0.25", 3) == made(share=0.25, start="3") and type(made(1).share) is float
    assert override(kind(), ["share=1"]).share == 1 and kind().inner.steps == 10
    for values, said in (
        ({"share": 1.5}, "'share' is 1.5, which is not valid; set it to a number of 0 or more, at most 1$"),
        ({"share": float("nan")}, "'share' is 'nan'"),
        ({"start": -1}, "'start' is -1, .* a whole number of 0 or more or none$"),
        ({"start": 13}, "^the setting 'start' is 13; choose another$"),
        ({"height": (0.5, 2)}, "'height' is 2, .* 2 values separated by commas, each a number of 0 or more"),
        ({"height": (0.5, 0.1)}, "'height' is '0.5,0.1', which is not valid; give the smaller number first$"),
        ({"inner": 3}, "'inner' is 3"),
        ({"shere": 1}, "there is no setting 'shere'; did you mean 'share'"),
    ):
        with pytest.raises(SettingsError, match=said):
            made(**values)


def test_validated_settings_are_still_frozen_dataclasses() -> None:
    some = Derived(own=0.1)
    assert pickle.loads(pickle.dumps(some)) == some and hash(Settings()) == hash(Settings())
    assert dataclasses.asdict(some)["own"] == 0.1 and Derived.own == 0.5
    with pytest.raises(SettingsError, match="'own' is 7"):
        dataclasses.replace(some, own=7)
    with pytest.raises(dataclasses.FrozenInstanceError):
        some.own = 0.2  # type: ignore[misc]


@pytest.mark.parametrize("kind", [Bounded, Derived])
def test_the_old_name_of_a_setting_is_accepted_with_a_notice(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert kind(portion=0.1).share == override(kind(), ["portion=0.1"]).share == 0.1
    assert [r.getMessage() for r in caplog.records] == [
        "the setting portion is now called share; the next version drops the old name"
    ] * 2


def test_arguments_are_checked_like_settings() -> None:
    check("n", 3, Natural)
    check("n", None, Natural | None)
    with pytest.raises(SettingsError, match="'n' is -1, which is not valid; set it to a whole number of 0 or more$"):
        check("n", -1, Natural)


def test_all_errors_derive_from_scriven_error() -> None:
    errors = [e for e in vars(base).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert len(errors) == 10 and all(issubclass(e, ScrivenError) for e in errors)
    assert str(MissingExtra("scriven train", "train")).endswith(
        'run: pip install "scriven[train]" (in a clone of the project: pip install ".[train]")'
    )
    for error in errors:
        assert error.__name__ in (errors_module.__doc__ or ""), f"{error.__name__} is not in the tree"


# ---- atomic


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_atomic_files_appear_only_when_complete(tmp_path: Path) -> None:
    with atomic(tmp_path / "new" / "a.txt", "w") as file:
        file.write("été\n")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert (tmp_path / "new" / "a.txt").read_bytes() == "été\n".encode()
    assert names(tmp_path / "new") == ["a.txt"]
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "new" / "a.txt").stat().st_mode & 0o777 == 0o666 & ~mask  # not the 0600 of a temporary file


def test_an_error_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic(tmp_path / "a") as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert (tmp_path / "a").read_text() == "old" and names(tmp_path) == ["a"]


def test_an_error_about_another_file_is_raised_unchanged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="gone"), atomic(tmp_path / "a"):
        (tmp_path / "gone").read_bytes()
    assert names(tmp_path) == []


def test_writing_never_changes_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The umask belongs to the whole process; reading it used to set it to 0 for a moment."""
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask is touched"))
    with atomic(tmp_path / "a") as file:
        file.write(b"x")
    assert (tmp_path / "a").stat().st_mode & 0o200


def test_an_unwritable_path_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a", tmp_path / "folder"):
        with pytest.raises(OutputError, match=f"cannot write {path}: .*choose another -o"), atomic(path) as file:
            file.write(b"x")
    assert names(tmp_path) == ["file", "folder"] and not names(tmp_path / "folder")


FULL = """
import resource, signal, sys
from pathlib import Path
from scriven.base import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
{work}
"""
PLAIN = """
from scriven.base import atomic
try:
    with atomic(Path(sys.argv[1]) / "a") as file:
        file.write(b"x" * {size})
except OutputError as error:
    print(error)
"""
LINES = """
import random
from scriven.lines import Line, LinesWriter
try:
    with LinesWriter(sys.argv[1], {}) as writer:
        for number in range(100):
            writer.write(Line(f"l{number}", b"\\x89PNG" + random.randbytes(2000), "a"))
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize("size", [60_000, 50_001, 3_000_000])
def test_a_full_disk_gives_one_sentence_and_leaves_no_file(python: Python, tmp_path: Path, size: int) -> None:
    """A limit on the file size simulates a full disk: writes fail at the same points."""
    (tmp_path / "a").write_text("old")
    done = python(FULL.format(work=PLAIN.format(size=size)), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"cannot write {tmp_path / 'a'}: ") and "free some space" in done.stdout
    assert (tmp_path / "a").read_text() == "old" and names(tmp_path) == ["a"]


def test_a_lines_folder_can_be_continued_after_the_disk_was_full(python: Python, tmp_path: Path) -> None:
    done = python(FULL.format(work=LINES), tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "train-00000.parquet: " in done.stdout and "free some space" in done.stdout
    assert (
        names(tmp_path / "out") == ["about.json"] and '"finished": false' in (tmp_path / "out/about.json").read_text()
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_a_disk_without_free_space(tmp_path: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine mounts nothing")
    try:
        with pytest.raises(OutputError, match="No space left"), atomic(tmp_path / "a") as file:
            file.write(bytes(1 << 20))
        assert names(tmp_path) == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


KILLED = """
import os, signal, sys
from pathlib import Path
from scriven.base import atomic
where = sys.argv[2]
if where == "rename":
    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with atomic(Path(sys.argv[1])) as file:
    file.write(b"new" * 10000)
    if where == "write":
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("where", ["write", "rename"])
def test_a_kill_before_the_rename_leaves_the_old_file(python: Python, tmp_path: Path, where: str) -> None:
    (tmp_path / "a").write_text("old")
    assert python(KILLED, tmp_path / "a", where).returncode == -9
    assert (tmp_path / "a").read_text() == "old"
    assert len(names(tmp_path)) == 2 and all(n == "a" or (n[0] == "." and n.endswith(".part")) for n in names(tmp_path))


def test_files_are_synced_before_they_are_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[Any] = []
    for step in ("fsync", "replace"):
        real = getattr(os, step)
        monkeypatch.setattr(os, step, lambda *a, s=step, r=real: order.append(s) or r(*a))
    with atomic(tmp_path / "a") as file:
        file.write(b"x")
    assert order == ["fsync", "replace"]


@pytest.mark.parametrize(
    ("id", "reason", "said"),
    [
        ("a.png", "a.png is empty; copy it again", "a.png: is empty; copy it again"),
        ("a.png", "a.png: it has no ink", "a.png: it has no ink"),
        ("c", "cannot open its picture", "c: cannot open its picture"),
        ("the", "the row has no picture", "the: the row has no picture"),
        ("", "no name", ": no name"),
        ("b.csv", "there is no folder b.csv; check", "there is no folder b.csv; check"),
        ("b.csv", "there is no folder sub.csv; check", "b.csv: there is no folder sub.csv; check"),
    ],
)
def test_a_skipped_input_is_named_once_with_its_full_reason(id, reason, said):
    assert Skipped(id, reason).sentence() == said


def test_skipped_inputs_are_listed_one_per_line_and_at_most_ten() -> None:
    some = [Skipped(f"p{n}", "it is\ndamaged") for n in range(1300)]
    assert base.listed([]) == "" and base.listed(some[:1]) == " p0: it is damaged"
    assert base.listed(some[:2]) == "\n  p0: it is damaged\n  p1: it is damaged"
    assert base.listed(some[:10]).count("\n") == 10 and "more" not in base.listed(some[:10])
    assert base.listed(some).splitlines()[10:] == ["  p9: it is damaged", "  and 1,290 more"]


@pytest.mark.parametrize(
    ("count", "most", "places"),
    [(5, 9, [0, 1, 2, 3, 4]), (31, 4, [0, 10, 20, 30]), (17, 16, None), (9, 1, [0]), (9, 0, []), (0, 3, [])],
)
def test_evenly_includes_the_first_and_the_last_item(count: int, most: int, places: list[int] | None) -> None:
    found = evenly(range(count), most)
    assert found == places if places is not None else len(found) == len(set(found)) == most and found[-1] == count - 1


# ---- cache


def test_cached_files_are_in_the_cache_folder_of_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIVEN_CACHE", str(tmp_path / "chosen"))
    cache.write_cached("kind", "name", b"data")
    assert (tmp_path / "chosen" / "kind" / "name").read_bytes() == cache.read_cached("kind", "name") == b"data"
    monkeypatch.delenv("SCRIVEN_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    folder = cache.cache_folder("kind")
    assert folder is not None and folder.is_relative_to(tmp_path) and folder.parts[-2:] == ("scriven", "kind")
    assert cache.read_cached("kind", "name") is None


@pytest.mark.parametrize("found", ["~/.cache/scriven", None])
def test_nothing_is_cached_without_a_home_folder(found: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def folder(*_: object, **__: object) -> Path:
        if found is None:
            raise RuntimeError("no home")
        return Path(found)

    monkeypatch.delenv("SCRIVEN_CACHE")
    monkeypatch.setattr("platformdirs.user_cache_path", folder)
    cache.write_cached("kind", "name", b"data")
    assert cache.cache_folder("kind") is None and cache.read_cached("kind", "name") is None
