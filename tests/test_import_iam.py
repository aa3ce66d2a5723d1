"""The IAM importer and the lists of partitions, on a miniature of the published layout made here."""

import re
from pathlib import Path

import pytest

from scriven.base import LinesError
from scriven.importers import IMPORTERS
from scriven.importers.partition import split_named
from toy_imports import lines_of, save, skipped_of


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("trainset", "train"),
        ("validationset1", "valid"),
        ("testset", "test"),
        ("tr", "train"),
        ("va", "valid"),
        ("te", "test"),
        ("RWTH.iam_word_gt_final.val.thresh", "valid"),
        ("train_index_ids", "train"),
        ("TestLines", "test"),
        ("LargeWriterIndependentTextLineRecognitionTask", None),
        ("readme", None),
        ("groundtruth_training_icdar2011", "train"),
        ("ground_truth_validation_icdar2011", "valid"),
        ("RWTH.iam_word_gt_final.train", "train"),
        ("my_test_notes", None),
        ("README-test", None),
        ("train_test_split", None),
    ],
)
def test_lists_of_a_partition_are_known_by_name(name: str, split: str | None) -> None:
    assert split_named(name) == split


WORDS = """#--- words.txt ---#
a01-000u-00-00 ok 154 408 768 27 51 AT A
a01-000u-00-01 ok 154 1 507 766 213 48 NN don't
a01-000u-01-00 err 154 -1 -1 -1 -1 NP Mr.
b02-001-00-00 ok 160 408 768 27 51 . .
c03-002-00-00 ok 160 408 768 27 51 CD 1,000
d04-003-00-00 ok 160 408 768 27 51 XX elsewhere
"""
LINES = r"""# lines.txt
a01-000u-00 ok 154 19 408 746 1663 91 A|don't
a01-000u-01 err 154 19 395 932 1850 105 Mr.|\|[a-z]
b02-001-00 ok 160 19 408 746 1663 91 .
c03-002-00 ok 160 19 408 746 1663 91 1,000
d04-003-00 ok 160 19 408 746 1663 91 elsewhere
"""
FORMS = "# forms.txt\na01-000u 000 2 prt 7 5 52 36\nb02-001 007 2 prt 7 5 52 36\nc03-002 009 2 prt 7 5 52 36\n"


def iam(path: Path) -> Path:
    for name, content in (("words", WORDS), ("lines", LINES), ("forms", FORMS)):
        save(path / "ascii" / f"{name}.txt", content)
        for row in content.splitlines() if name != "forms" else []:
            if not row.startswith("#"):
                id = row.split()[0]
                first, form = id.split("-")[0], "-".join(id.split("-")[:2])
                save(path / name / first / form / f"{id}.png")
    return path


def aachen(path: Path) -> Path:
    for name, form in (("train", "a01-000u"), ("validation", "b02-001"), ("test", "c03-002")):
        save(path / f"{name}.uttlist", f"{form}\n")
    return path


def test_iam_words_in_the_partition_of_aachen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Earlier importers took the last letters of a row as the label: t of don't, the box height of a full stop."""
    aachen(iam(tmp_path / "iam") / "splits")
    found = lines_of("iam", tmp_path / "iam")
    assert [(split, line.id, line.text, line.hand, line.page) for split, line in found] == [
        ("train", "a01-000u-00-00", "A", "000", "a01-000u"),
        ("train", "a01-000u-00-01", "don't", "000", "a01-000u"),
        ("valid", "b02-001-00-00", ".", "007", "b02-001"),
        ("test", "c03-002-00-00", "1,000", "009", "c03-002"),
    ]
    assert not skipped_of("iam", tmp_path / "iam")
    assert "1 words are marked err" in caplog.text and "1 words are in no list of the partition" in caplog.text
    assert "the lists have (1, 1, 1) ids of train, valid and test, unlike published ones" in caplog.text
    texts = [line.text for _, line in lines_of("iam", tmp_path / "iam", segmentation="all")]
    assert texts == ["A", "don't", "Mr.", ".", "1,000"]


def test_iam_lines_by_lists_of_lines_with_labels(tmp_path: Path) -> None:
    rows = "a01-000u-00,154 \" A don't !\na01-000u-01,154 Mr.|Brown\n"
    save(tmp_path / "lists" / "RWTH.iam_line_gt_final.train.thresh", rows)
    found = lines_of("iam", iam(tmp_path / "iam"), level="lines", partition=str(tmp_path / "lists"))
    assert [line.text for _, line in found] == ["\" A don't !", "Mr. Brown"]


def test_lists_of_a_published_size_are_not_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = aachen(iam(tmp_path / "iam") / "splits").parent
    for name, form, count in (("train", "a01-000u", 747), ("validation", "b02-001", 116), ("test", "c03-002", 336)):
        others = "".join(f"{name}-{number:03d}\n" for number in range(1, count))
        save(source / "splits" / f"{name}.uttlist", f"{form}\n{others}")
    assert len(lines_of("iam", source)) == 4 and "unlike published" not in caplog.text


def test_notes_beside_the_lists_are_not_lists(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Their words used to be taken for ids of the test set."""
    source = aachen(iam(tmp_path / "iam") / "splits").parent
    for name in ("my_test_notes.txt", "README-test.txt"):
        save(source / "splits" / name, "a01-000u is a form\n")
    assert len(lines_of("iam", source)) == 4 and not skipped_of("iam", source)
    assert "my_test_notes.txt is not named like a list" in caplog.text


def test_iam_words_by_the_lists_of_words_with_labels(tmp_path: Path) -> None:
    source, lists = iam(tmp_path / "iam"), tmp_path / "lists"
    save(lists / "RWTH.iam_word_gt_final.train.thresh.txt", "a01-000u-00-01,154 don't!\na01-000u-01-00,154 Mr.\n")
    save(lists / "RWTH.iam_word_gt_final.test.thresh.txt", "b02-001-00-00,160 .\nz99-000-00-00,160 lost\n")
    (source / "ascii" / "words.txt").unlink()
    found = lines_of("iam", source, partition=str(lists))
    assert [(split, line.id, line.text, line.hand) for split, line in found] == [
        ("train", "a01-000u-00-01", "don't!", "000"),
        ("train", "a01-000u-01-00", "Mr.", "000"),
        ("test", "b02-001-00-00", ".", "007"),
    ]
    assert list(skipped_of("iam", source, partition=str(lists))) == ["z99-000-00-00"]
    with pytest.raises(LinesError, match="should have `id,threshold label` of lines"):
        list(IMPORTERS["iam"](source, level="lines", partition=str(lists)))


def test_iam_lines_in_both_partitions(tmp_path: Path) -> None:
    source = iam(tmp_path / "iam")
    task = source / "largeWriterIndependentTextLineRecognitionTask"
    save(task / "LargeWriterIndependentTextLineRecognitionTask.txt", "Read me.\n")
    for name, ids in (("trainset", "a01-000u-00\na01-000u-01\n"), ("validationset1", "b02-001-00\n")):
        save(task / f"{name}.txt", ids)
    save(task / "validationset2.txt", "x99-000-00\n")
    save(task / "testset.txt", "c03-002-00\r\n")
    found = lines_of("iam", source, level="lines")
    assert [(split, line.id, line.text) for split, line in found] == [
        ("train", "a01-000u-00", "A don't"),
        ("train", "a01-000u-01", r"Mr. \ [a-z]"),
        ("valid", "b02-001-00", "."),
        ("test", "c03-002-00", "1,000"),
    ]
    assert (
        "validationset2.txt lists it, but lines.txt has nothing"
        in skipped_of("iam", source, level="lines")["x99-000-00"]
    )
    assert len(lines_of("iam", source, level="lines", segmentation="ok")) == 3
    assert [split for split, _ in lines_of("iam", source, level="lines", partition=str(aachen(tmp_path / "a")))] == [
        "train",
        "train",
        "valid",
        "test",
    ]
    aachen(source / "splits")
    with pytest.raises(LinesError, match="lists of several partitions.*--set partition=FOLDER"):
        list(IMPORTERS["iam"](source))
    assert {split for split, _ in lines_of("iam", source, partition="all")} == {"train"}


def test_what_iam_lacks_is_named(tmp_path: Path) -> None:
    source = iam(tmp_path / "iam")
    with pytest.raises(LinesError, match="should have the lists of a partition, such as trainset.txt"):
        list(IMPORTERS["iam"](source))
    save(source / "lists" / "train.txt", "a01-000u\nb02-001\n")
    save(source / "lists" / "test.txt", "b02-001\n")
    with pytest.raises(LinesError, match="'b02-001' is in both"):
        list(IMPORTERS["iam"](source))
    save(source / "lists" / "test.txt", "\n")
    with pytest.raises(LinesError, match="should be a list of ids"):
        list(IMPORTERS["iam"](source))
    save(source / "lists" / "train.txt", "a01-000u-00-00\n")
    (source / "lists" / "test.txt").unlink()
    with pytest.raises(LinesError, match="of which the database has no lines; check --set level"):
        list(IMPORTERS["iam"](source, level="lines"))
    save(source / "ascii" / "words.txt", "a01-000u-00-00 ok 154 408 768 27 51 AT A\nno row of IAM\n")
    save(source / "words" / "a01" / "a01-000u" / "a01-000u-00-00.png", b"")
    why = skipped_of("iam", source)
    assert "is empty" in why["a01-000u-00-00"] and "is not a row of words.txt" in why["words.txt:2"]
    (source / "ascii" / "words.txt").unlink()
    with pytest.raises(LinesError, match="should have ascii/words.txt with the transcriptions"):
        list(IMPORTERS["iam"](source))
    with pytest.raises(LinesError, match=re.escape("pictures such as words/a01/a01-000u/a01-000u-00-00.png")):
        list(IMPORTERS["iam"](source / "ascii"))


def test_lines_in_no_list_are_not_trained_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """StackMix trains on the 3,491 lines of IAM that are in no list of the large writer independent task."""
    source, lists = iam(tmp_path / "iam"), tmp_path / "lists"
    for name, id in (("trainset", "a01-000u-00"), ("validationset1", "b02-001-00"), ("testset", "c03-002-00")):
        save(lists / f"{name}.txt", f"{id}\n")
    found = lines_of("iam", source, level="lines", partition=str(lists))
    splits = [(split, line.id) for split, line in found]
    assert splits == [("train", "a01-000u-00"), ("valid", "b02-001-00"), ("test", "c03-002-00")]
    assert "2 lines are in no list of the partition" in caplog.text
    caplog.clear()
    lines_of("iam", source, level="lines", partition="all")
    assert "characters that are not in the published set of iam: '[' (U+005B" in caplog.text
