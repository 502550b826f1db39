"""The GPU: what is asked of it, where operators run, buffers, and what happens where there is none."""

from __future__ import annotations

import json
import os
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.python_process import answer_of, run_python
from tests.support.sample_libraries import SampleDelegate

MOBILENET = zoo.model_path("small_mobilenet")
SMALL = zoo.model_path("two_inputs_three_outputs")
PARTLY = zoo.model_path("small_mobilenet_int16x8")  # of which the GPU takes an ADD
NO_DRIVER = {"VK_ICD_FILENAMES": os.devnull, "VK_DRIVER_FILES": os.devnull}


def image(seed: int = 0, count: int = 1) -> Any:
    with zl.load(MOBILENET) as model:
        shape = (count, *model.inputs[0].shape[1:])
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# Where it runs


@pytest.mark.usefixtures("vulkan")
def test_the_gpu_takes_the_model() -> None:
    with zl.load(MOBILENET, delegates=zl.Gpu(), fallback=False) as model:
        model(image())
        assert model.delegation.complete
        assert set(model.delegation.operators) == {"GPU"}
        assert model.delegation.unused == ()
        assert "GPU: 7 operators in 1 partition" in repr(model.delegation)
        assert model.dispatch == "runtime"
        assert "GPU" in model.dispatch.reason


@pytest.mark.usefixtures("vulkan")
def test_order_of_preference(sample_delegate: SampleDelegate) -> None:
    external = zl.ExternalDelegate(sample_delegate.path, {"operators": "ADD"})
    with (
        zl.load(SMALL, delegates=[zl.Gpu(), external]) as first,
        zl.load(SMALL, delegates=[external, zl.Gpu()]) as second,
        zl.load(MOBILENET, delegates=[zl.XNNPack(), zl.Gpu()]) as last,
    ):
        assert set(first.delegation.operators) == {"GPU"}
        assert second.delegation.operators["SampleDelegate"] == {"ADD": 1}
        assert second.delegation.operators["GPU"] == {"SUB": 1, "FULLY_CONNECTED": 1}
        assert set(last.delegation.operators) == {"XNNPACK"}


@pytest.mark.usefixtures("vulkan")
def test_what_the_gpu_does_not_take_runs_on_the_cpu() -> None:
    with zl.load(PARTLY) as plain, zl.load(PARTLY, delegates=zl.Gpu()) as model:
        assert model.delegation.operators["GPU"] == {"ADD": 1}
        assert "CONV_2D" in model.delegation.operators["builtin"]
        np.testing.assert_allclose(model(image()), plain(image()), atol=2e-2)


@pytest.mark.usefixtures("vulkan")
def test_without_the_fallback_what_is_left_is_named() -> None:
    with pytest.raises(zl.DelegateError, match=r"no delegate takes the operators .*CONV_2D \(2\).*QUANTIZE"):
        zl.load(PARTLY, delegates=zl.Gpu(), fallback=False)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dynamic_after_dense", "shapes only a run tells|static-sized|without a word"),
        ("zero_size", "is empty"),
        ("bfloat16_inside", "bfloat16"),
        ("sparse_weights", "sparse"),
    ],
)
@pytest.mark.usefixtures("vulkan")
def test_models_that_the_gpu_must_not_have(name: str, words: str) -> None:
    path = zoo.model_path(name)
    with zl.load(path) as plain, zl.load(path, delegates=zl.Gpu()) as model:
        assert "GPU" not in model.delegation.operators
        assert re.search(words, model.delegation.unused[0].reason)
        values = {name: np.ones(tensor.shape, tensor.dtype) for name, tensor in plain.inputs.items()}
        expected, answers = plain(values), model(values)
        for output in plain.outputs:
            array = expected[output] if isinstance(expected, dict) else expected
            np.testing.assert_array_equal(answers[output] if isinstance(answers, dict) else answers, array)
    with pytest.raises(zl.DelegateError, match="fallback=False"):
        zl.load(path, delegates=zl.Gpu(), fallback=False)


# Settings


@pytest.mark.parametrize(
    "settings",
    [
        {"precision": "fp32"},
        {"precision": "fp16"},
        {"precision": "fp16_fp32_accumulation"},
        {"storage": "buffer"},
        {"priority": "low"},
        {"wait_type": "passive"},
        {"wait_type": "active"},
    ],
    ids=str,
)
@pytest.mark.usefixtures("vulkan")
def test_settings(settings: dict[str, Any]) -> None:
    with zl.load(MOBILENET) as plain, zl.load(MOBILENET, delegates=zl.Gpu(**settings), fallback=False) as model:
        np.testing.assert_allclose(model(image()), plain(image()), atol=3e-3)


@pytest.mark.usefixtures("vulkan")
def test_precision_is_honoured() -> None:
    with zl.load(MOBILENET) as plain:
        expected = plain(image())
    worst = {}
    for precision in ("fp32", "fp16"):
        with zl.load(MOBILENET, delegates=zl.Gpu(precision=precision)) as model:
            worst[precision] = np.abs(model(image()) - expected).max()
    assert worst["fp32"] < 1e-6 < worst["fp16"] < 1e-2


@pytest.mark.usefixtures("vulkan")
def test_device_by_name(vulkan: str) -> None:
    with zl.load(SMALL, delegates=zl.Gpu(device="no such device")) as model:
        [(delegate, reason)] = model.delegation.unused
        assert delegate == "GPU"
        assert "no GPU has a name with 'no such device' in it" in reason
        assert "GPU" not in model.delegation.operators
    with pytest.raises(zl.DelegateError, match="no such device"):
        zl.load(SMALL, delegates=zl.Gpu(device="no such device"), fallback=False)
    if "swiftshader" in vulkan:
        zl.load(SMALL, delegates=zl.Gpu(device="SWIFTshader"), fallback=False).close()


@pytest.mark.usefixtures("vulkan")
def test_cache(tmp_path: Path) -> None:
    cache = tmp_path / "made" / "here"
    with zl.load(MOBILENET, delegates=zl.Gpu(cache=cache), fallback=False) as model:
        expected = model(image())
    kept = {path.name for path in cache.iterdir()}
    assert kept
    for _ in range(2):
        with zl.load(MOBILENET, delegates=zl.Gpu(cache=cache), fallback=False) as model:
            np.testing.assert_array_equal(model(image()), expected)
    assert {path.name for path in cache.iterdir()} == kept
    zl.load(SMALL, delegates=zl.Gpu(cache=cache), fallback=False).close()
    assert {path.name for path in cache.iterdir()} > kept


@pytest.mark.usefixtures("vulkan")
@pytest.mark.parametrize("damage", ["changed", "cut short", "emptied", "foreign"])
def test_a_damaged_cache_is_replaced(damage: str, tmp_path: Path) -> None:
    with zl.load(MOBILENET, delegates=zl.Gpu(cache=tmp_path)) as model:
        expected = model(image())
    [file] = tmp_path.iterdir()
    sound = file.read_bytes()
    middle = len(sound) // 2
    damaged = {
        "changed": sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :],
        "cut short": sound[:middle],
        "emptied": b"",
        "foreign": os.urandom(len(sound)),
    }[damage]
    file.write_bytes(damaged)
    with zl.load(MOBILENET, delegates=zl.Gpu(cache=tmp_path), fallback=False) as model:
        np.testing.assert_array_equal(model(image()), expected)
    assert file.read_bytes() != damaged
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.usefixtures("vulkan")
def test_a_cache_that_can_not_be_made(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(OSError, match="Not a directory"):
        zl.load(SMALL, delegates=zl.Gpu(cache=file / "cache"))


# Buffers


@pytest.mark.usefixtures("vulkan")
def test_bound_and_mapped() -> None:
    batch = image(seed=1, count=6)
    with zl.load(MOBILENET) as plain, zl.load(MOBILENET, delegates=zl.Gpu(precision="fp32")) as model:
        expected = np.stack([plain(item[None])[0] for item in batch])
        answers: Any = model.map(batch)
        np.testing.assert_allclose(answers, expected, atol=1e-5)
        source, result = zl.empty(model.inputs[0].shape), zl.empty(model.outputs[0].shape)
        model.bind({next(iter(model.inputs)): source, next(iter(model.outputs)): result})
        for item, answer in zip(batch, expected, strict=True):
            source[:] = item
            model.run()
            np.testing.assert_allclose(result[0], answer, atol=1e-5)
        assert np.shares_memory(model.outputs[0].array, result)
        np.testing.assert_allclose(model(batch[:1], out=np.empty_like(expected[:1])), expected[:1], atol=1e-5)


@pytest.mark.usefixtures("vulkan")
def test_resizing_is_refused() -> None:
    """The accelerator would go on with one row, and leave the others as they were."""
    with zl.load(MOBILENET) as plain, zl.load(MOBILENET, delegates=zl.Gpu(precision="fp32")) as model:
        with pytest.raises(zl.Error, match=r"runs on the GPU.*without zl\.Gpu"):
            model.resize({next(iter(model.inputs)): (3, *model.inputs[0].shape[1:])})
        np.testing.assert_allclose(model(image()), plain(image()), atol=1e-5)
        with pytest.raises(zl.Error, match="runs on the GPU"):
            model.map(image(count=4), chunk=2)
        np.testing.assert_allclose(
            np.asarray(model.map(image(count=4))), np.asarray(plain.map(image(count=4))), atol=1e-5
        )


@pytest.mark.usefixtures("vulkan")
def test_models_side_by_side_and_in_threads() -> None:
    values = image()
    with zl.load(MOBILENET) as plain:
        expected = plain(values)

        def work(_: int) -> None:
            with zl.load(MOBILENET, delegates=zl.Gpu(precision="fp32")) as model:
                for _ in range(5):
                    np.testing.assert_allclose(model(values), expected, atol=1e-5)
                    np.testing.assert_array_equal(plain(values), expected)

        with ThreadPoolExecutor(3) as threads:
            list(threads.map(work, range(3)))
        assert plain.dispatch == "direct"
        assert set(plain.delegation.operators) == {"XNNPACK"}


@pytest.mark.usefixtures("vulkan")
def test_pool() -> None:
    batch = image(count=8)
    with zl.load(MOBILENET) as plain, zl.Pool(MOBILENET, workers=2, delegates=zl.Gpu(precision="fp32")) as pool:
        np.testing.assert_allclose(np.asarray(pool.map(batch)), np.asarray(plain.map(batch)), atol=1e-5)


# Where there is none

RUN_QUIETLY = """
import sys
import numpy as np
import zerolite as zl

with zl.load(sys.argv[1]) as plain:
    values = {name: np.ones(tensor.shape, tensor.dtype) for name, tensor in plain.inputs.items()}
    expected = plain(values)
with zl.load(sys.argv[1], delegates=zl.Gpu(precision="fp32")) as model:
    answer = model(values)
    print(*model.delegation.operators)
    print(*[reason for _, reason in model.delegation.unused])
for name, array in expected.items():
    np.testing.assert_allclose(answer[name], array, rtol=1e-5)
try:
    zl.load(sys.argv[1], delegates=zl.Gpu(), fallback=False).close()
except zl.DelegateError as error:
    print(error)
with zl.load(sys.argv[1]) as plain:
    np.testing.assert_array_equal(plain(values)[name], expected[name])
"""


@pytest.mark.usefixtures("vulkan")
def test_nothing_is_printed() -> None:
    assert answer_of(RUN_QUIETLY, str(SMALL)) == "GPU\n\n"


def test_without_a_driver() -> None:
    used, reason, error = answer_of(RUN_QUIETLY, str(SMALL), environment=NO_DRIVER).splitlines()
    assert "GPU" not in used
    for words in (reason, error):
        assert "shows no GPU through Vulkan" in words
        assert "libvulkan1" in words
        assert "VK_ICD_FILENAMES" in words
    assert error.startswith(str(SMALL))
    assert "fallback=False" in error


def test_the_log_tells_when_asked() -> None:
    program = (
        "import sys, zerolite as zl\nzl.set_log_level('warning')\nzl.load(sys.argv[1], delegates=zl.Gpu()).close()"
    )
    process = run_python(program, str(SMALL), environment=NO_DRIVER)
    assert (process.returncode, process.stdout) == (0, "")
    assert "adapter" in process.stderr


def test_the_command_line_tells_what_is_not_used() -> None:
    pytest.importorskip("rich", reason="needs the extra cli")
    program = "import sys; from zerolite.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["info", str(SMALL), "--delegates", "--delegate", "gpu"]
    assert "GPU is not used: " in answer_of(program, *arguments, environment=NO_DRIVER).splitlines()[-1]
    document = json.loads(answer_of(program, *arguments, "--json", environment=NO_DRIVER))
    assert "no GPU through Vulkan" in document["delegation"]["unused"]["GPU"]


@pytest.mark.parametrize("backend", ["opencl", "vulkan"])
def test_a_backend_without_its_library(backend: Any) -> None:
    with zl.load(SMALL, delegates=zl.Gpu(backend=backend)) as model:
        [(_, reason)] = model.delegation.unused
        assert "can't be opened" in reason
        assert "webgpu" in reason
    with pytest.raises(zl.DelegateError, match="can't be opened"):
        zl.load(SMALL, delegates=zl.Gpu(backend=backend), fallback=False)


# Bad input


@pytest.mark.parametrize("name", ["precision", "backend", "storage", "priority", "wait_type"])
def test_values_that_there_are_not(name: str) -> None:
    for value in ("fast", "", None, 1):
        with pytest.raises(ValueError, match=f"{name} is {value!r}, and must be one of '"):
            zl.Gpu(**{name: value})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="colour"):
        zl.Gpu(colour="blue")  # type: ignore[call-arg]


@pytest.mark.parametrize("value", ["", "a\nb", "a\0b", " a", "a "])
def test_texts_that_can_not_be_passed(value: str) -> None:
    for name in ("cache", "device"):
        with pytest.raises(ValueError, match=f"{name} is .* without line breaks"):
            zl.Gpu(**{name: value})  # type: ignore[arg-type]


def test_wrong_types() -> None:
    with pytest.raises(TypeError, match="device is 1"):
        zl.Gpu(device=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        zl.Gpu(cache=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cache is b'x'"):
        zl.Gpu(cache=b"x")  # type: ignore[arg-type]


def test_lists_with_two() -> None:
    with pytest.raises(ValueError, match="twice"):
        zl.load(SMALL, delegates=[zl.Gpu(), zl.Gpu()])
    with pytest.raises(ValueError, match="second GPU"):
        zl.load(SMALL, delegates=[zl.Gpu(), zl.XNNPack(), zl.Gpu(precision="fp16")])


def test_equality_and_pickling() -> None:
    delegate = zl.Gpu(precision="fp16", device="intel")
    copy = pickle.loads(pickle.dumps(delegate))
    assert copy == delegate
    assert hash(copy) == hash(delegate)
    assert copy != zl.Gpu()
    assert repr(delegate) == "Gpu(precision='fp16', device='intel')"
    assert repr(zl.Gpu()) == "Gpu()"
