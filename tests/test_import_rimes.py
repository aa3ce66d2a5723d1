"""The RIMES importer, on miniatures of the published layouts made here."""

from pathlib import Path

import numpy as np
import pytest

from scriven.base import LinesError
from scriven.images import decode, encode
from scriven.importers import IMPORTERS
from toy_imports import TIFF, lines_of, read, save, skipped_of


def test_rimes_lines_of_teklia(tmp_path: Path) -> None:
    names = {"Train": "train2011-0_000000", "Validation": "train2011-1499_000002", "Test": "eval2011-0_000001"}
    for name, id in names.items():
        save(tmp_path / "Sets" / f"{name}Lines.txt", f"{id}\n")
        save(tmp_path / "Images" / f"{id}.jpg", encode(np.full((20, 60), 200, np.uint8), "jpg"))
        save(tmp_path / "Transcriptions" / f"{id}.txt", f"Madame, {name}\n")
    found = lines_of("rimes", tmp_path)
    assert [(split, line.id, line.text, line.page) for split, line in found] == [
        ("train", names["Train"], "Madame, Train", "train2011-0"),
        ("valid", names["Validation"], "Madame, Validation", "train2011-1499"),
        ("test", names["Test"], "Madame, Test", "eval2011-0"),
    ]
    (tmp_path / "Images" / f"{names['Test']}.jpg").unlink()
    (tmp_path / "Transcriptions" / f"{names['Train']}.txt").unlink()
    why = skipped_of("rimes", tmp_path)
    assert "there is no picture" in why[names["Test"]] and "cannot open" in why[names["Train"]]


def test_rimes_lines_of_icdar(tmp_path: Path) -> None:
    page = np.random.default_rng(2).integers(0, 255, (80, 120), np.uint8)
    save(tmp_path / "training_2011" / "images_gray" / "train2011-0.png", encode(page))
    save(tmp_path / "images" / "eval2011-0.png", encode(page))
    xml = """<?xml version="1.0" encoding="ISO-8859-1"?><DocumentList><SinglePage FileName="{0}"><Paragraph>
    <Line Value="O&amp;#39;Neil &#233;crit" Top="-3" Left="10" Right="70" Bottom="20"/>
    <Line Value="hors" Top="90" Left="10" Right="70" Bottom="95"/><Line Value="sans"/></Paragraph></SinglePage>
    <SinglePage FileName="lost.png"><Line Value="x"/></SinglePage></DocumentList>"""
    save(tmp_path / "training_2011.xml", xml.format("images_gray/train2011-0.png"))
    save(tmp_path / "eval_2011_annotated.xml", xml.format("images\\eval2011-0.png"))
    found = lines_of("rimes", tmp_path)
    assert [(split, line.id, line.text, line.page) for split, line in found] == [
        ("train", "train2011-0-001", "O'Neil écrit", "train2011-0"),
        ("test", "eval2011-0-001", "O'Neil écrit", "eval2011-0"),
    ]
    assert np.array_equal(decode(found[0][1].image, ""), page[:20, 10:70])
    assert list(skipped_of("rimes", tmp_path)) == [
        "train2011-0-002",
        "train2011-0-003",
        "lost",
        "eval2011-0-002",
        "eval2011-0-003",
    ]


def test_rimes_words_of_icdar(tmp_path: Path) -> None:
    places = (
        ("groundtruth_training", "trainingsnippets_icdar/training_WR"),
        ("ground_truth_validation", "validationsnippets_icdar/testdataset_ICDAR"),
        ("grount_truth_test", "data_test"),
    )
    for number, (name, place) in enumerate(places):
        path = f"lot_{number}/00001_L/00001_L_0_0.tiff"
        save(tmp_path / place / path, TIFF)
        save(
            tmp_path / f"{name}_icdar2011.txt",
            f"\ufeff\n{path} mot{number}\r\nlot_9\n{path.replace('0_0', '0_1')} perdu\n",
        )
    lines, skipped = read("rimes", tmp_path, level="words")
    assert sorted(lines) == [
        ("test", "lot_2/00001_L/00001_L_0_0", "mot2"),
        ("train", "lot_0/00001_L/00001_L_0_0", "mot0"),
        ("valid", "lot_1/00001_L/00001_L_0_0", "mot1"),
    ]
    assert len(skipped) == 6
    with pytest.raises(LinesError, match="should have Sets/TrainLines.txt .RIMES-2011-Lines., or training_2011.xml"):
        list(IMPORTERS["rimes"](tmp_path))
    with pytest.raises(LinesError, match="should have groundtruth_training_icdar2011.txt"):
        list(IMPORTERS["rimes"](tmp_path / "data_test", level="words"))
