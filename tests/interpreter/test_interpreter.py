"""What `zl.Interpreter` does besides what the reference's class does: views, errors, threads, what can't be had."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.sample_libraries import SampleDelegate
from zerolite.interpreter import InterpreterWithCustomOps, SignatureRunner

DENSE = zoo.model_path("dense_2layer")
INPUT, OUTPUT = 0, 6


@pytest.fixture
def dense() -> zl.Interpreter:
    interpreter = zl.Interpreter(DENSE)
    interpreter.allocate_tensors()
    return interpreter


def random_row(seed: int = 0, rows: int = 1) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, 64)).astype(np.float32)


# Loading


def test_sources_give_the_same() -> None:
    content = DENSE.read_bytes()
    answers = []
    for source in ({"model_path": DENSE}, {"model_path": str(DENSE)}, {"model_content": content}):
        interpreter = zl.Interpreter(**source)
        interpreter.allocate_tensors()
        interpreter.set_tensor(INPUT, random_row())
        interpreter.invoke()
        answers.append(interpreter.get_tensor(OUTPUT))
    assert all(answer.tobytes() == answers[0].tobytes() for answer in answers)
    assert zl.Interpreter(model_content=bytearray(content)).num_subgraphs() == 1
    assert zl.Interpreter(model_content=memoryview(content)).num_subgraphs() == 1


def test_bytes_are_not_needed_afterwards() -> None:
    content = bytearray(DENSE.read_bytes())
    interpreter = zl.Interpreter(model_content=content)
    weights = interpreter.get_tensor(2).copy()
    content[:] = bytes(len(content))
    assert interpreter.get_tensor(2).tobytes() == weights.tobytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "must be specified"),
        ({"model_path": "a", "model_content": b"b"}, "Can't both provide"),
        ({"model_path": "/nowhere/model.tflite"}, "Could not open '/nowhere/model[.]tflite'"),
        ({"model_content": b"short"}, r"The model is not a valid Flatbuffer buffer: .*TFL3"),
        ({"model_path": DENSE, "num_threads": 0}, "num_threads should >= 1"),
        ({"model_path": DENSE, "num_threads": 2.0}, "type of num_threads should be int"),
        ({"model_path": DENSE, "experimental_op_resolver_type": "test"}, "Unrecognized .* resolver type: test"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        zl.Interpreter(**arguments)


def test_arguments_by_position() -> None:
    interpreter = zl.Interpreter(DENSE, None, None, 2, zl.OpResolverType.BUILTIN_REF, False)
    assert interpreter.num_subgraphs() == 1


def test_a_missing_kernel_is_told_at_the_allocation() -> None:
    interpreter = zl.Interpreter(zoo.model_path("unknown_custom_op"))
    assert interpreter.get_input_details()[0]["dtype"] is np.float32
    for _ in range(2):
        with pytest.raises(RuntimeError, match="NobodyKnowsThis"):
            interpreter.allocate_tensors()


# The calls


def test_keywords(dense: zl.Interpreter) -> None:
    dense.set_tensor(tensor_index=np.int64(INPUT), value=random_row())
    dense.invoke()
    value = dense.get_tensor(tensor_index=OUTPUT, subgraph_index=0)
    assert value.tobytes() == dense.get_tensor(np.int32(OUTPUT)).tobytes()
    for wrong in (
        lambda: dense.set_tensor(0),  # type: ignore[call-arg] # that is the point
        lambda: dense.set_tensor(0, 1, 2),  # type: ignore[call-arg]
        lambda: dense.set_tensor(0, value=1, other=2),  # type: ignore[call-arg]
        lambda: dense.set_tensor(0, 1, tensor_index=0),  # type: ignore[misc]
        lambda: dense.get_tensor("0"),  # type: ignore[arg-type]
        lambda: dense.get_tensor(1.0),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError):
            wrong()


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((1, 64)),
        np.zeros((64,), np.float32),
        np.zeros((2, 64), np.float32),
        np.zeros((1, 64), np.int32),
        [[0] * 64],
        "text",
        object(),
        [[1, 2], [3]],
    ],
    ids=lambda value: type(value).__name__ + str(getattr(value, "shape", "")),
)
def test_values_that_do_not_fit(dense: zl.Interpreter, value: Any) -> None:
    with pytest.raises(ValueError, match=r"Cannot set|makes an array"):
        dense.set_tensor(INPUT, value)


def test_values_in_any_memory_order(dense: zl.Interpreter) -> None:
    row = random_row()
    wide = np.zeros((1, 128), np.float32)
    wide[:, ::2] = row
    read_only = row.copy()
    read_only.setflags(write=False)
    for value in (wide[:, ::2], read_only, row.astype(">f4"), np.asfortranarray(row)):
        dense.set_tensor(INPUT, np.zeros_like(row))
        dense.set_tensor(INPUT, value)
        assert dense.get_tensor(INPUT).tobytes() == row.tobytes()


def test_constants_stay(dense: zl.Interpreter) -> None:
    weights = dense.get_tensor(2)
    with pytest.raises(ValueError, match="constant"):
        dense.set_tensor(2, np.zeros_like(weights))
    assert dense.get_tensor(2).tobytes() == weights.tobytes()


def test_scalars_are_numpy_scalars() -> None:
    interpreter = zl.Interpreter(zoo.model_path("rank_0"))
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.float32(2.5))
    interpreter.invoke()
    assert all(isinstance(interpreter.get_tensor(d["index"]), np.float32) for d in interpreter.get_output_details())


def test_four_bit_integers() -> None:
    interpreter = zl.Interpreter(zoo.model_path("dtype_int4_input"))
    interpreter.allocate_tensors()
    (detail,) = interpreter.get_input_details()
    value = np.resize(np.arange(-8, 8, dtype=np.int8), detail["shape"])
    interpreter.set_tensor(detail["index"], value)
    assert interpreter.get_tensor(detail["index"]).tobytes() == value.tobytes()
    with pytest.raises(ValueError, match="from -8 to 7"):
        interpreter.set_tensor(detail["index"], np.full_like(value, 8))


def test_bfloat16() -> None:
    interpreter = zl.Interpreter(zoo.model_path("dtype_bfloat16"))
    interpreter.allocate_tensors()
    (detail,) = interpreter.get_input_details()
    assert detail["dtype"] is ml_dtypes.bfloat16
    value = np.ones(detail["shape"], ml_dtypes.bfloat16)
    interpreter.set_tensor(detail["index"], value)
    assert interpreter.get_tensor(detail["index"]).tobytes() == value.tobytes()


def test_strings() -> None:
    interpreter = zl.Interpreter(zoo.model_path("string_gather"))
    interpreter.allocate_tensors()
    words, index = (detail["index"] for detail in interpreter.get_input_details())
    interpreter.set_tensor(index, np.array([3, 0, 1], np.int32))
    interpreter.set_tensor(words, np.array(["zero", "ä", "", "three"]))
    interpreter.invoke()
    (output,) = interpreter.get_output_details()
    assert interpreter.get_tensor(output["index"]).tolist() == [b"three", b"zero", "ä".encode()]
    for wrong in (["a"] * 4, np.zeros(4), np.array([1, 2, 3, 4], object), np.array(["a"])):
        with pytest.raises(ValueError, match="words"):
            interpreter.set_tensor(words, wrong)


def test_empty_inputs_are_run() -> None:
    interpreter = zl.Interpreter(zoo.model_path("zero_size"))
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    interpreter.invoke()
    for detail in interpreter.get_output_details():
        assert interpreter.get_tensor(detail["index"]).shape == tuple(detail["shape"])


def test_preserved_tensors_of_a_loop() -> None:
    entry = zoo.load_manifest()["while_loop"]
    interpreter = zl.Interpreter(entry.path, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    assert interpreter._traced_tensors() == []
    inputs = zoo.random_inputs(interpreter.get_input_details(), np.random.default_rng(0), ranges=entry.input_ranges)
    for detail, value in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], value)
    interpreter.invoke()
    traced = interpreter._traced_tensors()
    assert {subgraph for subgraph, _, _ in traced} > {0}
    assert max(times for _, _, times in traced) > 1
    for subgraph, index, _ in traced:
        assert interpreter.get_tensor(index, subgraph) is not None


# Views


def test_views_never_stand_in_the_way(dense: zl.Interpreter) -> None:
    inputs, outputs = dense.tensor(INPUT), dense.tensor(OUTPUT)
    x, y = inputs(), outputs()
    for seed in range(3):
        x[...] = random_row(seed)
        dense.allocate_tensors()
        dense.invoke()
        assert y.tobytes() == dense.get_tensor(OUTPUT).tobytes()
    assert x.flags.writeable
    assert x.ctypes.data == inputs().ctypes.data


def test_views_never_dangle(dense: zl.Interpreter) -> None:
    view = dense.tensor(INPUT)
    first = view()
    first[...] = 1
    dense.resize_tensor_input(INPUT, (3, 64))
    with pytest.raises(ValueError, match="allocate_tensors"):
        view()
    dense.allocate_tensors()
    second = view()
    assert second.shape == (3, 64)
    second[...] = 2
    del dense, view
    gc.collect()
    assert (first == 1).all()
    assert (second == 2).all()


def test_views_of_other_tensors_are_copies(dense: zl.Interpreter) -> None:
    weights = dense.tensor(2)()
    assert not weights.flags.writeable
    assert weights.tobytes() == dense.get_tensor(2).tobytes()
    with pytest.raises(ValueError, match=r"Invalid tensor index 99 exceeds max tensor index 7"):
        dense.tensor(99)()


# State


def test_a_failed_allocation_can_be_mended(dense: zl.Interpreter) -> None:
    dense.resize_tensor_input(INPUT, (1, 63))
    for _ in range(2):
        with pytest.raises(RuntimeError):
            dense.allocate_tensors()
        with pytest.raises(RuntimeError, match="allocate_tensors"):
            dense.invoke()
    dense.resize_tensor_input(INPUT, (2, 64))
    dense.allocate_tensors()
    dense.set_tensor(INPUT, random_row(rows=2))
    dense.invoke()
    assert dense.get_tensor(OUTPUT).shape == (2, 10)


def test_strict_resizes(dense: zl.Interpreter) -> None:
    dense.resize_tensor_input(INPUT, [4, 64], strict=True)
    for shape in ([4, 65], [4, 64, 1]):
        with pytest.raises(RuntimeError):
            dense.resize_tensor_input(INPUT, shape, strict=True)
    with pytest.raises(ValueError, match="1D"):
        dense.resize_tensor_input(INPUT, [[4, 64]])


def test_runs_become_direct(dense: zl.Interpreter) -> None:
    dense.set_tensor(INPUT, random_row())
    for _ in range(3):
        dense.invoke()
    assert dense._dispatch()[0]


def test_variables_are_reset() -> None:
    entry = zoo.load_manifest()["sequence_lstm"]
    interpreter = zl.Interpreter(entry.path)
    with pytest.raises(RuntimeError, match="allocate_tensors"):
        interpreter.reset_all_variables()
    interpreter.allocate_tensors()
    value = zoo.random_inputs(interpreter.get_input_details(), np.random.default_rng(0))[0]
    output = interpreter.get_output_details()[0]["index"]

    def run() -> bytes:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], value)
        interpreter.invoke()
        return bytes(interpreter.get_tensor(output).tobytes())

    first, second, third = run(), run(), run()
    assert len({first, second, third}) == 3
    interpreter.reset_all_variables()
    assert [run(), run()] == [first, second]


def test_threads_take_turns(dense: zl.Interpreter) -> None:
    rows = [random_row(seed) for seed in range(4)]
    expected = {zl.load(DENSE)(row).tobytes() for row in rows}
    answers: set[bytes] = set()
    lock = threading.Lock()

    def work(row: Any) -> None:
        for _ in range(200):
            with lock:
                dense.set_tensor(INPUT, row)
                dense.invoke()
                answers.add(dense.get_tensor(OUTPUT).tobytes())
            dense.get_output_details()

    threads = [threading.Thread(target=work, args=(row,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == expected


# Signatures


def test_signature_runner_arguments() -> None:
    interpreter = zl.Interpreter(zoo.model_path("multi_signature"))
    keys = list(interpreter.get_signature_list())
    assert len(keys) > 1
    with pytest.raises(ValueError, match="None is only allowed"):
        interpreter.get_signature_runner()
    with pytest.raises(ValueError, match='Invalid signature_key provided: "nothing"'):
        interpreter.get_signature_runner("nothing")
    with pytest.raises(ValueError, match="None interpreter"):
        SignatureRunner()
    with pytest.raises(ValueError, match="None signature_key"):
        SignatureRunner(interpreter)
    runner = interpreter.get_signature_runner(keys[0])
    with pytest.raises(ValueError, match="Invalid number of inputs"):
        runner()
    wrong = {f"not_{name}": np.zeros(1, np.float32) for name in runner.get_input_details()}
    with pytest.raises(ValueError, match="Invalid Input name"):
        runner(**wrong)


def test_an_input_named_self() -> None:
    runner = zl.Interpreter(zoo.model_path("names_self")).get_signature_runner()
    details = runner.get_input_details()
    assert "self" in details
    assert runner(**zoo.random_inputs(details, np.random.default_rng(0)))


# What there is not


def test_custom_operators() -> None:
    assert InterpreterWithCustomOps(model_path=DENSE).num_subgraphs() == 1
    for registerer in ("malloc", lambda _: None):
        with pytest.raises(ValueError, match=r"ai_edge_litert\.interpreter"):
            InterpreterWithCustomOps(model_path=DENSE, custom_op_registerers=[registerer])


def test_registerers_that_are_not_there() -> None:
    """In the words of the reference."""
    for interpreter in (InterpreterWithCustomOps, litert.InterpreterWithCustomOps):
        with pytest.raises(ValueError, match="Looking up symbol 'NobodyRegisters' failed"):
            interpreter(model_path=str(DENSE), custom_op_registerers=["NobodyRegisters"])
    with pytest.raises(
        ValueError, match=r"Loading library 'pywrap_genai_ops\.so' failed with error 'pywrap_genai_ops\.so"
    ):
        InterpreterWithCustomOps(model_path=DENSE, custom_op_registerers=["pywrap_genai_ops.GenAIOpsRegisterer"])


def test_native_handle(dense: zl.Interpreter) -> None:
    assert "ai_edge_litert.interpreter" in repr(dense._native_handle())
    with pytest.raises(TypeError):
        int(dense._native_handle())  # type: ignore[call-overload]


def test_delegates(tmp_path: Path) -> None:
    for kind in (ValueError, OSError):
        with pytest.raises(kind, match=r"nothing\.so"):
            zl.load_delegate(str(tmp_path / "nothing.so"))
    with pytest.raises(AttributeError):
        zl.load_delegate("libc.so.6", {"option": 1})
    with pytest.raises(TypeError, match="load_delegate"):
        zl.Interpreter(DENSE, experimental_delegates=["delegate.so"])  # type: ignore[list-item] # that is the point


def test_a_delegate_computes_as_in_the_original(sample_delegate: SampleDelegate) -> None:
    path = str(zoo.model_path("two_inputs_three_outputs"))
    generator = np.random.default_rng(0)
    created, destroyed = sample_delegate.created, sample_delegate.destroyed
    ours = zl.Interpreter(path, experimental_delegates=[zl.load_delegate(sample_delegate.path, {"operators": "ADD"})])
    theirs = litert.Interpreter(
        path, experimental_delegates=[litert.load_delegate(str(sample_delegate.path), {"operators": "ADD"})]
    )
    inputs = None
    answers = []
    for interpreter in (ours, theirs):
        interpreter.allocate_tensors()
        details = interpreter.get_input_details()
        inputs = inputs or [generator.normal(size=detail["shape"]).astype(np.float32) for detail in details]
        for detail, value in zip(details, inputs, strict=True):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        answers.append([interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()])
    for actual, expected in zip(*answers, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert sample_delegate.invoked >= 2
    del ours, theirs, interpreter
    gc.collect()
    assert sample_delegate.created - created == sample_delegate.destroyed - destroyed


@pytest.mark.parametrize("stage", ["create", "null"])
def test_a_delegate_that_is_not_made(stage: str, sample_delegate: SampleDelegate) -> None:
    with pytest.raises(ValueError, match=r"Failed to load delegate from .*libsample_delegate"):
        zl.load_delegate(sample_delegate.path, {"fail": stage})


def test_a_delegate_that_fails_with_the_model(sample_delegate: SampleDelegate) -> None:
    delegate = zl.load_delegate(sample_delegate.path, {"fail": "prepare"})
    with pytest.raises(RuntimeError, match="refused the graph, as it was told"):
        zl.Interpreter(str(zoo.model_path("two_inputs_three_outputs")), experimental_delegates=[delegate])


def test_objects_whose_loading_failed() -> None:
    interpreter = zl.Interpreter.__new__(zl.Interpreter)
    for use in (interpreter.invoke, interpreter.get_input_details, lambda: interpreter.set_tensor(0, random_row())):
        with pytest.raises(zl.Error, match="not initialized"):
            use()
