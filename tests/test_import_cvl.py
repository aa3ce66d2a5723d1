"""The CVL importer, on a miniature of the published layout made here."""

import re
from pathlib import Path

import pytest

from scriven.base import LinesError
from scriven.importers import IMPORTERS
from scriven.importers.markup import read_xml
from toy_imports import TIFF, lines_of, save, skipped_of

CVL = """<?xml version="1.0" encoding="ISO-8859-1"?>
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2010-03-19"><Page imageFilename="0001-6.tif">
<AttrRegion attrType="3" fontType="1"><AttrRegion attrType="2" fontType="1" id="0001-6-9"/></AttrRegion>
<AttrRegion attrType="3" fontType="2">
 <AttrRegion attrType="2" fontType="2" id="0001-6-0">
  <AttrRegion attrType="1" fontType="2" id="0001-6-0-0" text="Mühle"/>
  <AttrRegion attrType="1" fontType="2" id="0001-6-0-1"/>
  <AttrRegion attrType="1" fontType="2" id="0001-6-0-2" text="&lt;Bach&gt;."/>
 </AttrRegion>
 <AttrRegion attrType="2" fontType="2" id="0001-6-1"/>
</AttrRegion></Page></PcGts>"""


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16"])
def test_cvl_lines_and_words(tmp_path: Path, encoding: str) -> None:
    for part, writer in (("trainset", "0001"), ("testset", "0052")):
        text = CVL.replace("0001", writer)
        save(tmp_path / part / "xml" / f"{writer}-6_attributes.xml", text.encode(encoding))
        save(tmp_path / part / "lines" / writer / f"{writer}-6-0.tif", TIFF)
        for name in ("0-0-M_hle", "0-2-Ba-ch"):
            save(tmp_path / part / "words" / writer / f"{writer}-6-{name}.tif", TIFF)
    found = lines_of("cvl", tmp_path)
    assert [(split, line.id, line.text, line.hand, line.page) for split, line in found] == [
        ("train", "0001-6-0", "Mühle <Bach>.", "0001", "0001-6"),
        ("test", "0052-6-0", "Mühle <Bach>.", "0052", "0052-6"),
    ]
    assert [(split, line.id, line.text) for split, line in lines_of("cvl", tmp_path, level="words")] == [
        ("train", "0001-6-0-0", "Mühle"),
        ("train", "0001-6-0-2", "<Bach>."),
        ("test", "0052-6-0-0", "Mühle"),
        ("test", "0052-6-0-2", "<Bach>."),
    ]
    assert list(skipped_of("cvl", tmp_path)) == ["0001-6-1", "0052-6-1"]
    assert "no text" in skipped_of("cvl", tmp_path, level="words")["0001-6-0-1"]


def test_what_cvl_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(LinesError, match="should have the folders trainset and testset, but has neither"):
        list(IMPORTERS["cvl"](tmp_path))
    file = save(tmp_path / "trainset" / "xml" / "a.xml", "<PcGts>")
    with pytest.raises(LinesError, match=re.escape("such as lines/0001/0001-1-0.tif")):
        list(IMPORTERS["cvl"](tmp_path))
    (tmp_path / "trainset" / "lines").mkdir()
    assert "is not a complete XML file" in skipped_of("cvl", tmp_path)["a"]
    file.unlink()
    with pytest.raises(LinesError, match="should have the folder xml/ with the texts"):
        list(IMPORTERS["cvl"](tmp_path))


def test_entities_of_xml_are_not_resolved(tmp_path: Path) -> None:
    secret = save(tmp_path / "secret.txt", "secret")
    declared = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'
    root = read_xml(save(tmp_path / "x.xml", f"{declared}<x>&e;</x>"))
    assert "secret" not in "".join(map(str, root.itertext()))
    with pytest.raises(LinesError, match="not a complete XML file"):
        read_xml(save(tmp_path / "y.xml", f'{declared}<x FileName="&e;"/>'))
