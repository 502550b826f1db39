"""MediaPipe's tasks, in an environment of their own: answers for photos, and times them each time a line asks for it.

It takes one JSON document as its argument, "photos" with paths and "models" with one for each task, and for each line
`TASK ROAD` prints a line of JSON: seconds by the clock and of the processor for all photos, and what was found in the
last one. It imports nothing of zerolite, which that environment does not have.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from PIL import Image


def decoded_by_pillow(photo: tuple[Path, bytes]) -> Any:
    with Image.open(io.BytesIO(photo[1])) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)


def decoded_by_mediapipe(photo: tuple[Path, bytes]) -> Any:
    """It takes no bytes, and a file that was just read lies in memory."""
    return mediapipe.Image.create_from_file(str(photo[0]))


ROADS: dict[str, Callable[[tuple[Path, bytes]], Any]] = {
    "Pillow": decoded_by_pillow,
    "its own decoder": decoded_by_mediapipe,
}


def answerers(models: dict[str, str]) -> dict[str, Callable[[Any], int]]:
    """For each task what answers for a picture, and says how many things it told."""
    classifier = vision.ImageClassifier.create_from_options(
        vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=models["classify"]), max_results=5)
    )
    embedder = vision.ImageEmbedder.create_from_options(
        vision.ImageEmbedderOptions(base_options=BaseOptions(model_asset_path=models["embed"]))
    )
    detector = vision.ObjectDetector.create_from_options(
        vision.ObjectDetectorOptions(base_options=BaseOptions(model_asset_path=models["detect"]), score_threshold=0.25)
    )
    return {
        "classify": lambda image: len(classifier.classify(image).classifications[0].categories),
        "embed": lambda image: len(embedder.embed(image).embeddings[0].embedding),
        "detect": lambda image: len(detector.detect(image).detections),
    }


def main() -> None:
    wanted = json.loads(sys.argv[1])
    photos = [(Path(path), Path(path).read_bytes()) for path in wanted["photos"]]
    answers = answerers(wanted["models"])
    for line in sys.stdin:
        task, _, road = line.strip().partition(" ")
        answer, decoded = answers[task], ROADS[road]
        begin, used = time.perf_counter(), time.process_time()
        told = [answer(decoded(photo)) for photo in photos]
        taken = {"wall": time.perf_counter() - begin, "processor": time.process_time() - used, "told": told[-1]}
        print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    main()
