"""Kernels in libraries, by TensorFlow Lite's C ABI."""

from __future__ import annotations

import copy
import ctypes
import json
import pickle
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.operators.models import SHAPE, X, chain
from zerolite.cli import main


def leaky_clip_of(x: Any, limit: float = 1) -> Any:
    clipped = np.clip(x, -limit, limit)
    return clipped + np.float32(0.1) * (x - clipped)


# What runs


def test_the_example_that_users_copy(leaky_clip: Path) -> None:
    operator = zl.CustomOp("LeakyClip", leaky_clip)
    with zl.load(chain("NEG", "LeakyClip"), custom_ops=[operator]) as model:
        for _ in range(3):
            np.testing.assert_allclose(model(X), leaky_clip_of(-X), rtol=1e-6)
    with zl.load(chain("LeakyClip", options=struct.pack("<f", 2.5)), custom_ops=operator) as model:
        np.testing.assert_allclose(model(X), leaky_clip_of(X, 2.5), rtol=1e-6)


def test_the_header_is_one_of_c_and_of_cpp_without_a_warning(tmp_path: Path) -> None:
    for compiler, name in (("cc", "header.c"), ("c++", "header.cpp")):
        source = tmp_path / name
        source.write_text("#include <zerolite_custom_op.h>\n", encoding="utf-8")
        command = [compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{zl.get_include()}", str(source)]
        subprocess.run(command, check=True)


def test_custom_and_builtin_operators_give_the_same(kernels: Path) -> None:
    with (
        zl.load(chain(*["NEG"] * 5)) as builtin,
        zl.load(
            chain("NEG", "Negate", "NEG", "Negate", "Negate"), custom_ops=[zl.CustomOp("Negate", kernels)]
        ) as custom,
    ):
        np.testing.assert_array_equal(custom(X), builtin(X))
        assert custom.dispatch == "direct"
        np.testing.assert_array_equal(custom(X + 1), builtin(X + 1))


@pytest.mark.parametrize("kernels_of_cpu", ["delegate", "builtin"])
@pytest.mark.parametrize("verify", ["structure", "full", "isolated"])
def test_every_verification_lets_them_pass(kernels: Path, kernels_of_cpu: Any, verify: Any) -> None:
    operator = zl.CustomOp("Negate", kernels)
    cpu = zl.XNNPack(kernels=kernels_of_cpu)
    with zl.load(chain("NEG", "Negate"), custom_ops=[operator], delegates=cpu, verify=verify) as model:
        np.testing.assert_array_equal(model(X), X)
    with pytest.raises(zl.Error, match=r"operator Other \(1\)"):
        zl.load(chain("Negate", "Other"), custom_ops=[operator], delegates=cpu, verify=verify)


def test_resizing_and_batches(kernels: Path) -> None:
    operator = zl.CustomOp("Negate", kernels)
    items = np.random.default_rng(0).standard_normal((40, 3), dtype=np.float32)
    with zl.load(chain("Negate", "NEG", "Negate", shape=(1, 3), open_axis=True), custom_ops=[operator]) as model:
        for rows in (1, 7, 2, 1):
            model.resize(x=(rows, 3))
            np.testing.assert_array_equal(model(items[:rows]), -items[:rows])
        model.resize(x=(1, 3))
        np.testing.assert_array_equal(model.map(items), -items)
        np.testing.assert_array_equal(model.map(items, chunk=4), -items)


def test_a_kernel_without_prepare_keeps_the_shape_of_the_file(kernels: Path) -> None:
    operator = zl.CustomOp("Negate", kernels, symbol="Register_NegateAsStored")
    with zl.load(chain("Negate"), custom_ops=[operator]) as model:
        np.testing.assert_array_equal(model(X), -X)


def test_shapes_that_only_a_run_tells(kernels: Path) -> None:
    operator = zl.CustomOp("KeepPositive", kernels)
    with zl.load(chain("NEG", "KeepPositive"), custom_ops=[operator]) as model:
        np.testing.assert_array_equal(model(X), [3, 2, 1])
        np.testing.assert_array_equal(model(-X), [1, 2])
        assert model.dispatch == "runtime"


def test_a_kernel_that_keeps_state_runs_once_for_each_run(kernels: Path) -> None:
    library = ctypes.CDLL(str(kernels))
    operator = zl.CustomOp("Count", kernels)
    made, freed = library.counters_made(), library.counters_freed()
    with zl.load(chain("Count", "Count"), custom_ops=[operator]) as model:
        for run in range(1, 5):
            np.testing.assert_array_equal(model(X), X + 2 * run)
        replica = copy.copy(model)
        np.testing.assert_array_equal(replica(X), X + 2)
        replica.close()
    assert library.counters_made() - made == library.counters_freed() - freed == 4


def test_a_kernel_in_the_place_of_one_that_the_runtime_has(kernels: Path) -> None:
    operator = zl.CustomOp("TFLite_Detection_PostProcess", kernels, symbol="Register_Negate")
    with zl.load(chain("TFLite_Detection_PostProcess"), custom_ops=[operator]) as model:
        np.testing.assert_array_equal(model(X), -X)


def test_interpreter_pool_and_replicas(kernels: Path) -> None:
    operator = zl.CustomOp("Negate", kernels)
    content = chain("Negate")
    interpreter = zl.Interpreter(model_content=content, custom_ops=[operator])
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], X)
    interpreter.invoke()
    np.testing.assert_array_equal(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), -X)
    with zl.Pool(content, workers=2, custom_ops=[operator]) as pool:
        np.testing.assert_array_equal(pool.map(np.concatenate([X] * 5)), np.concatenate([-X] * 5))
    with zl.load(content, custom_ops=[operator]) as model, zl.Pool(model, workers=2) as pool:
        np.testing.assert_array_equal(pool.submit(X).result(), -X)


def test_profiles_and_delegations_name_them(kernels: Path) -> None:
    with zl.load(chain("NEG", "Negate"), custom_ops=[zl.CustomOp("Negate", kernels)]) as model:
        model(X)
        profile = model.profile(runs=2)
        assert "Negate" in {operator.type for operator in profile.operators}
        assert [part.operators for part in model.delegation.builtin] == [("Negate",)]
        np.testing.assert_array_equal(model.trace(X)["y"], X)


def test_without_the_fallback_they_need_no_delegate(kernels: Path) -> None:
    operator = zl.CustomOp("Negate", kernels)
    with zl.load(chain("Negate"), custom_ops=[operator], delegates=zl.XNNPack(), fallback=False) as model:
        np.testing.assert_array_equal(model(X), -X)


def test_pickling(kernels: Path, tmp_path: Path) -> None:
    operator = zl.CustomOp("Negate", kernels)
    assert pickle.loads(pickle.dumps(operator)) == operator == eval(repr(operator), {"CustomOp": zl.CustomOp})
    assert len({operator, zl.CustomOp("Negate", kernels), zl.CustomOp("Negate", "other")}) == 2
    assert operator != "Negate"
    path = tmp_path / "model.tflite"
    path.write_bytes(chain("Negate"))
    with zl.load(path, custom_ops=[operator]) as model, pickle.loads(pickle.dumps(model)) as restored:
        np.testing.assert_array_equal(restored(X), -X)


# What does not


def test_what_a_library_lacks(kernels: Path, tmp_path: Path) -> None:
    cases = (
        (zl.CustomOp("A", tmp_path / "none.so"), r"operator A: the library .*none\.so can't be opened"),
        (zl.CustomOp("A", kernels), r"has no function Register_A; declare it extern \"C\""),
        (zl.CustomOp("A", kernels, symbol="Register_Nothing"), "gave nothing from Register_Nothing"),
        (zl.CustomOp("A", kernels, symbol="Register_WithoutInvoke"), "a registration without invoke"),
    )
    for operator, message in cases:
        with pytest.raises(zl.Error, match=message):
            zl.load(chain("A"), custom_ops=[operator])
        with pytest.raises(zl.Error, match=message):
            zl.Interpreter(model_content=chain("A"), custom_ops=[operator])


def test_failing_kernels(kernels: Path) -> None:
    failures = (
        ("Fail", r"running signature .* failed: .*this kernel fails with code 7"),
        ("Throw", r"running signature .* failed: .*thrown in a kernel"),
        ("ThrowNumber", r"running signature .* failed: .*of an unknown type"),
    )
    for name, message in failures:
        with zl.load(chain("NEG", name), custom_ops=[zl.CustomOp(name, kernels)]) as model:
            for _ in range(3):
                with pytest.raises(zl.Error, match=message):
                    model(X)
    with pytest.raises(zl.Error, match="this kernel fails with code 7"):
        zl.load(chain("FailInPrepare"), custom_ops=[zl.CustomOp("FailInPrepare", kernels)])
    with pytest.raises(zl.Error, match="thrown in a kernel"):
        zl.load(chain("ThrowInPrepare"), custom_ops=[zl.CustomOp("ThrowInPrepare", kernels)])


def test_an_exception_in_a_direct_run_keeps_its_message(kernels: Path) -> None:
    operator = zl.CustomOp("ThrowOnNegative", kernels)
    with zl.load(chain("ThrowOnNegative"), custom_ops=[operator]) as model:
        positive = np.abs(X)
        for _ in range(2):
            np.testing.assert_array_equal(model(positive), -positive)
        assert model.dispatch == "direct"
        with pytest.raises(zl.Error, match=r"running signature .* failed: .*thrown for a negative number"):
            model(-positive)
        np.testing.assert_array_equal(model(positive), -positive)


def test_names_that_do_not_fit(kernels: Path) -> None:
    operator = zl.CustomOp("Negate", kernels)
    with pytest.raises(ValueError, match="'Negate', which the model in memory does not have; its custom operators are"):
        zl.load(chain("Negat"), custom_ops=[operator])
    with pytest.raises(ValueError, match="it has no custom operators, so leave it out"):
        zl.load(chain("NEG"), custom_ops=[operator])
    with pytest.raises(ValueError, match="the operator 'Negate' twice"):
        zl.load(chain("Negate"), custom_ops=[operator, zl.CustomOp("Negate", "other.so")])
    with pytest.raises(zl.Error, match=r"operators A \(2\) and B \(1\).*custom_ops=\[zl\.CustomOp"):
        zl.load(chain("A", "Negate", "B", "A"), custom_ops=[operator])


@pytest.mark.parametrize("wrong", [(1, "a"), ("", "a"), ("a\0", "a"), ("a", 1), ("a", b"a"), ("a", ""), ("a", "a\0")])
def test_arguments(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        zl.CustomOp(*wrong)
    with pytest.raises(TypeError, match="custom_ops has"):
        zl.load(chain("A"), custom_ops=[wrong])
    assert X.shape == SHAPE


def test_classify_by_a_kernel(kernels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = pytest.importorskip("PIL.Image", reason="classify is for pictures, which need the extra vision")
    builder = GraphBuilder()
    image, row, scores = builder.tensor("image", [1, 1, 1, 3]), builder.tensor("t", [1, 3]), builder.tensor("y", [1, 3])
    builder.operator(Op.RESHAPE, [image, builder.constant("shape", np.array([1, 3], np.int32))], [row])
    builder.custom_operator("Negate", [row], [scores])
    builder.interface([image], [scores])
    model, file = tmp_path / "model.tflite", tmp_path / "picture.png"
    model.write_bytes(builder.finish())
    images.new("RGB", (1, 1), (30, 10, 20)).save(file)
    words = ["classify", str(file), "--model", str(model), "--preprocessing", "none", "--json"]
    for more in ([], ["--workers", "2"]):
        assert main([*words, "--custom-op", f"Negate={kernels}", *more]) == 0
        (found,) = json.loads(capsys.readouterr().out)["images"]
        assert [(one["class_number"], one["score"]) for one in found["predictions"]] == [(1, -10), (2, -20), (0, -30)]
    assert main(words) == 1
    assert "custom_ops=" in capsys.readouterr().err
