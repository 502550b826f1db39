"""Run in an environment with an installed wheel: does it load models and compute what the reference does?

`python first_inference.py VERSION MODEL...` needs zerolite and what it depends on, and nothing of the repository.
"""

from __future__ import annotations

import sys
from importlib.metadata import version

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import zerolite as zl


def main() -> None:
    expected, *models = sys.argv[1:]
    if not expected == zl.__version__ == version("zerolite"):
        sys.exit(f"version {expected} was to be installed, and zerolite {zl.__version__} is")
    for path in models:
        compare(path)
    print(f"zerolite {zl.__version__} on CPython {sys.version.split()[0]}: {len(models)} models as the reference")


def compare(path: str) -> None:
    """Compare single calls and a batch with LiteRT's own interpreter, bit by bit."""
    model = zl.load(path)
    (tensor,) = model.inputs.values()
    values = np.random.default_rng(1).uniform(-1, 1, (3, *tensor.shape)).astype(tensor.dtype)
    interpreter = Interpreter(model_path=path)
    interpreter.allocate_tensors()
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    expected = []
    for value in values:
        interpreter.set_tensor(given["index"], value)
        interpreter.invoke()
        expected.append(interpreter.get_tensor(answer["index"]))
    single = [model(value) for value in values]
    with zl.Pool(path, workers=2) as pool:
        together = np.asarray(pool.map(values.reshape(3, *tensor.shape[1:])))
    # Batches of float32 are the same bit by bit on x86-64 only (docs/arm.md).
    if not np.array_equal(single, expected) or not np.allclose(
        together, np.concatenate(expected), rtol=1e-5, atol=1e-6
    ):
        sys.exit(f"{path}: other values than the reference interpreter's")


if __name__ == "__main__":
    main()
