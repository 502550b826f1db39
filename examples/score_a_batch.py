"""Score a batch with one replica and with two, and show that the results are the same.

Usage: python examples/score_a_batch.py MODEL.tflite [ITEMS]
"""

import sys

import numpy as np

import zerolite as zl


def main() -> None:
    path = sys.argv[1]
    items = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with zl.load(path) as model, zl.Pool(path, workers=2) as pool:
        shape = (items, *model.inputs[0].shape[1:])
        batch = np.random.default_rng(0).random(shape, np.float32)
        alone, together = model.map(batch), pool.map(batch)
        same = all(map(np.array_equal, arrays_of(alone), arrays_of(together)))
        verdict = "the same" if same else "other"
        print(f"{items} items of {model.inputs[0].shape[1:]}: two replicas give {verdict} results")


def arrays_of(results: np.ndarray | dict[str, np.ndarray]) -> list[np.ndarray]:
    """The results of a model with one output, or with several."""
    return list(results.values()) if isinstance(results, dict) else [results]


if __name__ == "__main__":
    main()
