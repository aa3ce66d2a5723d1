"""Rebuild the bundled typefaces from the npm packages `@fontsource/<id>` (for developers; needs npm).

    python tools/fetch_typefaces.py            # the versions in manifest.json; the newest of new families
    python tools/fetch_typefaces.py --latest   # the newest version of every family

Files are copied as published: many fonts have a Reserved Font Name, so they are neither subset nor merged.
Written: files/*.woff2, licences/*.txt, manifest.json and ATTRIBUTION.md in src/scriven/scribes/typefaces.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from scriven.base import atomic  # noqa: E402
from scriven.scribes.typefaces import drawable, open_font  # noqa: E402

HERE = ROOT / "src" / "scriven" / "scribes" / "typefaces"
SUBSETS = ("latin", "latin-ext", "cyrillic")
LIMIT = 10_000_000  # bytes, licences included
FRENCH = "àâæçéèêëîïôœùûüÀÂÆÇÉÈÊËÎÏÔŒÙÛÜ"  # without all of these a family is tagged partial

# tags -> ids of the packages, in the order of the bundle
SELECTION = {
    "cursive": """
        homemade-apple la-belle-aurore cedarville-cursive dawning-of-a-new-day bad-script marck-script
        kristi dancing-script sacramento allura alex-brush parisienne satisfy qwigley rochester
        arizonia bilbo bilbo-swash-caps clicker-script montez ruthie stalemate calligraffitti mr-de-haviland
        caramel comforter corinthia ephesis gwendolyn hurricane inspiration island-moments love-light
        meow-script ms-madi my-soul oooh-baby passions-conflict qwitcher-grypen send-flowers square-peg
        style-script the-nautigal vujahday-script waterfall whisper babylonica birthstone allison borel
        beth-ellen dynalight meie-script montecarlo pacifico cookie courgette damion yellowtail norican
        redressed
    """,
    "cursive historical": """
        meddon league-script rouge-script petit-formal-script great-vibes mea-culpa bonheur-royale windsong
        carattere estonia explora grey-qo mrs-saint-delafield herr-von-muellerhoff monsieur-la-doulaise
        miss-fajardose dr-sugiyama lovers-quarrel pinyon-script tangerine italianno aguafina-script
        imperial-script luxurious-script ingrid-darling
    """,
    "cursive school": """
        playwrite-us-trad playwrite-us-modern playwrite-fr-trad playwrite-fr-moderne playwrite-ie
        playwrite-de-grund playwrite-de-sas playwrite-it-trad playwrite-it-moderna playwrite-es
        playwrite-es-deco playwrite-pt playwrite-br playwrite-nl playwrite-no playwrite-is playwrite-pl
        playwrite-sk playwrite-ro
    """,
    "cursive marker": """
        mr-dafoe kaushan-script comforter-brush
    """,
    "print historical": """
        fondamento eagle-lake quintessential jim-nightshade romanesco felipa charm
    """,
    "print school": """
        edu-sa-beginner edu-nsw-act-foundation edu-vic-wa-nt-beginner
    """,
    "print": """
        zeyada over-the-rainbow mynerve solitreo merienda caveat patrick-hand indie-flower
        shadows-into-light shadows-into-light-two gloria-hallelujah kalam architects-daughter coming-soon
        schoolbell handlee gochi-hand neucha pangolin short-stack sue-ellen-francisco swanky-and-moo-moo
        reenie-beanie just-another-hand just-me-again-down-here covered-by-your-grace crafty-girls delius
        annie-use-your-telescope loved-by-the-king the-girl-next-door waiting-for-the-sunrise
        nothing-you-could-do mansalva sedgwick-ave dekko grape-nuts fuzzy-bubbles playpen-sans shantell-sans
        nanum-pen-script mali sriracha delicious-handrawn balsamiq-sans rancho kavivanar
    """,
    "print marker": """
        caveat-brush
    """,
}


def selected() -> dict[str, tuple[str, ...]]:
    """id -> tags, in the order of the bundle."""
    return {i: tuple(tags.split()) for tags, ids in SELECTION.items() for i in ids.split()}


def install(folder: Path, versions: dict[str, str]) -> dict[str, Path]:
    """`npm install` the packages in a folder; id -> package folder. Withdrawn packages are reported and skipped."""
    packages = {f"@fontsource/{i}": version for i, version in versions.items()}
    (folder / "package.json").write_text(json.dumps({"private": True, "optionalDependencies": packages}))
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
    found = {i: folder / "node_modules" / "@fontsource" / i for i in versions}
    for i in [i for i, path in found.items() if not path.is_dir()]:
        print(f"not available: @fontsource/{i}", file=sys.stderr)
        del found[i]
    return found


def family(i: str, package: Path, tags: tuple[str, ...]) -> tuple[dict, str]:
    """Copy the font files of a package into the bundle; return its manifest row and its licence text."""
    about = json.loads((package / "package.json").read_text())
    meta = json.loads((package / "metadata.json").read_text())
    weight = 400 if 400 in meta["weights"] else min(meta["weights"], key=lambda w: abs(w - 400))
    files, notices, drawn = [], [], []
    for subset in SUBSETS:
        source = package / "files" / f"{i}-{subset}-{weight}-normal.woff2"
        if not source.exists():
            continue
        data = source.read_bytes()
        font = open_font(data)
        characters = drawable(font)
        letters = [c for c in map(chr, characters) if c.isalpha()]
        if not letters:
            continue
        drawn.append(characters)
        notices.append((font["name"].getDebugName(0) or "").strip())
        (HERE / "files" / source.name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        files.append({"name": source.name, "sha256": digest, "characters": str(characters)})
    licence = (package / "LICENSE").read_text(encoding="utf-8").strip()
    row = {"family": meta["family"], "id": i, "version": about["version"], "licence": about["license"]}
    if any(not any(ord(c) in part for part in drawn) for c in FRENCH):
        tags += ("partial",)
    row |= {"copyright": notice(licence, notices[0]), "tags": list(tags), "files": files}
    return row, licence


def notice(licence: str, named: str) -> str:
    """The copyright notice of the licence file, followed by that of the font where it differs."""
    head = licence.partition("This Font Software is licensed")[0].strip() if licence.startswith("Copyright") else ""
    head = re.sub(r"\s+", " ", head)
    named = re.sub(r"\s+", " ", named)
    return head if named in head else f"{head} {named}".strip()


def terms(licence: str) -> str:
    """The terms of a licence without copyright notice and appendix, white space normalised."""
    start = max(0, licence.find("SIL OPEN FONT LICENSE Version 1.1"))
    return re.sub(r"\s+", " ", licence[start:].partition("APPENDIX:")[0]).strip()


def build(packages: dict[str, Path]) -> None:
    for old in ("files", "licences"):
        shutil.rmtree(HERE / old, ignore_errors=True)
        (HERE / old).mkdir()
    rows: list[dict] = []
    texts: dict[str, str] = {}
    for i, tags in selected().items():
        if i not in packages:
            continue
        row, licence = family(i, packages[i], tags)
        name = row["licence"]
        if terms(texts.setdefault(name, licence)) != terms(licence):
            raise SystemExit(f"{i}: its licence differs from the common text of {name}; store it as a file of its own")
        rows.append(row)
    for name, text in texts.items():
        text = text[max(0, text.find("-----------") if name == "OFL-1.1" else 0) :]  # the notices are in ATTRIBUTION.md
        (HERE / "licences" / f"{name}.txt").write_text(text.rstrip() + "\n", encoding="utf-8")
    with atomic(HERE / "manifest.json", "w") as file:
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        file.write(f'{{"families": [\n{lines}\n]}}\n')
    (HERE / "ATTRIBUTION.md").write_text(attribution(rows), encoding="utf-8")
    size = sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    print(f"{len(rows)} families, {size / 1e6:.2f} MB")
    if size > LIMIT:
        raise SystemExit(f"more than {LIMIT / 1e6:.0f} MB; drop a family or a subset")


def attribution(rows: list[dict]) -> str:
    head = """# Bundled typefaces

The fonts in `files/` are unmodified copies of the files in the npm packages `@fontsource/<id>` (https://fontsource.org),
where they are published by subset. Each remains under its own licence; the full texts lie in `licences/`. Reserved Font
Names are those named in the copyright notices below.
"""
    parts = [head]
    for name in sorted({row["licence"] for row in rows}):
        parts.append(f"\n## {name} (licences/{name}.txt)\n\n")
        for row in sorted((r for r in rows if r["licence"] == name), key=lambda r: r["family"]):
            parts.append(f"- **{row['family']}** (@fontsource/{row['id']} {row['version']}). {row['copyright']}\n")
    return "".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latest", action="store_true", help="install the newest version of every family")
    parser.add_argument("--packages", type=Path, help="folder where npm has installed them")
    options = parser.parse_args()
    known = {}
    if (HERE / "manifest.json").exists() and not options.latest:
        known = {row["id"]: row["version"] for row in json.loads((HERE / "manifest.json").read_text())["families"]}
    versions = {i: known.get(i, "^5") for i in selected()}
    if options.packages:
        build({i: path for i in versions if (path := options.packages / "@fontsource" / i).is_dir()})
        return
    with tempfile.TemporaryDirectory() as folder:
        build(install(Path(folder), versions))


if __name__ == "__main__":
    main()
