"""train_scribe: batches, exact resumption, growth from a parent, lines that are left out, both codecs."""

import json
import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scriven.base import InputError, OutputError, SettingsError, Skipped, TextError
from scriven.images import decode
from scriven.jobs import train_scribe as job
from scriven.jobs.train_scribe import FlowTrainSettings, train_scribe
from scriven.lines import Line
from scriven.reader.session import Reader
from scriven.scribes import SCRIBES
from scriven.scribes.flow.model import EncodedHand, Hand
from scriven.text import Charset
from scriven.training.aligned_lines import AlignedLines, align_lines, split
from scriven.training.checkpoint import LOG, WEIGHTS, load_tensors
from scriven.training.flow_batches import FlowBatches
from scriven.training.flow_publish import load_network
from toy_hands import Stopped, folder, lines_of
from toy_reader import write_model
from toy_scribe import ToyScribe, toy_scribe

TEXTS = ("abcd cab", "dad bad", "cab dab", "bad cad", "acdc", "bcd abc")
FEW = FlowTrainSettings(
    steps=8, width=32, layers=1, batch=2, columns=8, evaluations=4, validate_on=1, read_back=2, device="cpu",
    precision="32-true", legibility=0,
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """No export of the graphs, which test_flow compares with the network."""
    monkeypatch.setattr("scriven.training.flow_publish.export", lambda net, path, fold: None)
    monkeypatch.setattr("scriven.training.flow_publish.write_shared", lambda path, target: target.write_bytes(b"graph"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("toy") / "reader")


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("lines") / "letters", lines_of(TEXTS * 2))


def aligned(model: Path, lines: list[Line]) -> tuple[AlignedLines, list[Skipped]]:
    into = AlignedLines(Charset(tuple("abcdefg ")))
    pairs = ((line, lambda line=line: decode(line.image, line.id)) for line in lines)
    done = list(align_lines(Reader.load(model, threads=1), pairs, into, ""))
    return into, [one for one in done if isinstance(one, Skipped)]


# --- lines and batches ------------------------------------------------------------------------------------------------


def test_characters_lie_where_they_are_drawn(model: Path) -> None:
    lines, skipped = aligned(model, lines_of(TEXTS))
    assert not skipped and lines.hands == ["l-0", "l-1"] and [line.text for line in lines.lines] == list(TEXTS)
    for number, line in enumerate(lines.lines):
        ink = lines.ink(number)
        assert ink.shape == (line.width, 64)
        for k, character in enumerate(line.text):
            middle = 8 + 16 * k + 4
            if character != " ":
                assert line.edges[k, 0] <= middle <= line.edges[k, 1], (line.text, k)


def test_lines_that_cannot_be_aligned_are_named(model: Path) -> None:
    good = lines_of(TEXTS)
    bad = {
        "has no text": replace(good[0], text=None),
        "'z' (U+007A": replace(good[0], text="zab"),
        "too long for the width": replace(good[0], text="abcd " * 40),
        "is damaged or not a picture": replace(good[0], image=b"no picture"),
        "finds only": replace(good[0], text="gfgfgfgf"),
    }
    lines, skipped = aligned(model, [*(replace(one, id=f"bad{n}") for n, one in enumerate(bad.values())), *good])
    reasons = {one.id: one.reason for one in skipped}
    assert len(lines) == len(good) and len(reasons) == len(bad)
    for number, said in enumerate(bad):
        assert said in reasons[f"bad{number}"]


def test_hands_are_those_of_lines_else_of_pages_else_each_its_own(model: Path) -> None:
    lines, _ = aligned(
        model,
        [replace(line, hand=hand, page=page) for line, hand, page in zip(
            lines_of(TEXTS), ("x", None, None, None, "x", None), (None, "p", "p", None, "p", None), strict=True
        )],
    )  # fmt: skip
    assert lines.hands == ["x", "page p", "line l3", "line l5"]
    assert [line.hand for line in lines.lines] == [0, 1, 1, 2, 0, 3]


def test_at_most_so_many_lines_of_a_hand_are_used(letters: Path, model: Path, tmp_path: Path) -> None:
    few = replace(FEW, steps=1, evaluations=1, lines_per_hand=2, legibility=0)
    done = train_scribe([letters], tmp_path / "few", model=model, settings=few)
    assert done.info.data[0]["lines"] == 4 and done.hands == 2
    everything = train_scribe([letters], tmp_path / "all", model=model, settings=replace(few, lines_per_hand=None))
    assert everything.info.data[0]["lines"] == 2 * len(TEXTS)


def test_a_model_that_stretches_pictures_and_one_without_ctc(tmp_path: Path, model: Path) -> None:
    """The pictures that are learnt have their own width, whatever the recogniser reads."""
    wide, _ = aligned(write_model(tmp_path / "wide", stretch=1.5), lines_of(TEXTS))
    plain, _ = aligned(model, lines_of(TEXTS))
    assert {one.id: one.width for one in wide.lines} == {one.id: one.width for one in plain.lines}
    assert all(line.edges.max() <= line.width for line in wide.lines)
    reader = Reader.load(model, threads=1)
    reader.info = reader.info.model_copy(update={"decoders": ("attention",)})
    with pytest.raises(InputError, match="a model that decodes by CTC; choose one"):
        list(align_lines(reader, [], AlignedLines(Charset("ab")), ""))


def test_held_out_lines_are_not_trained_on_and_every_hand_keeps_two(model: Path) -> None:
    lines, _ = aligned(model, [replace(line, id=f"{n}") for n, line in enumerate(lines_of(TEXTS * 5, hands=7))])
    train, valid = split(lines, 64, 0)
    assert sorted(train + valid) == list(range(30)) and len(valid) == 3
    assert len(split(lines, 1, 0)[1]) == 1 and split(lines, 64, 0) == (train, valid)
    assert all(len(own) >= 2 for own in lines.by_hand(train).values())
    alone, _ = aligned(model, [replace(line, hand=f"{n}") for n, line in enumerate(lines_of(TEXTS * 5))])
    assert split(alone, 64, 0)[1] == []


def test_a_batch_depends_on_seed_and_number_only(model: Path) -> None:
    lines, _ = aligned(model, lines_of(TEXTS))
    every = list(range(len(lines)))
    one, two, other = (FlowBatches(lines, every, every, 8, seed) for seed in (3, 3, 4))
    for number in range(4):
        one.batch(number, 3)
    tensors = lambda batch: [batch.ink, *batch.layout, batch.references.ink, *batch.references.layout, *batch[3:]]  # noqa: E731
    for a, b in zip(tensors(one.batch(5, 3)), tensors(two.batch(5, 3)), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one.batch(5, 3).ink, other.batch(5, 3).ink)
    assert not torch.equal(one.batch(5, 3).ink, one.batch(6, 3).ink)


def test_a_line_alone_is_shown_other_parts_of_itself_only(model: Path) -> None:
    """Every column of the picture has its own grey value, so that what is shown tells where it was."""
    lines, _ = aligned(model, [replace(lines_of(("abcdabcd" * 4,))[0], hand="x")])
    width = lines.lines[0].width
    ramp = np.linspace(0.1, 1, width, dtype=np.float32)[:, None].repeat(64, 1)
    lines.ink = lambda index: ramp  # type: ignore[method-assign]
    batches, seen = FlowBatches(lines, [0], [0], 8, 0), 0
    for seed in range(60):
        begin = int(np.random.default_rng(seed).integers(-20, width))
        hidden = (begin, begin + 64)
        shown = batches.reference(0, np.random.default_rng(seed), hidden).ink
        values = shown[shown.any(axis=1), 0]
        places = np.rint((values - 0.1) / 0.9 * (width - 1)).astype(int)
        assert not ((places >= hidden[0]) & (places < hidden[1])).any()
        seen += len(places) > 0
    assert seen > 50


def test_a_line_is_shown_other_lines_of_its_hand(model: Path) -> None:
    lines, _ = aligned(model, lines_of(TEXTS))
    lines.ink = lambda index: np.full((lines.lines[index].width, 64), (index + 1) / 10, np.float32)  # type: ignore[method-assign]
    batches, found = FlowBatches(lines, [0], [0, 1, 2, 4], 8, 0), set[int]()
    for seed in range(30):
        shown = batches.reference(0, np.random.default_rng(seed), (0, 64)).ink
        found |= {round(10 * value) - 1 for value in np.unique(shown) if value}
    assert found == {2, 4}  # of hand 0, not the line itself, none that is not to be shown


# --- the job ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("latent", [0, 8])
def test_an_interrupted_run_ends_with_the_same_weights(
    latent: int, letters: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(FEW, latent=latent, autoencoder_share=0.5)
    done = train_scribe([letters], tmp_path / "whole", model=model, settings=settings)
    assert done.hands == 2 and not done.skipped and done.info.scores["read_back"]["n"] == 1
    batch = FlowBatches.batch

    stops = [3, 7]  # evaluated and saved after 2 and 6

    def stopping(self: FlowBatches, number: int, size: int) -> object:
        if number == stops[0] and self.seed == settings.seed:
            raise Stopped
        return batch(self, number, size)

    while stops:
        with monkeypatch.context() as patch, pytest.raises(Stopped):
            patch.setattr(FlowBatches, "batch", stopping)
            train_scribe([letters], tmp_path / "parts", model=model, settings=settings)
        assert not (tmp_path / "parts" / "model.json").exists() and stops.pop(0)
    with pytest.raises(OutputError, match=r"begun with other settings \(lr\); choose another -o"):
        train_scribe([letters], tmp_path / "parts", model=model, settings=replace(settings, lr=1e-4))
    train_scribe([letters], tmp_path / "parts", model=model, settings=settings)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert (whole / WEIGHTS).read_bytes() == (parts / WEIGHTS).read_bytes()
    logs = [(each / LOG).read_text().splitlines() for each in (whole, parts)]
    rows = [[json.loads(line) | {"minutes": 0} for line in one] for one in logs]
    assert rows[0] == rows[1] and [row["step"] for row in rows[0]] == [2, 4, 6, 8]
    phases = [row["phase"] for row in rows[0]]
    assert phases == (["autoencoder"] * 2 + ["flow"] * 2 if latent else ["flow"] * 4)
    page = (parts / "report.html").read_text()
    assert "Progress" in page and "generated in the same hand" in page
    with pytest.raises(OutputError, match="is a finished model folder"):
        train_scribe([letters], parts, model=model, settings=settings)


def test_the_autoencoder_is_whitened_and_then_frozen(
    letters: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codecs, keep = [], job.Evaluation.keep

    def kept(self: job.Evaluation, run: object, row: dict[str, object]) -> None:
        codecs.append({k: v.clone() for k, v in run.net.codec.state_dict().items()})  # type: ignore[attr-defined]
        keep(self, run, row)  # type: ignore[arg-type]

    monkeypatch.setattr(job.Evaluation, "keep", kept)
    settings = replace(FEW, latent=8, autoencoder_share=0.5, read_back=2)
    train_scribe([letters], tmp_path / "out", model=model, settings=settings)
    before, end, first, last = codecs
    assert not torch.equal(before["code.weight"], end["code.weight"]) and not end["mean"].any()
    assert first["mean"].any() and not torch.equal(first["deviation"], torch.ones(8))
    assert all(torch.equal(first[k], last[k]) for k in first)
    weights = load_tensors(tmp_path / "out" / WEIGHTS)
    assert all(torch.equal(last[k], weights[f"codec.{k}"]) for k in last)


@pytest.mark.parametrize("latent", [0, 8])
def test_from_a_parent_hands_and_characters_are_kept_and_grow(
    latent: int, letters: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(FEW, steps=2, latent=latent, evaluations=1)
    first = train_scribe([letters], tmp_path / "first", model=model, settings=settings)
    more = folder(tmp_path / "more", [*lines_of(("gab fed", "egg fad", "feed"), "m"), *lines_of(("bag", "gag"), "l")])
    started: list[torch.Tensor] = []

    def fit(run: object, *rest: object) -> None:
        started.append(run.net.codes.weight.detach().clone())  # type: ignore[attr-defined]
        fitted(run, *rest)  # type: ignore[arg-type]

    fitted = job.fit_flow
    monkeypatch.setattr(job, "fit_flow", fit)
    wide = replace(settings, width=64, latent=0)  # those of the parent count
    done = train_scribe([more], tmp_path / "second", parent=first.folder, model=model, settings=wide)
    old, new = load_network(first.folder), load_network(done.folder)
    known = len(first.info.charset)
    assert new[1].charset[:known] == first.info.charset and set(new[1].charset[known:]) == set("efg")
    assert new[1].sizes == old[1].sizes and torch.equal(started[0][: known + 1], old[0].codes.weight)
    names = [hand.name for hand in new[2]]
    assert names == ["l-0", "l-1", "m-0", "m-1", "l-0 (2)", "l-1 (2)"] and done.hands == 6
    for a, b in zip(old[2], new[2], strict=False):
        assert np.array_equal(a.ink, b.ink) and np.array_equal(a.classes, b.classes)
    if latent:
        tensors = [load_tensors(each / WEIGHTS) for each in (first.folder, done.folder)]
        assert all(torch.equal(tensors[0][k], tensors[1][k]) for k in tensors[0] if k.startswith("codec."))


def test_without_pictures_a_model_holds_the_codes_of_its_hands_and_passes_them_on(
    letters: Path, model: Path, tmp_path: Path
) -> None:
    settings = replace(FEW, steps=2, evaluations=1, pictures=False)
    first = train_scribe([letters], tmp_path / "first", model=model, settings=settings)
    hands = load_network(first.folder)[2]
    assert [hand.name for hand in hands] == ["l-0", "l-1"]
    assert all(isinstance(hand, EncodedHand) and hand.code.any() and hand.code.shape[1] == 32 for hand in hands)
    report = (first.folder / "report.html").read_text("utf-8")
    shown = [decode(b64decode(one), "") for one in re.findall(r"data:image/\w+;base64,([^\"]+)\"", report)]
    assert shown and {one.shape[0] for one in shown} == {64} and "by hand" not in report
    with_pictures = replace(settings, pictures=True)
    done = train_scribe([letters], tmp_path / "second", parent=first.folder, model=model, settings=with_pictures)
    kinds = [type(hand) for hand in load_network(done.folder)[2]]
    assert kinds == [EncodedHand, EncodedHand, Hand, Hand]


def test_texts_that_a_scribe_cannot_write_are_named(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "texts.txt").write_text("abcd\ncab\n", "utf-8")

    def refused(*_: object, **__: object) -> None:
        raise TextError("no ink is left")

    monkeypatch.setitem(SCRIBES, "toy", toy_scribe)
    monkeypatch.setattr(ToyScribe, "write", refused)
    settings = replace(FEW, font_lines=3)
    with pytest.raises(InputError, match="can be aligned with its text; the first of 3: toy-0: no ink is left"):
        train_scribe([f"toy:{tmp_path / 'texts.txt'}"], tmp_path / "out", model=model, settings=settings)


def test_what_cannot_be_trained_on_is_said(letters: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="exactly one of steps and minutes"):
        FlowTrainSettings()
    unlike = folder(tmp_path / "unlike", [replace(line, text="gfgf gfgf") for line in lines_of(("abcd cab",))])
    with pytest.raises(InputError, match="no line of .*unlike can be aligned with its text; the first of 1: l0: "):
        train_scribe([unlike], tmp_path / "out", model=model, settings=FEW)
    assert not (tmp_path / "out").exists()
