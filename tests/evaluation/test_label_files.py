"""Label files as people have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from zerolite import vision

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
        ("a.json", '{"1": "cat", "2": "dog"}', "numbered from 1 to 2, and number 0 is missing"),
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
