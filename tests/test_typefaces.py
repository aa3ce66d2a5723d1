"""Typefaces: the bundle matches its manifest; coverage counts only characters that are really drawn."""

import hashlib
import io
import json
import os
import re
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scriven.base import InputError, OutputError, ScrivenError, TextError
from scriven.jobs import fonts as jobs
from scriven.scribes import typefaces
from scriven.scribes.typefaces import ALPHABETS, CodePoints, FontFile, Typeface

BUNDLE = Path(typefaces.__file__).parent
ASCII = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
FRENCH = "àâæçéèêëîïôœùûüÀÂÆÇÉÈÊËÎÏÔŒÙÛÜ"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIVEN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def face(i: str) -> Typeface:
    return next(t for t in typefaces.bundled() if t.id == i)


def test_files_are_those_of_the_manifest_and_the_bundle_stays_small() -> None:
    named = {file.path: file.sha256 for t in typefaces.bundled() for file in t.files}
    assert set(named) == set((BUNDLE / "files").iterdir())
    for path, sha256 in named.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256, path.name
    assert sum(p.stat().st_size for p in BUNDLE.rglob("*") if p.is_file() and p.suffix != ".pyc") <= 10_000_000


def test_families_licences_and_tags() -> None:
    faces = typefaces.bundled()
    assert len(faces) >= 100 and len({t.id for t in faces}) == len(faces)
    attribution = (BUNDLE / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for t in faces:
        assert t.licence in ("OFL-1.1", "Apache-2.0") and (BUNDLE / "licences" / f"{t.licence}.txt").is_file()
        assert "opyright" in t.copyright and t.copyright in attribution, t.id
        assert t.tags and set(t.tags) <= set(typefaces.TAGS), t.id
    assert sum("cursive" in t.tags for t in faces) >= 60
    assert sum("historical" in t.tags for t in faces) >= 20


def test_the_counts_in_the_documentation_are_correct() -> None:
    page = (Path(__file__).parent.parent / "docs" / "fonts.md").read_text(encoding="utf-8")
    faces = typefaces.bundled()
    counts = {tag: int(n) for tag, n in re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.MULTILINE)}
    assert counts == {tag: sum(tag in t.tags for t in faces) for tag in typefaces.TAGS}
    assert f"{len(faces)} handwriting families" in page
    assert f"{len(typefaces.covering(faces, ALPHABETS['ru']))} families cover the Russian alphabet" in page
    assert f"for all {sum(len(t.files) for t in faces)} " in page


def test_letters_drawn_by_every_bundled_family() -> None:
    faces = typefaces.bundled()
    assert [t.id for t in faces if not t.covers(ASCII)] == []
    assert {t.id for t in faces if not t.covers(FRENCH)} == {t.id for t in faces if "partial" in t.tags}
    assert len(typefaces.covering(faces, ALPHABETS["ru"])) >= 10
    assert len(typefaces.covering(faces, ALPHABETS["cs"], tags=("cursive",))) >= 40


def test_coverage_excludes_empty_glyphs() -> None:
    freetype = pytest.importorskip("freetype")
    for t in typefaces.bundled()[::16]:
        for file in t.files:
            font = freetype.Face(io.BytesIO(typefaces.sfnt(file)))
            font.set_pixel_sizes(0, 64)
            for point in file.characters:
                assert font.get_char_index(point), f"{t.id} U+{point:04X}"
                if not chr(point).isspace():
                    font.load_char(point, freetype.FT_LOAD_NO_HINTING | freetype.FT_LOAD_RENDER)
                    assert any(font.glyph.bitmap.buffer), f"{t.id} U+{point:04X} has no ink"


def test_coverage_excludes_characters_without_ink(tmp_path: Path) -> None:
    """Many fonts have an outline for the soft hyphen, which HarfBuzz does not draw."""
    for t in typefaces.bundled():
        assert not [c for c in t.characters if unicodedata.category(c) == "Cf"], t.id
        assert not t.covers("vor\u00adher") and not any(file.covers("\u00ad") for file in t.files)
    cmap = {97: "a", 0xAD: "hyphen", 0x200B: "hyphen", 0x2010: "hyphen"}
    made_font(tmp_path / "made.ttf", {".notdef": (400, 700), "a": (300, 400), "hyphen": (200, 50)}, cmap)
    (made,), _ = typefaces.from_folder(tmp_path)
    assert made.characters == {"a", "\u2010"}


def made_font(path: Path, glyphs: dict[str, tuple[int, int]], cmap: dict[int, str], family: str = "Made") -> Path:
    """A TrueType font whose glyphs are one rectangle each (width, height; 0 for none)."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    def drawn(width: int, height: int) -> object:
        pen = TTGlyphPen(None)
        if width and height:
            pen.moveTo((0, 0))
            for point in ((0, height), (width, height), (width, 0)):
                pen.lineTo(point)
            pen.closePath()
        return pen.glyph()

    build = FontBuilder(1000, isTTF=True)
    build.setupGlyphOrder(list(glyphs))
    build.setupCharacterMap(cmap)
    build.setupGlyf({name: drawn(*size) for name, size in glyphs.items()})
    build.setupHorizontalMetrics({name: (500, 0) for name in glyphs})
    build.setupHorizontalHeader(ascent=800, descent=-200)
    build.setupNameTable({"familyName": family, "styleName": "Regular"})
    build.setupOS2()
    build.setupPost()
    path.parent.mkdir(parents=True, exist_ok=True)
    build.save(path)
    return path


def test_coverage_excludes_glyphs_that_show_other_characters(tmp_path: Path) -> None:
    glyphs = {".notdef": (400, 700), "space": (0, 0), "a": (300, 400), "e": (310, 400), "box": (400, 700), "B": (9, 9)}
    cmap = {ord(" "): "space", ord("a"): "a", ord("e"): "e", ord("é"): "e", ord("x"): "box", ord("y"): "space"}
    made_font(tmp_path / "made.ttf", glyphs, cmap | {ord("B"): "B", ord("b"): "B"})
    (made,), skipped = typefaces.from_folder(tmp_path)
    assert not skipped and made.family == "Made"
    assert made.missing("a é x y b B e") == ("b", "x", "y", "é")  # a capital for b, a box, nothing, a lost accent


def test_a_glyph_with_an_impossible_width_is_refused(tmp_path: Path) -> None:
    from fontTools.ttLib import TTFont

    path = made_font(tmp_path / "made.ttf", {".notdef": (1, 1), "a": (300, 400), "a_a": (300, 400)}, {97: "a"})
    font = TTFont(path)
    font["hmtx"]["a_a"] = (64001, 0)  # a ligature that no character names
    font.save(path)
    faces, (skipped,) = typefaces.from_folder(tmp_path)
    assert not faces and "64001 units wide" in skipped.reason


def test_runs_use_one_file_if_it_covers_the_text() -> None:
    great = face("great-vibes")
    latin, extended, cyrillic = great.files
    assert great.runs("café crème") == ((latin, "café crème"),)
    assert great.runs("łé") == ((extended, "ł"), (latin, "é"))
    assert great.runs("été Žižka") == ((latin, "été "), (extended, "Ž"), (latin, "i"), (extended, "ž"), (latin, "ka"))
    assert "".join(part for _, part in great.runs("Дом  a łaß")) == "Дом a łaß"
    assert great.runs("e\u0301") == ((latin, "é"),) and great.runs(" ") == ()
    with pytest.raises(TextError, match="U\\+4E00"):
        great.runs("a一")


def test_a_word_that_one_file_covers_is_not_split() -> None:
    a, b = (FontFile(Path(n), n, CodePoints.of(map(ord, n))) for n in ("abc", "cdé"))
    made = Typeface("Made", "made", "", "", "", (), (a, b))
    assert made.runs("ab cdc") == ((a, "ab "), (b, "cdc"))
    assert made.runs("cd ccc a") == ((b, "cd ccc "), (a, "a"))  # a word stays in the file before it while that can


def test_table_of_characters() -> None:
    made = Typeface("Made", "made", "", "", "", (), (FontFile(Path("m"), "", CodePoints.parse("61-62 e9")),))
    assert typefaces.coverage([made], "bé z") == {"b": ("made",), "z": (), "é": ("made",)}
    table, _ = jobs.coverage("ru")
    assert table.text == ALPHABETS["ru"] and len(table.whole) >= 10 and not table.lost
    assert jobs.coverage("aⰀ")[0].lost == ("Ⰰ",)


def test_code_points_round_trip() -> None:
    points = CodePoints.of([65, 66, 67, 233, 0x10FFFF])
    assert str(points) == "41-43 e9 10ffff" and CodePoints.parse(str(points)) == points
    assert list(points) == [65, 66, 67, 233, 0x10FFFF] and len(points) == 5
    assert "B" in points and "é" in points and "D" not in points and 64 not in points and 0x10FFFE not in points


def test_sfnt_is_cached_on_disk_and_works_without_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = face("meddon").files[0]
    for cache in (tmp_path / "cache", tmp_path / "file" / "cache"):
        (tmp_path / "file").write_bytes(b"") if not (tmp_path / "file").exists() else None
        monkeypatch.setenv("SCRIVEN_CACHE", str(cache))
        file = replace(bundled, path=tmp_path / f"{len(cache.parts)}.woff2")  # another path: not in memory yet
        file.path.write_bytes(bundled.path.read_bytes())
        data = typefaces.sfnt(file)
        assert data[:4] in (b"\0\1\0\0", b"OTTO")
    kept = tmp_path / "cache" / "typefaces" / f"{file.sha256}.sfnt"
    assert kept.read_bytes() == data
    assert os.listdir(kept.parent) == [kept.name]
    with pytest.raises(InputError, match="not the one listed in the manifest"):
        typefaces.sfnt(FontFile(file.path, "0" * 64, file.characters))


def test_broken_fonts_are_refused_by_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = face("edu-sa-beginner").files[0].path.read_bytes()
    (tmp_path / "good.woff2").write_bytes(good)
    (tmp_path / "cut.woff2").write_bytes(good[: len(good) // 2])
    (tmp_path / "empty.otf").write_bytes(b"")
    (tmp_path / "page.ttf").write_bytes(b"<html>not found</html>")
    whole = made_font(tmp_path / "made.ttf", {".notdef": (1, 1), "a": (300, 400)}, {97: "a"}).read_bytes()
    (tmp_path / "short.ttf").write_bytes(whole[:-200])
    (tmp_path / "damaged.ttf").write_bytes(whole[:400] + b"\xff" * (len(whole) - 400))
    entry = whole.index(b"name")
    start, size = (int.from_bytes(whole[entry + i : entry + i + 4], "big") for i in (8, 12))
    (tmp_path / "nameless.ttf").write_bytes(whole[:start] + b"\xff" * size + whole[start + size :])
    made_font(tmp_path / "sub" / "blank.ttf", {".notdef": (1, 1), "a": (0, 0)}, {97: "a"}, "Blank")
    faces, skipped = typefaces.from_folder(tmp_path)
    assert [t.family for t in faces] == ["Edu SA Beginner", "Made", "nameless"]
    reasons = {r.id: r.reason for r in skipped}
    assert set(reasons) == {
        "cut.woff2",
        "empty.otf",
        "page.ttf",
        "short.ttf",
        "damaged.ttf",
        os.path.join("sub", "blank.ttf"),
    }
    assert "truncated" in reasons["cut.woff2"] and "truncated" in reasons["short.ttf"]
    assert "not a font" in reasons["page.ttf"] and "no character" in reasons[os.path.join("sub", "blank.ttf")]
    assert not caplog.records  # fontTools would log a damaged name table at length
    assert typefaces.from_folder(tmp_path) == (faces, skipped)  # and again from the cache
    for folder, words in ((tmp_path / "none", "does not exist"), (tmp_path / "void", "no font file")):
        (tmp_path / "void").mkdir(exist_ok=True)
        with pytest.raises(InputError, match=words):
            typefaces.from_folder(folder)


def test_files_of_one_family_form_one_typeface(tmp_path: Path) -> None:
    for file in face("caveat").files:
        (tmp_path / file.path.name).write_bytes(file.path.read_bytes())
    made_font(tmp_path / "greek.ttf", {".notdef": (1, 1), "alpha": (300, 400)}, {0x3B1: "alpha"}, "Greek Hand")
    (caveat, greek), skipped = typefaces.from_folder(tmp_path)
    assert not skipped and len(caveat.files) == 3 and caveat.covers("Žižka Дом") and caveat.licence == "OFL-1.1"
    assert greek.id == "greek-hand" and greek.covers("α α") and not greek.covers("a")


def test_harvest_takes_handwriting_with_its_licence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    about = 'name: "{0}"\ncategory: "{1}"\nsubsets: "{2}"\n'
    about += 'fonts {{\n  style: "normal"\n  weight: 400\n  filename: "{0}.ttf"\n}}\n'
    rows = [("Hand", "HANDWRITING", "cyrillic"), ("Latin", "HANDWRITING", "latin"), ("Serif", "SERIF", "cyrillic")]
    rows += [("Naked", "HANDWRITING", "cyrillic"), ("Gone", "HANDWRITING", "cyrillic")]
    for family, category, subset in rows:
        folder = tmp_path / "fonts" / "ofl" / family.lower()
        folder.mkdir(parents=True)
        (folder / "METADATA.pb").write_text(about.format(family, category, subset))
        if family != "Naked":
            (folder / "OFL.txt").write_text("SIL Open Font License, Version 1.1")
        if family != "Gone":
            made_font(folder / f"{family}.ttf", {".notdef": (1, 1), "a": (300, 400)}, {97: "a"}, family)
    result = typefaces.harvest(tmp_path / "fonts", tmp_path / "out", ["cyrillic"])
    assert result.copied == ("hand",) and result.without_subset == ("latin",)
    assert [r.id for r in result.skipped] == ["gone", "naked"]
    (hand,), skipped = typefaces.from_folder(tmp_path / "out")
    assert hand.family == "Hand" and hand.licence == "OFL-1.1" and not skipped
    assert (tmp_path / "out" / "hand" / "OFL.txt").is_file()
    assert typefaces.harvest(tmp_path / "fonts", tmp_path / "all").copied == ("hand", "latin")
    with pytest.raises(InputError, match="checkout"):
        typefaces.harvest(tmp_path, tmp_path / "other")
    with pytest.raises(InputError, match="4 without the subset greek, 0 skipped; choose another --subset"):
        jobs.harvest(tmp_path / "fonts", tmp_path / "none", ["greek"])
    with caplog.at_level("INFO"):
        assert jobs.harvest(tmp_path / "fonts", tmp_path / "some", ["cyrillic"]).copied == ("hand",)
    assert "1 families copied" in caplog.text and "1 without the subset cyrillic, 2 skipped" in caplog.text


def test_sheet(tmp_path: Path) -> None:
    faces, _ = jobs.list_fonts(tags=["historical"], text="Ďábel")
    assert faces and all("historical" in t.tags and t.covers("Ďábel") for t in faces)
    settings = jobs.SheetSettings()
    with Image.open(jobs.sheet((face("meddon"), face("kristi"), faces[0]), tmp_path / "s.png", "Ďábel œuf")) as picture:
        assert picture.size == (2 * settings.width, 2 * settings.height)
        for row in range(2):
            cell = picture.crop((0, row * settings.height + 20, settings.width, (row + 1) * settings.height))
            assert cell.getextrema()[0] < 64
    page = jobs.sheet(faces[:1], tmp_path / "s.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page and faces[0].family in page
    with pytest.raises(OutputError, match="png or .html"):
        jobs.sheet(faces[:1], tmp_path / "s.bmp")
    for wrong in (lambda: jobs.list_fonts(tags=["cursiv"]), lambda: jobs.sheet((), tmp_path / "e.png")):
        with pytest.raises(ScrivenError):
            wrong()


@pytest.mark.parametrize("text", [jobs.SAMPLE_TEXT, "JjgfÅ Ďábel"])
def test_letters_of_a_sheet_are_not_cut_off(text: str) -> None:
    """A higher and wider row shows the same ink."""
    settings = jobs.SheetSettings()
    for i in ("playwrite-fr-trad", "playwrite-nl", "zeyada", "meddon", "kristi", "monsieur-la-doulaise"):
        cell = np.asarray(jobs.sheet_row(face(i), text, settings))
        assert cell[-1].min() == cell[:, 0].min() == cell[:, -1].min() == 255, i
        assert (cell[jobs.LABEL :] < 200).sum() > 300, i
        runs = face(i).runs("".join(c for c in text if c in face(i) or c == " "))
        left, top, right, bottom = jobs.ink_extent(runs, settings.size)
        below = np.flatnonzero((cell[jobs.LABEL + 1 :] < 200).any(axis=1))
        shrink = min(1.0, (settings.height - jobs.LABEL - 2) / (bottom - top), (settings.width - 40) / (right - left))
        assert np.ptp(below) == pytest.approx((bottom - top) * shrink, abs=6), i


def test_commands(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from scriven.cli.fonts import app

    def ran(*words: str) -> str:
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == 0, result.output
        return result.stdout

    listed = json.loads(ran("list", "--tag", "school", "--json"))["typefaces"]
    assert len(listed) >= 15 and all("school" in row["tags"] for row in listed)
    assert "meddon" in ran("list", "--text", "ſ")
    table = json.loads(ran("coverage", "cs", "--json"))
    assert table["lost"] == [] and table["characters"]["ř"] >= len(table["whole"]) >= 50
    assert "by none: Ⰰ" in ran("coverage", "aⰀ")
    (tmp_path / "caveat.woff2").write_bytes(face("caveat").files[0].path.read_bytes())
    assert ran("sheet", str(tmp_path / "s.png"), "--folder", str(tmp_path)).strip() == str(tmp_path / "s.png")
    (tmp_path / "broken.ttf").write_bytes(b"no")
    assert CliRunner().invoke(app, ["list", "--folder", str(tmp_path)]).exit_code == 1
