"""`read`: pictures in, text out; a bad picture does not affect the others."""

import csv
import io
import json
import logging
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from scriven.base import InputError, OutputError, SettingsError
from scriven.cli import run
from scriven.images import encode
from scriven.jobs import read as job
from scriven.jobs.read import ReadResult, ReadSettings, read
from scriven.lines import Line, LinesFolder, LinesWriter
from toy_reader import picture
from toy_scans import letters, model, scans, texts  # noqa: F401

ONE = ReadSettings(threads=1)


def said(*arguments, **options):
    stream = io.StringIO()
    outcome = read(*arguments, stream=stream, **{"settings": ONE, **options})
    return outcome, stream.getvalue()


def test_a_folder_of_pictures_as_text_in_order(model, scans, texts):
    outcome, text = said([scans], model)
    assert text.splitlines() == texts and outcome == ReadResult(read=40)


def test_hidden_files_and_folders_are_not_pictures(model, scans, texts):
    (scans / ".thumbnails").mkdir()
    for hidden in (scans / "._a.png", scans / ".thumbnails" / "b.png"):  # as written by macOS and file managers
        hidden.write_bytes(b"no picture")
    outcome, text = said([scans], model)
    assert text.splitlines() == texts and not outcome.skipped


def test_a_bad_picture_does_not_affect_the_others(model, scans, texts):
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


def test_a_damaged_lines_folder_does_not_affect_the_others(model, scans, letters, texts, tmp_path):
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
    assert "cannot be read yet" in capsys.readouterr().err


def test_nothing_to_read_is_one_clear_sentence(model, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"nothing could be read: .*empty: it contains no pictures.*check the path$"):
        read([tmp_path / "empty"], model, settings=ONE)
    with pytest.raises(
        InputError, match=r"nothing could be read:\n  .*empty: it contains no pictures.*\n  x\*: no file"
    ):
        read([tmp_path / "empty", "x*"], model, settings=ONE)


def test_at_most_ten_failures_are_listed_one_per_line(model, tmp_path, capsys):
    for i in range(60):
        (tmp_path / f"{i:02d}.png").write_bytes(b"no picture")
    assert run(["read", str(tmp_path), "-m", str(model), "--threads", "1"]) == 2
    said = capsys.readouterr().err.splitlines()
    for format in ("text", "json"):
        given = [str(tmp_path), "-m", str(model), "-f", format, "-o", str(tmp_path / f"{format}-out")]
        assert run(["read", *given]) == 2 and "nothing could be read:" in capsys.readouterr().err
    assert said[0] == "scriven: nothing could be read:" and said[-1] == "  and 50 more"
    assert [line.split(".png")[0].rpartition("/")[2] for line in said[1:-1]] == [f"{i:02d}" for i in range(10)]


def test_patterns_standard_input_and_names_like_pdf(model, scans, texts, monkeypatch):
    assert said([f"{scans}/0[12].png"], model)[1].splitlines() == texts[1:3]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((scans / "03.png").read_bytes())))
    assert said(["-"], model)[1].splitlines() == [texts[3]]


def test_json_has_spans_and_confidences(model, scans, texts):
    (scans / "07.png").write_bytes(b"")
    answer = json.loads(said([scans], model, format="json")[1])
    assert [r["text"] for r in answer["readings"]] == texts[:7] + texts[8:]
    assert answer["skipped"][0]["id"].endswith("07.png")
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
def test_csv_is_read_back_as_a_lines_folder(model, scans, letters, texts, tmp_path, kind):
    source = {"scans": scans, "letters": letters}[kind]
    out = tmp_path / "made" / "out.csv"
    read([source], model, out, settings=ONE)
    lines = list(LinesFolder(out).lines())
    assert sorted(line.text for line in lines) == sorted(texts + ["abc"] * (kind == "letters"))
    assert all(0 < line.confidence <= 1 and line.image for line in lines)
    outcome, again = said([out], model)  # the CSV can itself be read
    assert again.splitlines() == [line.text for line in lines] and not outcome.skipped


@pytest.mark.parametrize("kind", ["scans", "letters"])
def test_a_csv_that_is_read_again_refers_to_the_same_pictures(model, scans, letters, tmp_path, kind):
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


def test_one_file_per_input_mirrors_the_folders(model, scans, letters, texts, tmp_path):
    (scans / "deep").mkdir()
    (scans / "deep" / "00.png").write_bytes(encode(picture("bed")))
    out = tmp_path / "out"
    read([scans, letters], model, out, settings=ONE)
    assert (out / "05.txt").read_text() == texts[5] + "\n"
    assert (out / "deep" / "00.txt").read_text() == "bed\n"
    assert len((out / "letters.txt").read_text().splitlines()) == 41
    with pytest.raises(OutputError, match="finished"):
        read([scans, letters], model, out, settings=ONE)


def test_a_killed_read_is_resumed(model, scans, texts, tmp_path, monkeypatch):
    out = tmp_path / "out"
    whole = job.read_lines

    def killed(*arguments):
        pairs = (entry for entry in whole(*arguments))
        for i, entry in enumerate(pairs):
            if i == 20:  # every input is an entry, followed by its picture
                raise KeyboardInterrupt
            yield entry

    monkeypatch.setattr(job, "read_lines", killed)
    with pytest.raises(KeyboardInterrupt):
        read([scans], model, out, settings=ONE)
    done = sorted(p.name for p in out.glob("*.txt"))
    assert len(done) in (9, 10)
    monkeypatch.setattr(job, "read_lines", whole)
    with pytest.raises(OutputError, match="other settings"):
        read([scans], model, out, "json", settings=ONE)
    about = json.loads((out / "about.json").read_text("utf-8"))
    del about["settings"]["ignore_case"]  # as a version without that setting began it
    (out / "about.json").write_text(json.dumps(about), "utf-8")
    with pytest.raises(OutputError, match="other settings"):
        read([scans], model, out, settings=ReadSettings(threads=1, ignore_case=True))
    assert read([scans], model, out, settings=ONE).read == 40 - len(done)
    assert [(out / f"{i:02d}.txt").read_text().strip() for i in range(40)] == texts
    assert not list(out.glob(".*"))


def test_repaired_pictures_are_read_by_the_same_command(model, scans, texts, tmp_path, capsys):
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
    assert run(command) == 1 and "07.png" in capsys.readouterr().err  # nothing new to read, the same skipped picture
    (scans / "07.png").write_bytes(good)
    assert run(command) == 1 and (out / "07.txt").read_text() == texts[7] + "\n"
    shutil.rmtree(other)
    lines(bad=False)
    outcome = read([str(scans), str(other)], str(model), out, settings=ONE)
    assert outcome == ReadResult(read=2) and (out / "other.txt").read_text() == "abcd\nbed\n"
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


def test_pictures_of_unsupported_formats_are_named(model, scans, texts, capsys):
    for name in ("a.avif", "b.HEIC", "c.jfif", ".d.heic", "notes.txt"):
        (scans / name).write_bytes(b"x")
    outcome, text = said([scans], model)
    assert text.splitlines() == texts
    assert [Path(r.id).name for r in outcome.skipped] == ["a.avif", "b.HEIC", "c.jfif"]
    assert run(["read", str(scans), "-m", str(model), "--threads", "1"]) == 1
    assert "a.avif: its picture format" in capsys.readouterr().err


def test_an_unknown_split_is_refused(model, letters, scans, capsys):
    command = ["read", str(letters), "-m", str(model), "--threads", "1", "--set", "split=foo"]
    assert run(command) == 2
    assert "has no split 'foo'; it has train, test" in capsys.readouterr().err


def test_the_extension_of_the_output_must_match_the_format(model, scans, tmp_path):
    with pytest.raises(SettingsError, match=r"name it x\.csv"):
        read([scans], model, tmp_path / "x.json", "csv", settings=ONE)
    assert not (tmp_path / "x.json").exists()
    read([scans / "00.png"], model, tmp_path / "x.TXT", settings=ONE)
    assert (tmp_path / "x.TXT").is_file()


def test_formats_are_checked_before_anything_is_read(scans):
    with pytest.raises(SettingsError, match="'alto'"):
        read([scans], "nowhere", format="alto")


def test_pictures_of_whole_pages_are_warned_of(model, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("scriven"), "propagate", True)
    (tmp_path / "pages").mkdir()
    for i in range(7):
        (tmp_path / "pages" / f"{i}.png").write_bytes(encode(np.full((900, 700), 255, np.uint8)))
    (tmp_path / "pages" / "line.png").write_bytes(encode(np.full((64, 700), 255, np.uint8)))
    read([tmp_path / "pages"], model, tmp_path / "out.txt", settings=ONE)
    named = {record.getMessage() for record in caplog.records if "cut it into" in record.getMessage()}
    assert len(named) == 5 and all("cut it into pictures of lines" in one for one in named)
    assert "2 more pictures look like whole pages" in caplog.text
    assert not any(one.startswith("line") for one in named)


def test_unsupported_output_extensions_are_refused(model, scans, tmp_path):
    with pytest.raises(
        SettingsError, match=r"the extension of .*x\.docx does not match the format 'text'; name it x\.txt"
    ):
        read([scans], model, tmp_path / "x.docx", settings=ONE)
    assert not (tmp_path / "x.docx").exists()
