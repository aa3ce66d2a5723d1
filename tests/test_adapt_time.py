"""Adapting: its time budget, its progress, and resuming after an interruption."""

import json
import os
import shutil
from dataclasses import replace

import pytest
import torch

from scriven.base import OutputError
from scriven.jobs import adapt as job
from scriven.jobs.adapt import AdaptSettings, adapt
from scriven.lines import LinesFolder
from scriven.selftrain import pseudo_labels as labelling
from scriven.selftrain import rounds as rounds_module
from scriven.selftrain import settings as settings_module
from scriven.selftrain import state, time_budget
from scriven.selftrain import students as students_module
from scriven.training.checkpoint import load_net, save_weights
from toy_hand import accepting, clock, counted, cut, folder, parent, rejecting, same_weights, settings, small_world  # noqa: F401


def test_a_full_round_is_tried_however_short_the_time_where_the_affine_one_was_rejected(
    parent, tmp_path, monkeypatch, clock
):
    rejecting(monkeypatch)
    given, seconds, real = counted(monkeypatch), [], students_module.tune_affine

    def tune_affine(net, pictures, texts, fabric, chosen, tell):
        seconds.append(chosen.seconds)
        clock[0] += 100
        return real(net, pictures, texts, fabric, replace(chosen, steps=1), tell)

    monkeypatch.setattr(students_module, "tune_affine", tune_affine)
    chosen = settings(affine_steps=5, steps=None, minutes=1)
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=chosen)
    assert len(given) == 1 and len(done.rounds) == 3 and done.why == "it is worse" and not done.helped
    adapt(
        [tmp_path / "lines"], tmp_path / "n", parent=parent, settings=settings(affine_steps=5, steps=None, minutes=20)
    )
    assert seconds == pytest.approx([60 * 0.5, 60 * 20 / 2])


def test_a_finished_round_keeps_only_its_lines_its_log_and_its_marker(parent, tmp_path, monkeypatch):
    lines, kept = folder(tmp_path / "lines"), tmp_path / "m" / "rounds" / "01"
    cut(lambda: adapt([lines], tmp_path / "m", parent=parent, settings=settings()), monkeypatch, "held_out_metrics", 2)
    (kept / ".done.json.0.part").write_bytes(b"half")  # as a kill leaves it
    adapt([lines], tmp_path / "m", parent=parent, settings=settings())
    left = sorted(file.name for file in kept.rglob("*"))
    assert left == ["about.json", "done.json", "log.jsonl", "train-00000.parquet"]
    assert not LinesFolder(kept).skipped


@pytest.mark.parametrize(
    ("name", "at", "trained"), [("train_student", 2, 1), ("held_out_metrics", 2, 1), ("held_out_metrics", 3, 0)]
)
def test_an_interrupted_run_resumes_after_its_last_finished_round(name, at, trained, parent, tmp_path, monkeypatch):
    """Interrupted before the second training, and after each training before its student is gated."""
    accepting(monkeypatch)
    lines = folder(tmp_path / "lines")

    def run(out):
        return adapt([lines], tmp_path / out, parent=parent, settings=settings(rounds=2))

    whole = run("whole")
    cut(lambda: run("cut"), monkeypatch, name, at)
    given = counted(monkeypatch)
    assert run("cut").rounds == whole.rounds
    assert len(given) == trained and same_weights(tmp_path / "whole", tmp_path / "cut")
    with pytest.raises(OutputError, match="finished"):
        run("cut")


def test_a_rejected_round_is_not_repeated(parent, tmp_path, monkeypatch):
    rejecting(monkeypatch)
    lines = folder(tmp_path / "lines")

    def run():
        return adapt([lines], tmp_path / "m", parent=parent, settings=settings(rounds=2))

    cut(run, monkeypatch, "copy_parent")
    given = counted(monkeypatch)
    done = run()
    assert not given and not done.helped and done.why == "it is worse" and len(done.rounds) == 2


def test_a_run_is_not_resumed_under_other_rules(parent, tmp_path, monkeypatch):
    def run(**changes):
        return adapt([tmp_path / "lines"], tmp_path / "m", parent=parent, settings=settings(**changes))

    folder(tmp_path / "lines")
    cut(run, monkeypatch, "fit")
    with pytest.raises(OutputError, match="begun with other settings"):
        run(seed=5)
    monkeypatch.setattr(state, "RULES", state.RULES + 1)
    with pytest.raises(OutputError, match="begun by another version"):
        run()


@pytest.mark.parametrize(
    ("number", "left", "rounds"),
    [(1, 30.0, 4), (1, 5.0, 3), (1, 2.0, 2), (2, 30.0, 3), (2, 3.3, 1), (3, 5.1, 2), (4, 30.0, 1)],
)
def test_little_time_is_shared_by_fewer_rounds(number, left, rounds):
    chosen = AdaptSettings(rounds=3, affine_steps=9)
    assert chosen.rounds_left(number, left, 5000) == rounds
    assert (
        chosen.rounds_left(number, left, 425) == chosen.all_rounds - number + 1
    )  # with few pictures, reading takes hardly any time


def test_one_long_round_takes_the_time_of_three_short_ones(parent, tmp_path, monkeypatch, clock):
    accepting(monkeypatch)
    monkeypatch.setattr(settings_module, "MIN_ROUND", 2.5)
    monkeypatch.setattr(settings_module, "MIN_PER_PICTURE", 1.0)
    given = counted(monkeypatch)
    chosen = settings(rounds=3, steps=None, minutes=4.5)
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=chosen)
    assert [one.minutes for one in given] == pytest.approx([4.5])
    assert len(done.rounds) == 2 and done.why == "the time limit of 4.5 min was reached"


@pytest.mark.parametrize(("affine_steps", "training_minutes"), [(0, 1.6), (2, 1.3)])
def test_a_round_reads_for_a_third_of_its_time_and_trains_for_the_rest(
    affine_steps, training_minutes, parent, tmp_path, monkeypatch, clock
):
    pseudo_label, given, read = labelling.pseudo_label, counted(monkeypatch), []

    def slowly(*arguments):
        for label in pseudo_label(*arguments):
            clock[0] += 6
            read.append(label.reading.id)
            yield label

    monkeypatch.setattr(labelling, "pseudo_label", slowly)
    monkeypatch.setattr(labelling, "MIN_READ", 3)
    chosen = settings(steps=None, minutes=2.4, affine_steps=affine_steps)
    adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=chosen)
    assert given[-1].minutes == pytest.approx(training_minutes)
    last = read[-8:] if not affine_steps else read[-7:]
    assert len(set(last)) == len(last) and last != sorted(last)  # a random order


@pytest.mark.parametrize(("name", "at"), [("train_student", 2), ("held_out_metrics", 2)])
def test_the_minutes_of_finished_rounds_count_in_a_resumed_run(name, at, parent, tmp_path, monkeypatch, clock):
    accepting(monkeypatch)
    lines = folder(tmp_path / "lines")
    given = counted(monkeypatch)

    def run(out):
        return adapt([lines], tmp_path / out, parent=parent, settings=settings(rounds=2, steps=None, minutes=3))

    whole = run("whole")
    assert [chosen.minutes for chosen in given] == pytest.approx([1.5, 1.4]) and clock[0] == 96 + 96
    cut(lambda: run("cut"), monkeypatch, name, at)
    assert clock[0] == 192 + 96
    clock[0] = 1000.0  # another process
    assert run("cut").rounds == whole.rounds
    assert [chosen.minutes for chosen in given[2:]] == pytest.approx([1.5, 1.4]) and clock[0] == 1000 + 96
    assert same_weights(tmp_path / "whole", tmp_path / "cut")
    rounds = [json.loads((tmp_path / "cut" / "rounds" / n / "done.json").read_text()) for n in ("01", "02")]
    assert [done["seconds"] for done in rounds] == pytest.approx([96, 96])


def test_time_is_reserved_for_the_gate(parent, tmp_path, monkeypatch, clock):
    unsupervised_metrics, given = rounds_module.unsupervised_metrics, counted(monkeypatch)

    def slowly(*arguments):
        clock[0] += 30
        return unsupervised_metrics(*arguments)

    monkeypatch.setattr(rounds_module, "unsupervised_metrics", slowly)
    chosen = settings(steps=None, minutes=3)
    adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=chosen)
    assert [one.minutes for one in given] == pytest.approx([2.0])  # metrics of the parent and of the student


def test_some_pictures_are_read_however_little_time_is_left(parent, tmp_path, monkeypatch, clock):
    accepting(monkeypatch)
    pseudo_label, read = labelling.pseudo_label, []

    def slowly(*arguments):
        for label in pseudo_label(*arguments):
            clock[0] += 100
            read.append(label.reading.id)
            yield label

    monkeypatch.setattr(labelling, "pseudo_label", slowly)
    monkeypatch.setattr(labelling, "MIN_READ", 20)
    adapt([folder(tmp_path / "l")], tmp_path / "m", parent=parent, settings=settings(steps=None, minutes=1))
    assert len(read) == 20


def test_progress_is_reported_by_minutes(parent, tmp_path, monkeypatch, clock):
    accepting(monkeypatch)
    told = []
    monkeypatch.setattr(time_budget, "percent", lambda what, fraction: told.append((clock[0], fraction)))
    chosen = settings(steps=None, minutes=2, rounds=2)
    adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=chosen)
    assert told and all(fraction == pytest.approx(min(0.99, now / 120)) for now, fraction in told)


@pytest.mark.parametrize("changed", ["pictures", "weights"])
def test_a_run_is_not_resumed_with_other_pictures_or_another_parent(changed, parent, tmp_path, monkeypatch):
    started, lines = shutil.copytree(parent, tmp_path / "parent"), folder(tmp_path / "lines")

    def run():
        return adapt([lines], tmp_path / "m", parent=started, settings=settings())

    cut(run, monkeypatch, "train_student")
    if changed == "pictures":
        shutil.rmtree(lines)
        folder(lines, lean=0.2)
    else:
        net, _ = load_net(started)
        with torch.no_grad():
            next(net.parameters()).add_(1e-3)
        save_weights(started, net)
    with pytest.raises(OutputError, match=f"was begun with other {changed}, which have changed since"):
        run()


def test_no_round_begins_when_the_minutes_are_over(parent, tmp_path, monkeypatch, clock):
    accepting(monkeypatch)
    chosen = settings(rounds=3, steps=None, minutes=0.3)
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=chosen)
    assert done.helped and len(done.rounds) == 2 and done.why == "the time limit of 0.3 min was reached"


@pytest.mark.slow
def test_a_run_interrupted_at_any_file_it_writes_is_resumed(parent, tmp_path, monkeypatch):
    """In one folder, each process is interrupted just before or just after it has written a file."""
    accepting(monkeypatch)
    lines, put, written = folder(tmp_path / "lines"), os.replace, []

    def run(out, replacing):
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replacing)
            return adapt([lines], tmp_path / out, parent=parent, settings=settings(rounds=2, steps=1, affine_steps=1))

    def noting(source, target):
        put(source, target)
        if target.is_relative_to(tmp_path / "whole"):
            written.append(target.relative_to(tmp_path / "whole"))

    whole = run("whole", noting)
    assert len(written) > 15 and written[-1].name == "model.json"
    for number, file in enumerate(written):

        def stopping(source, target, after=number % 2 and file != written[-1], stop=tmp_path / "cut" / file):
            if target != stop or after:
                put(source, target)
            if target == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run("cut", stopping)
    assert run("cut", put).rounds == whole.rounds and same_weights(tmp_path / "whole", tmp_path / "cut")
    for name in ("report.html", "log.jsonl", "README.md"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
    files = [sorted(str(f.relative_to(tmp_path / n)) for f in (tmp_path / n).rglob("*")) for n in ("whole", "cut")]
    assert files[0] == files[1]


def test_an_adaptation_is_not_resumed_with_other_settings(parent, tmp_path, monkeypatch):
    lines = folder(tmp_path / "lines")
    cut(lambda: adapt([lines], tmp_path / "m", parent=parent, settings=settings()), monkeypatch, "train_student")
    with pytest.raises(OutputError, match="other settings"):
        adapt([lines], tmp_path / "m", parent=parent, settings=settings(lr=1e-3))


def test_a_round_reports_progress_and_no_error_rate(parent, tmp_path, monkeypatch, caplog):
    accepting(monkeypatch)
    told = []
    for place in (job, time_budget):
        monkeypatch.setattr(place, "percent", lambda what, fraction: told.append((what, fraction)))
    with caplog.at_level("INFO", "scriven"):
        adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings(rounds=2))
    assert [part for _, part in told] == pytest.approx([0, 0.25, 0.5, 0.5, 0.75, 0.99, 1.0])
    assert {what for what, _ in told} == {"adapting"}
    assert not [one for one in caplog.records if one.levelname == "INFO" and "CER" in one.message]  # of training
