"""Answers of tasks are judged as their fields agree: COCO's precision, SQuAD's exact match, accuracy of texts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.tasks.handmade_models import post_processed
from tests.tasks.shapes import CLASSES, scene
from tests.tasks.text.models import WORDS, sentiment, table_answers
from zerolite.cli import main

image_module = pytest.importorskip("PIL.Image", reason="tasks on pictures need the extra vision")
pytest.importorskip("faster_coco_eval", reason="metrics of detection need the extra evaluate")
pytest.importorskip("tokenizers", reason="models of BERT's kind need the extra text")

SHAPES = Path(__file__).parent.parent / "tasks" / "models" / "shape_detector.tflite"
PICTURE = np.full((100, 200, 3), 90, np.uint8)
DOG, CAT = [25.0, 25, 50, 50], [125, 37.5, 50, 25]  # where `cat_and_dog` finds them in PICTURE


@pytest.fixture(scope="module")
def cat_and_dog() -> Iterator[zl.tasks.Detector]:
    """Finds a dog and a cat in every picture, always at the same places."""
    anchors = np.array([[0.5, 0.25, 0.5, 0.25], [0.5, 0.75, 0.25, 0.25]], np.float32)
    scores = np.array([[0, 0.1, 0.8], [0, 0.6, 0.2]], np.float32)
    model = post_processed(np.zeros((2, 4), np.float32), scores, anchors)
    with zl.tasks.load(model, "detect", class_names=["cat", "dog"]) as detector:
        yield detector


def coco(boxes: Sequence[tuple[str, list[float]]], names: Sequence[str] = ("dog", "cat")) -> dict[str, Any]:
    """Of one picture; ids of categories have gaps, as COCO's."""
    ids = {name: 3 + 7 * place for place, name in enumerate(names)}
    return {
        "images": [{"id": "one", "file_name": "a/1.png", "width": 200, "height": 100}],
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "annotations": [{"image_id": "one", "category_id": ids[name], "bbox": box} for name, box in boxes],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    image_module.fromarray(PICTURE).save(tmp_path / "a" / "1.png")
    return tmp_path


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        # Overlap 1 and 0.76: of the ten overlaps that count, 0.50 to 0.75 are reached by the cat, which are six.
        ([("dog", DOG), ("cat", [125, 37.5, 38, 25])], {"map": 0.8, "map_50": 1.0, "map_75": 1.0, "cat": 0.6}),
        ([("dog", DOG), ("cat", [0, 0, 10, 10])], {"map": 0.5, "map_50": 0.5, "map_75": 0.5, "cat": 0.0}),
        # What is found only once is half of two: precision 1 at recalls from 0 to 0.5, of 101 steps.
        ([("dog", DOG), ("dog", [0, 0, 9, 9]), ("cat", CAT)], {"map": (51 / 101 + 1) / 2, "dog": 51 / 101}),
        ([("dog", DOG)], {"map": 1.0, "cat": math.nan, "dog": 1.0, "map_large": math.nan, "map_medium": 1.0}),
    ],
)
def test_precision_of_detection(
    boxes: list[tuple[str, list[float]]], expected: dict[str, float], cat_and_dog: zl.tasks.Detector, folder: Path
) -> None:
    result = zl.evaluate_task(cat_and_dog, folder, coco(boxes))
    by_class = result.metrics["map_by_class"]
    assert isinstance(by_class, dict)
    told = {**result.metrics, **by_class}
    assert {name: told[name] for name in expected} == pytest.approx(expected, nan_ok=True)
    assert (result.items, result.runs, result.latencies.count) == (1, 1, 1)
    json.dumps(result.to_dict(), allow_nan=False)


def test_trained_detector_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(5)
    truth: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
    truth["categories"] = [{"id": number, "name": name.upper()} for number, name in enumerate(CLASSES)]
    for number in range(30):
        one = scene(rng, height=96, width=128)
        image_module.fromarray(one.picture).save(tmp_path / f"{number}.png")
        truth["images"].append({"id": number, "file_name": f"{number}.png"})
        truth["annotations"] += [
            {"image_id": number, "category_id": int(kind), "bbox": [*map(float, (*box[:2], *(box[2:] - box[:2])))]}
            for box, kind in zip(one.boxes, one.classes, strict=True)
        ]
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps(truth))
    steps: list[tuple[int, int | None]] = []
    with zl.tasks.load(SHAPES, "detect", class_names=CLASSES) as detector:
        result = zl.evaluate_task(
            detector, tmp_path, file, metrics=["map", "map_50"], progress=lambda *step: steps.append(step)
        )
    assert set(result.metrics) == {"map", "map_50"}
    assert result.metrics["map_50"] > 0.9  # type: ignore[operator]
    assert steps[-1] == (30, 30)

    words = tmp_path / "words.txt"
    words.write_text("\n".join(CLASSES))
    command = ["evaluate", str(SHAPES), str(tmp_path), "--task", "detect", "--labels", str(file)]
    command += ["--class-names", str(words)]
    assert main([*command, "--json", "--min", "map_50=0.9"]) == 0
    told = json.loads(capsys.readouterr().out)["metrics"]
    assert {name: told[name] for name in result.metrics} == pytest.approx(dict(result.metrics))
    assert main([*command, "--min", "map=0.99"]) == 1
    assert "green square" in capsys.readouterr().out.lower()


def test_classes_of_no_category_and_categories_of_no_class(cat_and_dog: zl.tasks.Detector, folder: Path) -> None:
    with pytest.raises(ValueError, match=r"classes \(cat, dog\) are none of the categories of .* \(cow\)"):
        zl.evaluate_task(cat_and_dog, folder, coco([("cow", DOG)], ["cow"]))
    with pytest.warns(UserWarning, match="has no class for these categories .*: cow"):
        result = zl.evaluate_task(cat_and_dog, folder, coco([("cow", CAT), ("dog", DOG)], ["cow", "dog"]))
    assert result.metrics["map"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"images": None}, "has no list 'images'"),
        ({"images": []}, "lists no images"),
        ({"images": [{"id": 1}]}, "an entry of 'images' without 'file_name'"),
        ({"annotations": [{"image_id": "one", "category_id": 3, "bbox": [1, 2, 3]}]}, "not .left, top, width, height"),
        ({"annotations": [{"image_id": "one", "category_id": 3, "bbox": [1, 2, 3, math.nan]}]}, "not .left, top"),
        ({"annotations": [{"image_id": 2, "category_id": 3, "bbox": DOG}]}, "'image_id' is none of the file: 2"),
        ({"categories": [{"id": [3], "name": "dog"}]}, "an 'id' that is no number or text: .3."),
        ({"annotations": [{"image_id": "one", "category_id": 3, "bbox": DOG, "iscrowd": "no"}]}, "not 0 or 1"),
        ({"images": [{"id": "one", "file_name": "a/1.png", "width": 100, "height": 200}]}, "100 x 200 pixels, but it"),
    ],
)
def test_wrong_annotations(change: dict[str, Any], said: str, cat_and_dog: zl.tasks.Detector, folder: Path) -> None:
    with pytest.raises(ValueError, match=said):
        zl.evaluate_task(cat_and_dog, folder, {**coco([("dog", DOG)]), **change})


def test_pictures_that_are_none(cat_and_dog: zl.tasks.Detector, folder: Path) -> None:
    truth = coco([("dog", DOG)])
    truth["images"].append({"id": "two", "file_name": "a/2.png"})
    with pytest.raises(FileNotFoundError, match=r"names the picture 2\.png, which is not in"):
        zl.evaluate_task(cat_and_dog, folder, truth)
    (folder / "a" / "2.png").write_bytes(b"no picture")
    with pytest.raises(zl.ImageError):
        zl.evaluate_task(cat_and_dog, folder, truth)
    result = zl.evaluate_task(cat_and_dog, folder, truth, on_corrupt="skip")
    assert result.items == 1
    assert [error.path.name for error in result.skipped] == ["2.png"]
    assert result.metrics["map"] == pytest.approx(1.0)


# Answers


@pytest.fixture(scope="module")
def dog_answerer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zl.tasks.QuestionAnswerer]:
    """Answers with what stands from "the" to "dog"."""
    starts, ends = (np.zeros(len(WORDS), np.float32) for _ in range(2))
    starts[WORDS.index("the")] = ends[WORDS.index("dog")] = 5
    vocabulary = tmp_path_factory.mktemp("words") / "vocab.txt"
    vocabulary.write_text("\n".join(WORDS))
    with zl.tasks.load(table_answers(starts, ends, 24), "answer", vocabulary=vocabulary) as task:
        yield task


@pytest.mark.parametrize(
    ("right", "exact", "f1"),
    [
        (["Dog."], 1, 1.0),  # without articles, punctuation and case
        (["cat", "a  dog"], 1, 1.0),
        (["good dog is play"], 0, 2 * 1 * 0.25 / 1.25),
        (["cat"], 0, 0.0),
        ([], 0, 0.0),
    ],
)
def test_exact_match_and_f1(right: list[str], exact: float, f1: float, dog_answerer: zl.tasks.QuestionAnswerer) -> None:
    result = zl.evaluate_task(dog_answerer, [("who", "cat is the dog, good", right)])
    assert result.metrics == pytest.approx({"exact_match": exact, "f1": f1})


def test_questions_in_files(
    dog_answerer: zl.tasks.QuestionAnswerer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [("who", "cat is the dog", "dog"), ("who", "the cat, the dog", "cat")]
    expected = zl.evaluate_task(dog_answerer, [(*one[:2], [one[2]]) for one in asked]).metrics
    questions = [{"context": text, "qas": [{"question": who, "answers": [{"text": a}]}]} for who, text, a in asked]
    squad = tmp_path / "squad.json"
    squad.write_text(json.dumps({"version": "1.1", "data": [{"paragraphs": questions}]}))
    rows = tmp_path / "questions.jsonl"
    keys = ("question", "text", "answer")
    rows.write_text("\n".join(json.dumps(dict(zip(keys, one, strict=True))) for one in asked))
    for file in (squad, rows):
        assert zl.evaluate_task(dog_answerer, file).metrics == expected
    squad.write_text('{"data": [{"paragraphs": [{}]}]}')
    with pytest.raises(ValueError, match="is not in SQuAD's format"):
        zl.evaluate_task(dog_answerer, squad)
    squad.write_text("[")
    with pytest.raises(ValueError, match="is no JSON file"):
        zl.evaluate_task(dog_answerer, squad)


# Texts


@pytest.fixture(scope="module")
def mood(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zl.tasks.TextClassifier]:
    words = tmp_path_factory.mktemp("moods") / "words.txt"
    words.write_text("<PAD> 0\n<START> 1\n<UNKNOWN> 2\ngood 3\nbad 4\n")
    table = np.zeros((5, 2), np.float32)
    table[3, 1] = table[4, 0] = 1
    with zl.tasks.load(sentiment(table, 4), "text", vocabulary=words, class_names=["sad", "glad"]) as task:
        yield task


def test_texts_with_labels(mood: zl.tasks.TextClassifier, tmp_path: Path) -> None:
    pairs: list[tuple[str, str | int]] = [("good", "glad"), ("bad", "sad"), ("so good", 1), ("bad bad", "glad")]
    result = zl.evaluate_task(mood, pairs, metrics=["accuracy", "confusion_matrix"])
    assert result.accuracy == 0.75
    assert np.array_equal(result.metrics["confusion_matrix"], [[1, 0], [1, 2]])  # type: ignore[arg-type]
    file = tmp_path / "texts.csv"
    file.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in pairs))
    assert zl.evaluate_task(mood, file).metrics == {"accuracy": 0.75}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("words,label\na,1\n", "needs the columns 'text' and 'label'; its columns are words, label"),
        ("text,label\na,merry\n", "has the label 'merry', which is no class; the classes are sad, glad"),
        ("text,label\na\n", "a row that does not fit its headings"),
        ("text,label\n", "there are no items"),
        ("text,label\na,7\n", "7"),
    ],
)
def test_wrong_texts(content: str, said: str, mood: zl.tasks.TextClassifier, tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    file.write_text(content)
    with pytest.raises(ValueError, match=said):
        zl.evaluate_task(mood, file)


def test_what_is_not_judged(mood: zl.tasks.TextClassifier, cat_and_dog: zl.tasks.Detector, folder: Path) -> None:
    with pytest.raises(TypeError, match="labels are for a detector"):
        zl.evaluate_task(mood, [], {})
    with pytest.raises(TypeError, match=r"a folder of pictures, with labels: a \.json file"):
        zl.evaluate_task(cat_and_dog, folder)
    with pytest.raises(ValueError, match="there is no metric 'accuracy' of this task; there are map,"):
        zl.evaluate_task(cat_and_dog, folder, coco([("dog", DOG)]), metrics=["accuracy"])
    with pytest.raises(TypeError, match=r"evaluate_task takes a detector.*came int"):
        zl.evaluate_task(3, [])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"a labelled text is a tuple of text and label; came 'good'"):
        zl.evaluate_task(mood, ["good"])


def test_command_of_no_task(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert main(["evaluate", str(SHAPES), str(folder), "--task", "guess"]) == 2
    assert "'guess' is none of detect, text, answer" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    ("task", "given", "meant"),
    [
        *(
            (task, given, "tensors, without --task")
            for task in ("detect", "text", "answer")
            for given in (
                "--workers 2",
                "--batch 4",
                "--output scores",
                "--signature main",
                "--rounds 1",
                "--reset item",
                "--resampling nearest",
                "--threshold 0.5",
                "--void auto",
            )
        ),
        *(
            (task, given, "--task detect")
            for task in ("text", "answer")
            for given in ("--size 64x64", "--preprocessing unit", "--skip-corrupt", f"--labels {__file__}")
        ),
        ("answer", f"--class-names {__file__}", "--task detect and text"),
    ],
)
def test_options_that_a_task_has_not(
    task: str, given: str, meant: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the value is the default: what was asked for is not what is done."""
    words = given.split()
    assert main(["evaluate", str(SHAPES), str(folder), "--task", task, *words]) == 2
    error = re.sub(r"[\s│]+", " ", capsys.readouterr().err)
    assert words[0] in error
    assert f"It is for {meant}; leave it out with --task {task}." in error


def test_size_and_preprocessing_of_a_task(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    annotations = tmp_path / "annotations.json"
    annotations.write_text(json.dumps(coco([("dog", DOG)], [CLASSES[0], "dog"])))
    command = ["evaluate", str(SHAPES), str(folder), "--task", "detect", "--labels", str(annotations)]
    words = tmp_path / "words.txt"
    words.write_text("\n".join([*CLASSES[:-1], "dog"]))
    command += ["--class-names", str(words)]
    assert main([*command, "--preprocessing", "wrong"]) == 1
    assert "there is no preprocessing 'wrong'" in capsys.readouterr().err
    assert main([*command, "--size", "7x9"]) == 1
    assert "came size=(7, 9)" in capsys.readouterr().err
