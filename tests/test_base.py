"""Room base: typed settings, errors, suggestions for misspellings, skipped inputs, the cache."""

import dataclasses
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Optional

import pytest

import scriven.base as base
from scriven.base import MissingExtra, ScrivenError, SettingsError, Skipped, cache, evenly
from scriven.base import errors as errors_module
from scriven.base.settings import Natural, Range, Share, check, override, validated


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
        'run: pip install ".[train]" in the folder of the project'
    )
    for error in errors:
        assert error.__name__ in (errors_module.__doc__ or ""), f"{error.__name__} is not in the tree"


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
