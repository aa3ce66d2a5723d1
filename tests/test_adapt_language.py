"""Adapting: the language, and custom texts and words."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scriven.base import InputError, SettingsError
from scriven.jobs.adapt import AdaptSettings, adapt
from scriven.jobs.read import ReadSettings, load
from scriven.language import identify
from scriven.language.model import CharLM
from scriven.lines import Reading
from scriven.reader.model import read_info, write_info
from scriven.recognisers.export import export
from scriven.selftrain import held_out
from scriven.selftrain import prior as prior_module
from scriven.selftrain.gates import lm_helps
from scriven.selftrain.prior import language_of, language_prior
from scriven.text import Charset
from toy_hand import accepting, folder, parent, published, rejecting, settings, small_world  # noqa: F401


def test_the_languages_of_the_parent_are_kept_and_the_identified_one_is_a_setting(parent, tmp_path, monkeypatch):
    shutil.copytree(parent, tmp_path / "parent")
    for known, said in ((["en", "fr"], "toujours quelque beaucoup"), ([], "das haus und nicht der garten")):
        write_info(tmp_path / "parent", read_info(parent).model_copy(update={"languages": known}))
        monkeypatch.setattr(prior_module, "readings", lambda *_, said=said: [Reading("", said, 1.0, ())])
        out = tmp_path / f"m{len(known)}"
        adapt([folder(out / "lines")], out / "m", parent=tmp_path / "parent", settings=settings(language=None))
        info = read_info(out / "m")
        assert info.languages == known and info.settings["language"] == ("fr" if known else "de")


def test_candidates_of_a_model_without_languages_are_those_it_can_write():
    assert identify.writable_languages(Charset.of(["abcdefghijklmnopqrstuvwxyz ."]))[:2] == ["en", "de"]
    french = identify.writable_languages(
        Charset.of(["abcdefghijlmnopqrstuvéèàç"])
    )  # of few lines: without k, w, x, y, z and ô
    assert "fr" in french and not {"ru", "cs", "pl"} & set(french)
    assert identify.writable_languages(Charset.of(["АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЬЫЭЮЯ"])) == ["ru"]
    with pytest.raises(SettingsError, match="can write none of en, .*; set the language with --lang"):
        identify.writable_languages(Charset.of(["αβγδεζηθικλμνξοπρστυφχψως"]))


NOISE = " zzxq qxzz xqzz" * 30


@pytest.mark.parametrize(
    ("text", "languages", "certain"),
    [
        ("the house and zzxq", ["en"], True),
        ("the zzxq qxzz xqzz of it", ["en"], False),
        ("house garden which " * 10 + NOISE, ["fr", "en"], True),  # few known words, but hardly any French ones
        ("house garden which " * 6 + NOISE, ["fr", "en"], False),  # too few
        ("des les son est une " * 10, ["cs", "fr"], False),  # short words alone give no certainty
        ("which maison " * 15 + NOISE, ["fr", "en"], False),  # as many of both languages
    ],
)
def test_an_uncertain_language_is_reported(text, languages, certain, monkeypatch, caplog):
    monkeypatch.setattr(prior_module, "readings", lambda *_: [Reading("", text, 1.0, ())])
    reader = SimpleNamespace(info=SimpleNamespace(languages=languages))
    with caplog.at_level("INFO", "scriven"):
        guess = language_of(reader, [])
    assert guess.certain == certain and (guess.language == "en" or "maison" in text or "des" in text)
    assert (
        "uncertain of the language; continuing with " in caplog.text and "set it with --lang" in caplog.text
    ) != certain


@pytest.mark.parametrize(
    ("said", "modern"),
    [("the letters were written there", True), ("leters wryten ther byene", False), ("a of to in", False), ("", False)],
)
def test_historical_and_modern_spelling_are_distinguished(said, modern):
    assert identify.in_modern_spelling([said], "en") is modern


def test_long_common_words_identify_the_language():
    """Half misread English: short words read by chance are French too, long ones are not."""
    short, long = ["des", "les", "son", "est", "une"], ["which", "scarlet", "their"]
    assert identify.known(short, "fr") == identify.known(short, "en") == 5
    assert identify.evidence(short, "fr") == 0
    assert identify.evidence(long, "en") > 5 * identify.evidence(long, "fr")


@pytest.mark.parametrize(("with_it", "helps"), [(0.30, True), (0.392, False), (0.45, False), (None, False)])
def test_a_language_model_helps_only_if_it_lowers_the_estimated_cer_clearly(with_it, helps):
    """Estimates of 0.407 and 0.392 for Czech of 1531, truth 0.54 and 0.57 (experiment `adapted-language-model`)."""
    plain, spoken = SimpleNamespace(cer=0.407), None if with_it is None else SimpleNamespace(cer=with_it)
    assert lm_helps(plain, spoken) is helps
    assert not lm_helps(None, spoken)


@pytest.mark.parametrize(
    ("language", "texts", "helps", "modern", "kept"),
    [
        ("en", "", True, True, True),
        ("en", "", False, True, False),
        ("en", "", True, False, False),
        (None, "", True, True, False),
        (None, "quill ink", True, False, True),  # custom texts may be of any period
    ],
)
def test_an_adapted_model_decodes_with_the_language_model_of_its_pseudo_labels(
    language, texts, helps, modern, kept, parent, published, tmp_path, monkeypatch
):
    """It is kept if it helps and the language is certain; adapted again, it is inherited; `--lm none` disables it."""
    accepting(monkeypatch)
    monkeypatch.setattr(held_out, "lm_helps", lambda *_: helps)
    monkeypatch.setattr(held_out, "in_modern_spelling", lambda texts, language: modern)
    monkeypatch.setattr("scriven.training.publish.export", export)
    monkeypatch.setattr(prior_module, "readings", lambda *_: [Reading("", "zzxq", 1.0, ())])
    if texts:
        (tmp_path / "texts.txt").write_text(f"{texts}\n" * 20)
    named = {"language": language, "texts": str(tmp_path / "texts.txt") if texts else None}
    adapt([folder(tmp_path / "lines")], tmp_path / "m", parent=parent, settings=settings(**named))
    info = read_info(tmp_path / "m")
    assert info.language_model == ("language.npz" if kept else None)
    _, decoder = load(tmp_path / "m", ReadSettings())
    assert (decoder.lm is not None) == kept
    assert load(tmp_path / "m", ReadSettings(lm="none"))[1].lm is None
    assert ("--lm none" in (tmp_path / "m" / "README.md").read_text()) == kept
    rejecting(monkeypatch)
    adapt([tmp_path / "lines"], tmp_path / "next", parent=tmp_path / "m", settings=settings())
    assert read_info(tmp_path / "next").language_model == info.language_model
    if kept:
        old, new = (CharLM.load(tmp_path / name / "language.npz") for name in ("m", "next"))
        assert old.logprob("quill") == new.logprob("quill")


def test_custom_texts_and_words_are_added_to_the_language(tmp_path: Path) -> None:
    (tmp_path / "fr").mkdir()  # a folder of that name is not the language
    (tmp_path / "fr" / "a.txt").write_text("zyzzyva quokka\n" * 40)
    (tmp_path / "names.txt").write_text("Quokka\nZyzzyva\n")
    charset = Charset.of(["abcdefghijklmnopqrstuvwxyzQZ"])
    plain = language_prior("en", None, None, charset)
    known = language_prior("en", str(tmp_path / "fr"), str(tmp_path / "names.txt"), charset)
    assert known.lm.bits_per_char("zyzzyva quokka") < 0.5 * plain.lm.bits_per_char("zyzzyva quokka")
    assert known.lm.bits_per_char("the house") < 2 * plain.lm.bits_per_char("the house")
    assert (plain.words, known.words) == ([], ["Quokka", "Zyzzyva"])
    drawn = [known.texts.draw(np.random.default_rng(i), "word") for i in range(60)]
    own = [w for w in drawn if w.strip(".,;:!?()'\"-").lower() in ("zyzzyva", "quokka")]
    assert 15 < len(own) < 45


@pytest.mark.parametrize("setting", ["texts", "words"])
def test_missing_text_files_are_refused_at_once(setting: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: there is no such file or folder"):
        adapt([tmp_path], tmp_path / "m", settings=AdaptSettings(**{setting: str(tmp_path / "none")}))
    assert not (tmp_path / "m").exists()


def test_unusable_texts_are_named(tmp_path: Path) -> None:
    charset = Charset.of(["abcdefghijklmnopqrstuvwxyz"])
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.txt").write_text("quokka\n" * 9)
    (tmp_path / "corpus" / "b.txt").write_bytes("quokka".encode("utf-16"))
    prior = language_prior("en", str(tmp_path / "corpus"), None, charset)
    assert [Path(one.id).name for one in prior.skipped] == ["b.txt"]
    (tmp_path / "ru.txt").write_text("война и мир\n" * 9)
    with pytest.raises(InputError, match="cannot write the texts in .*ru.txt: its character set lacks"):
        language_prior("en", str(tmp_path / "ru.txt"), None, charset)
