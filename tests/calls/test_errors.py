"""Sources that are no model: files, bytes and what else may be handed in. Nothing crashes, hangs or prints."""

from __future__ import annotations

import array
import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo as zoo
from tests.support.python_process import answer_of, run_python

DENSE = zoo.model_path("dense_2layer")
CONTENT = DENSE.read_bytes()
VALUES = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
EXPECTED = zoo.reference_run(DENSE, [VALUES])[0]


def assert_runs(model: zl.CompiledModel) -> None:
    for _ in range(3):
        np.testing.assert_array_equal(model(VALUES), EXPECTED)


@pytest.fixture(autouse=True)
def nothing_printed(capfd: pytest.CaptureFixture[str]) -> Any:
    yield
    assert capfd.readouterr() == ("", "")


# Files


def test_paths(tmp_path: Path) -> None:
    class PathLike:
        def __fspath__(self) -> str:
            return str(DENSE)

    odd = tmp_path / "größe 'quoted' \"twice\" \\ \n 模型.tflite"
    odd.write_bytes(CONTENT)
    for source in (DENSE, str(DENSE), PathLike(), odd):
        with zl.load(source) as model:
            assert_runs(model)
            assert model.name == os.fspath(source)
            assert model.size == len(CONTENT)


def test_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.tflite").write_bytes(CONTENT)
    monkeypatch.chdir(tmp_path)
    with zl.load("model.tflite") as model:
        assert_runs(model)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        zl.load(tmp_path / "no.tflite")
    assert caught.value.filename == str(tmp_path / "no.tflite")
    with pytest.raises(NotADirectoryError):
        zl.load(DENSE / "no.tflite")
    with pytest.raises(FileNotFoundError):
        zl.load("")


def test_directory(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        zl.load(tmp_path)
    assert caught.value.filename == str(tmp_path)


def test_fifo_and_device(tmp_path: Path) -> None:
    """Refused, not waited for."""
    os.mkfifo(tmp_path / "fifo.tflite")
    for path in (tmp_path / "fifo.tflite", Path("/dev/zero")):
        with pytest.raises(OSError, match=path.name):
            zl.load(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(CONTENT)
    path.chmod(0)
    with pytest.raises(PermissionError, match=r"model\.tflite"):
        zl.load(path)


CONTENTS = {
    "empty": (b"", "is empty"),
    "one byte": (b"\0", "identifier TFL3"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(1000), "identifier TFL3"),
    "text": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "identifier TFL3"),
    "identifier only": (b"\0\0\0\0TFL3", "sound"),
    "half": (CONTENT[: len(CONTENT) // 2], "sound"),
    "without its last byte": (CONTENT[:-1], "sound"),
    "zeros after the header": (CONTENT[:8] + bytes(len(CONTENT) - 8), "sound"),
    "ones after the header": (CONTENT[:8] + b"\xff" * (len(CONTENT) - 8), "sound"),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_what_is_no_model(kind: str, tmp_path: Path) -> None:
    content, message = CONTENTS[kind]
    path = tmp_path / "weights.tflite"
    path.write_bytes(content)
    with pytest.raises(zl.InvalidModelError, match=message) as caught:
        zl.load(path)
    assert str(path) in str(caught.value)
    with pytest.raises(zl.InvalidModelError, match=message) as caught:
        zl.load(content)
    assert "the model in memory" in str(caught.value)


def test_path_that_is_no_text(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.tflite"))
    path.write_bytes(CONTENT)
    with zl.load(path) as model:
        assert_runs(model)
        assert os.fsencode(model.name) == os.fsencode(path)
        assert "tflite" in repr(model)
    path.write_bytes(b"")
    with pytest.raises(zl.InvalidModelError, match="is empty"):
        zl.load(path)


def test_nul_byte_in_a_path() -> None:
    """The system would open the file whose name ends before it."""
    with pytest.raises(ValueError, match="null"):
        zl.load(f"{DENSE}\0.txt")


def test_file_may_change_after_loading(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(CONTENT)
    with zl.load(path) as model:
        model(VALUES)
        path.write_bytes(b"\xff" * len(CONTENT))
        assert_runs(model)
        os.truncate(path, 0)
        model.resize(features=(2, 64))
        model.resize(features=(1, 64))
        assert_runs(model)
        path.unlink()
        assert_runs(model)


# Bytes


@pytest.mark.parametrize(
    "source",
    [
        CONTENT,
        bytearray(CONTENT),
        memoryview(CONTENT),
        memoryview(bytearray(CONTENT)).cast("I") if len(CONTENT) % 4 == 0 else memoryview(CONTENT),
        memoryview(b"\0" + CONTENT)[1:],
        memoryview(b"".join(bytes([byte, 0]) for byte in CONTENT))[::2],
        memoryview(CONTENT[::-1])[::-1],
        np.frombuffer(CONTENT, np.uint8),
        array.array("B", CONTENT),
    ],
    ids=["bytes", "bytearray", "memoryview", "integers", "unaligned", "strided", "reversed", "NumPy", "array"],
)
def test_buffers(source: Any) -> None:
    with zl.load(source) as model:
        assert_runs(model)


def test_memory_map(tmp_path: Path) -> None:
    with DENSE.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        source: Any = mapped
        with zl.load(source) as model:
            assert_runs(model)


def test_bytes_may_change_after_loading() -> None:
    content = bytearray(CONTENT)
    with zl.load(content) as model:
        content[:] = b"\xff" * len(content)
        content.clear()  # the model holds no buffer of it
        assert_runs(model)


@pytest.mark.parametrize(
    "source", [None, 3, 1.5, ["model.tflite"], object(), DENSE.open], ids=lambda source: type(source).__name__
)
def test_wrong_types(source: Any) -> None:
    with pytest.raises(TypeError, match="path"):
        zl.load(source)


# Options


@pytest.mark.parametrize("threads", [0, -1, 1025, 2**31, 2**70])
def test_wrong_numbers_of_threads(threads: int) -> None:
    with pytest.raises(ValueError, match=r"threads.*1 to 1024"):
        zl.load(DENSE, threads=threads)


@pytest.mark.parametrize("threads", [1.5, "2", [1]])
def test_wrong_types_of_threads(threads: Any) -> None:
    with pytest.raises(TypeError, match=r"threads.*int") as caught:
        zl.load(DENSE, threads=threads)
    assert "incompatible" not in str(caught.value)
    assert "TFL3" not in str(caught.value)


def test_wrong_delegates() -> None:
    with pytest.raises(ValueError, match=r"'fast'.*'delegate', 'builtin', 'reference'"):
        zl.XNNPack(kernels="fast")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="XNNPack"):
        zl.load(DENSE, delegates="xnnpack")  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads_do_not_change_the_result(threads: int) -> None:
    with zl.load(DENSE, threads=threads) as model:
        assert model.threads == threads
        assert_runs(model)


# Damage


def test_every_truncation_is_refused() -> None:
    program = """
import sys

import zerolite as zl

content = open(sys.argv[1], "rb").read()
refused = 0
for length in range(len(content)):
    try:
        zl.load(content[:length]).run()
    except zl.Error:
        refused += 1
print(refused == len(content))
"""
    smallest = min((entry.path for entry in zoo.models()), key=lambda path: path.stat().st_size)
    for path in (smallest, zoo.model_path("two_signatures_one_subgraph")):
        assert answer_of(program, str(path)) == "True\n"


def test_kernels_that_fail_leave_the_model_usable() -> None:
    with zl.load(zoo.model_path("gather")) as model:
        values = np.arange(10, dtype=np.float32)
        for _ in range(3):
            with pytest.raises(zl.Error, match=r"serving_default.*gather"):
                model(x=values, index=np.array([0, 10, 2]))
            np.testing.assert_array_equal(model(x=values, index=np.array([9, 0, 5])), [9, 0, 5])
    with zl.load(zoo.model_path("integer_division")) as model:
        x, y = np.array([6, -7, 8, 9], np.int32), np.array([1, 2, 3, 4], np.int32)
        for _ in range(3):
            with pytest.raises(zl.Error, match=r"serving_default.*div"):
                model(x=x, y=np.array([1, 0, 1, 1], np.int32))
            np.testing.assert_array_equal(
                model(x=x, y=y), zoo.reference_run(zoo.model_path("integer_division"), [x, y])[0]
            )
    with zl.load(zoo.model_path("runtime_reshape")) as model:
        twelve = np.arange(12, dtype=np.float32).reshape(2, 6)
        for rows in (3, 5, 4, 7, 1):
            if 12 % rows:
                with pytest.raises(zl.Error, match="serving_default"):
                    model(x=twelve, rows=np.int32(rows))
            else:
                np.testing.assert_array_equal(model(x=twelve, rows=np.int32(rows)), twelve.reshape(rows, -1))


def test_memory_that_runs_out_in_a_call_is_a_memory_error() -> None:
    """The runtime makes the numbers, and there is no memory for the copy of them; the next call is as good as any."""
    program = """
import resource
import zerolite as zl
from tests.support import model_zoo as zoo

COUNT = 100_000_000
with zl.load(zoo.model_path("runtime_range")) as model:
    model(3)
    used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize"))
    limit = (used << 10) + 4 * COUNT + (100 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        model(COUNT)
    except MemoryError:
        print("MemoryError", model(3).tolist())
"""
    process = run_python(program)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout == "MemoryError [0, 1, 2]\n"


def test_an_exception_of_the_runtime_is_an_error() -> None:
    """LiteRT 2.3.0 throws std::out_of_range over a rank that the file keeps quiet about; it is no IndexError here."""
    builder = GraphBuilder()
    x, y = builder.tensor("x", [1, 16]), builder.tensor("y", [16, 1])
    sizes = builder.constant("sizes", np.array([16] + [1] * 15, np.int32))
    builder.operator(Op.RESHAPE, [x, sizes], [y])
    builder.interface([x], [y])
    with pytest.raises(zl.Error):
        zl.load(builder.finish())
