"""Label files as people have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from zerolite import vision
from zerolite.vision.image_folder import ImageFolder

PLACED = '# objects\nitem {\n  id: 1\n  name: "n1"\n  display_name: "cat"\n}\nitem {\n  id: 3\n  name: \'dog\'\n}\n'


@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("teachable.txt", "0 cat\n1 dog\n", ["cat", "dog"]),
        ("reversed.txt", "1: dog\n0: cat\n", ["cat", "dog"]),
        ("one.txt", "1 cat\n2 dog\n", ["cat", "dog"]),
        ("drinks.txt", "7 up\ncola\n", ["7 up", "cola"]),
        ("digits.txt", "0\n1\n2\n", ["0", "1", "2"]),
        ("class_indices.json", '{"dog": 1, "cat": 0}', ["cat", "dog"]),
        ("labels.JSON", '["cat", "dog"]', ["cat", "dog"]),
        ("numbered.csv", "1,dog\n0,cat\n", ["cat", "dog"]),
        ("from_one.csv", "2,dog\n1,cat\n", ["cat", "dog"]),
        ("from_one.json", '{"2": "dog", "1": "cat"}', ["cat", "dog"]),
        ("synsets.txt", "n02123045 tabby\nn02085620 Chihuahua, toy\n", ["tabby", "Chihuahua, toy"]),
        ("titled.csv", "name,number\ncat,0\ndog,1\n", ["cat", "dog"]),
        ("quoted.csv", '0,"cat, small"\n1,dog\n', ["cat, small", "dog"]),
        ("tabs.tsv", "0\tcat\n1\tdog\n", ["cat", "dog"]),
        ("names.csv", "cat\ndog\n", ["cat", "dog"]),
        ("map.pbtxt", PLACED, ["???", "cat", "???", "dog"]),
    ],
)
def test_labels_of_every_form(name: str, text: str, names: list[str], tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert vision.load_labels(tmp_path / name) == names


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", '{"1": "cat", "3": "dog"}', "numbered from 1 to 3, and number 2 is missing"),
        ("a.json", '{"2": "cat", "3": "dog"}', "numbered from 2 to 3, and number 1 is missing"),
        ("a.json", '{"cat": 0, "dog": 0}', "number 0 comes twice"),
        ("a.json", '{"cat": "feline"}', "from class numbers to names"),
        ("a.json", "3", "a list of names, or a mapping"),
        ("a.json", "[" * 100_000, "holds no labels"),
        ("a.csv", "cat,small\ndog,large\n", "no column of the .csv file holds class numbers"),
        ("a.csv", "0,cat\n2,dog\n", "number 1 is missing"),
        ("a.pbtxt", "cat", "has no item"),
        ("a.pbtxt", "item { id: 1 }", "no id or no name"),
        ("a.pbtxt", 'item { id: 99999999 name: "x" }', "too many numbers"),
        ("a.tflite", "no model", "no sound model"),
    ],
)
def test_what_is_wrong_is_told(name: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        vision.load_labels(tmp_path / name)


@pytest.mark.parametrize(("labels", "classes", "background"), [(3, 2, False), (1, 2, False), (1001, 1000, True)])
def test_background_is_named_only_where_it_may_be(labels: int, classes: int, background: bool) -> None:
    with pytest.raises(ValueError, match=r"name each class|background") as caught:
        vision.check_labels(["x"] * labels, classes)
    assert ("background" in str(caught.value)) == background


def test_folders_may_be_named_after_synsets(tmp_path: Path) -> None:
    """As ImageNet's are; Keras's imagenet_class_index.json has both names."""
    images = pytest.importorskip("PIL.Image", reason="needs the extra vision")
    (tmp_path / "index.json").write_text('{"0": ["n02123045", "tabby"], "1": ["n02085620", "Chihuahua"]}')
    labels = vision.load_labels(tmp_path / "index.json")
    assert labels == ["tabby", "Chihuahua"]
    assert labels.identifiers == ("n02123045", "n02085620")
    for name in labels.identifiers:  # by the alphabet, the other way round
        (tmp_path / "data" / name).mkdir(parents=True)
        images.new("RGB", (4, 4)).save(tmp_path / "data" / name / "picture.png")
    folder = ImageFolder.by_class(tmp_path / "data", labels)
    assert folder.class_names == ("tabby", "Chihuahua")
    named = {file.parent.name: labels[number] for file, number in zip(folder.files, folder.labels, strict=True)}
    assert named == {"n02123045": "tabby", "n02085620": "Chihuahua"}
    (tmp_path / "data" / "n02085620").rename(tmp_path / "data" / "dog")
    with pytest.raises(ValueError, match="is named like none of the 2 labels"):
        ImageFolder.by_class(tmp_path / "data", labels)


def test_pictures_that_can_not_be_decoded_are_told(tmp_path: Path) -> None:
    images = pytest.importorskip("PIL.Image", reason="needs the extra vision")
    images.new("RGB", (4, 4)).save(tmp_path / "a.png")
    for name in ("b.cr3", "c.CR3", "notes.txt", ".hidden.cr3"):
        (tmp_path / name).touch()
    with pytest.warns(UserWarning, match=r"2 pictures in .* are left out, the first of them b\.cr3"):
        assert [file.name for file in ImageFolder.open(tmp_path).files] == ["a.png"]
