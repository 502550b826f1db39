"""From the bytes of a photo to the answer, beside MediaPipe's tasks with the same files of models."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zerolite as zl
from benchmarks.environments import mediapipe_python
from benchmarks.figure import Figure
from benchmarks.models import model_path
from benchmarks.outcome import Outcome
from benchmarks.photos import photos
from benchmarks.pictures import constant_detector
from benchmarks.settings import Settings
from zerolite import metadata
from zerolite._timing.interleaved import interleave

__all__ = ["run"]

_PHOTOS = 6
_SIZES = ((1600, 1250), (640, 480))
_ROUNDS = 12
_TARGET = 1.0
_ROADS = ("Pillow", "its own decoder")
_OPERATOR_OUTPUTS = ("location", "category", "score", "number of detections")

_Ask = Callable[[str, str], dict[str, Any]]


def run(settings: Settings) -> Outcome:
    """Answer for photos, in turns with MediaPipe, which runs in a process and an environment of its own."""
    python = mediapipe_python(settings)
    models = _models(settings)
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    for size in _SIZES:
        files = photos(settings.build / "bench-photos", _PHOTOS, *size)
        with (
            zl.tasks.load(models["classify"], "classify") as classifier,
            zl.tasks.load(models["embed"], "embed") as embedder,
            zl.tasks.load(models["detect"], "detect") as detector,
            _mediapipe(python, files, models) as ask,
        ):
            contents = [file.read_bytes() for file in files]
            own: dict[str, Callable[[bytes], int]] = {
                "classify": lambda content: len(classifier(content, k=5).predictions),
                "embed": lambda content: embedder(content).vector.size,
                "detect": lambda content: len(detector(content, min_score=0.25).detections),
            }
            for task, answer in own.items():
                words = f"{task}, {size[0]} x {size[1]}"
                times = _in_turns(answer, contents, ask, task, 2 if settings.quick else _ROUNDS)
                details[words] = times
                figures += [
                    Figure.comparing(
                        f"{words}{'' if kind == 'processor' else ': by the clock'}",
                        "ms",
                        ("zerolite", [1e3 * one / len(files) for one in times["zerolite"][kind]]),
                        (f"MediaPipe with {road}", [1e3 * one / len(files) for one in times[road][kind]]),
                        target=_TARGET if kind == "processor" else None,
                    )
                    for road in _ROADS
                    for kind in ("processor", "wall")
                ]
    return Outcome(
        title="From the bytes of a photo to the answer, beside MediaPipe's tasks",
        method=(
            f"{_PHOTOS} photos as JPEG, to classes and a vector by MobileNetV2 and to boxes by a detector without a "
            "network, by the tasks of zerolite and by those of MediaPipe 1.2.3 in Python, with the same files of "
            "models and their metadata, in turns. MediaPipe takes arrays, which Pillow decodes, or the path of a file, "
            "which it decodes itself. The figures with a target are the processor's time."
        ),
        figures=figures,
        details=details,
    )


def _in_turns(
    answer: Callable[[bytes], int], contents: Sequence[bytes], ask: _Ask, task: str, rounds: int
) -> dict[str, dict[str, list[float]]]:
    """Seconds for all photos of each round, by the clock and of the processor."""

    def measured() -> dict[str, Any]:
        begin, used = time.perf_counter(), time.process_time()
        told = [answer(content) for content in contents]
        return {"wall": time.perf_counter() - begin, "processor": time.process_time() - used, "told": told[-1]}

    works: dict[str, Callable[[], dict[str, Any]]] = {"zerolite": measured}
    for road in _ROADS:
        works[road] = lambda road=road: ask(task, road)  # type: ignore[misc] # a default of the road's own type
    told = {name: work()["told"] for name, work in works.items()}  # the first turn warms up
    # MediaPipe leaves out a few more boxes that overlap.
    if min(told.values()) < 0.8 * max(told.values()):
        raise RuntimeError(f"{task} does not tell as much everywhere: {told}")
    times: dict[str, dict[str, list[float]]] = {name: {"wall": [], "processor": []} for name in works}
    for order in interleave(list(works), rounds):
        for name in order:
            taken = works[name]()
            for kind, values in times[name].items():
                values.append(taken[kind])
    return times


@contextmanager
def _mediapipe(python: str, files: Sequence[Path], models: dict[str, Path]) -> Iterator[_Ask]:
    wanted = {"photos": [str(file) for file in files], "models": {name: str(path) for name, path in models.items()}}
    program = Path(__file__).with_name("mediapipe_program.py")
    with subprocess.Popen(
        [python, str(program), json.dumps(wanted)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:

        def ask(task: str, road: str) -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{task} {road}\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"MediaPipe's program ended at {task} with {road}")
            taken: dict[str, Any] = json.loads(line)
            return taken

        try:
            yield ask
        finally:
            process.kill()


def _models(settings: Settings) -> dict[str, Path]:
    """Files with the metadata that MediaPipe asks for: normalization, labels, and what a detector tells where."""
    folder = settings.build / "bench-mediapipe-models"
    folder.mkdir(parents=True, exist_ok=True)
    network = model_path("mobilenet_v2", settings)
    scaled = metadata.Normalization((127.5,), (127.5,))
    paths = {name: folder / f"{name}.tflite" for name in ("classify", "embed", "detect")}
    names = [f"class {number}" for number in range(1000)]
    metadata.annotate(network, class_names=names, normalization=scaled, path=paths["classify"])
    metadata.annotate(network, normalization=scaled, path=paths["embed"])
    metadata.annotate(
        constant_detector(),
        class_names=[f"thing {number}" for number in range(10)],
        normalization=scaled,
        metadata=_of_detector(),
        path=paths["detect"],
    )
    return paths


def _of_detector() -> metadata.Metadata:
    boxes = metadata.Content(metadata.BoundingBoxProperties(index=(1, 0, 3, 2), kind="boundaries"))
    outputs = [metadata.TensorMetadata(name) for name in _OPERATOR_OUTPUTS]
    outputs[0] = metadata.TensorMetadata(_OPERATOR_OUTPUTS[0], content=boxes)
    image = metadata.TensorMetadata("image", content=metadata.Content(metadata.ImageProperties("rgb")))
    return metadata.Metadata(subgraphs=(metadata.SubgraphMetadata(inputs=(image,), outputs=tuple(outputs)),))
