"""What tools reach for behind tf.lite.Interpreter's public methods: its wrapper, calibration, a delegate's library."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import _pywrap_tfl_calibration as original_calibration
from ai_edge_litert import interpreter as litert

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.python_process import run_python
from tests.support.sample_libraries import SampleDelegate
from zerolite.compat import calibration

ADDS = zoo.model_path("two_inputs_three_outputs")
MODELS = ["small_cnn_int8", "two_inputs_three_outputs", "multi_signature", "per_channel_input", "sparse_weights"]


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in theirs)
    if isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(theirs, np.ndarray):
        return ours.dtype == theirs.dtype and np.array_equal(ours, theirs)
    return bool(ours == theirs)


def facts(wrapper: Any) -> list[Any]:
    found = [wrapper.InputIndices(), wrapper.OutputIndices(), wrapper.NumSubgraphs(), wrapper.GetSignatureDefs()]
    found += [wrapper.GetSubgraphIndexFromSignature(key) for key in wrapper.GetSignatureDefs()]
    found += [
        (wrapper.NodeName(node), wrapper.NodeInputs(node), wrapper.NodeOutputs(node))
        for node in range(wrapper.NumNodes())
    ]
    for subgraph in range(wrapper.NumSubgraphs()):
        for tensor in range(wrapper.NumTensors(subgraph)):
            found += [
                wrapper.TensorName(tensor, subgraph),
                wrapper.TensorType(tensor, subgraph),
                wrapper.TensorSize(tensor, subgraph),
                wrapper.TensorSizeSignature(tensor, subgraph),
                wrapper.TensorQuantization(tensor, subgraph),
                wrapper.TensorQuantizationParameters(tensor, subgraph),
                wrapper.TensorSparsityParameters(tensor, subgraph),
            ]
    return found


@pytest.mark.parametrize("name", MODELS)
def test_the_wrapper_tells_what_the_originals_tells(name: str) -> None:
    ours, theirs = zl.Interpreter(zoo.model_path(name)), litert.Interpreter(str(zoo.model_path(name)))
    for one, other in zip(facts(ours._interpreter), facts(theirs._interpreter), strict=True):
        assert same(one, other)


def test_the_wrapper_runs_as_the_originals() -> None:
    values = np.random.default_rng(0).random((3, 64), np.float32)
    answers = []
    for interpreter in (
        zl.Interpreter(zoo.model_path("dense_2layer")),
        litert.Interpreter(str(zoo.model_path("dense_2layer"))),
    ):
        wrapper = interpreter._interpreter
        wrapper.ResizeInputTensor(0, np.array([3, 64], np.int32), strict=False, subgraph_index=0)
        wrapper.AllocateTensors()
        wrapper.SetTensor(0, values, 0)
        wrapper.Invoke()
        wrapper.ResetVariableTensors()
        answers.append(wrapper.GetTensor(int(wrapper.OutputIndices()[0])))
        np.testing.assert_array_equal(wrapper.tensor(wrapper, 0), values)
        with pytest.raises(RuntimeError, match="Attempting to resize dimension 1"):
            wrapper.ResizeInputTensor(0, np.array([3, 65], np.int32), strict=True)
        with pytest.raises(ValueError, match="No matching signature"):
            wrapper.GetSubgraphIndexFromSignature("other")
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-5)


def test_what_can_not_be_changed_later_names_the_constructors_argument(sample_delegate: SampleDelegate) -> None:
    wrapper = zl.Interpreter(ADDS)._interpreter
    with pytest.raises(NotImplementedError, match=r"experimental_delegates=\[zl.load_delegate\(library\)\]"):
        wrapper.ModifyGraphWithDelegate(1)
    with pytest.raises(NotImplementedError, match="num_threads=2"):
        wrapper.SetNumThreads(2)
    zl.Interpreter(ADDS, num_threads=2, experimental_delegates=[zl.load_delegate(sample_delegate.path)])


def test_extensions_in_cpp_refuse_the_handle_in_words() -> None:
    interpreter = zl.Interpreter(ADDS)
    assert "use ai_edge_litert.interpreter" in repr(interpreter._native_handle())
    with pytest.raises((TypeError, RuntimeError), match="cast"):
        original_calibration.InvokeWithCalibration(interpreter._native_handle(), 0)


# Calibration


def ranges_of(interpreter: Any, module: Any, values: dict[int, Any]) -> dict[str, tuple[float, float]]:
    interpreter.allocate_tensors()
    for index, value in values.items():
        interpreter.set_tensor(index, value)
    found = module.InvokeWithCalibration(interpreter._native_handle(), 0)
    return {name: (one.min, one.max) for name, one in found.items()}


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(
    "name",
    ["small_mobilenet", "gru", "lstm", "conditional", "while_loop", "topk", "dtype_int64", "small_cnn_int8_float_io"],
)
def test_ranges_are_the_originals(name: str, fused: bool) -> None:
    path = str(zoo.model_path(name))
    options: dict[str, Any] = {
        "experimental_disable_delegate_node_fusion": not fused,
        "experimental_force_delegate_node_profiling": True,
    }
    ours, theirs = zl.Interpreter(path, **options), litert.Interpreter(path, **options)
    rng = np.random.default_rng(0)
    values = {d["index"]: rng.random(d["shape"]).astype(d["dtype"]) for d in theirs.get_input_details()}
    expected = ranges_of(theirs, original_calibration, values)
    found = ranges_of(ours, calibration, values)
    # The original also tells of an argument of the loop's body that no operator of it reads.
    expected = {tensor: limits for tensor, limits in expected.items() if not tensor.endswith("while_body_arg2")}
    assert found.keys() == expected.keys()
    for tensor, limits in expected.items():
        np.testing.assert_allclose(found[tensor], limits, rtol=1e-4, atol=1e-6, err_msg=tensor)
    np.testing.assert_allclose(
        ours.get_tensor(ours.get_output_details()[0]["index"]),
        theirs.get_tensor(theirs.get_output_details()[0]["index"]),
        rtol=1e-4,
        atol=1e-6,
    )


def test_calibration_takes_its_own_handles_only() -> None:
    with pytest.raises(TypeError, match=r"after zerolite.compat.install\(\)"):
        calibration.InvokeWithCalibration(litert.Interpreter(str(ADDS))._native_handle(), 0)
    usage = calibration.get_memory_usage()
    assert usage.in_use_allocated_bytes > 0
    assert usage.mem_footprint_kb > 0


QUANTIZER = """
import sys
import zerolite as zl
if sys.argv[2] == "zerolite":
    zl.compat.install()
import numpy as np
from litert_quantizer import calibrator, quantizer, recipe
used = quantizer.Quantizer(sys.argv[1], quantization_recipe=recipe.static_wi8_ai8())
rng = np.random.default_rng(0)
data = {"serving_default": [{"features": rng.random((1, 64), np.float32)} for _ in range(3)]}
for mode in ("CALIBRATION_PRESERVE_ALL_TENSORS", "CALIBRATION_PROFILER_BASED"):
    found = used.calibrate(data, mode=calibrator.CalibrationMode[mode])
    for name in sorted(found):
        print(name, *(np.round(found[name][side], 3).tolist() for side in ("min", "max")))
result = used.quantize(found)
model = zl.load(bytes(result.quantized_model))
row = model.inputs["features"].quantization.quantize(data["serving_default"][0]["features"])
print(model(features=row).tolist())
print(calibrator.tfl.Interpreter.__module__)
"""


def test_a_quantizer_calibrates_with_it() -> None:
    """litert-quantizer, whose calibrator calls the wrapper and the calibration of ai_edge_litert."""
    pytest.importorskip("litert_quantizer", reason="needs the extra quantize")
    answers = []
    for runtime in ("zerolite", "ai_edge_litert"):
        process = run_python(QUANTIZER, str(zoo.model_path("dense_2layer")), runtime)
        assert process.returncode == 0, process.stderr
        *values, module = (line for line in process.stdout.splitlines() if " ms" not in line)
        assert module == f"{runtime}.interpreter" + ".interpreter" * (runtime == "zerolite")
        answers.append(values)
    assert answers[0] == answers[1]
    assert len(answers[0]) > 4


# Delegates


def test_the_library_makes_a_delegate_once(sample_delegate: SampleDelegate) -> None:
    created, destroyed = sample_delegate.created, sample_delegate.destroyed
    delegate = zl.load_delegate(sample_delegate.path)
    assert sample_delegate.created == created + 1
    assert delegate._get_native_delegate_pointer() > 0
    one = zl.Interpreter(ADDS, experimental_delegates=[delegate])
    other = zl.Interpreter(ADDS, experimental_delegates=[delegate])
    assert sample_delegate.created == created + 1
    del delegate
    for interpreter in (one, other):
        interpreter.allocate_tensors()
        before = sample_delegate.invoked
        interpreter.invoke()
        assert sample_delegate.invoked > before
    assert sample_delegate.destroyed == destroyed
    del one, other, interpreter
    gc.collect()
    assert sample_delegate.destroyed == destroyed + 1


def test_details_tell_what_a_kernel_made_of_scales(sample_delegate: SampleDelegate) -> None:
    told = []
    for module in (zl, litert):
        delegate = module.load_delegate(str(sample_delegate.path), {"scale": "0.5"})
        interpreter = module.Interpreter(str(ADDS), experimental_delegates=[delegate])
        interpreter.allocate_tensors()
        told.append([one["quantization"] for one in interpreter.get_tensor_details()])
    assert told[0] == told[1]
    assert (0.5, 0) in told[0]


def test_the_library_of_a_delegate(sample_delegate: SampleDelegate) -> None:
    library = zl.load_delegate(str(sample_delegate.path))._library
    assert isinstance(library, ctypes.PyDLL)
    assert library.sample_delegate_created() == sample_delegate.created


def test_the_originals_enumeration_is_taken() -> None:
    """A program may have imported it before zerolite took the package's place."""
    kind = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = zl.Interpreter(ADDS, experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    assert "DELEGATE" not in {one["op_name"] for one in interpreter._get_ops_details()}
    with pytest.raises(ValueError, match="op resolver type: 3"):
        zl.Interpreter(ADDS, experimental_op_resolver_type=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("ask", [lambda one: one.get_tensor(0), lambda one: one.tensor(0)()])
def test_the_words_of_the_original_for_what_has_no_value(ask: Callable[[Any], Any]) -> None:
    path: Path = zoo.model_path("dense_2layer")
    for interpreter in (zl.Interpreter(path), litert.Interpreter(str(path))):
        with pytest.raises(ValueError, match=r"Tensor data is null.*Run allocate_tensors\(\) first"):
            ask(interpreter)
        with pytest.raises(ValueError, match=r"Tensor is unallocated. Try calling allocate_tensors\(\) first"):
            interpreter.set_tensor(0, np.zeros((1, 64), np.float32))
        interpreter.allocate_tensors()
        with pytest.raises(ValueError, match="Tensor data is null"):
            interpreter.get_tensor(5)  # inside of XNNPACK
    kept = zl.Interpreter(path, experimental_preserve_all_tensors=True)
    kept.allocate_tensors()
    kept.invoke()
    assert kept.get_tensor(5).shape == (1, 64)
