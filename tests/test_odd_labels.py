"""Labels and ids that are paths, look like missing values, or differ only in case, through every format and back."""

from pathlib import Path

import pytest

from scriven.exporters import EXPORTERS
from scriven.jobs.export import export
from scriven.jobs.import_ import import_lines
from scriven.lines import Line, LinesFolder, LinesWriter
from toy_imports import PNG, read, save

ODD = ("/", "..", ".", "../x", "NA", "null", "nan", "NaN", "None", "A", "a", "a/b", "a\\b", "С", "с", "%2F", "~", "CON")


@pytest.mark.parametrize("format", EXPORTERS)
def test_odd_labels_and_ids_survive_export_and_import(format: str, tmp_path: Path) -> None:
    """Elsewhere they became missing values, replaced one another, or were written outside the folder."""
    with LinesWriter(tmp_path / "lines", {}) as writer:
        for text in ODD:
            writer.write(Line(text, PNG, text, hand="a" if format == "writers" else ""))
    before = {path for path in tmp_path.rglob("*")}
    done = export(format, tmp_path / "lines", tmp_path / "out")
    assert not done.skipped and done.lines == len(ODD)
    written = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path not in before]
    assert all(path.parts[0] == "out" for path in written)
    assert len({str(path).casefold() for path in written}) == len(written), "distinct where case is ignored"
    back = import_lines(tmp_path / "out", tmp_path / "back", format)
    assert not back.skipped
    found = [(line.id, line.text) for line in LinesFolder(tmp_path / "back").lines()]
    assert sorted(text for _, text in found) == sorted(ODD)
    if format != "transcripts":  # which has no ids
        assert sorted(found) == sorted((text, text) for text in ODD)


def test_odd_labels_in_names_of_files(tmp_path: Path) -> None:
    for name in ("NA_1", "null_2", "nan_3", "None_4"):
        save(tmp_path / f"{name}.png")
    assert sorted(text for _, _, text in read("filename", tmp_path)[0]) == ["NA", "None", "nan", "null"]
