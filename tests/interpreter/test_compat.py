"""zerolite in the place of the packages that other code imports."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

import pytest

import zerolite as zl
import zerolite.compat
from tests.support import model_zoo
from tests.support.python_process import answer_of, run_python
from zerolite.compat.tflite_runtime import interpreter as stand_in

NAMES = ("tflite_runtime.interpreter", "ai_edge_litert.interpreter")


@pytest.fixture
def installed() -> Iterator[None]:
    zerolite.compat.install()
    yield
    zerolite.compat.uninstall()


@pytest.mark.usefixtures("installed")
def test_install() -> None:
    zerolite.compat.install()  # once more does nothing
    for name in NAMES:
        module = importlib.import_module(name)
        assert module is stand_in
        assert module.Interpreter is zl.Interpreter
    from ai_edge_litert import interpreter as litert

    assert litert is stand_in


def test_uninstall() -> None:
    from ai_edge_litert import interpreter as before

    zerolite.compat.install()
    zerolite.compat.uninstall()
    zerolite.compat.uninstall()  # once more does nothing
    from ai_edge_litert import interpreter as after

    assert after is before
    assert after.Interpreter is not zl.Interpreter
    assert sys.modules["ai_edge_litert.interpreter"] is before
    if "tflite_runtime" not in sys.modules:
        with pytest.raises(ImportError):
            importlib.import_module("tflite_runtime.interpreter")


def test_all_ways_of_importing() -> None:
    program = """
import zerolite as zl
zl.compat.install()
import tflite_runtime.interpreter
import tflite_runtime.interpreter as first
from tflite_runtime import interpreter as second
from tflite_runtime.interpreter import Interpreter, load_delegate, OpResolverType
import ai_edge_litert.interpreter
from ai_edge_litert.interpreter import Interpreter as third, InterpreterWithCustomOps, Delegate, SignatureRunner
print(first is second, Interpreter is third is zl.Interpreter, tflite_runtime.interpreter.Interpreter is third)
print(ai_edge_litert.interpreter is first)
zl.compat.uninstall()
try:
    import tflite_runtime
    print(hasattr(tflite_runtime, "interpreter"))
except ImportError:
    print(False)
from ai_edge_litert.interpreter import Interpreter
print(Interpreter is zl.Interpreter)
"""
    assert answer_of(program).split() == ["True", "True", "True", "True", "False", "False"]


def test_registerers_are_refused_with_a_cure_that_works() -> None:
    program = """
import sys
import zerolite as zl
zl.compat.install()
from ai_edge_litert.interpreter import InterpreterWithCustomOps
registerers = [lambda resolver: None]
try:
    InterpreterWithCustomOps(model_path=sys.argv[1], custom_op_registerers=registerers)
except ValueError as error:
    print("after zerolite.compat.uninstall()" in str(error))
zl.compat.uninstall()
from ai_edge_litert.interpreter import InterpreterWithCustomOps
print(InterpreterWithCustomOps(model_path=sys.argv[1], custom_op_registerers=registerers).num_subgraphs())
"""
    process = run_python(program, str(model_zoo.model_path("dense_2layer")))
    assert process.returncode == 0, process.stderr
    assert process.stdout.split() == ["True", "1"]
