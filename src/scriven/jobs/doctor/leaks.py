"""Duplicates, and leaks between train, valid and test, which make scores better than they would be on new data."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence

from scriven.base import Skipped
from scriven.jobs.doctor.near_duplicates import near_duplicates
from scriven.jobs.doctor.records import RANK, Problem, Row, problem

LEAKING_TEXT = 12  # characters; shorter texts recur by chance

APART = "keep it in one of the splits"
ONCE = "keep one of them"


def same_ids(rows: Sequence[Row], skipped: Sequence[Skipped] = ()) -> list[Problem]:
    """Repeated ids: all lines but the first are lost. `skipped`: the lines that reading has skipped already."""
    found = [
        *skipped,
        *(
            Skipped(
                f"{row.name} ({n})",
                f"its id is also that of a line of {group[0].split}; reading and scoring use the first only",
            )
            for group in _groups(rows, lambda r: (r.folder, r.id))
            for n, row in enumerate(group[1:], 2)
        ),
    ]
    return problem("duplicate-id", "lost", found, "ids that occur more than once", "give every line its own id")


def same_pictures(rows: Sequence[Row]) -> list[Problem]:
    """Identical picture files: with different texts, across splits, within a split."""
    labels, leaks, twice = list[Skipped](), list[Skipped](), list[Skipped]()
    for group in _groups([r for r in rows if r.stats.digest], lambda r: r.stats.digest):
        first = group[0]
        for row in group[1:]:
            if row.text and first.text and row.text != first.text:
                labels.append(
                    Skipped(row.name, f"the same picture as {first.name}: {row.text!r} here, {first.text!r} there")
                )
            if row.split != first.split:
                leaks.append(Skipped(row.name, f"in {row.split}; {first.name} in {first.split} is the same picture"))
            else:
                twice.append(Skipped(row.name, f"the same picture as {first.name}"))
    return [
        *problem(
            "other-text", "harm", labels, "one picture with two different texts", "correct or remove one of the two"
        ),
        *problem("picture-leak", "harm", leaks, "the same picture in two splits", APART),
        *problem("duplicate-picture", "harm", twice, "the same picture twice in one split", ONCE),
    ]


def near_pictures(rows: Sequence[Row]) -> list[Problem]:
    """Near-duplicate pictures in different files."""
    leaks, twice = list[Skipped](), list[Skipped]()
    for row, other, cosine in near_duplicates(rows):
        texts = "" if row.text == other.text else f"; the texts differ: {row.text!r}, {other.text!r}"
        if row.split != other.split:
            reason = f"in {row.split}; resembles {other.name} in {other.split} ({cosine:.2f}){texts}"
            leaks.append(Skipped(row.name, reason))
        else:
            twice.append(Skipped(row.name, f"resembles {other.name} ({cosine:.2f}){texts}"))
    return [
        *problem("near-leak", "harm", leaks, "nearly the same picture in two splits", f"look at both, then {APART}"),
        *problem("near-duplicate", "harm", twice, "nearly the same picture twice", f"look at both, then {ONCE}"),
    ]


def same_texts(rows: Sequence[Row]) -> list[Problem]:
    """The same text by the same hand in two splits."""
    long = [r for r in rows if r.text and len(r.text) >= LEAKING_TEXT]
    found = [
        Skipped(row.name, f"in {row.split}; {first.name} in {first.split} has the same text by the same hand")
        for group in _groups(long, lambda r: (r.folder, r.hand, r.text))
        for first, row in _across(group)
    ]
    what = f"the same text (of {LEAKING_TEXT} characters or more) and hand in two splits"
    return problem("text-leak", "harm", found, what, f"{APART}; the score is otherwise partly that of memorised texts")


def shared_hands(rows: Sequence[Row]) -> list[Problem]:
    """Hands in several splits; only a note for a folder of one hand, which cannot be split by hand."""
    known = [r for r in rows if r.hand]
    alone = {f for f in {r.folder for r in rows} if len({r.hand for r in known if r.folder == f}) == 1}
    many = [r for r in known if r.folder not in alone]
    single = [r for r in known if r.folder in alone]
    what = "hands in more than one split"
    return [
        *problem("hand-leak", "harm", _shared(many, "hand"), what,
                 "split by hand to measure how well new hands are read"),
        *problem("one-hand", "note", _shared(single, "hand"), f"{what}, of a folder of one hand",
                 "the score is that of a known hand; report it as such"),
    ]  # fmt: skip


def shared_pages(rows: Sequence[Row]) -> list[Problem]:
    """Pages in several splits. Pages whose name is only a number are distinguished by hand."""
    found = _shared([r for r in rows if r.page], "page")
    return problem("page-leak", "harm", found, "pages in more than one split", "split by page or, better, by hand")


def _shared(rows: Iterable[Row], what: str) -> Iterator[Skipped]:
    def key(row: Row) -> Hashable:
        name = str(getattr(row, what))
        return (row.folder, name, row.hand if what == "page" and name.isdigit() else "")

    for group in _groups(list(rows), key):
        counts: dict[str, int] = defaultdict(int)
        for row in group:
            counts[row.split] += 1
        if len(counts) > 1:
            named = ", ".join(f"{n} in {s}" for s, n in counts.items())
            yield Skipped(str(getattr(group[0], what)), f"lines: {named}")


def _groups(rows: Sequence[Row], key) -> Iterator[list[Row]]:  # type: ignore[no-untyped-def]
    """Groups of two or more rows with the same key, in the order train, valid, test."""
    found: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    for group in found.values():
        if len(group) > 1:
            yield sorted(group, key=lambda r: RANK[r.split])


def _across(group: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """(first row, other row) for each row outside the split of the first."""
    yield from ((group[0], row) for row in group if row.split != group[0].split)
