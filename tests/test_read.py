"""The jobs read and score: folders in, text out; one bad picture costs that picture only."""

import csv
import io
import json
import logging
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import scriven as package
from scriven.base import InputError, LinesError, OutputError, SettingsError, TextError
from scriven.cli import run
from scriven.images import encode
from scriven.jobs import read as job
from scriven.jobs.read import Outcome, ReadSettings, read
from scriven.jobs.score import Scores, Set, score_model
from scriven.language import load as knowledge
from scriven.language.load import language_model, word_list
from scriven.language.model import CharLM
from scriven.lines import Line, LinesFolder, LinesWriter, Reading
from scriven.lines import sketch as sketches
from scriven.lines.sketch import digest, share_in, sketch
from scriven.page.inputs import Item, Source
from scriven.page.transcripts import Transcript
from scriven.reader.model import read_info, write_info
from scriven.text import Charset
from toy_reader import LETTERS, picture, write_model

ONE = ReadSettings(threads=1)
DIALECTS = {"csv": "excel", "tsv": "excel-tab"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("toy") / "model")


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    return ["".join(rng.choice(LETTERS[:-1], rng.integers(2, 9))) for _ in range(40)]


@pytest.fixture
def scans(tmp_path, texts):
    folder = tmp_path / "scans"
    folder.mkdir()
    for i, text in enumerate(texts):
        (folder / f"{i:02d}.png").write_bytes(encode(picture(text)))
    return folder


@pytest.fixture(scope="module")
def letters(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("letters") / "letters"
    with LinesWriter(folder, {"command": "test"}) as writer:
        for i, text in enumerate(texts):
            split = "test" if i < 30 else "train"
            writer.write(Line(f"l{i}", encode(picture(text)), text, hand=f"h{i % 6}", page=f"p{i // 10}"), split)
        writer.write(Line("unlabelled", encode(picture("abc"))), "test")
    return folder


def said(*arguments, **options):
    stream = io.StringIO()
    outcome = read(*arguments, stream=stream, **{"settings": ONE, **options})
    return outcome, stream.getvalue()


def test_a_folder_of_pictures_as_text_in_order(model, scans, texts):
    outcome, text = said([scans], model)
    assert text.splitlines() == texts and outcome == Outcome(read=40)


def test_hidden_files_and_folders_are_not_pictures(model, scans, texts):
    (scans / ".thumbnails").mkdir()
    for hidden in (scans / "._a.png", scans / ".thumbnails" / "b.png"):  # as macOS and file managers leave them
        hidden.write_bytes(b"no picture")
    outcome, text = said([scans], model)
    assert text.splitlines() == texts and not outcome.skipped


def test_one_bad_picture_costs_that_picture_only(model, scans, texts):
    (scans / "07.png").write_bytes((scans / "07.png").read_bytes()[:60])
    (scans / "08.png").write_bytes(b"")
    (scans / "09.png").write_bytes(encode(np.full((2, 20_000), 255, np.uint8)))
    outcome, text = said([scans], model)
    assert text.splitlines() == texts[:7] + texts[10:]
    assert outcome.read == 37 and [r.id.split("/")[-1].removesuffix(".png") for r in outcome.skipped] == [
        "07",
        "08",
        "09",
    ]


def test_a_damaged_lines_folder_costs_that_folder_only(model, scans, letters, texts, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "train-00000.parquet").write_bytes(next(letters.glob("test-*.parquet")).read_bytes()[:-100])
    outcome, text = said([damaged, scans], model)
    assert text.splitlines() == texts
    assert [r.id for r in outcome.skipped] == [str(damaged)] and "not a complete Parquet file" in outcome.skipped[
        0
    ].reason


def test_exit_codes(model, scans, capsys):
    assert run(["read", str(scans), "-m", str(model), "--threads", "1"]) == 0
    (scans / "07.png").write_bytes(b"no picture")
    assert run(["read", str(scans), "-m", str(model), "--threads", "1"]) == 1
    assert "07.png" in capsys.readouterr().err
    assert run(["read", str(scans / "07.png"), "-m", str(model), "--threads", "1"]) == 2
    assert run(["read", str(scans), "-m", "nowhere"]) == 2
    assert run(["read", str(scans), "--as", "page"]) == 2
    assert "later version" in capsys.readouterr().err


def test_nothing_to_read_is_one_clear_sentence(model, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"nothing could be read: .*empty: it holds no pictures.*check the path$"):
        read([tmp_path / "empty"], model, settings=ONE)
    with pytest.raises(InputError, match=r"nothing could be read:\n  .*empty: it holds no pictures.*\n  x\*: no file"):
        read([tmp_path / "empty", "x*"], model, settings=ONE)


def test_of_many_failures_ten_are_named_one_a_line(model, tmp_path, capsys):
    for i in range(60):
        (tmp_path / f"{i:02d}.png").write_bytes(b"no picture")
    assert run(["read", str(tmp_path), "-m", str(model), "--threads", "1"]) == 2
    said = capsys.readouterr().err.splitlines()
    for format in ("text", "json"):
        given = [str(tmp_path), "-m", str(model), "-f", format, "-o", str(tmp_path / f"{format}-out")]
        assert run(["read", *given]) == 2 and "nothing could be read:" in capsys.readouterr().err
    assert said[0] == "scriven: nothing could be read:" and said[-1] == "  and 50 more"
    assert [line.split(".png")[0].rpartition("/")[2] for line in said[1:-1]] == [f"{i:02d}" for i in range(10)]


def test_patterns_standard_input_and_pdf_like_names(model, scans, texts, monkeypatch):
    assert said([f"{scans}/0[12].png"], model)[1].splitlines() == texts[1:3]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((scans / "03.png").read_bytes())))
    assert said(["-"], model)[1].splitlines() == [texts[3]]


def test_json_says_where_and_how_sure(model, scans, texts):
    (scans / "07.png").write_bytes(b"")
    answer = json.loads(said([scans], model, format="json")[1])
    assert [r["text"] for r in answer["readings"]] == texts[:7] + texts[8:]
    assert answer["refused"][0]["id"].endswith("07.png")
    first = answer["readings"][0]
    assert 0 < first["confidence"] <= 1 and first["image"].endswith("scans/00.png")
    for character in first["characters"]:
        start, end = character["span"]
        assert 0 <= start < end <= picture(texts[0]).shape[1]
        assert 0 < character["confidence"] <= 1 and len(character["alternatives"]) == 3
    assert json.loads(said([scans / "00.png"], model, format="json")[1])["readings"] == [
        {**first, "confidence": pytest.approx(first["confidence"], abs=1e-3)}
    ]


@pytest.mark.parametrize("kind", ["scans", "letters"])
def test_csv_comes_back_as_a_lines_folder(model, scans, letters, texts, tmp_path, kind):
    source = {"scans": scans, "letters": letters}[kind]
    out = tmp_path / "made" / "out.csv"
    read([source], model, out, settings=ONE)
    lines = list(LinesFolder(out).lines())
    assert sorted(line.text for line in lines) == sorted(texts + ["abc"] * (kind == "letters"))
    assert all(0 < line.confidence <= 1 and line.image for line in lines)
    outcome, again = said([out], model)  # and it can be read
    assert again.splitlines() == [line.text for line in lines] and not outcome.skipped


@pytest.mark.parametrize("kind", ["scans", "letters"])
def test_a_csv_read_again_names_the_same_pictures(model, scans, letters, tmp_path, kind):
    source = {"scans": scans, "letters": letters}[kind]
    files = [tmp_path / "all.csv", tmp_path / "deep" / "again.csv", tmp_path / "third.csv"]
    for given, out in zip([source, *files], files, strict=False):
        read([given], model, out, settings=ONE)
    (tmp_path / "chain.csv").write_text("id,image\nx,deep/again.csv#" + next(LinesFolder(files[0]).lines()).id + "\n")
    first, second, third = ([row["image"] for row in csv.DictReader(file.read_text().splitlines())] for file in files)
    assert third == first and not any(".csv" in image for image in first)
    assert [str((tmp_path / "deep" / image).resolve()) for image in second] == [
        str((tmp_path / image).resolve()) for image in first
    ]
    rows = csv.DictReader(io.StringIO(said([tmp_path / "chain.csv"], model, format="csv")[1]))
    assert [Path(row["image"]).resolve() for row in rows] == [(tmp_path / first[0]).resolve()]


def test_csv_and_tsv_are_tables(model, scans, texts):
    rows = list(csv.DictReader(io.StringIO(said([scans], model, format="csv")[1])))
    assert [row["text"] for row in rows] == texts and list(rows[0]) == ["id", "image", "text", "confidence"]
    cells = [line.split("\t") for line in said([scans], model, format="tsv")[1].splitlines()]
    assert cells[1:] == [list(row.values()) for row in rows]


def test_one_file_an_input_with_names_of_their_own(model, scans, letters, texts, tmp_path):
    (scans / "deep").mkdir()
    (scans / "deep" / "00.png").write_bytes(encode(picture("bed")))
    out = tmp_path / "out"
    read([scans, letters], model, out, settings=ONE)
    assert (out / "05.txt").read_text() == texts[5] + "\n"
    assert (out / "00.png.txt").read_text() == "bed\n"
    assert len((out / "letters.txt").read_text().splitlines()) == 41
    with pytest.raises(OutputError, match="finished"):
        read([scans, letters], model, out, settings=ONE)


def test_a_killed_read_goes_on_where_it_stopped(model, scans, texts, tmp_path, monkeypatch):
    out = tmp_path / "out"
    whole = job._counted

    def killed(*arguments):
        for i, pair in enumerate(whole(*arguments)):
            if i == 10:
                raise KeyboardInterrupt
            yield pair

    monkeypatch.setattr(job, "_counted", killed)
    with pytest.raises(KeyboardInterrupt):
        read([scans], model, out, settings=ONE)
    done = sorted(p.name for p in out.glob("*.txt"))
    assert len(done) in (9, 10)
    monkeypatch.setattr(job, "_counted", whole)
    with pytest.raises(OutputError, match="other settings"):
        read([scans], model, out, "json", settings=ONE)
    assert read([scans], model, out, settings=ONE).read == 40 - len(done)
    assert [(out / f"{i:02d}.txt").read_text().strip() for i in range(40)] == texts
    assert not list(out.glob(".*"))


def test_what_could_not_be_read_is_read_once_it_is_mended(model, scans, texts, tmp_path, capsys):
    out, good, other = tmp_path / "out", (scans / "07.png").read_bytes(), tmp_path / "other"

    def lines(bad):
        with LinesWriter(other, {}) as writer:
            writer.write(Line("a", encode(picture("abcd"))))
            writer.write(Line("b", b"no picture" if bad else encode(picture("bed"))))

    lines(bad=True)
    (scans / "07.png").write_bytes(b"no picture")
    command = ["read", str(scans), str(other), "-m", str(model), "--threads", "1", "-o", str(out)]
    assert run(command) == 1 and (out / "other.txt").read_text() == "abcd\n"
    before = {file.name: file.stat().st_mtime_ns for file in out.glob("*.txt")}
    assert run(command) == 1 and "07.png" in capsys.readouterr().err  # nothing new, and still no error of its own
    (scans / "07.png").write_bytes(good)
    assert run(command) == 1 and (out / "07.txt").read_text() == texts[7] + "\n"
    shutil.rmtree(other)
    lines(bad=False)
    outcome = read([str(scans), str(other)], str(model), out, settings=ONE)
    assert outcome == Outcome(read=2) and (out / "other.txt").read_text() == "abcd\nbed\n"
    assert {name: (out / name).stat().st_mtime_ns for name in before if name != "other.txt"} == {
        name: when for name, when in before.items() if name != "other.txt"
    }
    with pytest.raises(OutputError, match="finished"):
        read([str(scans), str(other)], str(model), out, settings=ONE)


def test_an_existing_folder_or_file_is_not_overwritten(model, scans, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note").write_text("x")
    (tmp_path / "mine.json").write_text("x")
    for out in ("mine", "mine.json"):
        with pytest.raises(OutputError, match="choose another -o"):
            read([scans], model, tmp_path / out, settings=ONE)


def test_words_and_language_models(model, scans, tmp_path, texts):
    (tmp_path / "words.txt").write_text("\n".join(texts), "utf-8")
    assert said([scans], model, settings=ReadSettings(threads=1, words=tmp_path / "words.txt"))[1].splitlines() == texts
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        word_list(tmp_path / "latin.txt", Charset(LETTERS))
    (tmp_path / "none.txt").write_text("\n")
    with pytest.raises(InputError, match="no words"):
        word_list(tmp_path / "none.txt", Charset(LETTERS))
    with pytest.raises(SettingsError, match="no language model 'nowhere.npz'"):
        language_model("nowhere.npz")


def test_a_language_is_made_from_its_frequent_words_and_kept(monkeypatch, tmp_path, caplog):
    pytest.importorskip("wordfreq")
    monkeypatch.setenv("SCRIVEN_CACHE", str(tmp_path))
    monkeypatch.setattr("scriven.jobs.texts.LANGUAGE_WORDS", 3000)
    monkeypatch.setattr("scriven.jobs.texts.SAMPLED_LINES", 300)
    lm = language_model("fr")
    assert lm.bits_per_char("avec les") < lm.bits_per_char("xqzv wkj")
    with pytest.raises(TextError, match="no word list for the language 'xx'"):
        language_model("xx")
    (kept,) = (tmp_path / "language-models").iterdir()
    monkeypatch.setattr("scriven.jobs.texts.train_lm", lambda inputs: CharLM.train(["zzz"], 2))
    assert language_model("fr").bits_per_char("avec les") == lm.bits_per_char("avec les")
    kept.write_bytes(kept.read_bytes()[:900])
    with caplog.at_level("WARNING", "scriven"):
        assert language_model("fr").bits_per_char("zzz") < 3 and "is damaged" in caplog.text
    monkeypatch.setenv("SCRIVEN_CACHE", str(kept / "no folder"))  # where nothing can be kept
    assert language_model("fr").bits_per_char("zzz") < 3


def test_what_a_language_model_is_made_of_decides_which_one_is_read_again(monkeypatch, tmp_path):
    root = Path(package.__file__).parent
    for file in ("language/texts/languages.json", "language/texts/words.py", "text.py", "language/train.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes((root / file).read_bytes())
    monkeypatch.setattr(knowledge, "MAKERS", ("text.py", "jobs/texts.py"))
    monkeypatch.setattr(package, "__file__", str(tmp_path / "__init__.py"))
    before = knowledge._recipe()
    for file in ("language/texts/languages.json", "text.py"):
        (tmp_path / file).write_bytes((tmp_path / file).read_bytes() + b" ")
        assert knowledge._recipe() != before
        before = knowledge._recipe()


@pytest.mark.parametrize("format", ["json", "csv", "tsv"])
def test_very_small_confidences_can_be_sorted(tmp_path, format):
    item = Item(Source("a", tmp_path / "a.png"), "a", tmp_path / "a.png")
    file = tmp_path / f"out.{format}"
    with open(file, "w", encoding="utf-8") as stream:
        transcript = Transcript(stream, format)
        for confidence in (0.81234, 1.234e-5, 1.21e-5, 3e-40):
            transcript.add(item, Reading("a", "text", confidence, ()))
        transcript.close()
    text = file.read_text("utf-8")
    if format == "json":
        found = [r["confidence"] for r in json.loads(text)["readings"]]
    else:
        found = [float(row["confidence"]) for row in csv.DictReader(text.splitlines(), dialect=DIALECTS[format])]
    assert found == pytest.approx([0.81234, 1.234e-5, 1.21e-5, 3e-40], rel=5e-3)
    assert found == sorted(set(found), reverse=True)


def test_pictures_of_other_kinds_are_named(model, scans, texts, capsys):
    for name in ("a.avif", "b.HEIC", "c.jfif", ".d.heic", "notes.txt"):
        (scans / name).write_bytes(b"x")
    outcome, text = said([scans], model)
    assert text.splitlines() == texts
    assert [Path(r.id).name for r in outcome.skipped] == ["a.avif", "b.HEIC", "c.jfif"]
    assert run(["read", str(scans), "-m", str(model), "--threads", "1"]) == 1
    assert "a.avif: it is a picture" in capsys.readouterr().err


def test_a_split_that_is_not_there_is_refused(model, letters, scans, capsys):
    command = ["read", str(letters), "-m", str(model), "--threads", "1", "--set", "split=foo"]
    assert run(command) == 2
    assert "has no split 'foo'; it has train, test" in capsys.readouterr().err


def test_the_ending_of_the_output_and_the_format_agree(model, scans, tmp_path):
    with pytest.raises(SettingsError, match=r"name it x\.csv"):
        read([scans], model, tmp_path / "x.json", "csv", settings=ONE)
    assert not (tmp_path / "x.json").exists()
    read([scans / "00.png"], model, tmp_path / "x.TXT", settings=ONE)
    assert (tmp_path / "x.TXT").is_file()


def test_formats_are_checked_before_anything_is_read(scans):
    with pytest.raises(SettingsError, match="'alto'"):
        read([scans], "nowhere", format="alto")


# score


def test_score_takes_the_test_split_and_counts_what_has_no_text(model, letters):
    result = score_model(model, [letters], settings=ONE)
    answer = result.as_json(variants=True)
    assert (answer["cer"], answer["wer"], answer["exact"], answer["n"]) == (0, 0, 1, 30)
    assert answer["sets"][0]["split"] == "test" and answer["sets"][0]["unlabelled"] == 1
    assert answer["interval"] == [0, 0] and answer["ece"]["lines"] < 0.2
    assert set(answer["variants"]) >= {"nfc", "alnum_insensitive"}
    assert score_model(model, [letters], "train", settings=ONE).overall().n == 10
    with pytest.raises(LinesError, match="no split 'valid'"):
        score_model(model, [letters], "valid", settings=ONE)


def test_score_counts_edits_and_names_characters_that_cannot_be_written(model, tmp_path, capsys):
    folder = tmp_path / "wrong"
    with LinesWriter(folder, {}) as writer:
        writer.write(Line("a", encode(picture("abcd")), "abcx"))
        writer.write(Line("b", encode(picture("gg")), "gg"))
        writer.write(Line("c", b"no picture", "gg"))
    result = score_model(model, [folder, folder], settings=ONE)
    assert result.overall().cer == pytest.approx(1 / 6) and result.overall().n == 4
    assert result.missing == {"x": 2} and {r.id for r in result.skipped} == {"c"}
    assert [s.split for s in result.sets] == ["all", "all"]
    assert run(["score", str(model), str(folder), "--threads", "1", "--json"]) == 1
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert answer["cer"] == pytest.approx(1 / 6) and len(answer["sets"]) == 1 and "left out c" in printed.err
    assert run(["score", str(model), str(folder), "--threads", "1"]) == 1
    printed = capsys.readouterr()
    assert "16.67" in printed.out and "x 1" in printed.err


def test_white_space_makes_no_right_reading_wrong():
    found = Set("a", "test", ["ab c"], ["ab  c "], [""], [""], [1.0])
    assert found.score().exact == 1
    assert Scores("m", [found], [], Counter()).ece() == {"lines": 0.0}


def test_score_warns_of_lines_that_trained_the_model_or_its_parent(letters, tmp_path, caplog):
    prints = [{"path": "letters", "fingerprint": LinesFolder(letters).fingerprint()}]
    for name, about in (("own", {"data": prints}), ("parents", {"parents": [{"name": "x", "data": prints}]}),
                        ("none", {"data": [{"fingerprint": "0"}], "parents": ["x"]})):  # fmt: skip
        made = write_model(tmp_path / name)
        write_info(made, read_info(made).model_copy(update=about))
        for split in ("train", "test"):
            caplog.clear()
            result = score_model(made, [letters], split, settings=ONE).as_json()
            expected = name != "none" and split == "train"
            assert result["sets"][0]["trained_on"] is expected
            assert ("these lines trained this model" in caplog.text) is expected


@pytest.mark.parametrize(
    ("trained", "others", "said"), [(10, 0, "all"), (300, 0, "all"), (300, 300, "half"), (0, 300, "none")]
)
def test_score_knows_the_pictures_that_trained_the_model_in_other_files(
    trained, others, said, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(sketches, "KEPT", 64)
    texts = ["".join(LETTERS[i // 7**k % 7] for k in range(4)) for i in range(900)]
    lines = [Line(f"l{i}", encode(picture(text)), text) for i, text in enumerate(texts)]
    kept = sketch(digest(line.image) for line in lines[: trained or 300])
    model = write_model(tmp_path / "model", parents=[{"data": [{"path": "gone", "sketch": kept}] * 2}])
    with LinesWriter(tmp_path / "copy", {}) as writer:  # as another import names and parts them
        for line in [*lines[:trained], *lines[300 : 300 + others]]:
            writer.write(replace(line, id=f"other/{line.id}", text=line.text + " a", hand="h"), "test")
    found = score_model(model, [tmp_path / "copy"], settings=ONE).as_json()
    assert found["sets"][0]["trained_on"] is (said != "none")
    if said == "all":
        assert f"{tmp_path / 'copy'}: these lines trained this model" in caplog.text
    elif said == "half":
        share = int(caplog.text.split("about ")[1].split("%")[0])
        assert 35 <= share <= 65 and "% of these lines trained this model" in caplog.text


def test_a_share_counts_a_picture_once_and_one_alone_tells_none():
    every = [digest(str(i).encode()) for i in range(8000)]
    few, more = sketch(every[:4000]), sketch(every[:6000])  # a model learnt some, the next one some more
    assert 0.4 < share_in([few, more], every[2000:4000] + every[6000:]) < 0.6
    assert share_in([more], every[:6000]) == 1 and share_in([more], every[6000:]) == 0
    assert share_in([more], [more.split()[0], *every[6000:]]) == 0
    assert all(share_in([sketch(every)], every[k :: 8000 // 120]) > 0 for k in range(66))  # 120 lines of 8,000


def test_score_says_that_a_folder_of_pictures_has_no_texts(model, tmp_path):
    (tmp_path / "a.png").write_bytes(encode(picture("abcd")))
    with pytest.raises(LinesError, match=r"is not a lines folder; make .* with `scriven import pictures`, .*pairs`"):
        score_model(model, [tmp_path], settings=ONE)
    (tmp_path / "a.gt.txt").write_text("abcd")
    with pytest.raises(LinesError, match="has pictures and texts but is not a lines folder"):
        score_model(model, [tmp_path], settings=ONE)


def test_what_looks_like_a_whole_page_is_named(model, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("scriven"), "propagate", True)
    (tmp_path / "pages").mkdir()
    for i in range(7):
        (tmp_path / "pages" / f"{i}.png").write_bytes(encode(np.full((900, 700), 255, np.uint8)))
    (tmp_path / "pages" / "line.png").write_bytes(encode(np.full((64, 700), 255, np.uint8)))
    read([tmp_path / "pages"], model, tmp_path / "out.txt", settings=ONE)
    named = {record.getMessage() for record in caplog.records if "whole page" in record.getMessage()}
    assert len(named) == 5 and all("cut it into pictures of lines" in one for one in named)
    assert not any(one.startswith("line") for one in named)


def test_a_form_that_is_not_written_is_no_folder(model, scans, tmp_path):
    with pytest.raises(SettingsError, match=r"x\.docx does not end as the format text does; name it x\.txt"):
        read([scans], model, tmp_path / "x.docx", settings=ONE)
    assert not (tmp_path / "x.docx").exists()


def test_texts_that_a_model_read_are_no_truth_without_a_word(model, scans, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("scriven"), "propagate", True)
    read([scans], model, tmp_path / "read.csv", settings=ONE)
    score_model(model, [tmp_path / "read.csv"], settings=ONE)
    assert "40 of 40 texts were read by a model" in caplog.text
