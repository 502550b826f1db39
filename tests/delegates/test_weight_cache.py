"""`XNNPack(weight_cache=...)`: whatever is at that path, results are the same."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.batches import Items, outputs_by_name
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import Array
from tests.support.python_process import answer_of, run_python

SMALL_CNN = zoo.model_path("small_cnn")

# Answers with a digest of what the model of argument 1 gives with the weight cache of argument 2 ("" is none).
PROGRAM = """
import hashlib, os, sys
import numpy as np
import zerolite as zl
content = open(sys.argv[1], "rb").read()
inputs = np.random.default_rng(0)
if "without rights" in sys.argv[3:] and os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
digest = hashlib.sha256()
try:
    with zl.load(content, delegates=zl.XNNPack(weight_cache=sys.argv[2] or None)) as model:
        for _ in range(3):
            values = inputs.standard_normal(model.inputs[0].shape).astype(np.float32)
            digest.update(model(values).tobytes())
    print(digest.hexdigest())
except (zl.Error, OSError) as error:
    print("refused:", error)
"""


@pytest.fixture(scope="module")
def expected() -> str:
    return answer_of(PROGRAM, str(SMALL_CNN), "")


@pytest.fixture(scope="module")
def sound_cache(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("cache") / "weights"
    answer_of(PROGRAM, str(SMALL_CNN), str(path))
    return path.read_bytes()


def with_cache(name: str, path: Path) -> dict[str, Array]:
    """What a model gives for a few items with this cache."""
    entry = zoo.load_manifest()[name]
    with zl.load(entry.path, delegates=zl.XNNPack(weight_cache=path)) as model:
        items = Items(entry, model.key)
        runs = items.one_by_one(model.signatures[model.key], items.batch(model, 4 * items.per_run, seed=0))
        return {output: items.join([run[output] for run in runs]) for output in runs[0]}


# The runtime packs in one file what several graphs need, so that models with several signatures are of interest, too.
@pytest.mark.parametrize(
    "name",
    [
        "dense_2layer",
        "dense_2layer_dynamic_range",
        "dense_2layer_float16",
        "small_cnn",
        "small_cnn_int8",
        "small_mobilenet",
        "mixed_chain",
        "sparse_weights",
        "int4_weights",
        "multi_signature_with_default",
        "builtin_chain",
    ],
)
def test_second_load_gives_the_same(name: str, tmp_path: Path) -> None:
    entry = zoo.load_manifest()[name]
    with zl.load(entry.path) as model:
        items = Items(entry, model.key)
        expected = items.expected(items.batch(model, 4 * items.per_run, seed=0))
    cache = tmp_path / "weights"
    for _ in range(3):
        answer = with_cache(name, cache)
        for output, array in expected.items():
            assert_same_bits(answer[output], array, output)


def test_the_second_load_reads_what_the_first_wrote(tmp_path: Path) -> None:
    cache = tmp_path / "weights"
    with_cache("small_cnn", cache)
    before = cache.read_bytes(), cache.stat().st_mtime_ns
    assert len(before[0]) > 1000
    with_cache("small_cnn", cache)
    assert (cache.read_bytes(), cache.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [cache]


@pytest.mark.parametrize(
    "file_name", ["plain", "with space", "Grüße-日本", 'quo"te', "back\\slash", "#hash=x", "tab\there", "line\nbreak"]
)
def test_file_names(file_name: str, tmp_path: Path) -> None:
    cache = tmp_path / file_name
    first = with_cache("dense_2layer", cache)
    assert cache.stat().st_size > 0
    for output, array in with_cache("dense_2layer", cache).items():
        assert_same_bits(array, first[output])
    assert list(tmp_path.iterdir()) == [cache]


def test_settings_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="null character"):
        zl.XNNPack(weight_cache="a\0b")
    with pytest.raises(ValueError, match="names no file"):
        zl.XNNPack(weight_cache="")
    for wrong in (3, 1.5, ["a"], b"bytes"):
        with pytest.raises(TypeError, match="str"):
            zl.XNNPack(weight_cache=wrong)  # type: ignore[arg-type]
    for kernels in ("builtin", "reference"):
        with pytest.raises(ValueError, match="other kernels were chosen"):
            zl.load(SMALL_CNN, delegates=zl.XNNPack(weight_cache=tmp_path / "weights", kernels=kernels))


# What is at the path before


CONTENTS: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "one byte": lambda _: b"x",
    "zeros": lambda sound: bytes(len(sound)),
    "text": lambda _: b"nothing that a cache would say\n" * 500,
    "noise": lambda _: np.random.default_rng(0).bytes(5000),
    "noise of the right length": lambda sound: np.random.default_rng(0).bytes(len(sound)),
    "a model": lambda _: SMALL_CNN.read_bytes(),
    "a longer cache": lambda sound: sound + b"more" * 100,
    **{
        f"the first {share}": lambda sound, share=share: sound[: int(len(sound) * share)]  # type: ignore[misc]
        for share in (0.0005, 0.001, 0.1, 0.5, 0.99)
    },
    "all but a byte": lambda sound: sound[:-1],
    "the header and zeros": lambda sound: sound[:48] + bytes(len(sound) - 48),
}


@pytest.mark.parametrize("what", CONTENTS)
def test_a_file_that_is_no_sound_cache(what: str, tmp_path: Path, expected: str, sound_cache: bytes) -> None:
    cache = tmp_path / "weights"
    cache.write_bytes(CONTENTS[what](sound_cache))
    assert answer_of(PROGRAM, str(SMALL_CNN), str(cache)) == expected
    assert cache.read_bytes() == sound_cache


def test_packed_weights_that_were_damaged(tmp_path: Path, expected: str, sound_cache: bytes) -> None:
    cache = tmp_path / "weights"
    middle = len(sound_cache) // 2
    damage = bytes(byte ^ 0x80 for byte in sound_cache[middle : middle + 4096])
    cache.write_bytes(sound_cache[:middle] + damage + sound_cache[middle + 4096 :])
    assert answer_of(PROGRAM, str(SMALL_CNN), str(cache)) == expected
    assert cache.read_bytes() == sound_cache


def test_a_flipped_bit_anywhere(tmp_path: Path, sound_cache: bytes) -> None:
    cache = tmp_path / "weights"

    header = st.integers(0, 127)
    anywhere = st.integers(0, len(sound_cache) - 1)

    @given(place=header | anywhere, bit=st.integers(0, 7))
    def flip(place: int, bit: int) -> None:
        damaged = bytearray(sound_cache)
        damaged[place] ^= 1 << bit
        cache.write_bytes(damaged)
        with zl.load(SMALL_CNN, delegates=zl.XNNPack(weight_cache=cache)):
            assert cache.read_bytes() == sound_cache

    flip()


def retrained(content: bytes) -> bytes:
    """A model of the same structure with other weights: some long run of them changes its sign."""
    values = np.frombuffer(content, np.float32, len(content) // 4).copy()
    plausible = (np.abs(values) > 1e-4) & (np.abs(values) < 1)
    windows = np.lib.stride_tricks.sliding_window_view(plausible, 64).all(axis=1)
    starts = np.flatnonzero(windows)
    middle = starts[len(starts) // 2]
    values[middle : middle + 64] *= -1
    return values.tobytes() + content[values.nbytes :]


def test_the_cache_of_the_same_model_with_other_weights(tmp_path: Path) -> None:
    cache, other = tmp_path / "weights", tmp_path / "retrained.tflite"
    other.write_bytes(retrained(SMALL_CNN.read_bytes()))
    before = answer_of(PROGRAM, str(SMALL_CNN), str(cache))
    expected = answer_of(PROGRAM, str(other), "")
    assert expected != before
    assert answer_of(PROGRAM, str(other), str(cache)) == expected
    assert answer_of(PROGRAM, str(SMALL_CNN), str(cache)) == before


def test_the_cache_of_another_model(tmp_path: Path, expected: str) -> None:
    cache = tmp_path / "weights"
    dense = zoo.model_path("dense_2layer")
    answers = []
    for model in (dense, SMALL_CNN, dense, SMALL_CNN):
        process = run_python(PROGRAM, str(model), str(cache))
        assert process.returncode == 0
        answers.append((process.stdout, process.stderr))
    assert [answer for answer, _ in answers[1::2]] == [expected] * 2
    assert answers[0][0] == answers[2][0]
    assert [errors for _, errors in answers] == [""] * 4


def test_the_cache_of_another_model_does_no_harm(tmp_path: Path, expected: str) -> None:
    cache = tmp_path / "weights"
    dense = zoo.model_path("dense_2layer")
    first = run_python(PROGRAM, str(dense), str(cache)).stdout
    for _ in range(2):
        assert run_python(PROGRAM, str(SMALL_CNN), str(cache)).stdout == expected
        assert run_python(PROGRAM, str(dense), str(cache)).stdout == first


# Where nothing can be written


@pytest.mark.parametrize("where", ["missing/directory/weights", ".", "x" * 300, "model.tflite/weights"])
def test_a_path_that_can_not_be_a_file(where: str, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(SMALL_CNN.read_bytes())
    answer = answer_of(PROGRAM, str(SMALL_CNN), str(tmp_path / where))
    assert answer.startswith("refused:")
    assert str(tmp_path / where) in answer
    assert {path.name for path in tmp_path.iterdir()} == {"model.tflite"}


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """One that users without rights reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("what", ["sound", "missing", "foreign"])
def test_a_file_that_can_not_be_written(what: str, open_directory: Path, expected: str, sound_cache: bytes) -> None:
    cache = open_directory / "weights"
    if what != "missing":
        cache.write_bytes(sound_cache if what == "sound" else b"something else")
        cache.chmod(0o444)
    open_directory.chmod(0o555)
    answer = answer_of(PROGRAM, str(SMALL_CNN), str(cache), "without rights")
    open_directory.chmod(0o755)
    if what == "sound":
        assert answer == expected
    else:
        assert answer == f"refused: [Errno 13] Permission denied: {str(cache)!r}\n"
    assert {path.name for path in open_directory.iterdir()} <= {cache.name}


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full"])
def test_devices(device: str) -> None:
    assert answer_of(PROGRAM, str(SMALL_CNN), device) == f"refused: [Errno 22] Invalid argument: {device!r}\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")
def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "weights")
    assert answer_of(PROGRAM, str(SMALL_CNN), str(tmp_path / "weights")).startswith("refused: [Errno 22]")


@pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode != 0,
    reason="no right to mount a small disk",
)
def test_a_full_disk(tmp_path: Path, sound_cache: bytes) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f'mount -t tmpfs -o size={len(sound_cache) // 2} none "$1" && "$2" -c "$3" "$4" "$1/weights" && ls -A "$1"'
    command = ["unshare", "-rm", "sh", "-c", script, "sh", str(disk), sys.executable, PROGRAM, str(SMALL_CNN)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.stderr == ""
    assert process.stdout == f"refused: [Errno 28] No space left on device: {str(disk / 'weights')!r}\n"


# Several at once


def test_two_processes_that_start_at_once(tmp_path: Path, expected: str) -> None:
    cache = tmp_path / "weights"
    with ThreadPoolExecutor(3) as starters:
        starts = [starters.submit(answer_of, PROGRAM, str(SMALL_CNN), str(cache)) for _ in range(3)]
        assert [start.result() for start in starts] == [expected] * 3
    assert answer_of(PROGRAM, str(SMALL_CNN), str(cache)) == expected


def test_models_of_one_process(tmp_path: Path) -> None:
    entry = zoo.load_manifest()["small_cnn"]
    items = Items(entry, "serving_default")
    delegate = zl.XNNPack(weight_cache=tmp_path / "weights")
    with zl.load(entry.path, delegates=delegate) as first, zl.load(entry.path, delegates=delegate) as second:
        batch = items.batch(first, 5, seed=0)
        expected = items.expected(batch)
        for model in (second, first, second):
            answer = outputs_by_name(model, model.map(next(iter(batch.values()))))
            for output, array in expected.items():
                assert_same_bits(answer[output], array)
        second.close()
        for output, array in outputs_by_name(first, first.map(next(iter(batch.values())))).items():
            assert_same_bits(array, expected[output])


def test_the_file_goes_while_the_model_lives(tmp_path: Path) -> None:
    cache = tmp_path / "weights"
    entry = zoo.load_manifest()["small_cnn"]
    items = Items(entry, "serving_default")
    for _ in range(2):
        with zl.load(entry.path, delegates=zl.XNNPack(weight_cache=cache)) as model:
            batch: dict[str, Any] = items.batch(model, 5, seed=0)
            expected = items.expected(batch)
            values = next(iter(batch.values()))
            model(values[:1])
            cache.unlink()
            for output, array in outputs_by_name(model, model.map(values, chunk=1)).items():
                assert_same_bits(array, expected[output])
            for output, array in outputs_by_name(model, model.map(values, chunk=5)).items():
                assert_same_bits(array, expected[output])


def test_replicas_of_a_pool_share_the_file(tmp_path: Path) -> None:
    entry = zoo.load_manifest()["small_cnn"]
    cache = tmp_path / "weights"
    with zl.load(entry.path) as model:
        items = Items(entry, model.key)
        batch = next(iter(items.batch(model, 8, seed=0).values()))
        expected: Any = model.map(batch)
    for _ in range(2):
        with zl.Pool(entry.path, workers=3, delegates=zl.XNNPack(weight_cache=cache)) as pool:
            answer: Any = pool.map(batch)
            assert_same_bits(answer, expected)
    assert list(tmp_path.iterdir()) == [cache]
