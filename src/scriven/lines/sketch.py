"""How much of one folder is in another, by a few digests of pictures: whatever their files, ids, texts and splits.

The KEPT least digests of a set stand for all of it (Broder 1997, "On the resemblance and containment of documents"): of
another set, those that are no greater than the greatest of them are among them, or not in the first set at all.
"""

import hashlib
from collections.abc import Iterable

KEPT = 512  # of 20,000 pictures: then some eight of 300 that are among them are told
BYTES = 6  # of a digest; two pictures of a million share one by chance in 1 of 500 sets


def digest(picture: bytes) -> str:
    """Of an encoded picture, in hexadecimal digits."""
    return hashlib.blake2b(picture, digest_size=BYTES).hexdigest()


def sketch(digests: Iterable[str]) -> str:
    """The least of the digests, with spaces between them."""
    return " ".join(sorted(set(digests))[:KEPT])


def share_in(sketches: Iterable[str], digests: Iterable[str]) -> float:
    """About which share 0..1 of these pictures is in the sets of the sketches."""
    own, found, told = set(digests), set[str](), set[str]()
    for one in set(sketches):
        kept = one.split()
        here = own if len(kept) < KEPT else {d for d in own if d <= kept[-1]}
        told |= here
        found |= here.intersection(kept)
    few = len(found) < 2 < len(own)  # one digest tells no share
    return 0.0 if few else len(found) / max(len(told), 1)
