"""Bad input to commands: one sentence (what, where, what next), the right exit code, nothing lost."""

import io
import json
import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import scriven as package
from scriven.images import encode
from scriven.lines import Line, LinesFolder, LinesWriter
from toy_reader import LETTERS, picture, write_model

Scriven = Callable[..., tuple[int, str, str]]
INK = picture("abc d")
PNG = encode(INK)
JPEG = encode(INK, "jpeg")
NEXT = ("copy", "check", "choose", "give", "scale", "leave", "write", "save", "mend", "use", "convert", "add", "make")


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def bomb() -> bytes:
    """A PNG whose header says 300 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 15_000, 8, 0, 0, 0, 0)
    return PNG[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(Image.fromarray(INK).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)


def alpha() -> bytes:
    drawn = np.zeros((*INK.shape, 4), np.uint8)
    drawn[..., 3] = 255 - INK
    return saved(Image.fromarray(drawn), "PNG")


def deep() -> bytes:
    return saved(Image.fromarray(INK.astype(np.uint16) * 16), "PNG")  # 12 bits of 16


GOOD = {
    "mislabelled.png": JPEG,
    "deep.png": deep(),
    "cmyk.jpg": saved(Image.fromarray(INK).convert("CMYK"), "JPEG"),
    "cmyk.tif": saved(Image.fromarray(INK).convert("CMYK"), "TIFF"),
    "palette.png": saved(Image.fromarray(INK).convert("P"), "PNG"),
    "alpha.png": alpha(),
    "turned.jpg": turned(),
    "light.png": encode(np.asarray(255 - INK, np.uint8)),
}
BAD = {
    "truncated.png": (PNG[: len(PNG) // 2], "damaged or cut short"),
    "truncated.jpg": (JPEG[: -len(JPEG) // 3], "damaged"),
    "empty.png": (b"", "is empty"),
    "text.png": (b"hello", "not a picture"),
    "bomb.png": (bomb(), "300 megapixels"),
    "one.png": (encode(np.zeros((1, 1), np.uint8)), "1 x 1 pixels"),
}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "toy")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, data in {**GOOD, **{name: data for name, (data, _) in BAD.items()}}.items():
        (folder / name).write_bytes(data)
    (folder / "folder.png").mkdir()
    return folder


def lines_folder(path: Path, count: int, bad: int | None = None, apart: bool = False) -> Path:
    """`apart`: all pictures differ."""
    with LinesWriter(path, {"command": "test"}) as writer:
        for n in range(count):
            text = "".join(LETTERS[(n * 7 + i) % 7] for i in range(3 + n % 4))
            paper = np.pad(picture(text), ((0, 0), (0, n // 4 * apart)), constant_values=255)
            image = b"\x89PNG broken" if n == bad else encode(paper)
            writer.write(Line(f"l{n}", image, text, hand=f"h{n % 3}"), "train")
    return path


def cut(file: Path) -> Path:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    return file


def told(result: tuple[int, str, str], code: int, *parts: str) -> None:
    """Check the exit code, that standard error has every part, and that it has no traceback."""
    said = result[2]
    assert result[0] == code, said
    assert "Traceback" not in said and "Error:" not in said
    for part in parts:
        assert part in said, said
    if code == 2:
        last = said.strip().splitlines()[-1]
        assert last.startswith("scriven: ") and any(word in last for word in NEXT), said


def test_pictures_of_all_formats_are_read_and_bad_ones_named(scriven: Scriven, toy: Path, pictures: Path) -> None:
    result = scriven("read", pictures, "-m", toy, "-f", "csv")
    rows = [row.split(",") for row in result[1].splitlines()[1:]]
    assert sorted(Path(row[1]).name for row in rows) == sorted(GOOD) and {row[2] for row in rows} == {"abc d"}
    told(result, 1, *(f"{pictures / name}: " for name in BAD), *(why for _, why in BAD.values()), f"{len(BAD)} skipped")


@pytest.mark.parametrize("name", BAD)
def test_a_single_bad_picture_gives_exit_code_2(scriven: Scriven, toy: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BAD[name][0])
    told(scriven("read", tmp_path / name, "-m", toy), 2, f"{tmp_path / name}: ", BAD[name][1])
    told(scriven("import", "pictures", tmp_path, "-o", tmp_path / "out"), 2, BAD[name][1])
    assert not (tmp_path / "out").exists()


def test_import_keeps_every_good_picture(scriven: Scriven, pictures: Path, tmp_path: Path) -> None:
    told(scriven("import", "pictures", pictures, "-o", tmp_path / "out"), 1, *(why for _, why in BAD.values()))
    kept = {line.id for line in LinesFolder(tmp_path / "out").lines()}
    assert len(kept) == len(GOOD) and {"cmyk", "cmyk.tif"} <= kept  # two pictures with one stem


def test_very_wide_pictures(scriven: Scriven, toy: Path, tmp_path: Path) -> None:
    (tmp_path / "wide.png").write_bytes(encode(picture("abc d" * 500)[:, :40_000]))
    (tmp_path / "sliver.png").write_bytes(encode(np.full((2, 40_000), 255, np.uint8)))
    result = scriven("read", tmp_path, "-m", toy)
    told(result, 1, "sliver: ", "cannot be a line of writing")
    assert result[1].startswith("abc dabc d") and len(result[1]) > 2_400


def test_one_bad_line_in_a_thousand_skips_only_itself(scriven: Scriven, toy: Path, tmp_path: Path) -> None:
    folder = lines_folder(tmp_path / "thousand", 1_000, bad=500, apart=True)
    result = scriven("read", folder, "-m", toy)
    told(result, 1, "l500: ", "scriven: 1 skipped")
    assert len(result[1].splitlines()) == 999
    told(scriven("import", "parquet", folder, "-o", tmp_path / "in"), 1, "l500: ", "scriven: 1 skipped")
    assert LinesFolder(tmp_path / "in").count("train") == 999
    result = scriven("doctor", folder, "--set", "calibrate=no")
    told(result, 1, "l500: ", "scriven: 1 skipped")
    assert "1,000 lines checked, 1 would be lost" in result[1]
    result = scriven("score", toy, folder, "--json")
    told(result, 1, "l500: ")
    assert json.loads(result[1])["n"] == 999


@pytest.mark.slow
def test_adapt_names_one_bad_line_in_a_thousand(scriven: Scriven, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    folder, model = lines_folder(tmp_path / "thousand", 1_000, bad=500, apart=True), tmp_path / "model"
    damaged = lines_folder(tmp_path / "damaged", 4)
    cut(damaged / "train-00000.parquet")
    small = ("--size", "tiny", "--steps", 1, "--set", "evaluations=1", "--set", "batch_width_px=2048")
    told(scriven("train", folder, "-o", model, *small), 1, "l500: ", "scriven: 1 skipped")
    told(scriven("train", damaged, "-o", tmp_path / "none", "--from", model, *small), 2, "not a complete Parquet")
    told(scriven("train", folder, "-o", folder, *small), 2, "not a model begun by this command")
    told(scriven("train", folder, "-o", folder / "about.json", *small), 2, "is a file")
    asked = ("-m", model, "--lang", "en", "--rounds", 1, "--set", "steps=1", "--set", "synthetic_fraction=0")
    told(scriven("adapt", damaged, "-o", tmp_path / "hand", *asked), 2, "not a complete Parquet")
    told(scriven("adapt", folder, "-o", folder / "about.json", *asked), 2, "is a file")
    result = scriven(
        "adapt", folder, damaged, "-o", tmp_path / "hand", *asked
    )  # the failed run left the output path free
    told(result, 1, "l500: ", "not a complete Parquet", "scriven: 2 skipped")
    cut(model / "weights.safetensors")
    told(
        scriven("train", folder, "-o", tmp_path / "none", "--from", model, *small), 2, "weights.safetensors is damaged"
    )
    told(scriven("adapt", folder, "-o", tmp_path / "none", *asked), 2, "weights.safetensors is damaged")
    assert not (tmp_path / "none").exists()


def wrong_kind(model: Path) -> None:
    facts = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps({**facts, "kind": "scribe"}))


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "graph": (lambda model: cut(model / "reader.onnx"), "reader.onnx is damaged"),
    "card": (lambda model: cut(model / "model.json"), "model.json is damaged"),
    "kind": (wrong_kind, "of the kind 'scribe'"),
    "bare": (lambda model: (model / "model.json").unlink(), "is not a model folder"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_damaged_models_are_refused(scriven: Scriven, toy: Path, tmp_path: Path, what: str) -> None:
    spoil, why = SPOILT[what]
    model = tmp_path / "model"
    shutil.copytree(toy, model)
    spoil(model)
    (tmp_path / "x.png").write_bytes(PNG)
    lines = lines_folder(tmp_path / "lines", 4)
    told(scriven("read", tmp_path / "x.png", "-m", model), 2, why)
    told(scriven("read", tmp_path / "x.png", "-m", model, "-o", tmp_path / "out"), 2, why)
    told(scriven("score", model, lines), 2, why)
    if what != "graph":
        told(scriven("models", "show", model), 2, why)
        told(scriven("doctor", lines, "-m", model), 2, why)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("what", ["empty", "cut", "nowhere", "latin.csv", "huge.csv"])
def test_other_folders_give_exit_code_2_in_every_command(
    scriven: Scriven, toy: Path, tmp_path: Path, what: str
) -> None:
    (tmp_path / "empty").mkdir()
    cut(lines_folder(tmp_path / "cut", 20) / "train-00000.parquet")
    (tmp_path / "latin.csv").write_bytes(b"id,image,text\n1,x.png,\xe9t\xe9\n")
    (tmp_path / "huge.csv").write_text(f"id,image,text\n1,x.png,{'a' * 200_000}\n")
    before, given = sorted(tmp_path.rglob("*")), tmp_path / what
    for command in (
        ("read", given, "-m", toy),
        ("read", given, "-m", toy, "-o", tmp_path / "out.json"),
        ("score", toy, given),
        ("doctor", given),
        *(
            [] if given.suffix else [("look", given, "-o", tmp_path / "look.html")]
        ),  # which also shows folders without lines
        ("export", "pairs", given, "-o", tmp_path / "out"),
        ("import", "csv" if given.suffix == ".csv" else "parquet", given, "-o", tmp_path / "out"),
    ):
        told(scriven(*command), 2, given.name if given.suffix else str(given))
    assert sorted(tmp_path.rglob("*")) == before


def test_text_that_is_not_utf8_skips_its_line(scriven: Scriven, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    for n in range(4):
        (pairs / f"{n}.png").write_bytes(PNG)
        (pairs / f"{n}.gt.txt").write_bytes(b"\xe9t\xe9" if n == 2 else b"abc d")
    told(scriven("import", "pairs", pairs, "-o", tmp_path / "out"), 1, "2: its text is not UTF-8", "1 skipped")
    assert LinesFolder(tmp_path / "out").count("train") == 3


@pytest.mark.parametrize("spec", ["{}", "words:{}", "ngram:{}"])
def test_skipped_files_of_a_corpus_are_named(scriven: Scriven, tmp_path: Path, spec: str) -> None:
    pytest.importorskip("uharfbuzz")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.txt").write_text("bad cab dab\nabc def\n")
    (corpus / "b.txt").write_bytes(b"\xe9t\xe9")
    source, why = spec.format(corpus), f"{corpus / 'b.txt'}: it is not UTF-8"
    told(scriven("texts", "sample", source), 1, why, "1 skipped")
    told(scriven("texts", "balance", source, "--json"), 1, why, "1 skipped")
    told(scriven("write", "-o", tmp_path / "out", "--texts", source, "--count", 2), 1, why, "1 skipped")
    (corpus / "a.txt").unlink()
    told(scriven("write", "-o", tmp_path / "none", "--texts", source, "--count", 2), 2, why)
    told(scriven("texts", "words", corpus, "-o", tmp_path / "none"), 2, why)
    assert not (tmp_path / "none").exists()


def test_unknown_characters_are_named(scriven: Scriven, toy: Path, tmp_path: Path) -> None:
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for n, text in enumerate(("abc", "aЖb", "de")):
            writer.write(Line(f"l{n}", encode(picture("abc d")), text))
    code, out, _ = scriven("doctor", tmp_path / "lines", "-m", toy, "--set", "calibrate=no")
    assert code == 0 and "Ж" in out, out  # training from the model adds the character
    told(scriven("score", toy, tmp_path / "lines"), 0, "characters that the model cannot write", "Ж 1")


def test_repeated_ids_are_named(scriven: Scriven, toy: Path, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(PNG)
    (tmp_path / "twice.csv").write_text("id,image,text\na,x.png,abc\nb,x.png,abc\na,x.png,abd\n")
    why = "a: its id occurs more than once; only the first is used"
    told(scriven("import", "csv", tmp_path / "twice.csv", "-o", tmp_path / "out"), 1, why)
    told(scriven("read", tmp_path / "twice.csv", "-m", toy), 1, why)
    told(scriven("score", toy, tmp_path / "twice.csv"), 1, why)


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in (b"a b.png", b"new\nline.png", b"-dash.png", "🙂.png".encode(), b"\xff\xfe.png"):
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:
            file.write(PNG)
    (folder / "link.png").symlink_to(folder / "a b.png")
    (folder / "loop").symlink_to(folder)
    (folder / "broken.png").symlink_to("/nowhere")
    os.mkfifo(folder / "pipe.png")
    return folder


def test_odd_names_links_and_pipes(scriven: Scriven, toy: Path, odd: Path, tmp_path: Path) -> None:
    for n, format in enumerate(("text", "csv", "tsv", "json")):
        result = scriven("read", odd, "-m", toy, "-f", format, "-o", tmp_path / f"out-{n}")
        told(result, 1, "broken.png: it is a broken link to /nowhere", "pipe.png: not a regular file", "2 skipped")
        assert len(list((tmp_path / f"out-{n}").iterdir())) == 6 + 1
        assert not json.loads((tmp_path / f"out-{n}" / "about.json").read_text())["finished"]  # as two inputs are bad
    told(scriven("read", odd / "pipe.png", "-m", toy), 2, "not a regular file")
    told(scriven("read", "", "-m", toy), 2, "name of an input is empty")
    told(scriven("read", "a" * 300, "-m", toy), 2, "name too long")
    told(scriven("import", "pictures", odd, "-o", tmp_path / "in"), 1, "broken", "pipe", "2 skipped")
    assert LinesFolder(tmp_path / "in").count("train") == 6


def test_file_names_that_are_not_utf8_can_be_printed(toy: Path, odd: Path) -> None:
    with command("read", odd, "-m", toy, "-f", "json", stdout=subprocess.PIPE) as running:
        printed, said = running.communicate()
    assert running.returncode == 1 and b"Traceback" not in said
    names = {row["id"] for row in json.loads(printed)["readings"]}
    assert os.fsdecode(b"\xff\xfe") in names and "new\nline" in names


def test_an_output_folder_inside_the_input(scriven: Scriven, toy: Path, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "x.png").write_bytes(PNG)
    told(scriven("read", tmp_path / "scans", "-m", toy, "-o", tmp_path / "scans" / "out"), 0)
    assert (tmp_path / "scans" / "out" / "x.txt").read_text() == "abc d\n"
    told(scriven("read", tmp_path / "scans", "-m", toy, "-o", tmp_path / "scans"), 2, "was not begun by this command")
    lines = lines_folder(tmp_path / "lines", 3)
    told(scriven("import", "parquet", lines, "-o", lines), 2, "finished lines folder")
    told(scriven("export", "pairs", lines, "-o", lines), 2, "is not empty")
    assert LinesFolder(lines).count("train") == 3


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """A context in which no file can grow beyond `room` bytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_no_finished_output(scriven: Scriven, toy: Path, tmp_path: Path) -> None:
    pytest.importorskip("uharfbuzz")
    lines = lines_folder(tmp_path / "lines", 60)
    (tmp_path / "texts.txt").write_text("\n".join(f"bad cab number {n}" for n in range(40)))
    before = set(tmp_path.iterdir())
    commands: dict[str, tuple[object, ...]] = {
        "read.json": ("read", lines, "-m", toy, "-o"),
        "imported": ("import", "parquet", lines, "-o"),
        "exported": ("export", "lmdb", lines, "-o"),
        "written": ("write", "--texts", tmp_path / "texts.txt", "-o"),
        "look.html": ("look", lines, "-o"),
        "words.csv": ("texts", "words", "en", "-o"),
        "lm.npz": ("texts", "lm", tmp_path / "texts.txt", "-o"),
    }
    for name, command in commands.items():
        with full_disk(2_000):
            result = scriven(*command, tmp_path / name)
        why = "No space left" if name == "exported" else "File too large"  # LMDB's message for any incomplete write
        told(result, 2, "cannot write ", why, "free some space")
        assert set(tmp_path.iterdir()) == before, name
    del commands["exported"], commands["lm.npz"], commands["words.csv"]
    for name, command in commands.items():
        told(scriven(*command, tmp_path / name), 0)  # the output path is free


def command(*arguments: object, **options: object) -> "subprocess.Popen[bytes]":
    home = str(Path(package.__file__).parents[1])
    call = [sys.executable, "-c", "from scriven.cli import main; main()", *map(str, arguments)]
    return subprocess.Popen(call, env={**os.environ, "PYTHONPATH": home}, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload, no-any-return]


def test_a_closed_pipe_is_not_an_error(toy: Path, tmp_path: Path) -> None:
    folder = lines_folder(tmp_path / "lines", 600)
    with command("read", folder, "-m", toy, "-f", "json", "--threads", 1, stdout=subprocess.PIPE) as running:
        assert running.stdout and running.stderr
        running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read().decode()
    assert "Traceback" not in said and "Broken" not in said and running.returncode != 2


def test_a_full_or_closed_standard_output_is_reported(toy: Path, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "x.png").write_bytes(PNG)
    with open("/dev/full", "wb") as full, command("read", tmp_path / "x.png", "-m", toy, stdout=full) as running:
        assert running.stderr
        said = running.stderr.read().decode()
    assert running.returncode == 2 and said.startswith("scriven: cannot") and "No space left" in said
    assert len(said.splitlines()) == 1
