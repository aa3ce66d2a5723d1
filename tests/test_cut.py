"""`cut`: lines of a folder into a bank, what is left out and why, and what an interruption leaves behind."""

import json
import os
import signal
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scriven.base import InputError, LinesError, OutputError, Skipped
from scriven.images import decode, encode
from scriven.jobs.cut import cut
from scriven.jobs.train import TrainSettings, train
from scriven.lines import Line, LinesFolder, LinesWriter
from scriven.reader.boundaries import aligned_edges
from scriven.reader.ctc_paths import log_posteriors
from scriven.reader.model import ModelInfo
from scriven.reader.session import Reader
from scriven.scribes.stackmix.bank import ABOUT, PIXELS, Bank
from scriven.scribes.stackmix.cutting import Cut, CutSettings, cut_lines
from scriven.scribes.stackmix.measures import Measures
from scriven.scribes.stackmix.scribe import StackMixScribe
from scriven.scribes.stackmix.suffixes import BREAK, LONGEST
from scriven.scribes.stackmix.writer import UNFINISHED, BankWriter
from toy_bank import scribe_of_faces

MODEL = "scriven-synthetic"
SOME = Measures(32.0, 0.0, 20.0, 0.0, 3.0, 20.0, 235.0, 0.0)
TEXTS = (
    "the letter of the third", "we received it", "and the ship", "came into port", "with forty men", "dear sir",
    "your obedient servant", "in the morning", "the price of corn", "was not high", "from the coast", "to your mother",
)  # fmt: skip


def lines_of(texts: tuple[str, ...] = TEXTS, **fields: object) -> list[Line]:
    """Pictures of the texts by one font scribe, in two hands."""
    scribe = scribe_of_faces()
    made = []
    for number, text in enumerate(texts):
        wrote = scribe.write(text, np.random.default_rng(number), hand=number % 2, strength=0.3)
        made.append(Line(f"l{number}", encode(wrote.picture), text, hand=f"h{number % 2}"))
    return [replace(line, **fields) for line in made]  # type: ignore[arg-type]


def folder(path: Path, lines: list[Line], split: str = "train", **more: list[Line]) -> Path:
    with LinesWriter(path, {"command": "test", "licence": "CC0-1.0"}) as writer:
        for one in lines:
            writer.write(one, split)
        for name, others in more.items():
            for one in others:
                writer.write(one, name)
    return path


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("cut") / "letters", lines_of(), valid=lines_of(("spare words",), id="v"))


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader.load(MODEL, threads=1)


def cut_all(reader: Reader, lines: list[Line], bank: Path, **settings: float) -> list[Cut | Skipped]:
    """Cut lines into a bank, which is finished if something was cut."""
    with BankWriter(bank, reader.info.height) as writer:
        pictures = ((line, lambda line=line: decode(line.image, line.id)) for line in lines)
        made = list(cut_lines(reader, pictures, writer, CutSettings(**settings)))
        if len(writer):
            writer.finish({})
    return made


# --- what is cut ------------------------------------------------------------------------------------------------------


def test_a_folder_is_cut_and_reads_back(letters: Path, tmp_path: Path) -> None:
    done = cut(MODEL, letters, tmp_path / "bank", threads=1)
    assert done.lines == len(TEXTS) and not done.skipped
    assert done.characters >= 0.95 * sum(map(len, TEXTS))
    assert done.read_back and done.read_back.n == len(TEXTS) and done.read_back.cer <= done.cer + 0.1
    assert 0 <= done.disagreements <= done.read_back.n and str(done.disagreements) in done.sentence()
    bank = Bank.open(tmp_path / "bank")
    assert bank.about["licence"] == "CC0-1.0" and bank.about["model"] == MODEL and bank.about["split"] == "train"
    assert bank.about["source"] == LinesFolder(letters).fingerprint() and bank.hands == ("h0", "h1")
    assert json.loads(json.dumps(done.as_json()))["lines"] == len(TEXTS)
    made = StackMixScribe(tmp_path / "bank").write("the morning ship", np.random.default_rng(0))
    assert made.text == "the morning ship" and made.picture.shape[0] == bank.height


def test_the_last_character_of_every_line_is_cut(reader: Reader, tmp_path: Path) -> None:
    """The bank of StackMix-OCR never held the last character of a line."""
    made = cut_all(reader, lines_of(), tmp_path / "bank")
    bank = Bank.open(tmp_path / "bank")
    assert all(isinstance(one, Cut) for one in made)
    cuts = [int(place) for place in np.flatnonzero(np.diff(bank.line_of)) - 1] + [len(bank.text) - 2]
    assert "".join(bank.text[place] for place in cuts) == "".join(text[-1] for text in TEXTS)


def test_boundaries_are_where_the_font_scribe_wrote_the_letters(reader: Reader) -> None:
    """In the upright picture of upright writing: the mean error is 3 px at most."""
    scribe, errors = scribe_of_faces(), []
    for number, text in enumerate(TEXTS * 2):
        wrote = scribe.write(text, np.random.default_rng(100 + number), hand=number % 3, strength=0.3)
        inked = scribe.extents(text, np.random.default_rng(100 + number), hand=number % 3, strength=0.3)
        ((picture, frames),) = reader.frames([reader.prepare(text, wrote.picture)])
        given = reader.info, reader.charset, text, picture.ink
        edges, posteriors = aligned_edges(*given, log_posteriors(frames), wrote.picture)
        assert edges.shape == (len(text), 2) and ((posteriors >= 0) & (posteriors <= 1)).all()
        for k, (_, right) in inked.items():
            after = inked.get(k + 1)
            errors.append(edges[k, 1] - ((right + after[0]) / 2 if after else right))
    assert len(errors) > 250 and np.abs(errors).mean() <= 3


def test_stages_other_than_train_are_not_cut_unless_they_are_named(letters: Path, tmp_path: Path, scriven) -> None:
    """StackMix-OCR trained on every stage that was called neither valid nor test."""
    assert cut(MODEL, letters, tmp_path / "bank", threads=1).lines == len(TEXTS)
    assert "spare" not in Bank.open(tmp_path / "bank").text.replace(BREAK, "")
    assert cut(MODEL, letters, tmp_path / "valid", split="valid", threads=1).lines == 1
    only = folder(tmp_path / "only", lines_of(), "test")
    with pytest.raises(LinesError, match="has no split 'train'; name one with --split: test"):
        cut(MODEL, only, tmp_path / "none", threads=1)
    code, _, err = scriven("cut", MODEL, only, "-o", tmp_path / "none", "--split", "dev")
    assert code == 2 and "no split 'dev'" in err and not (tmp_path / "none").exists()


def test_what_training_holds_out_is_not_cut_unless_the_split_is_named(tmp_path: Path) -> None:
    lines = folder(tmp_path / "lines", lines_of())
    done = cut(MODEL, lines, tmp_path / "bank", threads=1)
    assert done.lines == len(TEXTS) - 1 and Bank.open(tmp_path / "bank").about["held_out"] == 1
    assert cut(MODEL, lines, tmp_path / "all", split="train", threads=1).lines == len(TEXTS)


def test_pseudo_labels_are_cut_and_doubtful_ones_left_out(reader: Reader, tmp_path: Path) -> None:
    lines = [replace(one, origin="pseudo", confidence=0.05 * n) for n, one in enumerate(lines_of())]
    assert all(isinstance(one, Cut) for one in cut_all(reader, lines, tmp_path / "all"))
    made = cut_all(reader, lines, tmp_path / "some", confidence=0.3)
    assert [isinstance(one, Cut) for one in made] == [0.05 * n >= 0.3 for n in range(len(TEXTS))]
    assert isinstance(made[0], Skipped) and "0.00, is below 0.3" in made[0].reason


def test_words_are_cut(tmp_path: Path) -> None:
    words = tuple(dict.fromkeys(word for text in TEXTS for word in text.split()))
    (tmp_path / "tree" / "train").mkdir(parents=True)
    made = folder(tmp_path / "made", lines_of(words))
    (made / "train-00000.parquet").rename(tmp_path / "tree" / "train" / "words.parquet")
    done = cut(MODEL, tmp_path / "tree", tmp_path / "bank", level="words", split="train", threads=1)
    assert done.lines == len(words) - len(done.skipped) > 20
    assert " " not in Bank.open(tmp_path / "bank").alphabet


def test_a_table_of_readings_is_cut(letters: Path, tmp_path: Path, scriven) -> None:
    rows = [f'{line.id},letters#{line.id},"{line.text}",0.9' for line in LinesFolder(letters).lines("train")]
    table = letters.parent / "read.csv"
    table.write_text("\n".join(["id,image,text,confidence", *rows]), encoding="utf-8")
    code, out, err = scriven("cut", MODEL, table, "-o", tmp_path / "bank", "--json", "--threads", 1)
    assert code == 0, err
    assert json.loads(out)["lines"] == len(TEXTS) - 1  # one is held out


# --- what is left out -------------------------------------------------------------------------------------------------


def test_lines_that_cannot_be_cut_are_named(reader: Reader, tmp_path: Path) -> None:
    good = lines_of(("came into port", "we received it"))
    blank = encode(np.full((64, 300), 255, np.uint8))
    bad = {
        "has no text": replace(good[0], text=None),
        "is empty": replace(good[0], text="  "),
        "'中' (U+4E2D": replace(good[0], text="came 中 port"),
        "is too long for the width of its picture": replace(good[0], text="very " * 60),
        "shows no ink": replace(good[0], image=blank),
        "is damaged or not a picture": replace(good[0], image=b"no picture"),
        "finds only": replace(good[0], text="zwxzkqjxzvwqkz"),
    }
    lines = [good[0], *(replace(one, id=f"bad{n}") for n, one in enumerate(bad.values())), good[1]]
    made = cut_all(reader, lines, tmp_path / "bank")
    reasons = {one.id: one.reason for one in made if isinstance(one, Skipped)}
    assert sorted(one.id for one in made if isinstance(one, Cut)) == ["l0", "l1"]
    for number, said in enumerate(bad):
        assert said in reasons[f"bad{number}"]
    assert len(reasons) == len(bad)


def test_a_model_without_ctc_cannot_cut() -> None:
    info = ModelInfo(network="table", charset=("a", "b"), decoders=("attention",), stride=8)
    with pytest.raises(InputError, match="a model that decodes by CTC; choose one"):
        list(cut_lines(Reader(info, {"encoder": lambda inputs: {}}), [], None))  # type: ignore[arg-type]


def test_characters_of_no_width_are_not_cut(reader: Reader, tmp_path: Path) -> None:
    cut_all(reader, lines_of(), tmp_path / "bank", narrowest=8)
    bank = Bank.open(tmp_path / "bank")
    kept = np.array([character != BREAK for character in bank.text])
    widths = np.diff(bank.characters, axis=1)[:, 0]
    assert (widths[kept] >= 8).all() and (~kept).sum() > len(TEXTS)  # more breaks than ends of lines


def test_spans_never_reach_across_a_gap(tmp_path: Path) -> None:
    line = lines_of(("came into port",))[0]
    with BankWriter(tmp_path / "bank", 64) as writer:
        edges = np.arange(14)[:, None] * 10.0 + [0, 10]
        usable = np.array([c != "i" for c in "came into port"])
        picture = np.full((64, 140), 230, np.uint8)
        writer.add(line, picture, edges, usable, SOME)
        writer.finish({})
    bank = Bank.open(tmp_path / "bank")
    assert bank.text == "came \nnto port\n" and bank.about["characters"] == 13
    assert bank.tokens("me nto", LONGEST).lengths.tolist() == [3, 3]
    scribe = StackMixScribe(tmp_path / "bank")
    assert "'i'" in (scribe.refusal("into") or "") and scribe.texts == ["came into port"]


def test_a_bank_that_cannot_write_its_own_texts_is_a_bank(tmp_path: Path) -> None:
    lines = folder(tmp_path / "lines", lines_of(("mimic mum",)))
    settings = CutSettings(narrowest=9, agreement=0.1)
    done = cut(MODEL, lines, tmp_path / "bank", split="train", threads=1, settings=settings)
    assert done.lines == 1 and done.read_back is None and done.as_json()["read_back"] is None
    assert "None of their texts can be assembled" in done.sentence()
    assert set("mimic mum") - Bank.open(tmp_path / "bank").alphabet


def test_a_folder_without_a_line_that_can_be_cut_leaves_nothing(tmp_path: Path, scriven) -> None:
    lines = folder(tmp_path / "lines", lines_of(("came into port",), text=None))
    with pytest.raises(InputError, match="no line that can be cut; the first of 1: l0: "):
        cut(MODEL, lines, tmp_path / "bank", split="train", threads=1)
    assert not (tmp_path / "bank").exists()


def test_a_model_with_other_characters(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bank may hold characters that the model in training lacks, and lack some that its lines have."""
    monkeypatch.setattr("scriven.training.publish.export", lambda net, path: path.write_bytes(b"graph"))
    cut_all(reader, lines_of(), tmp_path / "bank")
    lines = folder(tmp_path / "lines", lines_of(("wax 7 quill", "jump", "of the", "men", "sir", "port")))
    chosen = TrainSettings(
        steps=2, size="tiny", batch_width_px=1200, evaluations=1, ramp=1, validate_on=2, charset="abcdefghijklmnopqr 7",
        outside="drop", mix=(f"stackmix:{tmp_path / 'bank'}",),
    )  # fmt: skip
    done = train([lines], tmp_path / "model", settings=chosen)
    assert done.progress.step == 2 and "s" not in done.info.charset


# --- interruptions ----------------------------------------------------------------------------------------------------


def test_nothing_is_left_of_a_bank_that_fails_and_the_command_works_again(letters: Path, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    with pytest.raises(Stop), BankWriter(tmp_path / "bank", 64):
        assert (tmp_path / "bank" / UNFINISHED).exists()
        raise Stop
    assert not (tmp_path / "bank").exists()
    assert cut(MODEL, letters, tmp_path / "bank", threads=1).lines == len(TEXTS)


def test_a_killed_command_leaves_no_bank_that_opens_and_can_be_repeated(letters: Path, tmp_path: Path) -> None:
    code = (
        "import sys, time; from scriven.scribes.stackmix.writer import BankWriter\n"
        "with BankWriter(sys.argv[1], 64) as bank:\n    print('begun', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "bank"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "begun\n"
        with pytest.raises(OutputError, match="another process is writing"):
            cut(MODEL, letters, tmp_path / "bank", threads=1)
        os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(InputError, match="not a finished bank"):
        Bank.open(tmp_path / "bank")
    (tmp_path / "bank" / ".keys.npy.0123456789abcdef.part").write_bytes(b"half")
    assert cut(MODEL, letters, tmp_path / "bank", threads=1).lines == len(TEXTS)
    assert not [
        file.name for file in (tmp_path / "bank").iterdir() if file.name.startswith(".") or file.name == UNFINISHED
    ]


def test_a_finished_bank_and_other_folders_are_never_overwritten(letters: Path, tmp_path: Path) -> None:
    cut(MODEL, letters, tmp_path / "bank", threads=1)
    before = {file.name: file.read_bytes() for file in (tmp_path / "bank").iterdir()}
    with pytest.raises(OutputError, match="is a finished bank"):
        cut(MODEL, letters, tmp_path / "bank", threads=1)
    assert {file.name: file.read_bytes() for file in (tmp_path / "bank").iterdir()} == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "lines.parquet").write_bytes(b"of somebody")  # the name of a file of banks, and of trees
    with pytest.raises(OutputError, match="exists and is not an unfinished bank"):
        cut(MODEL, letters, tmp_path / "other", threads=1)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="exists and is not"):
        cut(MODEL, letters, tmp_path / "file", threads=1)
    assert (tmp_path / "other" / "lines.parquet").read_bytes() == b"of somebody"


def test_the_same_lines_make_the_same_bank(reader: Reader, tmp_path: Path) -> None:
    for name in ("one", "two"):
        cut_all(reader, lines_of(), tmp_path / name)
    assert {f.name for f in (tmp_path / "one").iterdir()} == {f.name for f in (tmp_path / "two").iterdir()}
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_edges_are_exact_however_long_the_bank(tmp_path: Path) -> None:
    """Beyond 2 ** 24 columns, some 20,000 lines, odd columns are no numbers of 32 bits."""
    edges = np.array([[1.0, 10.25], [10.25, 21.5]])
    with BankWriter(tmp_path / "bank", 1) as writer:
        writer.add(Line("a", b"", "x"), np.full((1, 40_000_001), 230, np.uint8), edges[:1], np.ones(1, bool), SOME)
        writer.add(Line("b", b"", "ab"), np.full((1, 30), 230, np.uint8), edges, np.ones(2, bool), SOME)
        writer.finish({})
    bank = Bank.open(tmp_path / "bank")
    place = bank.text.index("ab")
    assert np.array_equal(bank.characters[place : place + 2] - bank.starts[1], edges)


def test_pictures_go_to_disk_as_they_come(tmp_path: Path) -> None:
    """The memory of a writer is bounded by the texts, not by the pictures."""
    line, edges = Line("a", b"", "ab"), np.array([[0.0, 10], [10, 20]])
    picture = np.full((64, 16_000), 230, np.uint8)  # 1 MB
    with BankWriter(tmp_path / "bank", 64) as writer:
        tracemalloc.start()
        for _ in range(60):
            writer.add(line, picture, edges, np.ones(2, bool), SOME)
        writer.finish({})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (tmp_path / "bank" / PIXELS).stat().st_size > 60e6 and peak < 8e6
    assert json.loads((tmp_path / "bank" / ABOUT).read_text())["lines"] == 60


# --- real lines -------------------------------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("name", ["peraire_fr", "poilus_fr"])
def test_assembled_real_lines_read_nearly_as_well_as_the_lines(name: str, real_data: Path, tmp_path: Path) -> None:
    source = LinesFolder(real_data / name, "lines")
    with LinesWriter(tmp_path / "lines", {"command": "test"}) as writer:
        for number, line in enumerate(source.lines("train")):
            if number == 150:
                break
            writer.write(line)
    done = cut("scriven-general", tmp_path / "lines", tmp_path / "bank", split="train", threads=1)
    assert done.lines >= 100
    assert done.read_back and done.read_back.cer <= done.cer + 0.05, done.sentence()
