"""Reading and writing ARPA files of character language models.

The format of the n-gram toolkits (log10, sections `\\1-grams:` ..., `<s>`, `</s>`, `<unk>`); every token is one
character. As a space cannot be a token, it is written as `<space>`. When reading, `<space>`, `<sp>` and `▁` are spaces,
and `|` or `_` in a file that has none of these.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scriven.base import ModelError, atomic
from scriven.language.ngrams import BEGIN, END, NEVER, SPECIALS, UNKNOWN, NGrams
from scriven.text import name

ENDINGS = (".arpa", ".arpa.gz", ".lm")  # file name extensions of ARPA files
SPACE = "<space>"
_LN10 = float(np.log(10))
_SPECIAL = {"<s>": BEGIN, "</s>": END, "<unk>": UNKNOWN, "<UNK>": UNKNOWN}
_NO_UNKNOWN = -7.0  # log10 probability of unknown characters if a file has no <unk>

Grams = list[tuple[tuple[str, ...], float, float]]


def write_arpa(grams: NGrams, path: Path) -> None:
    """Write a model, compressed if the name ends with .gz. Raises OutputError."""
    tokens = ["<s>", "</s>", "<unk>"] + [SPACE if c == " " else c for c in grams.characters]
    with atomic(Path(path)) as file:
        out = gzip.open(file, "wb") if str(path).endswith(".gz") else file
        out.write(
            "\n".join(["", "\\data\\", *(f"ngram {k + 1}={len(keys)}" for k, keys in enumerate(grams.keys))]).encode()
        )
        for k in range(1, grams.order + 1):
            out.write(f"\n\n\\{k}-grams:\n".encode())
            out.write("\n".join(_lines(grams, k, tokens)).encode())
        out.write(b"\n\n\\end\\\n")
        if out is not file:
            out.close()


def _lines(grams: NGrams, k: int, tokens: list[str]) -> Iterator[str]:
    below = (1 << grams.bits) - 1
    logs, backs = grams.logs[k - 1] / _LN10, grams.backs[k - 1] / _LN10
    for key, logp, back in zip(grams.keys[k - 1].tolist(), logs.tolist(), backs.tolist(), strict=True):
        gram = " ".join(tokens[(key >> (grams.bits * i)) & below] for i in range(k - 1, -1, -1))
        yield f"{logp:.7g}\t{gram}\t{back:.7g}" if back else f"{logp:.7g}\t{gram}"


def read_arpa(path: Path) -> NGrams:
    """Read a model. Raises ModelError if it is not an ARPA file, is truncated, or its tokens are words."""
    path = Path(path)
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig")
            if path.name.endswith(".gz")
            else open(path, encoding="utf-8-sig") as file
        ):
            sections = _sections(path, file)
    except UnicodeDecodeError:
        raise ModelError(f"{path} is not UTF-8 text, so it is not an ARPA file; convert it to UTF-8") from None
    except (OSError, EOFError, zlib.error) as error:
        raise ModelError(f"cannot read the ARPA file {path}: {getattr(error, 'strerror', None) or error}") from error
    ids = _identify(path, sections[0])
    bits = (len(set(ids.values()) | {BEGIN, END, UNKNOWN}) + 1).bit_length()
    if bits * len(sections) > 64:
        raise ModelError(
            f"{path} has order {len(sections)}, too high for {len(ids)} characters; use order {64 // bits} or lower"
        )
    try:
        packed = [_pack(section, ids, bits) for section in sections]
    except KeyError as error:
        raise ModelError(
            f"{path} uses {error} in an n-gram but does not list it among its 1-grams; export the file again"
        ) from None
    _complete(packed, bits)
    characters = sorted((i, token) for token, i in ids.items() if i >= SPECIALS)
    return _arrays(tuple(" " if _is_space(token, ids) else token for _, token in characters), packed, bits)


def _sections(path: Path, file: Iterator[str]) -> list[Grams]:
    sections: list[Grams] = []
    declared: list[int] = []
    ended = begun = False
    for number, raw in enumerate(file, start=1):
        line = raw.strip("\r\n ")
        if line == "\\data\\":
            begun = True
        elif not begun or not line:
            continue
        elif line == "\\end\\":
            ended = True
            break
        elif line.startswith("\\") and line.endswith("-grams:"):
            sections.append([])
        elif not sections:
            declared.append(_declared(path, number, line))
        else:
            sections[-1].append(_gram(path, number, line, len(sections)))
    if not begun:
        raise ModelError(f"{path} has no \\data\\ line, so it is not an ARPA file; give a file in ARPA format")
    if not ended or declared != [len(section) for section in sections] or not sections:
        found = [len(section) for section in sections]
        raise ModelError(
            f"{path} is truncated: it declares {declared} n-grams and has {found}; copy or export it again"
        )
    return sections


def _declared(path: Path, number: int, line: str) -> int:
    """The number of n-grams of an order that the header of a file declares."""
    count = line.partition("=")[2].strip()
    if not count.isdecimal():
        raise ModelError(
            f"{path} line {number} does not declare a number of n-grams: {line[:60]!r}; export the file again"
        )
    return int(count)


def _gram(path: Path, number: int, line: str, k: int) -> tuple[tuple[str, ...], float, float]:
    parts = line.split()
    try:
        if not k < len(parts) <= k + 2:
            raise ValueError
        return tuple(parts[1 : k + 1]), float(parts[0]), float(parts[k + 1]) if len(parts) == k + 2 else 0.0
    except ValueError:
        raise ModelError(
            f"{path} line {number} is not a {k}-gram of an ARPA file: {line[:60]!r}; export the file again"
        ) from None


def _is_space(token: str, ids: dict[str, int]) -> bool:
    if token in (SPACE, "<sp>", "▁"):
        return True
    others = ids.keys() & {SPACE, "<sp>", "▁"}
    return not others and (token == "|" or (token == "_" and "|" not in ids))


def _identify(path: Path, unigrams: Grams) -> dict[str, int]:
    ids = {token: i for token, i in _SPECIAL.items() if any(gram[0] == token for gram, _, _ in unigrams)}
    for (token,), _, _ in unigrams:
        if token not in ids:
            ids[token] = SPECIALS + sum(1 for i in ids.values() if i >= SPECIALS)
    for token in ids:
        if len(token) != 1 and token not in _SPECIAL and not _is_space(token, ids):
            raise ModelError(
                f"{path} is a model of words or syllables ({token!r}), not of characters; give a character model"
            )
    return ids


def _pack(section: Grams, ids: dict[str, int], bits: int) -> dict[int, tuple[float, float]]:
    """{packed n-gram: (log10 probability, log10 back-off)}."""
    packed = {}
    for gram, logp, back in section:
        key = 0
        for token in gram:
            key = key << bits | ids[token]
        packed[key] = (logp, back)
    return packed


def _complete(packed: list[dict[int, tuple[float, float]]], bits: int) -> None:
    """Add contexts that the file lacks, with their back-off probability, so that every prefix is present."""
    unigrams = packed[0]
    unigrams.setdefault(BEGIN, (-99.0, 0.0))
    unigrams.setdefault(END, (-99.0, 0.0))
    unigrams.setdefault(UNKNOWN, (_NO_UNKNOWN, 0.0))

    def logp(key: int, k: int) -> float:
        if key in packed[k - 1]:
            return packed[k - 1][key][0]
        context = packed[k - 2].get(key >> bits, (0.0, 0.0))[1]
        return context + logp(key & ((1 << bits * (k - 1)) - 1), k - 1)

    for k in range(len(packed), 1, -1):
        for key in [key >> bits for key in packed[k - 1]]:
            if key not in packed[k - 2]:
                packed[k - 2][key] = (logp(key, k - 1), 0.0)


def _arrays(characters: tuple[str, ...], packed: list[dict[int, tuple[float, float]]], bits: int) -> NGrams:
    if len(set(characters)) != len(characters):
        twice = next(c for c in characters if characters.count(c) > 1)
        raise ModelError(f"an ARPA file has {name(twice)} twice among its 1-grams; remove one")
    keys, logs, backs = [], [], []
    for table in packed:
        key = np.array(sorted(table), np.uint64)
        values: NDArray[np.float64] = np.array([table[int(k)] for k in key]).reshape(-1, 2) * _LN10
        keys.append(key)
        logs.append(np.maximum(values[:, 0], NEVER))
        backs.append(values[:, 1])
    return NGrams(characters, bits, tuple(keys), tuple(logs), tuple(backs))
