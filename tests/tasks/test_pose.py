"""Joints are where the network says, for one person and for several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import zerolite as zl
from tests.support import model_zoo
from tests.tasks.handmade_models import constant_model
from zerolite.cli import main
from zerolite.tasks.decoding.people import EDGES, NAMES

Image = pytest.importorskip("PIL.Image", reason="tasks on pictures need the extra vision")

PICTURE = np.full((100, 200, 3), 90, np.uint8)
SIDE, STRIDE = 257, 32  # of PoseNet: 9 x 9 cells
CELLS = 9


def person(x: float, y: float, height: float) -> NDArray[np.float64]:
    """A standing person's key points, x and y: shape (17, 2)."""
    shape = [
        *((0, 0), (0.05, -0.03), (-0.05, -0.03), (0.1, 0), (-0.1, 0)),
        *((0.15, 0.2), (-0.15, 0.2), (0.22, 0.38), (-0.22, 0.38), (0.25, 0.52), (-0.25, 0.52)),
        *((0.1, 0.5), (-0.1, 0.5), (0.11, 0.7), (-0.11, 0.7), (0.12, 0.9), (-0.12, 0.9)),
    ]
    return np.array(shape) * height + (x, y)


def pose_net(people: list[NDArray[np.float64]], **changes: Any) -> dict[str, NDArray[Any]]:
    """The outputs of a PoseNet that sees people at x and y in pixels of its input: each cell speaks of the nearest."""
    ys, xs = np.meshgrid(np.arange(CELLS) * STRIDE, np.arange(CELLS) * STRIDE, indexing="ij")
    grid = np.stack((xs, ys), axis=-1)[:, :, np.newaxis]
    away = np.stack([np.linalg.norm(grid - one, axis=-1) for one in people])  # (people, rows, columns, 17)
    whose = away.argmin(0)
    place = np.stack(people)[whose, np.arange(17)]  # (rows, columns, 17, 2)
    heat = np.full((CELLS, CELLS, 17), -6.0)
    for number, one in enumerate(people):
        for point, (x, y) in enumerate(one):
            heat[round(y / STRIDE), round(x / STRIDE), point] = 3.0 - number + 0.01 * point
    offsets = place - grid
    ways = []
    for pairs in (EDGES, [(b, a) for a, b in EDGES]):
        steps = np.stack([np.stack([one[b] - one[a] for one in people])[whose[..., a]] for a, b in pairs], axis=2)
        ways.append(np.concatenate((steps[..., 1], steps[..., 0]), axis=-1))
    outputs = {
        "heatmaps": heat,
        "offsets": np.concatenate((offsets[..., 1], offsets[..., 0]), axis=-1),
        "displacement_fwd": ways[0],
        "displacement_bwd": ways[1],
    } | changes
    return {name: values[np.newaxis] for name, values in outputs.items() if values is not None}


def places(pose: zl.tasks.Pose) -> NDArray[np.float64]:
    return np.array([(point.x, point.y) for point in pose.key_points])


def estimator_of(model: bytes | Path, **options: Any) -> zl.tasks.PoseEstimator:
    """By the model alone, without the task's name."""
    task = zl.tasks.load(model, **options)
    assert isinstance(task, zl.tasks.PoseEstimator)
    return task


# MoveNet


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float32"])
def test_one_person_of_movenet(dtype: str) -> None:
    truth = person(0.5, 0.35, 0.3)  # of the input, of which the picture takes up the middle half
    values = np.concatenate((truth[:, ::-1], np.linspace(0.3, 0.9, 17)[:, np.newaxis]), axis=1)
    with estimator_of(constant_model({"output_0": values.reshape(1, 1, 17, 3)}, dtype=dtype)) as task:
        found = task(PICTURE)
        assert len(task(PICTURE, min_score=0.61).poses) == 0
    (pose,) = found.poses
    assert [point.name for point in pose.key_points] == list(NAMES)
    np.testing.assert_allclose(places(pose), (truth - (0, 0.25)) * (200, 200), atol=1e-4)
    np.testing.assert_allclose([point.score for point in pose.key_points], values[:, 2], atol=1e-6)
    assert pose.score == pytest.approx(0.6)
    assert pose.box is None


def test_several_people_of_movenet() -> None:
    rows = np.zeros((6, 56), np.float32)
    for number, (x, score) in {1: (0.25, 0.5), 3: (0.75, 0.9), 4: (0.5, 0.1), 5: (0.6, np.nan)}.items():
        points = person(x, 0.35, 0.3)
        rows[number, :51] = np.concatenate((points[:, ::-1], np.full((17, 1), score)), axis=1).ravel()
        rows[number, 51:] = 0.3, x - 0.1, 0.7, x + 0.1, score
    with estimator_of(constant_model({"output_0": rows[np.newaxis]}, size=(256, 256), dtype="int32")) as task:
        found = task(PICTURE)
        assert [pose.score for pose in found.poses] == pytest.approx([0.9, 0.5])
        assert len(task(PICTURE, max_results=1).poses) == 1
        np.testing.assert_allclose(places(found.poses[0]), (person(0.75, 0.35, 0.3) - (0, 0.25)) * 200, atol=1e-3)
        box = found.poses[0].box
        assert box is not None
        np.testing.assert_allclose(list(box.to_dict().values()), [130, 10, 170, 90], atol=1e-3)
        for wrong, said in ({"min_score": np.nan}, "min_score is NaN"), ({"max_results": 0}, "must be at least 1"):
            with pytest.raises(ValueError, match=said):
                task(PICTURE, **wrong)


def test_nan_is_no_joint() -> None:
    values = np.full((17, 3), 0.5, np.float32)
    values[3, 0] = np.nan
    values[4, 2] = np.nan
    with estimator_of(constant_model({"x": values.reshape(1, 1, 17, 3)})) as task:
        assert task(PICTURE).poses == ()  # the mean of the scores is NaN
    rows = np.zeros((1, 56), np.float32)
    rows[0, :51] = values.ravel()
    rows[0, 51:] = 0, 0, np.inf, 1, 0.9
    with estimator_of(constant_model({"x": rows[np.newaxis]})) as task:
        found = task(PICTURE)
        assert [point.score for point in found.poses[0].key_points][2:6] == [0.5, 0.0, 0.0, 0.5]
        assert found.poses[0].box is None
        json.dumps(found.to_dict(), allow_nan=False)
        task.draw(PICTURE, found)


# PoseNet


def test_one_person_of_posenet() -> None:
    truth = person(120, 60, 150)
    without_ways = pose_net([truth], displacement_fwd=None, displacement_bwd=None)
    picture = np.zeros((SIDE, 2 * SIDE, 3), np.uint8)
    for outputs in (pose_net([truth]), without_ways):
        with estimator_of(constant_model(outputs, size=(SIDE, SIDE))) as task:
            found = task(picture, max_results=1)
        (pose,) = found.poses
        np.testing.assert_allclose(places(pose), truth * (2, 1), atol=1e-3)
        assert pose.score == pytest.approx(np.mean(1 / (1 + np.exp(-3 - 0.01 * np.arange(17)))))


@pytest.mark.parametrize("order", ["heatmaps offsets displacement_fwd displacement_bwd", None])
def test_several_people_of_posenet(order: str | None) -> None:
    truth = [person(60, 50, 180), person(190, 70, 160)]
    outputs = pose_net(truth)
    outputs = {name: outputs[name] for name in (order.split() if order else reversed(outputs))}
    with estimator_of(constant_model(outputs, size=(SIDE, SIDE))) as task:
        found = task(np.zeros((SIDE, SIDE, 3), np.uint8))
    assert len(found.poses) == 2
    assert found.poses[0].score > found.poses[1].score
    for pose, expected in zip(found.poses, truth, strict=True):
        np.testing.assert_allclose(places(pose), expected, atol=1e-3)


def test_posenet_with_unsound_numbers() -> None:
    outputs = pose_net([person(120, 60, 150)])
    for name in outputs:
        broken = {**outputs, name: np.full_like(outputs[name], np.nan)}
        with estimator_of(constant_model(broken, size=(SIDE, SIDE))) as task:
            for most in (1, 5):
                json.dumps(task(PICTURE, max_results=most, min_score=0).to_dict(), allow_nan=False)


# Landmarks


def landmarks(count: int, numbers: int) -> NDArray[np.float64]:
    """In pixels of an input of 64 x 64; the last two numbers are logits."""
    rng = np.random.default_rng(count)
    values = rng.uniform(5, 59, (count, numbers))
    values[:, 3:] = rng.uniform(-4, 4, (count, numbers - 3))
    return values


def softened(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-values))


@pytest.mark.parametrize(
    ("count", "numbers", "told", "names"),
    [
        (39, 5, 33, {0: "nose", 11: "left shoulder", 16: "right wrist", 31: "left foot index", 32: "right foot index"}),
        (21, 3, 21, {0: "wrist", 4: "thumb tip", 8: "index tip", 20: "pinky tip"}),
        (468, 3, 468, {0: "point 0", 467: "point 467"}),
        (478, 3, 478, {477: "point 477"}),
    ],
)
@pytest.mark.parametrize("axes", [2, 4])
def test_landmarks_of_mediapipe(count: int, numbers: int, told: int, names: dict[int, str], axes: int) -> None:
    values = landmarks(count, numbers)
    shape = (1,) * (axes - 1) + (count * numbers,)
    outputs = {"Identity": values.reshape(shape), "Identity_1": np.full((1, 1), 0.75)}
    # PICTURE, of 200 x 100 pixels, is 64 x 32 in the input, and 16 pixels from its top.
    with zl.tasks.load(constant_model(outputs)) as task:
        assert isinstance(task, zl.tasks.PoseEstimator)
        (found,) = task(PICTURE).poses
    assert (found.score, len(found.key_points)) == (0.75, told)
    assert {number: found.key_points[number].name for number in names} == names
    expected = (values[:told, :2] - (0, 16)) * 200 / 64
    np.testing.assert_allclose([(one.x, one.y) for one in found.key_points], expected, atol=1e-3)
    assert [one.z for one in found.key_points] == pytest.approx(list(values[:told, 2] * 200 / 64), abs=1e-3)
    scores = softened(values[:told, 3:]).min(axis=1) if numbers > 3 else np.full(told, 0.75)
    np.testing.assert_allclose([one.score for one in found.key_points], scores, atol=1e-5)


def test_which_output_is_which() -> None:
    """World landmarks are as many, and a hand is also left or right."""
    hand, world = (landmarks(21, 3).reshape(1, 63) for _ in range(2))
    outputs = {"a_world": world + 9, "b_handedness": np.zeros((1, 1)), "hand_flag": np.ones((1, 1)), "landmarks": hand}
    with zl.tasks.load(constant_model(outputs), "pose") as task:
        (found,) = task(np.zeros((64, 64, 3), np.uint8)).poses
    assert found.score == 1
    np.testing.assert_allclose([(one.x, one.y) for one in found.key_points], hand.reshape(21, 3)[:, :2], atol=1e-3)


@pytest.mark.parametrize(("flag", "found"), [(3.0, True), (-3.0, False)])
def test_flag_that_is_a_logit(flag: float, *, found: bool) -> None:
    outputs = {"face": landmarks(468, 3).reshape(1, 1, 1, 1404), "flag": np.full((1, 1, 1, 1), flag)}
    with zl.tasks.load(constant_model(outputs), "pose") as task:
        poses = task(PICTURE).poses
    assert [one.score for one in poses] == ([pytest.approx(softened(np.array(flag)))] if found else [])


def test_row_of_numbers_without_a_flag_is_only_believed_by_name() -> None:
    model = constant_model({"x": landmarks(21, 3).reshape(1, 63)})
    with zl.tasks.load(model, "pose") as task:
        assert len(task(PICTURE).poses[0].key_points) == 21
    with zl.tasks.load(model) as other:
        assert not isinstance(other, zl.tasks.PoseEstimator)


def test_landmarks_with_unsound_numbers_are_drawn() -> None:
    values = landmarks(39, 5)
    values[3], values[5, 2] = np.nan, np.inf
    with zl.tasks.load(constant_model({"x": values.reshape(1, 195), "y": np.ones((1, 1))})) as task:
        assert isinstance(task, zl.tasks.PoseEstimator)
        found = task(PICTURE)
        json.dumps(found.to_dict(), allow_nan=False)
        assert (found.poses[0].key_points[3].score, found.poses[0].key_points[5].z) == (0, None)
        assert (np.asarray(task.draw(PICTURE, found)) != PICTURE).any()


# What is refused, drawn and printed


def test_models_without_poses() -> None:
    with pytest.raises(ValueError, match=r"is no network for poses that zerolite knows: .*\(1, 10\)"):
        zl.tasks.load(model_zoo.model_path("small_cnn"), "pose")
    with pytest.raises(ValueError, match=r"class_names= is for"):
        zl.tasks.load(constant_model({"x": np.zeros((1, 1, 17, 3))}), "pose", class_names=["nose"])


def test_skeleton_is_drawn_on_the_joints() -> None:
    truth = person(0.5, 0.1, 0.8)
    values = np.concatenate((truth[:, ::-1], np.full((17, 1), 0.9)), axis=1)
    values[9, 2] = 0.05  # the left wrist is not seen
    picture = np.full((300, 300, 3), 90, np.uint8)
    with estimator_of(constant_model({"x": values.reshape(1, 1, 17, 3)})) as task:
        drawn = np.asarray(task.draw(picture, task(picture)))
    changed = (drawn != picture).any(axis=2)
    for point, (x, y) in enumerate(truth * 300):
        assert changed[int(y), int(x)] == (point != 9)
    knee, ankle = truth[13] * 300, truth[15] * 300
    middle = (knee + ankle) / 2
    assert changed[int(middle[1]), int(middle[0])]


def test_command_pose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.concatenate((person(0.5, 0.1, 0.8)[:, ::-1], np.full((17, 1), 0.9)), axis=1)
    model = tmp_path / "pose.tflite"
    model.write_bytes(constant_model({"x": values.reshape(1, 1, 17, 3)}))
    Image.fromarray(PICTURE).save(tmp_path / "one.png")
    arguments = ["pose", str(tmp_path / "one.png"), "--model", str(model)]
    assert main([*arguments, "--output", str(tmp_path / "drawn")]) == 0
    assert "person 1" in capsys.readouterr().out
    assert (tmp_path / "drawn" / "one.png").is_file()
    assert main([*arguments, "--json"]) == 0
    with estimator_of(model) as task:
        assert json.loads(capsys.readouterr().out) == {**task(tmp_path / "one.png").to_dict(), "picture": None}
