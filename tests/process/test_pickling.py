"""Models, signatures and pools on their way to other processes, and copies of them in this one."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo

DENSE = zoo.model_path("dense_2layer")
X = np.linspace(-1, 1, 64, dtype=np.float32)[np.newaxis]


def again(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def run(model: Any) -> np.ndarray:
    return np.asarray(model(X))


@pytest.mark.parametrize("source", [DENSE, DENSE.read_bytes()], ids=["path", "bytes"])
@pytest.mark.parametrize("duplicate", [again, copy.copy, copy.deepcopy])
def test_a_model_comes_back_as_it_was_loaded(source: Any, duplicate: Any) -> None:
    with zl.load(source, threads=2, delegates=zl.XNNPack(flags={"qu8": False}), verify="full") as model:
        model.inputs[0].array[...] = 5
        with duplicate(model) as other:
            assert other.threads == 2
            assert repr(other.delegation) == repr(model.delegation)
            assert other.name == model.name
            np.testing.assert_array_equal(other(X), model(X))
            other.inputs[0].array[...] = 6
            assert not (model.inputs[0].array == 6).any()


@pytest.mark.parametrize("duplicate", [again, copy.copy, copy.deepcopy])
def test_shapes_come_along(duplicate: Any) -> None:
    path = zoo.model_path("multi_signature")
    with zl.load(path) as model:
        resizable = [
            (signature, name)
            for signature in model.signatures.values()
            for name, tensor in signature.inputs.items()
            if tensor.shape_signature[:1] == (-1,)
        ]
        assert resizable
        for signature, name in resizable:
            signature.resize({name: (3, *signature.inputs[name].shape[1:])})
        with duplicate(model) as other:
            for key, signature in model.signatures.items():
                for name, tensor in signature.inputs.items():
                    assert other.signatures[key].inputs[name].shape == tensor.shape


@pytest.mark.parametrize("duplicate", [again, copy.copy, copy.deepcopy])
def test_shapes_that_the_graph_was_let_decide_on_come_along(duplicate: Any) -> None:
    with zl.load(DENSE) as model:
        model.resize(features=(1, 128), strict=False)
        with duplicate(model) as other:
            assert other.inputs["features"].shape == (1, 128)


def test_a_signature_comes_back_with_its_model() -> None:
    with zl.load(zoo.model_path("multi_signature")) as model:
        for key, signature in model.signatures.items():
            other = again(signature)
            assert (other.key, list(other.inputs)) == (key, list(signature.inputs))
    kept = again(zl.load(DENSE).signatures["serving_default"])  # whose model nobody holds
    np.testing.assert_array_equal(kept(X), run(zl.load(DENSE)))


def test_a_pool_comes_back_open() -> None:
    with zl.Pool(DENSE, workers=2, delegates=zl.XNNPack(kernels="builtin")) as pool, again(pool) as other:
        assert other.workers == 2
        assert repr(other) == repr(pool)
        np.testing.assert_array_equal(other.map(np.repeat(X, 5, axis=0)), pool.map(np.repeat(X, 5, axis=0)))
    with pytest.raises(zl.Error, match="closed"):
        pickle.dumps(pool)


def test_a_pool_of_a_model_has_its_shapes_and_delegates() -> None:
    with zl.load(zoo.model_path("small_cnn"), delegates=zl.XNNPack(kernels="builtin")) as model:
        image = model.inputs[0].shape
        model.resize({model.inputs[0].name: (4, *image[1:])})
        with zl.Pool(model, workers=2) as pool:
            assert pool.inputs[0].shape == (4, *image[1:])
            batch = np.random.default_rng(0).random((4, *image[1:]), np.float32)
            np.testing.assert_array_equal(pool.submit(batch).result(), model(batch))


def test_a_closed_model_is_not_pickled() -> None:
    model = zl.load(DENSE)
    model.close()
    with pytest.raises(zl.Error, match="closed"):
        pickle.dumps(model)


def test_a_relative_path_is_found_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copyfile(DENSE, tmp_path / "model.tflite")
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps(zl.load("model.tflite"))
    monkeypatch.chdir(Path(os.sep))
    np.testing.assert_array_equal(run(pickle.loads(pickled)), run(zl.load(DENSE)))


def test_another_file_at_the_path_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    shutil.copyfile(DENSE, path)
    pickled = pickle.dumps(zl.load(path))
    shutil.copyfile(zoo.model_path("small_cnn"), path)
    with pytest.raises(ValueError, match=r"model.tflite is not the file that the pickled model was loaded from"):
        pickle.loads(pickled)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"model.tflite"):
        pickle.loads(pickled)


def test_an_interpreter_says_what_can_be_pickled() -> None:
    interpreter = zl.Interpreter(str(DENSE))
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match=r"in each process, or use zl.load, whose models can be"):
            attempt(interpreter)


@pytest.mark.parametrize("source", [DENSE, DENSE.read_bytes()], ids=["path", "bytes"])
def test_models_go_to_processes_that_were_spawned(source: Any) -> None:
    with (
        zl.load(source) as model,
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes,
    ):
        np.testing.assert_array_equal(processes.submit(run, model).result(), model(X))
