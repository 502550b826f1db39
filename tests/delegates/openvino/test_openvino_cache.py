"""What OpenVINO compiled, kept for later loads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo

pytest.importorskip("openvino", reason="needs the extra openvino")

MOBILENET = zoo.model_path("small_mobilenet")


def answer(cache: Path, path: Path = MOBILENET, threads: int = 1) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """What a model answers that OpenVINO computes with this cache."""
    delegate = zl.OpenVino(cache=cache, threads=threads)
    with zl.load(path, delegates=delegate, fallback=False) as model:
        assert set(model.delegation.operators) == {"OpenVINO"}
        x = np.random.default_rng(0).random(model.inputs[0].shape, np.float32)
        value = model(x)
        assert isinstance(value, np.ndarray)
        return value


def kept(cache: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in cache.iterdir()}


def test_a_second_load_finds_what_the_first_has_left(tmp_path: Path) -> None:
    cache = tmp_path / "made" / "by" / "load"
    expected = answer(cache)
    first = kept(cache)
    assert len(first) == 1
    [file] = cache.iterdir()
    before = file.stat().st_mtime_ns
    np.testing.assert_array_equal(answer(cache), expected)
    assert kept(cache) == first
    assert file.stat().st_mtime_ns == before


def test_models_and_settings_have_files_of_their_own(tmp_path: Path) -> None:
    answer(tmp_path)
    answer(tmp_path, threads=2)
    assert len(kept(tmp_path)) == 2
    answer(tmp_path, zoo.model_path("small_mobilenet_float16"))
    assert len(kept(tmp_path)) == 3


def test_signatures_have_files_of_their_own(tmp_path: Path) -> None:
    path = zoo.model_path("multi_signature_with_default")
    for _ in range(2):
        with zl.load(path) as plain, zl.load(path, delegates=zl.OpenVino(cache=tmp_path), fallback=False) as model:
            assert len(kept(tmp_path)) == len(model.signatures)
            for key, signature in model.signatures.items():
                values = {name: np.ones(tensor.shape, tensor.dtype) for name, tensor in signature.inputs.items()}
                np.testing.assert_allclose(signature(values), plain.signatures[key](values), rtol=1e-5)


def test_other_shapes_leave_nothing(tmp_path: Path) -> None:
    path = zoo.model_path("dense_2layer")
    with zl.load(path, delegates=zl.OpenVino(cache=tmp_path)) as model:
        model.resize(features=(3, 64))
        model.run()
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda _content: b"",
        lambda _content: b"something else" * 100,
    ],
    ids=["cut", "changed", "empty", "foreign"],
)
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    expected = answer(tmp_path)
    [file] = tmp_path.iterdir()
    good = file.read_bytes()
    file.write_bytes(damage(good))
    np.testing.assert_array_equal(answer(tmp_path), expected)
    assert file.stat().st_size == len(good)
    assert file.read_bytes() != damage(good)


def test_a_directory_that_is_none(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.touch()
    with pytest.raises(OSError, match="file"):
        zl.load(MOBILENET, delegates=zl.OpenVino(cache=place))


def test_a_directory_that_everybody_may_write_to(tmp_path: Path) -> None:
    place = tmp_path / "open"
    place.mkdir()
    place.chmod(0o777)
    with pytest.raises(PermissionError):
        zl.load(MOBILENET, delegates=zl.OpenVino(cache=place))
    assert not kept(place)


def test_replicas_share_it(tmp_path: Path) -> None:
    with zl.Pool(MOBILENET, workers=2, delegates=zl.OpenVino(cache=tmp_path)) as pool:
        assert len(kept(tmp_path)) == 1
        x = np.ones((4, *pool.inputs[0].shape[1:]), np.float32)
        assert len(pool.map(x)) == len(x)


def test_a_path_that_can_not_be_passed_on() -> None:
    with pytest.raises(ValueError, match="cache is ''"):
        zl.OpenVino(cache="")
    with pytest.raises(TypeError):
        zl.OpenVino(cache=3)  # type: ignore[arg-type]
