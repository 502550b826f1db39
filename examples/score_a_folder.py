"""Score every image of a folder with a pool of replicas, and write a table as CSV: no TensorFlow, constant memory.

Usage: python examples/score_a_folder.py MODEL.tflite FOLDER SCORES.csv [PREPROCESSING]

Prints, for a folder with twelve images:

    12 images scored with 2 workers, 0 left out; scores.csv written
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import zerolite as zl


def main() -> None:
    model, folder, table = (Path(argument) for argument in sys.argv[1:4])
    preprocessing = sys.argv[4] if len(sys.argv) > 4 else "unit"
    files = zl.vision.ImageFolder.open(folder).files
    left_out: list[zl.vision.ImageError] = []
    scored: list[Path] = []

    with zl.Pool(model, workers=2) as pool, table.open("w", newline="", encoding="utf-8") as output:
        _, height, width, channels = pool.inputs[0].shape
        color = {1: "grayscale", 3: "rgb", 4: "rgba"}[channels]

        def images() -> Iterator[np.ndarray]:
            for file in files:
                try:
                    image = zl.vision.load_image(
                        file,
                        size=(height, width),
                        preprocessing=preprocessing,
                        color=color,  # type: ignore[arg-type]
                    )
                except zl.vision.ImageError as error:
                    left_out.append(error)
                    continue
                scored.append(file)
                yield image

        rows = csv.writer(output)
        rows.writerow(["image", "class", "score"])
        # Decoding goes on in this thread while the replicas run, a few images ahead.
        for place, scores in enumerate(pool.imap(images())):
            (best,) = zl.vision.top(np.asarray(scores), k=1)
            rows.writerow([scored[place].relative_to(folder), best.class_number, f"{best.score:.4f}"])
    for error in left_out:
        print(f"left out: {error.path.relative_to(folder)}")
    print(f"{len(scored)} images scored with 2 workers, {len(left_out)} left out; {table.name} written")


if __name__ == "__main__":
    main()
