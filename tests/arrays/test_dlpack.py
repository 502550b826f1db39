"""DLPack and the buffer protocol by themselves: what a producer may hand over, what a consumer gets, for how long."""

from __future__ import annotations

import array
import ctypes
import gc
import mmap
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits

DENSE = zoo.model_path("dense_2layer")
ROW = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
CPU, CUDA, CUDA_HOST = 1, 2, 3


@pytest.fixture
def dense() -> Iterator[Any]:
    with zl.load(DENSE) as model:
        yield model


class Producer:
    """What another library's tensor is to a consumer: an array's own capsule, and a device."""

    def __init__(self, values: np.ndarray, device: int = CPU) -> None:
        self.values = values
        self.device = device
        self.asked: list[dict[str, Any]] = []

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device, 0

    def __dlpack__(self, **request: Any) -> Any:
        self.asked.append(request)
        return self.values.__dlpack__(**request)


class OldProducer(Producer):
    """One from before versions."""

    def __dlpack__(self, *, stream: None = None) -> Any:  # type: ignore[override] # as it was
        return self.values.__dlpack__()


class Reluctant(Producer):
    """One that gives NumPy what it does not give away by DLPack."""

    def __dlpack__(self, **request: Any) -> Any:
        raise BufferError("not by this way")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values


# In


@pytest.mark.parametrize("kind", [Producer, OldProducer, Reluctant])
def test_producers(dense: Any, kind: type[Producer]) -> None:
    assert_same_bits(dense(kind(ROW)), dense(ROW))
    assert_same_bits(dense.map(kind(np.repeat(ROW, 5, axis=0))), dense.map(np.repeat(ROW, 5, axis=0)))


def test_memory_of_the_host_for_a_device_is_the_cpus(dense: Any) -> None:
    assert_same_bits(dense(Producer(ROW, CUDA_HOST)), dense(ROW))


def test_another_device_is_refused_by_name(dense: Any) -> None:
    producer = Producer(ROW, CUDA)
    message = r"'features' was given a .*Producer on the device CUDA 0, and memory of the CPU is expected; .*\.cpu\(\)"
    with pytest.raises(ValueError, match=message):
        dense(producer)
    with pytest.raises(ValueError, match=message):
        dense.map(producer)
    with pytest.raises(ValueError, match="the array for output 'output_0' was given"):
        dense(ROW, out=Producer(np.zeros((1, 10), np.float32), CUDA))
    with pytest.raises(ValueError, match=r"device CUDA"):
        dense.bind(output_0=Producer(np.zeros((1, 10), np.float32), CUDA))
    assert producer.asked == []  # nothing was copied


def test_what_a_producer_raises_otherwise_comes_through(dense: Any) -> None:
    class Interrupted(Producer):
        def __dlpack__(self, **request: Any) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dense(Interrupted(ROW))
    assert_same_bits(dense(ROW), dense(Producer(ROW)))


@pytest.mark.parametrize("capsule", [None, 3, ctypes.pythonapi.Py_GetVersion])
def test_no_capsule(dense: Any, capsule: Any) -> None:
    class Strange(Producer):
        def __dlpack__(self, **request: Any) -> Any:
            return capsule

    with pytest.raises((TypeError, ValueError), match="features"):
        dense(Strange(ROW))


def test_a_producers_memory_is_let_go(dense: Any) -> None:
    values = ROW.copy()
    gone = weakref.ref(values)
    dense(Producer(values))
    del values
    gc.collect()
    assert gone() is None


def test_bound_memory_is_kept(dense: Any) -> None:
    scores = zl.empty((1, 10))
    gone = weakref.ref(scores)
    dense.bind(output_0=Producer(scores))
    dense(ROW)
    expected = scores.copy()
    del scores
    gc.collect()
    assert_same_bits(dense.outputs[0].array, expected)
    dense.bind(output_0=None)
    gc.collect()
    assert gone() is None


def test_read_only_memory_takes_no_results(dense: Any) -> None:
    target = np.zeros((1, 10), np.float32)
    assert dense(ROW, out=(given := Producer(target))) is given
    assert_same_bits(target, dense(ROW))
    with pytest.raises(ValueError, match="read-only"):
        dense(ROW, out=OldProducer(target))  # which can't tell
    target.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        dense(ROW, out=Producer(target))


# Buffers


def test_buffers(dense: Any, tmp_path: Path) -> None:
    expected = dense(ROW)
    file = tmp_path / "row"
    file.write_bytes(ROW.tobytes())
    mapped = np.memmap(file, np.float32, "r", shape=(1, 64))
    assert_same_bits(dense(mapped), expected)
    assert_same_bits(dense(memoryview(ROW.tobytes()).cast("f", (1, 64))), expected)
    target = array.array("f", bytes(40))
    assert dense(ROW, out=(view := memoryview(target).cast("B").cast("f", (1, 10)))) is view
    assert_same_bits(np.frombuffer(target, np.float32).reshape(1, 10), expected)
    with mmap.mmap(-1, 4096) as pages:
        aligned = memoryview(pages)[:40].cast("f", (1, 10))
        dense.bind(output_0=aligned)
        dense(ROW)
        assert bytes(pages[:40]) == expected.tobytes()
        dense.bind(output_0=None)
        gc.collect()
        aligned.release()


def test_bytes_are_a_row_of_uint8(dense: Any) -> None:
    with zl.load(zoo.model_path("dtype_uint8")) as model:
        content = bytes(range(8))
        model.resize(dict.fromkeys(model.inputs, (8,)), strict=False)
        answer = model(dict.fromkeys(model.inputs, content))
        expected = model({name: np.arange(8, dtype=np.uint8) for name in model.inputs})
        for name, values in expected.items():
            assert_same_bits(answer[name], values, name)
    with pytest.raises(TypeError, match="'features' has the dtype uint8"):
        dense(b"\0" * 64)


# Out


def test_consumers_see_the_memory(dense: Any) -> None:
    tensor = dense.inputs[0]
    view = np.from_dlpack(tensor)
    assert np.shares_memory(view, tensor.array)
    view[...] = ROW
    dense.run()
    assert_same_bits(np.from_dlpack(dense.outputs[0]), dense(ROW))
    assert tensor.__dlpack_device__() == (CPU, 0)
    assert np.shares_memory(np.asarray(tensor), tensor.array)
    buffer = memoryview(tensor)
    assert (buffer.format, buffer.shape, buffer.readonly) == ("f", (1, 64), False)


def test_a_tensor_is_an_input(dense: Any) -> None:
    with zl.load(DENSE) as other:
        other.inputs[0].array[...] = ROW
        assert_same_bits(dense(other.inputs[0]), dense(ROW))


@pytest.mark.parametrize("max_version", [None, (0, 8), (1, 0), (1, 3), (2, 0)])
def test_capsules_of_the_version_that_is_asked_for(dense: Any, max_version: Any) -> None:
    capsule = dense.inputs[0].__dlpack__(max_version=max_version)
    name = "dltensor_versioned" if max_version is not None and max_version[0] >= 1 else "dltensor"
    assert f'"{name}"' in repr(capsule)


def test_copies(dense: Any) -> None:
    class Copying:
        def __init__(self, tensor: zl.Tensor) -> None:
            self.tensor = tensor

        def __dlpack_device__(self) -> tuple[int, int]:
            return self.tensor.__dlpack_device__()

        def __dlpack__(self, **request: Any) -> Any:
            return self.tensor.__dlpack__(max_version=request["max_version"], copy=True)

    dense.inputs[0].array[...] = ROW
    copy = np.from_dlpack(Copying(dense.inputs[0]))
    assert not np.shares_memory(copy, dense.inputs[0].array)
    dense.inputs[0].array[...] = 0
    assert_same_bits(copy, ROW)


def test_streams_and_devices_are_refused(dense: Any) -> None:
    tensor: Any = dense.inputs[0]
    with pytest.raises(BufferError, match="no streams; leave stream out"):
        tensor.__dlpack__(stream=1)
    with pytest.raises(BufferError, match=r"not copied to the device \(2, 0\)"):
        tensor.__dlpack__(dl_device=(CUDA, 0))
    assert tensor.__dlpack__(dl_device=(CPU, 0), copy=False) is not None


@pytest.mark.parametrize("kind", ["dlpack", "buffer"])
def test_views_outlive_resizing_and_the_model(kind: str) -> None:
    def view_of(tensor: Any) -> np.ndarray:
        return np.from_dlpack(tensor) if kind == "dlpack" else np.asarray(memoryview(tensor))

    with zl.load(DENSE) as model:
        features = view_of(model.inputs[0])
        features[...] = ROW
        model.resize(features=(3, 64))
        assert not np.shares_memory(features, model.inputs[0].array)
        scores = view_of(model.outputs[0])
        expected = model(np.repeat(ROW, 3, axis=0))
    del model
    gc.collect()
    assert_same_bits(features, ROW)
    assert_same_bits(scores, expected)


def test_unused_capsules_let_the_memory_go(dense: Any) -> None:
    bound = zl.empty((1, 64))
    gone = weakref.ref(bound)
    dense.bind(features=bound)
    capsules = [dense.inputs[0].__dlpack__(max_version=version) for version in (None, (1, 0))]
    dense.bind(features=None)
    del bound
    gc.collect()
    assert gone() is not None  # the capsules have it
    del capsules
    gc.collect()
    assert gone() is None


def test_what_has_no_such_views() -> None:
    for name in ("dtype_int4_input", "string_passthrough"):
        with zl.load(zoo.model_path(name)) as model:
            tensor: Any = model.inputs[0]
            with pytest.raises(BufferError, match=r"DLPack has no type .* use its \.array"):
                tensor.__dlpack__()
            with pytest.raises(BufferError, match="the buffer protocol has no format"):
                memoryview(tensor)
    with zl.load(zoo.model_path("dtype_bfloat16")) as model:
        tensor = model.inputs[0]
        with pytest.raises(BufferError, match="no format for elements of bfloat16"):
            memoryview(tensor)
        assert np.shares_memory(np.asarray(model.inputs[0]), model.inputs[0].array)
