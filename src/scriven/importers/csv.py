"""CSV and TSV tables of pictures, such as StackMix's `marking.csv` (sample_id,path,stage,text) or those of `read`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scriven.base import LinesError, SettingsError, Skipped
from scriven.importers.common import Ids, ImportItem, from_file, item, line, located
from scriven.importers.published import Texts, as_published
from scriven.lines import ALIASES, Line
from scriven.lines.datasets import DATA_SETS
from scriven.lines.delimited import read_header, read_rows
from scriven.lines.folder import folders_at
from scriven.lines.references import References
from scriven.lines.splits import STAGE_COLUMNS

PATHS = ("path", "file_name", "filename", "image", "file")
TEXTS = ("text", "transcription", "transcript", "label", "words")
IDS = ("sample_id", "id")
OTHER_COLUMNS = ("hand", "writer", "page", "origin", "confidence")


@dataclass(frozen=True)
class TableColumns:
    """The accepted names of the columns of pictures and texts, in order of preference."""

    paths: tuple[str, ...] = PATHS
    texts: tuple[str, ...] = TEXTS

    @classmethod
    def named(cls, image: str = "", text: str = "") -> "TableColumns":
        """The given names; an empty one stands for the usual names."""
        return cls((image,) if image else PATHS, (text,) if text else TEXTS)


def csv(
    source: Path, *, images: str = "", image: str = "", text: str = "", dataset: str = "", texts: Texts = "published"
) -> Iterator[ImportItem]:
    """Lines of a CSV or TSV file, or of the marking.csv in a folder.

    Paths are relative to the folder of the file or to its parent, as in StackMix, or else to the folder `images`.
    `image`, `text`: names of the columns, if unusual. Rows with a stage other than train, valid and test, or with an
    empty one, are skipped. `dataset`: a name of DATA_SETS, whose rules of text are applied if `texts` is published.
    Raises LinesError for a file that is not such a table, SettingsError for an unknown `dataset`.
    """
    if dataset and dataset not in DATA_SETS:
        raise SettingsError(f"there is no data set {dataset!r}; there are: {', '.join(DATA_SETS)}")
    file = source / "marking.csv" if source.is_dir() else source
    lines = lines_of(file, [file.parent, file.parent.parent], images, TableColumns.named(image, text), Ids())
    yield from as_published(lines, dataset, texts, DATA_SETS[dataset].sizes) if dataset else lines


def lines_of(
    file: Path, roots: Sequence[Path], images: str, columns: TableColumns, ids: Ids, split: str = "train"
) -> Iterator[ImportItem]:
    """The lines of one table; see `csv`. The rows of a table without a column of stages belong to `split`."""
    references = References(file.parent, folders_at)
    for row in table(file, columns):
        if isinstance(row, Skipped):
            yield row
            continue
        name = pick(row, columns.paths) or ""
        picture, relative = located(name, roots, images)
        id = pick(row, IDS) or ids(relative)
        part = stage_of(row, split)
        if part is None:
            yield unknown_stage(row, id)
        elif "#" in name and not picture.is_file():
            yield item(part, _referred(row, id, name, pick(row, columns.texts), references))
        else:
            yield item(part, of_row(row, id, picture, pick(row, columns.texts)))


def stage_of(row: Mapping[str, Any], default: str) -> str | None:
    """The split of a row by its stage; None if that is not train, valid or test, or empty.

    `default`: the split of the rows of a table without a column of stages.
    """
    if not any(name in row for name in STAGE_COLUMNS):
        return default
    return ALIASES.get(str(pick(row, STAGE_COLUMNS) or "").strip().lower())


def unknown_stage(row: Mapping[str, Any], id: str) -> Skipped:
    """The row as a skipped input, for its stage."""
    stage = str(pick(row, STAGE_COLUMNS) or "")
    return Skipped(id, f"its stage {stage!r} is not train, valid or test; correct it to import the row")


def _referred(row: Mapping[str, Any], id: str, name: str, text: str | None, references: References) -> Line | Skipped:
    """The line of a row whose picture is a page of a file or a line of a lines folder: `FILE#3`, `FOLDER#id`."""
    try:
        path, part = references.target(name)
        holder = references.holder(path, part)
        if holder is None:
            return of_row(row, id, path, text, part)
        found = holder.find(part)
    except LinesError as error:
        return Skipped(id, str(error))
    known = {"hand": found.hand, "page": found.page, "origin": found.origin}
    return line(id, found.image, text, **(known | {k: v for k, v in _columns(row).items() if v}))


def table(file: Path, columns: TableColumns) -> Iterator[dict[str, str | None] | Skipped]:
    """The rows of a table with columns of pictures and texts, separated by commas, semicolons or tabs.

    Cells are strings, None if empty; NaN, NA and null have no special meaning. Raises LinesError for a file that is not
    such a table.
    """
    needed = frozenset((*columns.paths, *columns.texts, *STAGE_COLUMNS, *IDS, *OTHER_COLUMNS))
    try:
        with open(file, "rb") as stream:
            header = read_header(stream, file)
            names = header.names
            if not set(columns.paths) & set(names) or not set(columns.texts) & set(names):
                have = ascii(", ".join(names)) if any(names) else "none"
                raise LinesError(
                    f"{file} needs the columns {columns.paths[0]} and {columns.texts[0]}, but has {have}; save it as "
                    "CSV, UTF-8, or give the names of its columns: --set image=NAME --set text=NAME"
                )
            for row in read_rows(stream, header, needed=needed):
                yield Skipped(f"{file.name}:{row.number}", row.reason) if row.cells is None else row.cells
    except OSError as error:
        raise LinesError(f"cannot open {file}: {error.strerror or error}; check the path") from error


def of_row(row: Mapping[str, Any], id: str, picture: Path, text: Any, part: str = "") -> Line | Skipped:
    """The line of a row, with hand, page, origin and confidence if the table has these columns."""
    return from_file(id, picture, text, part=part, **{"origin": "human"} | _columns(row))


def _columns(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "hand": str(pick(row, ("hand", "writer")) or ""),
        "page": str(pick(row, ("page",)) or ""),
        "confidence": pick(row, ("confidence",)),
    }
    return found | ({"origin": str(origin)} if (origin := pick(row, ("origin",))) else {})


def pick(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The first non-empty cell of the given columns; else "" if one is an empty text, None if all are missing."""
    cells = [row[name] for name in names if row.get(name) is not None]
    return next((cell for cell in cells if cell != ""), "" if cells else None)
