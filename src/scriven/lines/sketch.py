"""The share of a set of pictures that is in another set, estimated from bottom-k sketches of their digests.

A sketch is the SKETCH_SIZE smallest digests of a set (Broder 1997, "On the resemblance and containment of documents").
It tells of every digest up to its largest one whether it is in the set. Only the bytes of pictures count: files, ids,
texts and splits may differ.
"""

import hashlib
from collections.abc import Iterable

SKETCH_SIZE = 512  # digests; for a set of 20,000 pictures, about 8 of 300 pictures from it are then found
DIGEST_BYTES = 6  # in one of 500 sets of a million pictures, two different pictures share a digest


def digest(picture: bytes) -> str:
    """The digest of an encoded picture (BLAKE2b), in hexadecimal."""
    return hashlib.blake2b(picture, digest_size=DIGEST_BYTES).hexdigest()


def sketch(digests: Iterable[str]) -> str:
    """The sketch of a set: its smallest digests, separated by spaces."""
    return " ".join(sorted(set(digests))[:SKETCH_SIZE])


def share_in(sketches: Iterable[str], digests: Iterable[str]) -> float:
    """The estimated share, 0..1, of the `digests` that is in the union of the sets of the sketches."""
    own, found, decided = set(digests), set[str](), set[str]()
    for one in set(sketches):
        kept = one.split()
        covered = own if len(kept) < SKETCH_SIZE else {d for d in own if d <= kept[-1]}
        decided |= covered
        found |= covered.intersection(kept)
    chance = len(found) < 2 < len(own)  # a single match does not give a share
    return 0.0 if chance else len(found) / max(len(decided), 1)
