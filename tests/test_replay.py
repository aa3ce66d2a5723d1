"""Fractions of the training lines, chosen by their ids, and replay of what the parent knows."""

import pytest

from scriven.base import LinesError, SettingsError
from scriven.base.settings import override
from scriven.images import encode
from scriven.jobs import train as training
from scriven.jobs.train import TrainSettings, train
from scriven.lines import Line, LinesFolder, LinesWriter, usage_subset
from scriven.reader.model import Graph, ModelInfo, read_info, write_info
from scriven.reader.trainable import InputSpec
from scriven.recognisers import build
from scriven.text import Charset
from scriven.training.checkpoint import save_weights
from scriven.training.data import DataSettings, TrainingData
from scriven.training.loader import Mixture, Plan
from scriven.training.sources import ScribeSource, split_source
from toy_training import WORDS, Stopped, captured_plans, folder, lines, no_export, picture  # noqa: F401
from toy_training import brief_settings as settings

SPEC = InputSpec(64, 4, Charset.of([" ".join(WORDS)]))


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    net, path = build("convtext", SPEC.charset, size="tiny"), tmp_path_factory.mktemp("parent")
    save_weights(path, net)
    network = {"network": "convtext", "sizes": {"size": "tiny"}, "charset": net.charset.characters}
    write_info(path, ModelInfo(**network, graphs={"reader": Graph()}, languages=["en", "fr"]))
    return path


def unsplit(path, ids):
    with LinesWriter(path, {}) as writer:
        for id in ids:
            writer.write(Line(id, encode(picture("ink")), "ink"))
    return LinesFolder(path)


def used(source):
    return set(source.ids)


# --- usage ----------------------------------------------------------------------------------------------------------


def test_a_fraction_is_chosen_by_the_ids_alone_and_smaller_ones_are_part_of_larger_ones():
    ids = [f"line-{i}" for i in range(1000)]
    parts = [usage_subset(ids, fraction) for fraction in (0.001, 0.1, 0.29, 0.5, 1.0)]
    assert [len(part) for part in parts] == [1, 100, 290, 500, 1000]
    assert all(small < large for small, large in zip(parts, parts[1:], strict=False))
    assert usage_subset(ids[::-1], 0.1) == parts[1] and usage_subset(ids[:5], 0.01)
    assert sorted(usage_subset(ids[:20], 0.15)) == ["line-11", "line-2", "line-4"]  # in any process and version


@pytest.mark.parametrize("splits", [("train", "valid"), ("train",)])
def test_the_training_lines_are_a_fraction_and_the_validation_lines_are_not(tmp_path, splits):
    path = folder(tmp_path / "lines", splits=splits)
    whole, half = (split_source(LinesFolder(path), SPEC, usage) for usage in (1.0, 0.5))
    assert used(half[0]) < used(whole[0]) and len(half[0]) == len(whole[0]) // 2
    assert used(half[1]) == used(whole[1]) and not used(half[0]) & used(half[1])
    again, _ = split_source(LinesFolder(path), SPEC, 0.5)
    assert again.ids == half[0].ids


def test_the_lines_used_are_not_those_held_out(tmp_path):
    """Both are chosen by hashes: with the same one, the held-out tenth of the lines would be all that is used."""
    learn, check = split_source(unsplit(tmp_path / "lines", [f"l{i}" for i in range(100)]), SPEC, 0.1)
    assert (len(learn), len(check)) == (9, 10) and not used(learn) & used(check)


def test_each_input_has_its_own_fraction_which_the_model_records(lines, tmp_path, monkeypatch):
    other = folder(tmp_path / "other", count=20)
    plans = captured_plans(monkeypatch, training)
    with pytest.raises(Stopped):
        train([lines, other], tmp_path / "a", settings=settings(usage=(0.25, 1.0)))
    assert [len(source) for source in plans[0].mixture.sources] == [10, 20]
    assert plans[0].mixture.weights == (10 / 30, 20 / 30)  # mixed by the lines that are used
    data = TrainingData.of([lines, other], SPEC, DataSettings(usage=(0.5,)))
    assert [(one["lines"], one["usage"]) for one in data.data] == [(20, 0.5), (10, 0.5)]
    assert "usage" not in TrainingData.of([lines], SPEC, DataSettings()).data[0]


def test_unsuitable_fractions_are_refused(lines):
    for change in ("usage=0", "usage=1.5", "usage=0.5,0"):
        with pytest.raises(SettingsError, match="'usage'"):
            override(TrainSettings(steps=1), [change])
    with pytest.raises(SettingsError, match="'usage' has 2 numbers for 1 input;"):
        TrainingData.of([lines], SPEC, DataSettings(usage=(0.5, 0.5)))
    with pytest.raises(SettingsError, match=r"'usage' is 0.5 for fonts:en, which is endless"):
        TrainingData.of([lines, "fonts:en"], SPEC, DataSettings(usage=(1, 0.5)))


# --- replay ---------------------------------------------------------------------------------------------------------


def test_a_share_of_a_mixture_is_drawn_from_another_one():
    one, two = Mixture(("a", "b"), (0.25, 0.75)), Mixture(("c",), (1.0,))
    assert one.joined(two, 0.2) == Mixture(("a", "b", "c"), (0.2, pytest.approx(0.6), 0.2))


def drawn(plan: Plan) -> list[int]:
    items = plan.items(0, 400)
    return [sum(item.source == number for item in items) for number in range(len(plan.mixture.sources))]


def test_replay_draws_its_share_from_lines_of_the_parent(lines, tmp_path, parent, monkeypatch):
    old = folder(tmp_path / "old", extra=[Line("z", encode(picture("zeal")), "zéal")])
    plans, seen = captured_plans(monkeypatch, training), list[TrainingData]()
    made = TrainingData.of

    def kept(*given):
        seen.append(made(*given))
        return seen[-1]

    monkeypatch.setattr(TrainingData, "of", kept)
    with pytest.raises(Stopped):
        chosen = settings(replay=0.25, replay_from=(str(old),), weights=(1.0,))
        train([lines], tmp_path / "m", parent=parent, settings=chosen)
    assert drawn(plans[0]) == [300, 100]
    assert [source.folder.path for source in plans[0].mixture.sources] == [lines, old]
    assert "é" in plans[0].mixture.sources[1].spec.charset.characters
    assert [one.get("replay", False) for one in seen[0].data] == [False, True]
    assert (sum(map(len, seen[0].valid)), sum(map(len, seen[0].replay_valid))) == (8, 8)


def test_typefaces_in_the_languages_of_the_parent_are_replayed_without_new_characters(
    lines, tmp_path, parent, monkeypatch
):
    plans = captured_plans(monkeypatch, training)
    with pytest.raises(Stopped):
        train([lines], tmp_path / "m", parent=parent, settings=settings(replay=0.5, validate_fonts=2))
    _, written = plans[0].mixture.sources
    assert isinstance(written, ScribeSource) and drawn(plans[0]) == [200, 200]
    assert written.spec.charset == read_info(parent).characters
    text = written.make(0, 0.0)[1]
    assert text and not written.spec.charset.missing([text])
    data = TrainingData.of(["fonts:en"], SPEC, DataSettings(validate_fonts=1, replay=0.5), ["fonts:en"])
    one, other = data.mixture.sources
    assert one.make(0, 0.0)[1] != other.make(0, 0.0)[1]  # other items of the same typefaces


def test_inputs_named_without_a_share_are_only_measured(lines, tmp_path, parent):
    data = TrainingData.of([lines], SPEC, DataSettings(), [folder(tmp_path / "old")])
    assert len(data.mixture.sources) == 1 and len(data.replay_valid[0]) == 8 and len(data.data) == 1


def test_replay_needs_a_parent_and_something_to_replay(lines, tmp_path, parent):
    for name, value in (("replay", 0.5), ("replay_from", ("fonts:en",))):
        with pytest.raises(SettingsError, match=f"'{name}'.*--from"):
            train([lines], tmp_path / "m", settings=settings(**{name: value}))
    with pytest.raises(SettingsError, match="'replay' is 1"):
        settings(replay=1)
    with pytest.raises(LinesError, match="gone"):
        train([lines], tmp_path / "m", parent=parent, settings=settings(replay=0.5, replay_from=("gone",)))
    mute = tmp_path / "mute"
    mute.mkdir()
    for file in parent.iterdir():
        (mute / file.name).write_bytes(file.read_bytes())
    write_info(mute, read_info(parent).model_copy(update={"languages": []}))
    with pytest.raises(SettingsError, match="names no languages to replay; set replay_from"):
        train([lines], tmp_path / "m", parent=mute, settings=settings(replay=0.5))
    assert not (tmp_path / "m").exists()


# --- few lines ------------------------------------------------------------------------------------------------------


def test_a_data_set_smaller_than_a_batch_is_trained_on(tmp_path):
    """The program before divided the number of lines by the size of a batch, and then by the result: zero."""
    few = folder(tmp_path / "lines", count=2)
    done = train([few], tmp_path / "m", settings=settings(batch_width_px=1200, steps=1))
    assert done.progress.step == 1 and done.progress.rows[0]["loss"] > 0
