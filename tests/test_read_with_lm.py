"""Commands with language models."""

import json

import numpy as np
import pytest

from scriven.images import encode
from scriven.language.model import CharLM
from scriven.lines import Line, LinesWriter
from scriven.reader.model import read_info, write_info
from toy_reader import picture, write_model


def test_a_language_model_decides_between_similar_letters(scriven, tmp_path):
    model, lm = write_model(tmp_path / "model"), tmp_path / "lm"
    CharLM.train(["cbd"] * 20).save(lm)
    (tmp_path / "x.png").write_bytes(encode(np.minimum(picture("cad"), picture("cbd"))))
    call = ("read", tmp_path / "x.png", "-m", model, "--threads", 1)
    assert scriven(*call)[:2] == (0, "cad\n")
    assert scriven(*call, "--lm", lm)[:2] == (0, "cbd\n")


@pytest.mark.parametrize("command", ["read", "score"])
def test_the_language_model_of_a_model_is_used_unless_lm_is_none(command, scriven, tmp_path):
    model = write_model(tmp_path / "model")
    CharLM.train(["cbd"] * 20).save(model / "language.npz")
    write_info(model, read_info(model).model_copy(update={"language_model": "language.npz"}))
    with LinesWriter(tmp_path / "lines", {}) as writer:
        writer.write(Line("x", encode(np.minimum(picture("cad"), picture("cbd"))), "cbd"))

    def said(*more: str) -> bool:
        asked = ("-m", model, tmp_path / "lines") if command == "read" else (model, tmp_path / "lines", "--json")
        code, out, err = scriven(command, *asked, *more)
        assert code == 0, err
        return "cbd" in out if command == "read" else json.loads(out)["cer"] == 0

    assert said() and not said("--lm", "none") and said("--set", "lm=own")
    (model / "language.npz").write_bytes(b"PK")
    code, _, err = scriven("read", tmp_path / "lines", "-m", model)
    assert code == 2 and "damaged" in err and not said("--lm", "none")
    (model / "language.npz").unlink()
    code, _, err = scriven("read", tmp_path / "lines", "-m", model)
    assert code == 2 and "copy the model folder again, or read without it: --lm none" in err
