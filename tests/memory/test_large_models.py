"""Files that are mapped instead of copied, and weights that replicas hold once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo as zoo
from tests.support.process_memory import needs_proc
from tests.support.python_process import answer_of

DENSE = zoo.model_path("dense_2layer")
MEBIBYTE = 2**20
LARGEST_COPY = 64 * MEBIBYTE
X = np.linspace(-1, 1, 64, dtype=np.float32)[np.newaxis]


def dense_of_size(path: Path, size: int) -> Path:
    """The dense model, with as much nothing behind it as fills the size; nothing takes no room on the disk."""
    shutil.copyfile(DENSE, path)
    os.truncate(path, size)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return dense_of_size(tmp_path / "large.tflite", LARGEST_COPY + 1)


def expected() -> np.ndarray:
    with zl.load(DENSE) as model:
        return model(X)


@pytest.mark.parametrize(("size", "mapped"), [(LARGEST_COPY, False), (LARGEST_COPY + 1, True)])
def test_files_above_a_size_are_mapped(tmp_path: Path, size: int, mapped: bool) -> None:
    with zl.load(dense_of_size(tmp_path / "model.tflite", size)) as model:
        assert model.mapped is mapped
        assert model.size == size
        np.testing.assert_array_equal(model(X), expected())


@pytest.mark.parametrize("mapped", [True, False])
def test_whether_a_file_is_mapped_can_be_said(large: Path, mapped: bool) -> None:
    for path in (large, DENSE):
        with zl.load(path, map=mapped) as model:
            assert model.mapped is mapped
            np.testing.assert_array_equal(model(X), expected())
        with zl.Pool(path, workers=2, map=mapped) as pool:
            np.testing.assert_array_equal(pool.submit(X).result(), expected())


def test_bytes_cannot_be_mapped() -> None:
    with pytest.raises(ValueError, match="bytes in memory are no file; load the model from its path"):
        zl.load(DENSE.read_bytes(), map=True)
    with zl.load(DENSE.read_bytes(), map=False) as model:
        assert not model.mapped


def test_what_is_looked_at_first_is_not_mapped() -> None:
    with pytest.raises(ValueError, match="leave map out"):
        zl.load(DENSE, map=True, verify="isolated")


@pytest.mark.parametrize("mapped", [True, False])
def test_a_file_that_is_put_in_its_place_changes_nothing(large: Path, mapped: bool) -> None:
    with zl.load(large, map=mapped) as model:
        shutil.copyfile(zoo.model_path("small_cnn"), large.with_suffix(".new"))
        large.with_suffix(".new").replace(large)
        np.testing.assert_array_equal(model(X), expected())
        assert model.profile(runs=1).runs == 1  # which makes a replica
    assert zl.load(large).inputs[0].shape != X.shape


def test_a_mapped_file_that_was_written_to_makes_no_replicas(large: Path) -> None:
    with zl.load(large) as model:
        with large.open("r+b") as file:
            file.seek(0, os.SEEK_END)
            file.write(b"\0")
        with pytest.raises(zl.InvalidModelError, match=r"large.tflite was written to .* load it with map=False"):
            model.profile(runs=1)
    with zl.load(large, map=False) as model:
        with large.open("r+b") as file:
            file.truncate(10)
        assert model.profile(runs=1).runs == 1
        np.testing.assert_array_equal(model(X), expected())


PEAK_OF_LOADING = """
import sys
import numpy as np
import zerolite as zl
from tests.support.process_memory import peak_resident_bytes

_, interpreted, path, access = sys.argv if len(sys.argv) > 3 else [*sys.argv, ""]
before = peak_resident_bytes()
if interpreted == "True":
    interpreter = zl.Interpreter(path)
    interpreter.allocate_tensors()
    interpreter.invoke()
else:
    model = zl.load(path, map={"": None, "copied": False}[access])
    model(np.zeros((1, 64), np.float32))
print(peak_resident_bytes() - before)
"""


@needs_proc
@pytest.mark.parametrize("interpreted", [False, True])
def test_what_is_not_read_of_a_large_file_takes_no_memory(tmp_path: Path, interpreted: bool) -> None:
    large = dense_of_size(tmp_path / "large.tflite", 512 * MEBIBYTE)
    assert int(answer_of(PEAK_OF_LOADING, str(interpreted), str(large))) < 60 * MEBIBYTE
    if not interpreted:
        assert int(answer_of(PEAK_OF_LOADING, "False", str(large), "copied")) > 500 * MEBIBYTE


ANONYMOUS_MEMORY_OF_A_POOL = """
import sys
import numpy as np
import zerolite as zl
from tests.support.process_memory import anonymous_bytes

_, path, workers = sys.argv
x = np.ones((1, 2048), np.float32)
before = anonymous_bytes()
with zl.Pool(path, workers=int(workers)) as pool:
    results = [future.result() for future in [pool.submit(x) for _ in range(12)]]
    assert all((result == results[0]).all() for result in results)
    print(anonymous_bytes() - before)
"""


@pytest.fixture
def heavy(tmp_path: Path) -> Path:
    """One layer of 16 MiB."""
    builder = GraphBuilder()
    weights = np.random.default_rng(0).standard_normal((2048, 2048)).astype(np.float32)
    x, y = builder.tensor("x", [1, 2048]), builder.tensor("y", [1, 2048])
    builder.operator(Op.FULLY_CONNECTED, [x, builder.constant("weights", weights), -1], [y])
    builder.interface([x], [y])
    path = tmp_path / "heavy.tflite"
    path.write_bytes(builder.finish())
    return path


@needs_proc
def test_no_replica_holds_packed_weights_of_its_own(heavy: Path) -> None:
    one, three = (int(answer_of(ANONYMOUS_MEMORY_OF_A_POOL, str(heavy), workers)) for workers in ("1", "3"))
    assert one > 16 * MEBIBYTE
    assert three < 24 * MEBIBYTE  # the file's bytes and what threads need; the packed weights are in shared memory


def test_replicas_that_share_large_weights_are_all_usable(heavy: Path) -> None:
    x = np.random.default_rng(1).standard_normal((9, 2048)).astype(np.float32)
    with zl.load(heavy) as model:
        expected = model.map(x)
    with zl.Pool(heavy, workers=3) as pool:
        assert pool.inputs["x"].shape == (1, 2048)
        np.testing.assert_array_equal(pool.map(x), expected)
        np.testing.assert_array_equal(np.concatenate(list(pool.imap(x[:, np.newaxis]))), expected)
