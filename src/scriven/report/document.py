"""The HTML page and its sections."""

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NewType

from scriven.base import atomic

Html = NewType("Html", str)  # markup in which all text is escaped

STYLE = """
:root { color-scheme: light dark; --paper: #fdfcf9; --card: #fff; --ink: #23262b; --soft: #666c75; --line: #dcdad3;
  --bad: #b3261e; --unsure: #fff1c2; --doubt: #ffd9a0; --bar: #b9c9da;
  --s0: #0b62a4; --s1: #c8500a; --s2: #0a7f5c; --s3: #a3478a; --s4: #8a6d00; --s5: #4a5568; }
@media (prefers-color-scheme: dark) { :root { --paper: #17191d; --card: #1f2227; --ink: #e6e4df; --soft: #9aa1ab;
  --line: #363a42; --bad: #ff9a8f; --unsure: #4a4020; --doubt: #5c4316; --bar: #3c4f63;
  --s0: #6db3f2; --s1: #ff9a5c; --s2: #4fd1a5; --s3: #e39bd0; --s4: #e2c34a; --s5: #a8b3c2; } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; font-weight: 650; letter-spacing: -.01em }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .8rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line) }
p { margin: .6rem 0; max-width: 46rem } .sub, figcaption, .note { color: var(--soft) }
nav { margin: 1rem 0 0; font-size: .92rem } nav a { margin-right: 1.1rem; color: var(--s0); text-decoration: none }
.headline { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .9rem; margin: 1rem 0 }
.headline div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem }
.headline b { display: block; font-size: 1.7rem; line-height: 1.25; font-weight: 600 }
.headline span { display: block; font-size: .86rem; color: var(--soft) }
.scroll { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse; font-size: .93rem; font-variant-numeric: tabular-nums }
caption { caption-side: top; text-align: left; color: var(--soft); padding-bottom: .4rem }
th { text-align: left; font-weight: 600; border-bottom: 2px solid var(--line) }
td { border-bottom: 1px solid var(--line) }
th, td { padding: .32rem .9rem .32rem 0; vertical-align: baseline }
.n { text-align: right } td.n { white-space: nowrap }
.facts th { border-bottom: 1px solid var(--line); font-weight: 400; color: var(--soft); white-space: nowrap }
ul { margin: .6rem 0; padding-left: 1.2rem; max-width: 46rem } li { margin: .2rem 0 } pre { overflow-x: auto }
.bar { display: inline-block; height: .7rem; background: var(--bar); border-radius: 2px; min-width: 2px }
.letter { font: 1.05rem/1 "Noto Serif", Georgia, serif }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: .9rem; margin: 1rem 0 }
.pictures.wide { grid-template-columns: 1fr }
figure { margin: 0 } .pictures figure { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .7rem .8rem; break-inside: avoid; min-width: 0 }
.pictures img { display: block; max-width: 100%; max-height: 5rem; width: auto; height: auto; border-radius: .2rem;
  background: #fff }
.pictures figcaption { font-size: .86rem; margin-top: .45rem; overflow-wrap: anywhere }
.say { display: grid; grid-template-columns: 4.6rem 1fr; align-items: baseline; margin-top: .35rem }
.say span:first-child { font-size: .9rem; color: var(--soft) }
.say q { quotes: none; white-space: pre-wrap; overflow-wrap: anywhere; font: 1.25rem/1.5 "Noto Serif", Georgia, serif }
.legend span { display: inline-block; margin-right: 1.2rem } i { font-style: normal }
.x { color: var(--bad); text-decoration: underline 1.5px; text-underline-offset: 4px }
.u { background: var(--unsure) } .d { background: var(--doubt) }
.m { position: relative } .m::after { content: "^"; position: absolute; left: -.3em; top: .95em; color: var(--bad);
  font: bold .9em/1 system-ui, sans-serif }
svg { display: block; width: 100%; max-width: 46rem; height: auto; margin: .6rem 0 }
svg text { font: 12px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--soft) }
svg .grid { stroke: var(--line) } svg .axis { stroke: var(--soft) } svg .name { font-weight: 600 }
@media print { body { max-width: none; padding: 0; background: none; font-size: 10.5pt }
  h2 { break-after: avoid } nav { display: none }
  .pictures { grid-template-columns: 1fr 1fr } * { print-color-adjust: exact } }
"""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def escape(value: object) -> str:
    """Any value as escaped text; lone surrogates, which UTF-8 cannot encode, become question marks."""
    return html.escape(str(value).encode("utf-8", "replace").decode("utf-8"))


def page(title: str, sections: Sequence[Html], subtitle: str = "") -> Html:
    """A complete page of sections, with links to them if there are more than three."""
    headings = re.findall(r'<section id="([^"]*)">\n<h2>(.*?)</h2>', "\n".join(sections))
    links = "".join(f'<a href="#{at}">{heading}</a>' for at, heading in headings) if len(headings) > 3 else ""
    return Html(
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{escape(title)}</h1>\n"
        + (f'<p class="sub">{escape(subtitle)}</p>\n' if subtitle else "")
        + (f"<nav>{links}</nav>\n" if links else "")
        + "</header>\n"
        + "\n".join(sections)
        + "\n</body>\n</html>\n"
    )


def section(heading: str, *parts: Html) -> Html:
    """A heading and the elements below it."""
    anchor = re.sub(r"\W+", "-", heading.lower()).strip("-") or "section"
    return Html(f'<section id="{anchor}">\n<h2>{escape(heading)}</h2>\n' + "\n".join(parts) + "\n</section>")


def save(path: Path, content: Html) -> Path:
    """Write a page (atomically). Raises OutputError if it cannot be written."""
    with atomic(Path(path), "w") as file:
        file.write(content)
    return Path(path)


def is_page(file: Path, title: str) -> bool:
    """Whether a file is a page written by `save` whose title starts with `title`."""
    try:
        return f"<title>{escape(title)}".encode() in file.read_bytes()[:1000]
    except OSError:
        return False
