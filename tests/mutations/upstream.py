"""How models of tests/mutations/crashers end in LiteRT alone, without zerolite: for docs/upstream.md.

``python -m tests.mutations.upstream`` runs each in a process of its own, through the installed
``ai_edge_litert.interpreter`` or the one in the folder that PYTHONPATH names.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

CRASHERS = Path(__file__).parent / "crashers"
# What the reference's Python can't load, for the letters in the names of their tensors, is no report.
REPORTED = (
    "composite_result_before_its_body_runs",
    "condition_of_an_empty_sum",
    "detection_named_with_null_bytes",
    "empty_image",
    "log_softmax_of_a_scalar",
    "lstm_of_four_dimensions",
    "reshape_to_4096_dimensions",
    "result_before_its_body_runs",
    "reversed_along_no_axis",
    "rotation_into_less",
    "rotation_of_no_size",
    "sequence_longer_than_its_axis",
    "shifted_sum_of_two_shapes",
    "slice_of_computed_sizes",
    "tensor_written_twice",
    "two_scales_for_a_scalar",
)

PROGRAM = """
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
print("loaded", flush=True)
interpreter.allocate_tensors()
print("prepared", flush=True)
for value in (0, 1, 5, -1):
    for tensor in interpreter.get_input_details():
        interpreter.set_tensor(tensor["index"], np.full(tensor["shape"], value).astype(tensor["dtype"]))
    try:
        interpreter.invoke()
    except RuntimeError as error:
        print("refused", str(error).partition("\\n")[0], flush=True)
print("ran", flush=True)
"""


def outcome(name: str) -> tuple[str, str]:
    """How the process ended, and how far the model had come."""
    command = [sys.executable, "-c", PROGRAM, str(CRASHERS / f"{name}.tflite")]
    process = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    steps = process.stdout.split()
    ended = f"exit code {process.returncode}" if process.returncode >= 0 else signal.Signals(-process.returncode).name
    return ended, steps[-1] if steps else "nothing"


if __name__ == "__main__":
    for name in sys.argv[1:] or REPORTED:
        print(name, *outcome(name), sep="\t", flush=True)
