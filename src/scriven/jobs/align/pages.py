"""The lines of inputs by page, in reading order: one page in memory at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scriven.base import ImageError, InputError, LinesError, Skipped
from scriven.images import Grey, encode
from scriven.lines import Line, LinesFolder
from scriven.lines.paths import same
from scriven.lines.records import REPEATED
from scriven.page.inputs import Input, line_pictures


@dataclass(frozen=True)
class PageLineFile:
    """Where a line is: an input, and for a lines folder the split and the id."""

    source: Input
    split: str = "train"
    id: str = ""


@dataclass
class LinesByPage:
    """The lines of inputs by the name of their page, in order of appearance. `skipped`: rows that cannot be used.

    The page of a picture that is in no lines folder is the name of its folder.
    """

    pages: dict[str, list[PageLineFile]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    folders: dict[str, LinesFolder] = field(default_factory=dict)

    @classmethod
    def of(cls, inputs: Sequence[Input], level: str | None, split: str | None) -> "LinesByPage":
        """Without opening a picture. Raises LinesError for a damaged lines folder and one without that split."""
        found, taken = cls(), set[str]()
        for source in inputs:
            if not source.lines:
                found.pages.setdefault(same(source.path.resolve().parent.name), []).append(PageLineFile(source))
                continue
            folder = found.folders[source.name] = LinesFolder(source.path, level)
            if split and split not in folder.splits:
                raise LinesError(f"{source.path} has no split {split!r}; it has {', '.join(folder.splits)}")
            for name in [split] if split else folder.splits:
                columns = folder.columns(name, ["id", "page"])
                for id, page in zip(columns["id"], columns["page"], strict=True):
                    if not id or id in taken:
                        found.skipped.append(Skipped(id or str(source.path), REPEATED if id else "a row has no id"))
                        continue
                    taken.add(id)
                    found.pages.setdefault(page or "", []).append(PageLineFile(source, name, id))
        return found

    def lines(self, some: Sequence[PageLineFile]) -> Iterator[tuple[str, Line, Grey] | Skipped]:
        """The split, the line and the picture of each, in order; Skipped for those that cannot be opened."""
        for one in some:
            if one.id:
                yield self._stored(one)
                continue
            for item in line_pictures(one.source):
                if isinstance(item, Skipped):
                    yield item
                    continue
                assert item.picture is not None
                height, width = item.picture.shape
                page = same(one.source.path.resolve().parent.name)
                line = Line(item.id, encode(item.picture), page=page, width=width, height=height)
                yield one.split, line, item.picture

    def _stored(self, one: PageLineFile) -> tuple[str, Line, Grey] | Skipped:
        folder = self.folders[one.source.name]
        try:
            line = folder.find(one.id)
            return one.split, line, folder.picture(line)
        except (LinesError, ImageError, InputError) as error:
            return Skipped(one.id, str(error))
