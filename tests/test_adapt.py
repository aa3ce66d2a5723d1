"""Adapting without labels: texts have no influence, labels are ranked, students follow teachers; the results."""

import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scriven.base import SettingsError
from scriven.cli import run
from scriven.estimate.cer import CerEstimate, cer_estimate_bias
from scriven.jobs import adapt as job
from scriven.jobs.adapt import AdaptSettings, adapt
from scriven.lines import LinesFolder, Reading
from scriven.reader.model import ModelInfo, read_info, write_info
from scriven.selftrain import held_out
from scriven.selftrain import pseudo_labels as labelling
from scriven.selftrain import rounds as rounds_module
from scriven.selftrain import students as students_module
from scriven.selftrain.metrics import Assessment
from toy_hand import accepting, counted, cut, folder, parent, rejecting, settings, small_world  # noqa: F401


def test_hidden_labels_cannot_leak(parent, tmp_path, monkeypatch):
    accepting(monkeypatch)
    rng = np.random.default_rng(0)
    scrambled = ["".join(rng.permutation(list("scrambled"))) for _ in range(30)]
    made = {}
    for name, texts in (("true", None), ("scrambled", scrambled), ("none", [None] * 30)):
        given = settings(affine_steps=2, language=None)
        done = adapt([folder(tmp_path / f"{name}-lines", texts)], tmp_path / name, parent=parent, settings=given)
        pseudo_labels = [
            (b.id, b.text) for n in ("01", "02") for b in LinesFolder(tmp_path / name / "rounds" / n).lines()
        ]
        made[name] = load_file(tmp_path / name / "weights.safetensors"), done.rounds, done.estimates, pseudo_labels
    old, (learnt, *_) = load_file(parent / "weights.safetensors"), made["true"]
    assert any(not torch.equal(old[k], learnt[k]) for k in old) and made["true"][3]
    for weights, *told in (made["scrambled"], made["none"]):
        assert all(torch.equal(learnt[k], weights[k]) for k in learnt) and told == list(made["true"][1:])


def test_pseudo_labels_are_a_lines_folder_and_the_model_names_its_parent(parent, tmp_path):
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings())
    labels = list(LinesFolder(tmp_path / "m" / "rounds" / "01").lines("train"))
    assert labels and all(b.origin == "pseudo" and b.text and 0 <= b.confidence <= 1 for b in labels)
    assert len(labels) == done.rounds[1]["pseudo_labels"] < 30
    info = json.loads((tmp_path / "m" / "model.json").read_text())
    assert info["parents"][0]["name"] == "drawn"
    assert [row["labels"] for row in info["data"]] == ["none"] * done.helped  # a rejected model was trained on nothing
    assert [json.loads(r)["round"] for r in (tmp_path / "m" / "log.jsonl").read_text().splitlines()] == [0, 1]


REAL = {"name": "read letters", "data": [{"path": "letters"}], "parents": []}


@pytest.mark.parametrize(
    ("origins", "parents", "given", "span_mask"),
    [
        (["fonts", "fonts"], [], None, 0.3),
        (["fonts", None], [], None, 0.0),
        (["fonts"], [REAL], None, 0.0),
        (["fonts"], [], 0.1, 0.1),
        ([], [], None, 0.0),
    ],
)
def test_spans_are_masked_where_the_parent_has_seen_typefaces_only(origins, parents, given, span_mask):
    data = [{"path": "x", **({"origin": origin} if origin else {})} for origin in origins]
    info = ModelInfo(network="convtext", sizes={"size": "tiny"}, charset=("a",), data=data, parents=parents)
    chosen = AdaptSettings(span_mask=given).for_parent(info)
    assert chosen.span_mask == span_mask and chosen.training(steps=1).span_mask == span_mask


def test_the_decoder_of_pseudo_labels_is_one_that_the_parent_has():
    info = ModelInfo(network="convtext", sizes={}, charset=("a",), decoders=("ctc", "attention", "both"))
    assert AdaptSettings(decoder="both").for_parent(info).decoder == "both"
    with pytest.raises(SettingsError, match="no decoder 'both'; it has: ctc"):
        AdaptSettings(decoder="both").for_parent(info.model_copy(update={"decoders": ("ctc",)}))


def test_a_scribe_without_what_it_needs_is_refused_at_once() -> None:
    with pytest.raises(SettingsError, match="the scribe stackmix needs the folder of a bank"):
        AdaptSettings(scribe="stackmix")
    assert AdaptSettings(scribe="stackmix:bank").scribe == "stackmix:bank"


def test_each_accepted_round_teaches_the_next_and_is_logged(parent, tmp_path, monkeypatch):
    accepting(monkeypatch)
    unsupervised_metrics, judged = rounds_module.unsupervised_metrics, []
    monkeypatch.setattr(
        rounds_module,
        "unsupervised_metrics",
        lambda *arguments: judged.append(unsupervised_metrics(*arguments)) or judged[-1],
    )
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings(rounds=2))
    assert done.helped and done.why == ""
    assert [(row["round"], row["accepted"]) for row in done.rounds] == [(0, True), (1, True), (2, True)]
    assert len({row["lm_bits_per_char"] for row in done.rounds}) == 3  # three different networks
    assert done.rounds == [row | asdict(found) for row, found in zip(done.rounds, judged, strict=True)]
    assert all(0 < row["pseudo_labels"] < 26 for row in done.rounds[1:])  # of 26 training pictures
    logged = [json.loads(row) for row in (tmp_path / "m" / "log.jsonl").read_text().splitlines()]
    info = json.loads((tmp_path / "m" / "model.json").read_text())
    assert logged == info["scores"]["rounds"] == done.rounds
    for row in done.rounds[1:]:
        kept = tmp_path / "m" / "rounds" / f"{row['round']:02d}"
        assert json.loads((kept / "done.json").read_text())["row"] == row
        assert LinesFolder(kept).count("train") == row["pseudo_labels"]


@pytest.mark.parametrize(
    ("given", "cer", "fraction"),
    [(None, 0.1, 0.85), (None, 0.2, 0.75), (None, 0.4, 0.5), (None, 0.9, 0.35), (None, None, 0.5), (0.6, 0.9, 0.6)],
)
def test_the_higher_the_estimated_cer_the_fewer_readings_are_kept(given, cer, fraction):
    assert AdaptSettings(keep_fraction=given).keep_fraction_for(cer) == pytest.approx(fraction)


def test_the_estimate_of_readings_with_the_language_model_sets_the_fraction_kept(parent, tmp_path, monkeypatch):
    accepting(monkeypatch)
    lines, kept, asked = folder(tmp_path / "lines"), [], []
    for number, cer in enumerate((0.1, 0.9)):

        def assess(reader, pictures, decoder, cer=cer):
            asked.append((len(pictures), decoder.lm is not None))
            return Assessment([], [], CerEstimate(cer, len(pictures), (0, 1), len(pictures)))

        monkeypatch.setattr(rounds_module, "assess", assess)
        done = adapt([lines], tmp_path / f"m{number}", parent=parent, settings=settings(rounds=2))
        kept.append([row["pseudo_labels"] for row in done.rounds[1:]])
    assert all(few < many for many, few in zip(*kept, strict=True))
    assert asked == [(4, True)] * 2  # held-out pictures, once, with the language model


@pytest.mark.parametrize("level", ["lines", "words"])
def test_words_are_decoded_without_spaces(level, parent, tmp_path, monkeypatch):
    """Neither in the pseudo-labels nor in the readings of the report."""
    accepting(monkeypatch)
    decoders, pseudo_label, assess = [], labelling.pseudo_label, held_out.assess
    monkeypatch.setattr(labelling, "pseudo_label", lambda *given: decoders.append(given[-1]) or pseudo_label(*given))
    monkeypatch.setattr(held_out, "assess", lambda *given: decoders.append(given[-1]) or assess(*given))
    adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings(level=level))
    assert len(decoders) >= 3 and {decoder.settings.word for decoder in decoders} == {level == "words"}


def test_in_the_affine_round_only_affine_parameters_change(parent, tmp_path, monkeypatch):
    accepting(monkeypatch)
    monkeypatch.setattr(rounds_module, "AFFINE_PICTURES", 4)
    given = counted(monkeypatch)
    chosen = settings(affine_steps=5, steps=3, keep_fraction=1.0)
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=chosen)
    assert [(row["round"], row.get("moved")) for row in done.rounds] == [(0, None), (1, "affine parameters"), (2, None)]
    affine, full = (row["pseudo_labels"] for row in done.rounds[1:])
    assert 0 < affine <= 4 < full and len(given) == 1  # of 4 pictures, then of all
    page = (tmp_path / "m" / "report.html").read_text("utf-8")
    assert "1, affine" in page and "2, affine" not in page
    cut(
        lambda: adapt([folder(tmp_path / "lines2")], tmp_path / "cut", parent=parent, settings=chosen),
        monkeypatch,
        "fit",
    )
    eased, old = (
        load_file(tmp_path / "cut" / "rounds" / "01" / "weights.safetensors"),
        load_file(parent / "weights.safetensors"),
    )
    same = {name for name in old if torch.equal(old[name].float(), eased[name])}
    assert {name for name in old if old[name].ndim > 1} <= same and "stem.norm.running_mean" in same
    assert {"stem.norm.weight", "head.bias"} <= old.keys() - same


def test_after_a_rejected_affine_round_the_next_starts_from_the_parent(parent, tmp_path, monkeypatch):
    found = iter(["it is worse", None])
    accepting(monkeypatch)
    monkeypatch.setattr(rounds_module, "rejection", lambda new, old: next(found))
    lines = folder(tmp_path / "lines")
    done = adapt([lines], tmp_path / "m", parent=parent, settings=settings(affine_steps=3))
    assert done.helped and [row["accepted"] for row in done.rounds] == [True, False, True]
    accepting(monkeypatch)
    plain = adapt([lines], tmp_path / "plain", parent=parent, settings=settings())
    assert plain.rounds[1]["lm_bits_per_char"] == done.rounds[2]["lm_bits_per_char"]


def test_a_student_whose_readings_drifted_from_the_parents_is_rejected(parent, tmp_path, monkeypatch):
    accepting(monkeypatch)
    given = []

    def drifted(new, first):
        given.append(first)
        return "its readings drifted" if len(given) > 1 else None

    monkeypatch.setattr(rounds_module, "drift", drifted)
    done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings(rounds=2))
    assert [row["accepted"] for row in done.rounds] == [True, True, False]
    assert done.rounds[2]["why"] == "its readings drifted"
    parents = {key: done.rounds[0][key] for key in asdict(given[0])}
    assert all(asdict(first) == parents for first in given)


def test_each_round_starts_with_the_weights_of_its_teacher_and_a_fresh_optimiser(parent, tmp_path, monkeypatch):
    accepting(monkeypatch)
    fit, starts, ends = students_module.fit, [], []

    def fitted(run, *rest):
        moments = [moment for state in run.optimizer.state.values() for moment in state.values()]
        assert not any(torch.count_nonzero(torch.as_tensor(moment)) for moment in moments)
        starts.append({k: v.clone() for k, v in run.average.state_dict().items()})
        progress = fit(run, *rest)
        assert {float(state["taken"]) for state in run.optimizer.state.values() if "taken" in state} == {2.0}
        ends.append({k: v.clone() for k, v in run.average.state_dict().items()})
        return progress

    monkeypatch.setattr(students_module, "fit", fitted)
    adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings(rounds=2))
    assert len(starts) == 2 and all(torch.equal(starts[1][k], ends[0][k]) for k in starts[1])


def test_an_adapted_model_stores_the_bias_of_its_estimate(parent, tmp_path, monkeypatch):
    """The bias of its parent plus the part of the apparent gain that is not real; after a rejection, the parent's."""
    accepting(monkeypatch)
    before, after = CerEstimate(0.4, 4, (0.3, 0.5), 4), CerEstimate(0.2, 4, (0.1, 0.3), 4)
    started = shutil.copytree(parent, tmp_path / "parent")
    write_info(started, read_info(started).model_copy(update={"cer_estimate_bias": 0.25}))
    more = cer_estimate_bias(before, after)
    assert more > 0.1
    unread = [Reading("", "", 1.0, ())] * 4
    for name, kept in (("helped", 0.25 + more), ("not", 0.25)):
        found = iter((before, after, after))
        monkeypatch.setattr(held_out, "assess", lambda *_, found=found: Assessment(unread, [], next(found)))
        done = adapt([folder(tmp_path / name)], tmp_path / f"m-{name}", parent=started, settings=settings())
        assert read_info(tmp_path / f"m-{name}").cer_estimate_bias == pytest.approx(kept, abs=1e-3)
        assert done.estimates[1].cer == pytest.approx(after.raised(more).cer if done.helped else before.cer)
        rejecting(monkeypatch)


def result(**changes):
    rows = [{"accepted": True}] * (2 if changes.get("helped", True) else 1)
    estimates = (CerEstimate(0.31, 70, (0.2, 0.4), 70), CerEstimate(0.17, 70, (0.1, 0.3), 70))
    given = {"folder": "m", "helped": True, "why": "", "rounds": rows, "estimates": estimates, "improved": True}
    return job.Adapted(**{**given, **changes})


def test_the_suggested_next_commands_depend_on_the_result(monkeypatch, tmp_path, capsys):
    done = result(helped=False, why="two views agree less than before")
    monkeypatch.setattr(job, "adapt", lambda *_, **__: done)
    for given, named in (([], True), (["--lang", "fr"], False)):
        assert run(["adapt", str(tmp_path), "-o", "m", *given]) == 0
        said = capsys.readouterr().err
        assert "give more pictures of one hand" in said and "scriven train" in said and "scriven read" not in said
        assert ("--lang" in said) == named
    done = result(why="the time limit of 1 min was reached")
    assert run(["adapt", str(tmp_path), "-o", "m"]) == 0
    out, said = capsys.readouterr()
    assert "1 round accepted; then it ended: the time" in out and "Next: scriven read -m m MORE-PICTURES" in said
    assert "70 held-out pictures: estimated CER 31.0 % before, 17.0 % after (10-30 %)" in out
    assert "chance" not in out and "m/report.html" in said
    assert run(["adapt", str(tmp_path), "-o", "m", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["helped"] and told["improved"]
    assert told["estimate_before"]["cer"] == 0.31 and told["estimate_after"]["n"] == 70


@pytest.mark.parametrize(
    ("improved", "said"),
    [(True, None), (False, "is within chance"), (None, "too few to estimate whether it reads better")],
)
def test_a_change_within_chance_is_not_called_an_improvement(improved, said):
    sentence = result(improved=improved).sentence()
    assert "learnt" not in sentence and (said is None or said in sentence)
    assert ("within chance" in sentence or "too few" in sentence) == (improved is not True)


def test_at_a_high_estimated_error_rate_the_commands_to_transcribe_first_are_named():
    low, high = result(cer=0.39), result(cer=0.52)
    chosen = settings(language="en")
    assert not low.needs_labels() and high.needs_labels() and not result(cer=None).needs_labels()
    assert "pick" not in "".join(low.advice(["scans/"], "parent", chosen))
    advice = "\n".join(high.advice(["scans/"], "parent", chosen))
    assert "Transcribe about 30 lines" in advice and "52 %" in advice
    assert "scriven pick scans/ -n 30 -m m -o to-correct.csv" in advice
    assert "scriven train to-correct.csv fonts:en --from m -o MY-MODEL" in advice
    assert "--from parent" in "\n".join(result(cer=0.52, helped=False, why="w").advice(["scans/"], "parent", chosen))


def test_a_high_estimated_cer_is_reported_before_training(parent, tmp_path, monkeypatch, caplog):
    estimate = CerEstimate(0.55, 4, (0.4, 0.7), 4)
    monkeypatch.setattr(rounds_module, "assess", lambda *_: Assessment([], [], estimate))
    with caplog.at_level("WARNING", "scriven"):
        done = adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings())
    assert "estimated CER 55 %: transcribing about 30 lines" in caplog.text and done.cer == 0.55
