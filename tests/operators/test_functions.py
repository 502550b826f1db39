"""Python functions as kernels."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import threading
import traceback
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.operators.models import SHAPE, Array, X, chain, double, same_shape

# What runs


def test_a_function_is_called_with_views_in_every_run() -> None:
    seen: list[tuple[Any, ...]] = []

    def square(x: Array) -> Array:
        seen.append((type(x), x.shape, x.dtype, x.flags.writeable))
        return x * x

    with zl.load(chain("NEG", "Square"), custom_ops=[zl.custom_op("Square")(square)]) as model:
        for run in range(1, 5):
            np.testing.assert_array_equal(model(X + run), (X + run) ** 2)
            assert len(seen) == run  # none is made twice
    assert set(seen) == {(np.ndarray, SHAPE, np.dtype("float32"), False)}


def test_as_a_decorator_it_stays_a_function() -> None:
    np.testing.assert_array_equal(double(X), 2 * X)
    assert double.__doc__ == "Twice the input."
    assert "Double" in repr(double)
    with zl.load(chain("Double"), custom_ops=double) as model:
        np.testing.assert_array_equal(model(X), 2 * X)


def many_operands() -> bytes:
    """Three inputs, of which the second is left out, and two outputs."""
    builder = GraphBuilder()
    x, index = builder.tensor("x", SHAPE), builder.tensor("index", [2], "int32")
    total, kept = builder.tensor("total", [2], "float64"), builder.tensor("kept", SHAPE, "bool")
    builder.custom_operator("Many", [x, -1, index], [total, kept], options=b"settings")
    builder.interface([x, index], [total, kept])
    builder.signature("serving_default", {"x": x, "index": index}, {"total": total, "kept": kept})
    return builder.finish()


def test_several_operands_and_options() -> None:
    def many(x: Array, missing: None, index: Array, *, options: bytes) -> tuple[Array, Array]:
        assert missing is None
        assert options == b"settings"
        return x.sum(axis=1, dtype=np.float64) + index, x > 0

    def shapes(x: Any, missing: Any, index: Any, options: bytes) -> Any:
        assert (x, missing, index, options) == (SHAPE, None, (2,), b"settings")
        return (x[0],), x

    with zl.load(many_operands(), custom_ops=[zl.custom_op("Many")(many, shapes=shapes)]) as model:
        result = model(x=X, index=np.array([10, 20], np.int32))
    np.testing.assert_array_equal(result["total"], [4, 23])
    np.testing.assert_array_equal(result["kept"], X > 0)
    assert result["total"].dtype == np.float64


def test_operators_of_branches() -> None:
    builder = GraphBuilder()
    condition, x = builder.tensor("condition", [1], "bool"), builder.tensor("x", SHAPE)
    y = builder.tensor("y", SHAPE)
    options = schema.IfOptionsT()
    options.thenSubgraphIndex, options.elseSubgraphIndex = 1, 2
    builder.operator(Op.IF, [condition, x], [y], options=options)
    builder.interface([condition, x], [y])
    for name in ("Double", "Square"):
        builder.start_subgraph(name)
        before, after = builder.tensor("before", SHAPE), builder.tensor("after", SHAPE)
        builder.custom_operator(name, [before], [after])
        builder.interface([before], [after])
    content = builder.finish()
    with zl.load(content, custom_ops=[double, zl.custom_op("Square")(np.square)]) as model:
        for _ in range(2):
            np.testing.assert_array_equal(model(condition=np.array([True]), x=X), 2 * X)
            np.testing.assert_array_equal(model(condition=np.array([False]), x=X), X**2)
    with pytest.raises(zl.Error, match=r"nothing here runs the operator Square \(1\)"):
        zl.load(content, custom_ops=[double])


def test_shapes_follow_resizes() -> None:
    def columns(x: Array) -> Array:
        return np.asarray(x.sum(axis=1, keepdims=True))

    content = chain("Columns", shape=(1, 3), open_axis=True)
    operator = zl.custom_op("Columns")(columns, shapes=lambda x: (x[0], 1))
    items = np.random.default_rng(0).standard_normal((10, 3), dtype=np.float32)
    expected = items.sum(axis=1, keepdims=True)
    with zl.load(content, custom_ops=[operator]) as model:
        assert model.outputs["y"].shape == (1, 1)
        for rows in (4, 1, 10):
            model.resize(x=(rows, 3))
            np.testing.assert_array_equal(model(items[:rows]), expected[:rows])
        model.resize(x=(1, 3))
        np.testing.assert_array_equal(model.map(items), expected)


@pytest.mark.parametrize("shapes", [None, lambda _: None])
def test_shapes_that_only_the_run_tells(shapes: Any) -> None:
    content = chain("NEG", "Positive", "NEG", shape=(1, 3), open_axis=True)
    operator = zl.custom_op("Positive")(lambda x: x[x[:, 0] > 0], shapes=shapes)
    with zl.load(content, custom_ops=[operator]) as model:
        model.resize(x=(4, 3))
        x = np.array([[1, 2, 3], [-1, 0, 0], [-2, 1, 1], [3, 3, 3]], np.float32)
        np.testing.assert_array_equal(model(x), x[1:3])
        np.testing.assert_array_equal(model(-x), -x[[0, 3]])


@pytest.mark.parametrize("verify", ["structure", "full", "isolated"])
def test_every_verification_lets_them_pass(verify: Any) -> None:
    with zl.load(chain("Double"), custom_ops=[double], verify=verify) as model:
        np.testing.assert_array_equal(model(X), 2 * X)


def test_interpreter_and_pool() -> None:
    interpreter = zl.Interpreter(model_content=chain("Double"), custom_ops=[double])
    runner = interpreter.get_signature_runner()
    np.testing.assert_array_equal(runner(x=X)["y"], 2 * X)
    items = np.stack([X + i for i in range(50)])
    with zl.Pool(chain("Double", "NEG"), workers=3, custom_ops=[double]) as pool:
        np.testing.assert_array_equal(pool.map(np.concatenate(items)), -2 * np.concatenate(items))
        for got, item in zip(pool.imap(items), items, strict=True):
            np.testing.assert_array_equal(got, -2 * item)


def test_threads_take_turns_while_a_function_waits() -> None:
    """Others go on with Python while a function holds a model and waits for them."""
    entered, go_on = threading.Event(), threading.Event()

    def wait(x: Array) -> Array:
        entered.set()
        assert go_on.wait(60)
        return x + np.float32(1)

    with (
        zl.load(chain("Wait"), custom_ops=[zl.custom_op("Wait")(wait)]) as model,
        ThreadPoolExecutor(2) as threads,
    ):
        first = threads.submit(model, X)
        assert entered.wait(60)
        second = threads.submit(model, X + 1)
        go_on.set()
        np.testing.assert_array_equal(first.result(), X + 1)
        np.testing.assert_array_equal(second.result(), X + 2)


def test_pickling() -> None:
    assert pickle.loads(pickle.dumps(double)) is double
    shaped = zl.custom_op("Same")(np.negative, shapes=same_shape)
    again = pickle.loads(pickle.dumps(shaped))
    assert (again.name, again.function, again.shapes) == ("Same", np.negative, same_shape)
    with (
        zl.load(chain("Double"), custom_ops=[double]) as model,
        pickle.loads(pickle.dumps(model)) as restored,
    ):
        np.testing.assert_array_equal(restored(X), 2 * X)
    with (
        zl.load(chain("Double"), custom_ops=[zl.custom_op("Double")(lambda x: 2 * x)]) as model,
        pytest.raises((pickle.PicklingError, AttributeError), match="lambda"),
    ):
        pickle.dumps(model)


def test_profile_and_trace() -> None:
    with zl.load(chain("NEG", "Double", "NEG"), custom_ops=[double]) as model:
        model(X)
        assert "Double" in {operator.type for operator in model.profile(runs=2).operators}
        np.testing.assert_array_equal(model.trace(X)["t1"], -2 * X)


# What goes wrong


def test_an_exception_is_the_cause() -> None:
    def fail(x: Array) -> Array:
        local = x[1:]
        raise KeyError(f"of {local.shape}")

    with zl.load(chain("NEG", "Fail"), custom_ops=[zl.custom_op("Fail")(fail)]) as model:
        calls = (lambda: model(X), model.run, lambda: model.map(np.concatenate([X] * 3)))
        for call in calls:
            with pytest.raises(zl.Error, match=r"the function of custom operator Fail failed: KeyError") as caught:
                call()
            assert isinstance(caught.value.__cause__, KeyError)
            assert "in fail" in "".join(traceback.format_exception(caught.value))
    with zl.Pool(chain("Fail"), workers=2, custom_ops=[zl.custom_op("Fail")(fail)]) as pool:
        error = pool.submit(X).exception()
        assert isinstance(error, zl.Error)
        assert isinstance(error.__cause__, KeyError)


def test_the_model_goes_on_after_a_failure() -> None:
    broken = [True]

    def sometimes(x: Array) -> Array:
        if broken[0]:
            raise ValueError("several\nlines")
        return x + np.float32(1)

    with zl.load(chain("Sometimes"), custom_ops=[zl.custom_op("Sometimes")(sometimes)]) as model:
        with pytest.raises(zl.Error, match="ValueError: several") as caught:
            model(X)
        assert "\n" not in str(caught.value)
        broken[0] = False
        np.testing.assert_array_equal(model(X), X + 1)
        broken[0] = True
        with pytest.raises(zl.Error, match="ValueError"):
            model(X)
    # Errors of others have no such cause.
    with pytest.raises(zl.Error) as other:
        zl.load(chain("Unknown"))
    assert other.value.__cause__ is None


def test_what_is_no_exception_comes_out() -> None:
    def interrupt(x: Array) -> Array:
        raise KeyboardInterrupt

    with (
        zl.load(chain("Stop"), custom_ops=[zl.custom_op("Stop")(interrupt)]) as model,
        pytest.raises(KeyboardInterrupt),
    ):
        model(X)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda x: x.astype(np.float64), r"returned dtype float64 for output 0 .*result\.astype\('float32'\)"),
        (lambda x: x[1:], r"returned an array of shape \(1, 3\) for output 'y' of shape \(2, 3\)"),
        (lambda _: None, "returned dtype object"),
        (lambda _: "text", "returned dtype"),
        (lambda x: (x, x), r"returned an array of shape \(2, 2, 3\)"),
    ],
)
def test_results_that_do_not_fit(result: Any, message: str) -> None:
    with (
        zl.load(chain("Wrong"), custom_ops=[zl.custom_op("Wrong")(result)]) as model,
        pytest.raises(zl.Error, match=message),
    ):
        model(X)


@pytest.mark.parametrize("result", [lambda x, *_: x, lambda x, *_: (x,), lambda x, *_: (x, x, x)])
def test_as_many_results_as_outputs(result: Any) -> None:
    with (
        zl.load(many_operands(), custom_ops=[zl.custom_op("Many")(result)]) as model,
        pytest.raises(zl.Error, match="2 outputs and returned"),
    ):
        model(x=X, index=np.zeros(2, np.int32))


@pytest.mark.parametrize("shape", [(2, "a"), 3, (-1, 2), object()])
def test_shapes_that_are_none(shape: Any) -> None:
    with pytest.raises(zl.Error, match="shapes"):
        zl.load(chain("Wrong"), custom_ops=[zl.custom_op("Wrong")(double, shapes=lambda _: shape)])


def test_an_exception_of_shapes_is_the_cause() -> None:
    def shapes(x: Any) -> Any:
        raise LookupError("no shape")

    with pytest.raises(zl.Error, match="LookupError: no shape") as caught:
        zl.load(chain("Wrong"), custom_ops=[zl.custom_op("Wrong")(double, shapes=shapes)])
    assert isinstance(caught.value.__cause__, LookupError)


def test_an_input_that_is_kept_is_refused_and_has_memory_of_its_own() -> None:
    kept = []

    def keep(x: Array) -> Array:
        kept.append(x)
        return x + np.float32(1)

    with (
        zl.load(chain("Keep"), custom_ops=[zl.custom_op("Keep")(keep)]) as model,
        pytest.raises(zl.Error, match=r"kept its input 0, .*input\.copy\(\)"),
    ):
        model(X)
    np.testing.assert_array_equal(kept[0], X)
    with zl.load(chain("Keep"), custom_ops=[zl.custom_op("Keep")(lambda x: x)]) as model:
        np.testing.assert_array_equal(model(X), X)  # returning it is not keeping it


def test_the_model_that_calls_is_out_of_reach() -> None:
    models: list[Any] = []

    def recurse(x: Array) -> Array:
        with pytest.raises(zl.Error, match="uses that model, whose run it is a part of"):
            models[0](x.copy())
        with pytest.raises(zl.Error, match="uses that model"):
            models[0].close()
        return np.asarray(models[1](x.copy()))

    with (
        zl.load(chain("Recurse"), custom_ops=[zl.custom_op("Recurse")(recurse)]) as model,
        zl.load(chain("NEG")) as other,
    ):
        models += [model, other]
        for _ in range(3):
            np.testing.assert_array_equal(model(X), -X)


def test_functions_live_as_long_as_their_models() -> None:
    class Function:
        def __call__(self, x: Array) -> Array:
            return x

    function = Function()
    alive = weakref.ref(function)
    model = zl.load(chain("Same"), custom_ops=[zl.custom_op("Same")(function)])
    del function
    model(X)
    assert alive() is not None
    model.close()
    del model
    gc.collect()
    assert alive() is None


def test_strings_are_refused() -> None:
    builder = GraphBuilder()
    x, y = builder.tensor("x", [2], 5), builder.tensor("y", [2])
    builder.custom_operator("Length", [x], [y])
    builder.interface([x], [y])
    with (
        zl.load(builder.finish(), custom_ops=[zl.custom_op("Length")(lambda x: x)]) as model,
        pytest.raises(zl.Error, match="dtype string can't be had as an array"),
    ):
        model([b"a", b"b"])


def test_a_process_that_ends_with_a_model_of_the_main_module(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nimport numpy as np\nimport zerolite as zl\n"
        "same = zl.custom_op('Same')(lambda x: x)\n"
        "content = open(sys.argv[1], 'rb').read()\n"
        "model = zl.load(content, custom_ops=[same])\n"
        "print(model(np.zeros((2, 3), np.float32)).sum())\n"
        "try:\n    zl.load(content, custom_ops=[same], verify='isolated')\n"
        "except zl.Error as error:\n    print(error)\n",
        encoding="utf-8",
    )
    path = tmp_path / "model.tflite"
    path.write_bytes(chain("Same"))
    done = subprocess.run([sys.executable, program, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("0.0\n")
    assert "can't have the function of the custom operator Same" in done.stdout


@pytest.mark.parametrize("wrong", [("", double), (1, double), ("a", 1), ("a", None)])
def test_arguments(wrong: Any) -> None:
    name, function = wrong
    with pytest.raises((TypeError, ValueError)):
        zl.custom_op(name)(function)
    with pytest.raises(TypeError, match="shapes"):
        zl.custom_op("a")(double, shapes=(1, 2))
    with pytest.raises(ValueError, match="twice"):
        zl.load(chain("Double"), custom_ops=[double, double])
