"""zerolite in the place of TensorFlow's interpreter, which may be imported before, later or never."""

from __future__ import annotations

import pytest

from tests.support import model_zoo
from tests.support.python_process import run_python

pytest.importorskip("tensorflow", reason="needs the extra convert")

MODEL = model_zoo.model_path("dense_2layer")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

INSTALL = """
import sys
import zerolite as zl
{before}
zl.compat.install()
print("tensorflow" in sys.modules)
"""

USE = """
import tensorflow as tf
from tensorflow.lite.python import interpreter as first
from tensorflow.lite.python.interpreter import Interpreter, InterpreterWithCustomOps, load_delegate, OpResolverType
print(first is sys.modules["tensorflow.lite.python"].interpreter, Interpreter is zl.Interpreter)
print(InterpreterWithCustomOps is zl.InterpreterWithCustomOps)
print(tf.lite.Interpreter is tf.compat.v1.lite.Interpreter is zl.Interpreter)
print(tf.lite.experimental.load_delegate is tf.compat.v2.lite.experimental.load_delegate is zl.load_delegate)
print(tf.lite.experimental.OpResolverType is OpResolverType is zl.OpResolverType)
interpreter = tf.lite.Interpreter(model_path=sys.argv[1])
interpreter.allocate_tensors()
interpreter.invoke()
print(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).shape == (1, 10))
"""

UNINSTALL = """
zl.compat.uninstall()
from tensorflow.lite.python import interpreter as third
print(tf.lite.Interpreter is zl.Interpreter, third is first, third.Interpreter is tf.lite.Interpreter)
print(tf.lite.Interpreter.__module__, sys.modules["tensorflow.lite.python"].interpreter is third)
print(tf.lite.experimental.load_delegate is tf.compat.v1.lite.experimental.load_delegate is third.load_delegate)
"""


def printed_by(program: str, *arguments: str) -> list[str]:
    """The lines that a program prints; TensorFlow writes to stderr as it likes."""
    process = run_python(program, *arguments, environment=QUIET)
    assert process.returncode == 0, process.stderr
    return process.stdout.splitlines()


@pytest.mark.parametrize("before", ["", "import tensorflow", "from tensorflow.lite.python.interpreter import Delegate"])
def test_tensorflow_is_imported_before_or_later(before: str) -> None:
    answer = printed_by(INSTALL.format(before=before) + USE + UNINSTALL, str(MODEL))
    assert answer == [
        str(bool(before)),
        "True True",
        *["True"] * 5,
        "False False True",
        "tensorflow.lite.python.interpreter True",
        "True",
    ]


def test_uninstalled_before_tensorflow_is_imported() -> None:
    program = """
import sys
import zerolite as zl
finders = list(sys.meta_path)
zl.compat.install()
zl.compat.install()
zl.compat.uninstall()
print(sys.meta_path == finders, "tensorflow" in sys.modules)
import tensorflow as tf
print(tf.lite.Interpreter is zl.Interpreter)
zl.compat.install()
print(tf.lite.Interpreter is zl.Interpreter)
"""
    assert printed_by(program) == ["True False", "False", "True"]


def test_tensorflows_own_tools_work_with_it() -> None:
    """The converter asks an interpreter for signatures when it calibrates."""
    program = """
import sys
import zerolite as zl
zl.compat.install()
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.optimize import calibrator
rows = np.random.default_rng(0).random((4, 1, 64), np.float32)
made = calibrator.Calibrator(open(sys.argv[1], "rb").read())
print(calibrator.Interpreter is zl.Interpreter)
quantized = made.calibrate_and_quantize(
    lambda: ([row] for row in rows), tf.float32, tf.float32, False, resize_input=False
)
print(zl.load(bytes(quantized))(rows[0]).shape)
"""
    assert printed_by(program, str(model_zoo.model_path("dense_2layer"))) == ["True", "(1, 10)"]
