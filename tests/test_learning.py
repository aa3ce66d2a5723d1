"""From pictures to reading through the commands: write, train on what was written, score, read."""

import json

import pytest

from scriven.reader.model import bundled

pytestmark = pytest.mark.slow


@pytest.mark.skipif("scriven-synthetic" not in bundled(), reason="starts from the bundled model scriven-synthetic")
def test_a_model_without_cyrillic_learns_russian_words(scriven, tmp_path):
    """Before training no letter can be right; after 250 batches of 64 words most are."""
    lines, model = tmp_path / "words", tmp_path / "model"
    code, _, err = scriven(
        "write", "-o", lines, "--texts", "words:ru", "--count", 64, "--seed", 3, "--set", "strength=0"
    )
    assert code == 0, err
    code, out, err = scriven("score", "scriven-synthetic", lines, "--json")
    assert code == 0 and json.loads(out)["cer"] > 0.85, err
    changes = [f"--set={change}" for change in ("batch_width_px=1500", "evaluations=1", "lr=3e-3", "ema=0.98")]
    code, _, err = scriven(
        "train", lines, "--from", "scriven-synthetic", "-o", model, "--steps", 250, "--json", *changes
    )
    assert code == 0, err
    code, out, err = scriven("score", model, lines, "--json")
    found = json.loads(out)
    assert code == 0 and found["n"] == 64 and found["cer"] < 0.6
    code, out, err = scriven("read", "-m", model, lines)
    assert code == 0 and sum("а" <= c <= "я" for c in out) > 100
