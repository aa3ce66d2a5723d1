"""Which pictures adapting trains on: none that are held out, and synthetic ones beside pseudo-labelled ones."""

import pytest

from scriven.images import encode
from scriven.jobs.adapt import AdaptSettings, adapt
from scriven.lines import LinesFolder
from scriven.selftrain import pseudo_labels as labelling
from scriven.selftrain import rounds as adapting
from scriven.selftrain import students
from scriven.training.sources import FolderSource, ScribeSource
from toy_hand import folder as unlabelled
from toy_hand import parent, small_world  # noqa: F401
from toy_training import Stopped, captured_plans


def adapting_to(**changes):
    return AdaptSettings(
        **{"steps": 2, "affine_steps": 0, "rounds": 1, "batch_width_px": 900, "language": "en", **changes}
    )


def test_held_out_pictures_are_never_trained_on(parent, tmp_path, monkeypatch):
    unsupervised_metrics, pseudo_label = adapting.unsupervised_metrics, labelling.pseudo_label
    judged, learnt = [], []

    def judging(reader, pictures, *more):
        judged.append({id for id, _ in pictures})
        return unsupervised_metrics(reader, pictures, *more)

    def labelling_(reader, pictures, decoder):
        learnt.append({id for id, _ in pictures})
        return pseudo_label(reader, pictures, decoder)

    monkeypatch.setattr(adapting, "unsupervised_metrics", judging)
    monkeypatch.setattr(labelling, "pseudo_label", labelling_)
    adapt([unlabelled(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=adapting_to(held_out=0.3))
    pseudo_labelled = {line.id for line in LinesFolder(tmp_path / "m" / "rounds" / "01").lines("train")}
    assert len(judged) == 2 and judged[0] == judged[1] and len(judged[0]) == 9
    assert pseudo_labelled and pseudo_labelled <= learnt[0] and not judged[0] & learnt[0]
    assert len(judged[0] | learnt[0]) == 30


def test_pseudo_labelled_pictures_are_mixed_with_synthetic_ones(parent, tmp_path, monkeypatch):
    plans = captured_plans(monkeypatch, students)
    with pytest.raises(Stopped):
        adapt(
            [unlabelled(tmp_path / "lines")],
            tmp_path / "m",
            parent=parent,
            settings=adapting_to(synthetic_fraction=0.25),
        )
    kinds = [type(source) for source in plans[0].mixture.sources]
    assert kinds == [FolderSource, ScribeSource]
    items = plans[0].items(0, 400)
    assert sum(item.source == 1 for item in items) == 100
    made, text, _ = plans[0].mixture.sources[1].make(items[-1].index, 1.0)
    assert text and made.shape[0] == 64 and encode(made)
