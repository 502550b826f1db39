"""Folders of photos, and single photos from the bytes of a file to the answer, beside the tutorial's own code."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

import zerolite as zl
from benchmarks.figure import Figure
from benchmarks.models import model_path
from benchmarks.outcome import Outcome
from benchmarks.photos import photos
from benchmarks.settings import Settings
from tests.tasks.handmade_models import post_processed
from zerolite._timing.interleaved import interleave

__all__ = ["constant_detector", "run_end_to_end", "run_folders"]

_PHOTOS, _QUICK_PHOTOS = 200, 6
_MEGAPIXELS = (1600, 1250)
_SMALL = (640, 480)
_ROUNDS = 3
_WARM_UP = 4
_FOLDER_TARGET, _TARGET = 0.6, 1.0
_SIZE = 224
_DETECTOR_SIZE = 300
_LOOP = "PIL and ai_edge_litert"
_MIN_SCORE = 0.25

_Times = dict[str, list[float]]


def run_folders(settings: Settings) -> Outcome:
    """Classify a folder of photos of 2 megapixels by MobileNetV2: the loop of the tutorials, and zerolite's ways."""
    files = photos(settings.build / "bench-photos", _QUICK_PHOTOS if settings.quick else _PHOTOS, *_MEGAPIXELS)
    model = model_path("mobilenet_v2", settings)
    ways: dict[str, dict[str, Any]] = {
        "task": {},
        "task, Pool(2)": {"workers": 2},
        "task, scaled decoding": {"scaled_decoding": True},
    }
    with ExitStack() as opened:
        loop = _TutorialClassifier(model)
        single = opened.enter_context(zl.load(model))
        pool = opened.enter_context(zl.Pool(model, workers=2))
        tasks = {
            name: opened.enter_context(zl.tasks.load(model, "classify", preprocessing="mobilenet_v2", **options))
            for name, options in ways.items()
        }

        def classify(source: Any, some: Sequence[Path], **options: Any) -> object:
            return list(zl.vision.classify(source, some, preprocessing="mobilenet_v2", **options))

        works: dict[str, Callable[[Sequence[Path]], object]] = {
            _LOOP: lambda some: [loop(file) for file in some],
            "classify, the same resampling": partial(classify, single, resampling="bicubic"),
            "classify, the same resampling, Pool(2)": partial(classify, pool, resampling="bicubic"),
            "classify": partial(classify, single),
            **{name: partial(_classified, task) for name, task in tasks.items()},
        }
        fed = zl.vision.load_image(files[0], size=(_SIZE, _SIZE), preprocessing="mobilenet_v2", resampling="bicubic")
        if not np.array_equal(fed, loop.values(files[0])):
            raise RuntimeError("the same resampling feeds other numbers than the loop")
        for work in works.values():
            work(files[:_WARM_UP])
        wall, processor = _interleaved(
            {name: partial(work, files) for name, work in works.items()}, 2 if settings.quick else _ROUNDS
        )
    per_photo = {name: [1e3 * one / len(files) for one in times] for name, times in wall.items()}
    used = {name: [1e3 * one / len(files) for one in times] for name, times in processor.items()}
    return Outcome(
        title="Folders of photos",
        method=(
            f"{len(files)} photos of {_MEGAPIXELS[0]} x {_MEGAPIXELS[1]} pixels as JPEG through MobileNetV2: "
            "the tutorial's loop (open, convert, resize, scale, invoke) and zerolite over the same files, in turns in "
            "one process. With the same resampling the model gets the same numbers. The loop runs on one core, "
            "zerolite on all that the process may use."
        ),
        figures=[
            *_figures("ms", per_photo, _LOOP, target=_FOLDER_TARGET),
            *_figures("ms", used, _LOOP, words=": processor time"),
        ],
        table=_table(per_photo, used),
        details={"wall_ms": per_photo, "processor_ms": used},
    )


def run_end_to_end(settings: Settings) -> Outcome:
    """Answer for one photo, from the bytes of its file, by a classifier and a detector, beside the tutorials' code."""
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    detector_model = constant_detector()
    for size in (_MEGAPIXELS, _SMALL):
        contents = [file.read_bytes() for file in photos(settings.build / "bench-photos", _QUICK_PHOTOS, *size)]
        model = model_path("mobilenet_v2", settings)
        with (
            zl.tasks.load(model, "classify", preprocessing="mobilenet_v2") as classifier,
            zl.tasks.load(detector_model, "detect", preprocessing="tf") as detector,
        ):
            pairs: dict[str, tuple[Callable[[bytes], object], Callable[[bytes], object]]] = {
                "classify": (classifier, _TutorialClassifier(model)),
                "detect": (detector, _TutorialDetector(detector_model)),
            }
            for name, (own, other) in pairs.items():
                works: dict[str, Callable[[], object]] = {
                    "zerolite": _over(own, contents),
                    _LOOP: _over(other, contents),
                }
                for work in works.values():
                    work()
                wall, processor = _interleaved(works, 2 if settings.quick else 4 * _ROUNDS)
                words = f"{name}, {size[0]} x {size[1]}"
                used = {who: [1e3 * one / len(contents) for one in times] for who, times in processor.items()}
                figures += _figures("ms", used, _LOOP, target=_TARGET, subject=words)
                details[words] = {"wall_s": wall, "processor_s": processor}
    return Outcome(
        title="From the bytes of a photo to the answer",
        method=(
            f"{_QUICK_PHOTOS} photos as JPEG in memory, to classes by MobileNetV2 and to boxes by a detector without "
            "a network (TFLite_Detection_PostProcess over constants, so that what is around the model counts), "
            "by the task of zerolite and by the tutorial's own code with Pillow and ai_edge_litert, in turns; the "
            "processor's time."
        ),
        figures=figures,
        details=details,
    )


class _TutorialClassifier:
    """The loop of TensorFlow Lite's example `label_image`: Pillow's default resampling, and the arithmetic in NumPy."""

    def __init__(self, model: Path) -> None:
        self._interpreter = _interpreter(model_path=str(model))
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def values(self, source: Path | bytes) -> NDArray[np.float32]:
        from PIL import Image

        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
            image = opened.convert("RGB").resize((_SIZE, _SIZE))
        return np.expand_dims(np.asarray(image, np.float32), axis=0) / np.float32(127.5) - np.float32(1)

    def __call__(self, source: Path | bytes) -> list[int]:
        self._interpreter.set_tensor(self._input, self.values(source))
        self._interpreter.invoke()
        scores = self._interpreter.get_tensor(self._output)[0]
        return [int(number) for number in scores.argsort()[-5:][::-1]]


class _TutorialDetector:
    """The example for detection: the four outputs, and a dict for each box that is sure enough."""

    def __init__(self, model: bytes) -> None:
        self._interpreter = _interpreter(model_content=model)
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [one["index"] for one in self._interpreter.get_output_details()]

    def __call__(self, content: bytes) -> list[dict[str, Any]]:
        from PIL import Image

        with Image.open(io.BytesIO(content)) as opened:
            width, height = opened.size
            image = opened.convert("RGB").resize((_DETECTOR_SIZE, _DETECTOR_SIZE), Image.Resampling.LANCZOS)
        values = np.expand_dims(np.asarray(image, np.float32), axis=0) / np.float32(127.5) - np.float32(1)
        self._interpreter.set_tensor(self._input, values)
        self._interpreter.invoke()
        boxes, classes, scores, count = (self._interpreter.get_tensor(index)[0] for index in self._outputs)
        return [
            {"box": boxes[one] * (height, width, height, width), "class": int(classes[one]), "score": scores[one]}
            for one in range(int(count))
            if scores[one] >= _MIN_SCORE
        ]


def _interpreter(**source: Any) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    made = Interpreter(**source, num_threads=1)
    made.allocate_tensors()
    return made


def constant_detector() -> bytes:
    rng = np.random.default_rng(3)
    anchors = rng.uniform(0.2, 0.8, (100, 4)).astype(np.float32)
    scores = rng.uniform(0, 0.6, (100, 11)).astype(np.float32)
    encoded = np.zeros((100, 4), np.float32)
    return post_processed(encoded, scores, anchors, size=(_DETECTOR_SIZE, _DETECTOR_SIZE))


def _classified(task: zl.tasks.Classifier, files: Sequence[Path]) -> object:
    return list(task.map(files))


def _over(answer: Callable[[bytes], object], contents: Sequence[bytes]) -> Callable[[], object]:
    return lambda: [answer(content) for content in contents]


def _interleaved(works: Mapping[str, Callable[[], object]], rounds: int) -> tuple[_Times, _Times]:
    """Seconds of each round, by the clock and of the processor."""
    wall: _Times = {name: [] for name in works}
    processor: _Times = {name: [] for name in works}
    for order in interleave(list(works), rounds):
        for name in order:
            begin, used = time.perf_counter(), time.process_time()
            works[name]()
            wall[name].append(time.perf_counter() - begin)
            processor[name].append(time.process_time() - used)
    return wall, processor


def _figures(
    unit: str,
    times: Mapping[str, Sequence[float]],
    reference: str,
    *,
    target: float | None = None,
    words: str = "",
    subject: str | None = None,
) -> list[Figure]:
    return [
        Figure.comparing(
            f"{subject or name}{words}", unit, ("zerolite", own), (reference, times[reference]), target=target
        )
        for name, own in times.items()
        if name != reference
    ]


def _table(wall: Mapping[str, Sequence[float]], used: Mapping[str, Sequence[float]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "ms a photo", "ms of the processor")]
    rows += [(name, f"{median(wall[name]):.1f}", f"{median(used[name]):.1f}") for name in wall]
    return rows
