"""Miniatures of published data sets of lines in their layout, made here; no picture or text of theirs."""

import json
from pathlib import Path

import cv2
import numpy as np

from scriven.images import encode
from toy_imports import save


def bentham(path: Path) -> Path:
    """Three lines, one a split; the picture of the first is transparent outside its polygon."""
    root = path / "BenthamDatasetR0-GT"
    texts = {"071_088_003_01_01": "a fête , ( sic )\n", "071_088_003_01_02": "&amp;c", "072_001_001_02_01": "null"}
    for id, text in texts.items():
        save(root / "Transcriptions" / f"{id}.txt", text)
        save(root / "Images" / "Lines" / f"{id}.png")
    save(root / "Images" / "Lines" / "071_088_003_01_01.png", transparent())
    for name, id in zip(("Train", "Validation", "Test"), texts, strict=True):
        save(root / "Partitions" / f"{name}Lines.lst", f"{id}\n")
    return path


def transparent() -> bytes:
    """A black 20 x 60 px picture that is opaque in a grey rectangle with a dark stroke only."""
    pixels = np.zeros((20, 60, 4), np.uint8)
    pixels[5:15, 10:50] = (200, 200, 200, 255)
    pixels[9:11, 15:45] = (40, 40, 40, 255)
    return bytes(cv2.imencode(".png", pixels)[1])


def saintgall(path: Path) -> Path:
    rows = "csg562-003-01 i-n|p-r-i-n-pt|et in|prin\ncsg562-003-02 A-b a\ncsg562-005-01 n-u-l-l null\n"
    rows += "csg562-009-01 n-a na\ncsg562-010-01 x x\ncsg562-009-02 a--b ab\ncsg562-009-03 a-st a\nlost\n"
    save(path / "ground_truth" / "transcription.txt", rows)
    for row in rows.splitlines():
        save(path / "data" / "line_images_normalized" / f"{row.split()[0]}.png")
    for name, page in (("train", "csg562-003"), ("valid", "csg562-005"), ("test", "csg562-009\ncsg562-011")):
        save(path / "sets" / f"{name}.txt", f"{page}\n")
    return path


def hkr(path: Path) -> Path:
    root = path / "20200923_Dataset_Words_Public"
    texts = {"1_28_104": "ты", "0_0_1": "Шымкент", "2_2_2_": "NA", "3_3_3": "Өскемен", "4_4_4": "nan", "5_5_5": "я"}
    for id, text in texts.items():
        save(root / "ann" / f"{id}.json", json.dumps({"name": id, "description": text}, ensure_ascii=False))
        save(root / "img" / f"{id}.jpg", encode(np.full((20, 60), 200, np.uint8), "jpeg"))
    save(root / "ann" / "6_6_6.json", '{"name": "6_6_6", "description": null}')
    save(root / "ann" / "7_7_7.json", "{")
    stages = "train val test1 test2 unknown".split()
    rows = [f"{id},{stage}" for id, stage in zip(texts, stages, strict=False)] + [
        "5_5_5,",
        "6_6_6,train",
        "7_7_7,train",
    ]
    save(path / "HKR_splitting.csv", "id,stage\n" + "\n".join([*rows, "8_8_8,train"]) + "\n")
    return path


def peter(path: Path) -> Path:
    """Lines of each split, one that the published table forgot, two vertical ones, and rows that cannot be used."""
    root = path / "data_anon"
    rows = {
        "1_1_10": ("зело многa і", "True,False,False"),
        "1_1_11": ("NA", "False,True,False"),
        "2_1_1": ("вверх", "False,False,True"),
        "2_1_2": ("вниз", "False,False,True"),
        "2_1_3": ("1", "False,False,True"),
        "27_46_30": ("крѣпость", "False,False,False"),
        "9_9_9": ("чужая", "False,False,False"),
        "9_9_8": ("чужая", "True,True,False"),
    }
    for id, (text, _) in rows.items():
        high = np.full((60, 20), 200, np.uint8)
        high[:10] = 30  # dark at the top
        picture = high if id.startswith("2_") else np.full((20, 60), 200, np.uint8)
        save(root / "images" / f"{id}.jpg", encode(picture, "jpeg"))
        save(root / "words" / f"{id}.txt", f"{text}\n")
    table = ["," + ",".join(("old_name", "new_name", "train", "public", "private"))]
    table += [f"{n},x.jpg,{id}.jpg,{splits}" for n, (id, (_, splits)) in enumerate(rows.items())]
    save(root / "mapper.csv", "\n".join([*table, "99,x.jpg,4_4_4.jpg,True,False,False"]) + "\n")
    return path


def read2018(path: Path, number: str = "30893", name: str = "Ricordi") -> Path:
    """Five lines of a collection: one of one page, one more of four pages, three more of sixteen."""
    place = path / "specific_data" / f"{number}_train" / name
    texts = ("Ella", "NA", "null", "..", "a/b")
    files = [f"{number}_0012_1067657_r_{i}.jpg" for i in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        save(place / file, encode(np.full((20, 60), 220, np.uint8), "jpeg"))
        save(place / f"{file}.txt", f"{text}\n")
        save(place / f"{file}.info", f"{file}\n20 60\n[[10,5];[50,5];[50,15];[10,15]]\n")
    for pages, count in ((1, 1), (4, 2), (16, 5)):
        rows = "\n".join(files[:count])
        save(path / "specific_data_train_list" / f"{number}_train_{pages}.lst", f"{rows}\n\n")
    return path
