"""The command lines of the documents run, in order, on small folders with the names used there.

Long commands are shortened: `--minutes` to one step, counts to a few. An exit code of 2 or a traceback fails the page.
`demo` and `bench` have tests of their own; so has `fetch`, whose examples would use the network.
"""

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from string import ascii_letters

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("wordfreq")

from scriven.images import encode  # noqa: E402
from scriven.lines import Line, LinesWriter  # noqa: E402
from scriven.reader.model import BUNDLED  # noqa: E402
from scriven.scribes.fonts.scribe import FontScribe  # noqa: E402
from scriven.scribes.typefaces import bundled  # noqa: E402
from test_docs import DOCS, examples  # noqa: E402
from toy_bank import toy_bank  # noqa: E402
from toy_flow import toy_flow  # noqa: E402
from toy_wordstylist import saved_autoencoder, toy_network  # noqa: E402

pytestmark = pytest.mark.slow

TEXTS = (
    "the letter of the third", "we received it", "and the ship", "came into port", "with forty men", "on Tuesday last",
    "dear sir", "your obedient", "servant and friend", "in the morning", "the price of corn", "was not high",
    "my sister writes", "from the coast", "that all are well", "and send regards", "to your mother", "and the children",
    "le navire est parti", "de la ville", "avec le vent", "sur la mer", "au port de Brest", "et le capitaine",
)  # fmt: skip
IMPORT = next(page for page in DOCS if page.name == "import.md")
PAGES = [page for page in DOCS if page.name not in ("cli.md", "bench.md", "demo.md", "fetch.md")]


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    """A synthetic picture of each text, encoded as PNG."""
    scribe = FontScribe([face for face in bundled() if face.id in ("kalam", "caveat", "homemade-apple")])
    return {text: encode(scribe.write(text, np.random.default_rng([0, i])).picture) for i, text in enumerate(TEXTS)}


@pytest.fixture
def workplace(tmp_path: Path, pictures: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with the files that the documents mention."""
    monkeypatch.chdir(tmp_path)
    for name in ("scans", "more", "rest", "checked", "ground-truth", "exported"):
        (tmp_path / name).mkdir()
        for i, (text, image) in enumerate(pictures.items()):
            (tmp_path / name / f"{i:02d}.png").write_bytes(image)
            if name in ("checked", "ground-truth", "exported"):
                (tmp_path / name / f"{i:02d}.gt.txt").write_text(text, encoding="utf-8")
                (tmp_path / name / f"{i:02d}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "scans" / "99.jpg").write_bytes((tmp_path / "scans" / "00.png").read_bytes())
    for name in ("photo.png", "page.png"):
        (tmp_path / name).write_bytes(pictures[TEXTS[0]])
    for name in ("letters", "diaries", "collection"):
        for level in ("lines", "words"):
            _tree(tmp_path / name, level, pictures)
    for name in ("my-hand", "my-hand-2", "my-model", "model"):
        shutil.copytree(BUNDLED / "scriven-synthetic", tmp_path / name)
    toy_bank(tmp_path / "bank")
    toy_flow(tmp_path / "my-scribe", characters=tuple(sorted({*"".join(TEXTS), *"some words"})))
    rows = [f'{i:02d},scans/{i:02d}.png,"{text}",0.9' for i, text in enumerate(TEXTS)]
    for name in ("read", "corrected", "corrected-2", "before"):
        (tmp_path / f"{name}.csv").write_text("\n".join(["id,image,text,confidence", *rows]), encoding="utf-8")
    (tmp_path / "names.txt").write_text("Péraire\nBrest\n", encoding="utf-8")
    (tmp_path / "letters.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    (tmp_path / "words.txt").write_text("ink\nPaper\nletter\n", encoding="utf-8")
    (tmp_path / "write.yaml").write_text("strength: 0.5\nheight: 64\n", encoding="utf-8")
    index = [f"{i:02d}.png;{text}" for i, text in enumerate(TEXTS)]
    (tmp_path / "scans" / "index.txt").write_text("\n".join(index), encoding="utf-8")
    own = re.search(r"^```python\n(# mine\.py\n.*?)^```", IMPORT.read_text("utf-8"), re.DOTALL | re.M)
    assert own, "docs/import.md shows no importer of one's own"
    (tmp_path / "mine.py").write_text(own[1], encoding="utf-8")
    (tmp_path / "my-texts").mkdir()
    (tmp_path / "my-texts" / "a.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    (tmp_path / "page.txt").write_text(" ".join(TEXTS), encoding="utf-8")
    shutil.copytree(tmp_path / "scans", tmp_path / "page-lines", ignore=shutil.ignore_patterns("*.txt", "*.jpg"))
    (tmp_path / "texts").mkdir()
    for page in range(5):
        there = [text for i, text in enumerate(TEXTS) if i % 5 == page]
        (tmp_path / "texts" / f"p{page}.txt").write_text(" ".join(there), encoding="utf-8")
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "resnet34-b627a593.pth")
    _fonts(tmp_path)
    (tmp_path / "models").mkdir()
    torch.save(toy_network(characters=tuple(ascii_letters), hands=3).state_dict(), tmp_path / "models" / "ema_ckpt.pt")
    saved_autoencoder(tmp_path / "stable-diffusion" / "vae")
    return tmp_path


def _tree(folder: Path, level: str, pictures: dict[str, bytes]) -> None:
    """`<split>/<level>.parquet` of these pictures, as collections are published."""
    made = folder / f".{level}"
    with LinesWriter(made, {}) as writer:
        for i, (text, image) in enumerate(pictures.items()):
            split = "test" if i % 4 == 0 else "valid" if i % 4 == 1 else "train"
            writer.write(Line(f"{level}-{i}", image, text, hand=f"h{i % 3}", page=f"p{i % 5}"), split)
    for split in ("train", "valid", "test"):
        (folder / split).mkdir(exist_ok=True)
        (made / f"{split}-00000.parquet").rename(folder / split / f"{level}.parquet")
    shutil.rmtree(made)


def _fonts(place: Path) -> None:
    """A folder of fonts, and a checkout of google/fonts."""
    from scriven.scribes.typefaces import sfnt

    (place / "my-fonts").mkdir()
    for id, subset in (("kalam", "latin"), ("caveat", "cyrillic")):
        face = next(face for face in bundled() if face.id == id)
        data = sfnt(face.files[0])
        (place / "my-fonts" / f"{id}.ttf").write_bytes(data)
        family = place / "google-fonts" / "ofl" / id
        family.mkdir(parents=True)
        (family / f"{id.title()}-Regular.ttf").write_bytes(data)
        (family / "OFL.txt").write_text("SIL OPEN FONT LICENSE Version 1.1", encoding="utf-8")
        (family / "METADATA.pb").write_text(
            f'name: "{face.family}"\nlicense: "OFL"\ncategory: "HANDWRITING"\nfonts {{\n  filename: '
            f'"{id.title()}-Regular.ttf"\n  style: "normal"\n  weight: 400\n}}\nsubsets: "{subset}"\n',
            encoding="utf-8",
        )


def shortened(line: str) -> list[str]:
    """The words of a command line, without `scriven`, shortened to run in a test."""
    line = re.sub(r"--precision [\d.]+", "--precision 0", re.sub(r" --minutes \d+", "", line))
    words = shlex.split(re.sub(r"(--count|-n) \d+", r"\1 5", line))[1:]
    if words[0] == "train":
        words += ["--steps", "1"]
        for change in ("evaluations=1", "batch_width_px=2048", "validate_fonts=4", "validate_on=4"):
            words += ["--set", change]
    if words[0] == "train-scribe":
        words += ["--steps", "1"]
        own = ("heads=2", "font_lines=8") if "wordstylist" in words else ("layers=1", "font_lines=8")
        for change in ("width=32", "batch=2", "evaluations=1", "read_back=2", *own):
            words += ["--set", change]
    if words[0] == "adapt":
        words += ["--rounds", "1", "--set", "steps=1", "--set", "batch_width_px=2048"]
    return words


STORIES = ("README.md", "first-hour.md")  # whose commands are run one after another in one folder


def _make_way(words: list[str], place: Path) -> set[str]:
    """Remove what `workplace`, or an alternative command, has put where a command writes its output."""
    targets = {target for flag, target in zip(words, words[1:], strict=False) if flag == "-o"}
    for target in targets:
        if (place / target).exists():
            shutil.rmtree(place / target) if (place / target).is_dir() else (place / target).unlink()
    return targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_run(page: Path, workplace: Path, scriven: Callable[..., tuple[int, str, str]]) -> None:
    text = page.read_text("utf-8")
    blocks = re.findall(r"^```(?:bash|sh|console|text)?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    made: set[str] = set()
    for line in [line for block in blocks for line in examples(block)]:
        words = shortened(line)
        if words[0] in ("demo", "bench"):
            continue
        targets = _make_way(words, workplace)
        assert page.name not in STORIES or not targets & made, f"`{line}` writes where the page has written already"
        made |= targets
        code, out, err = scriven(*words)
        assert code in (0, 1) and "Traceback" not in err, f"`{line}` of {page.name} ended with {code}: {err}"
        if "--json" in words:
            json.loads(out)
