"""What the reference answers to real numbers, also where a model takes and gives quantized ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.support import model_zoo as zoo
from zerolite._runtime.quantization import AffineQuantization


def input_and_output(model: bytes | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The reference's details of the only input and the only output."""
    interpreter = zoo.reference_interpreter(model)
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    return source, target


def real_answers(model: bytes | Path, items: np.ndarray) -> np.ndarray:
    """The only output for items one by one, as real numbers."""
    source, target = input_and_output(model)
    answers = []
    for item in items:
        stored = item[np.newaxis]
        if source["dtype"] != np.float32:
            stored = AffineQuantization.of(*source["quantization"]).quantize(stored, np.dtype(source["dtype"]))
        (answer,) = zoo.reference_run(model, [stored])
        if target["dtype"] != np.float32:
            answer = AffineQuantization.of(*target["quantization"]).dequantize(answer)
        answers.append(answer)
    return np.concatenate(answers)
