"""Delegates in libraries: they take what they can, live as long as they must, and fail in words."""

from __future__ import annotations

import gc
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.model_zoo import ModelEntry
from tests.support.sample_libraries import SampleDelegate

ADDS = zoo.model_path("two_inputs_three_outputs")  # an ADD, a SUB and a FULLY_CONNECTED
STAGES = {
    "create": "made nothing, as it was told",
    "null": "gave no reason",
    "throw": "threw an exception, as it was told",
    "prepare": "refused the graph, as it was told",
    "init": "could not make its kernel, as it was told",
    "kernel": "could not prepare its kernel, as it was told",
}


def inputs_of(model: zl.CompiledModel, seed: int = 0) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    return {name: generator.normal(size=tensor.shape).astype(tensor.dtype) for name, tensor in model.inputs.items()}


def as_dict(model: zl.CompiledModel, answer: Any) -> dict[str, Any]:
    return answer if isinstance(answer, dict) else {next(iter(model.outputs)): answer}


@pytest.mark.parametrize("entry", zoo.models("float", without=["random", "no_signature", "names"]), ids=str)
def test_results_are_those_of_the_cpu(entry: ModelEntry, sample_delegate: SampleDelegate) -> None:
    with (
        zl.load(entry.path) as expected,
        zl.load(entry.path, delegates=zl.ExternalDelegate(sample_delegate.path)) as model,
    ):
        details = zoo.input_details(entry.path, signature=expected.key)
        assert isinstance(details, dict)
        values = zoo.random_inputs(
            details, np.random.default_rng(1), ranges=entry.input_ranges, choices=entry.input_choices
        )
        for _ in range(3):
            answers = as_dict(model, model(values))
            for name, array in as_dict(expected, expected(values)).items():
                np.testing.assert_allclose(answers[name], array, rtol=1e-5, atol=1e-6, err_msg=f"{entry} {name}")


def test_the_reference_agrees(sample_delegate: SampleDelegate) -> None:
    """The library is a delegate to others, too."""
    reference = zoo.reference_interpreter(
        ADDS, experimental_delegates=[litert.load_delegate(str(sample_delegate.path))]
    )
    runner = reference.get_signature_runner("serving_default")
    with zl.load(ADDS, delegates=zl.ExternalDelegate(sample_delegate.path)) as model:
        values = inputs_of(model)
        answers = model(values)
        for name, array in runner(**values).items():
            np.testing.assert_array_equal(answers[name], array)


def test_delegation_and_dispatch(sample_delegate: SampleDelegate) -> None:
    with zl.load(ADDS, delegates=zl.ExternalDelegate(sample_delegate.path)) as model:
        model(inputs_of(model))
        assert model.delegation.operators["SampleDelegate"] == {"ADD": 1, "SUB": 1}
        assert not model.delegation.complete
        assert model.dispatch == "runtime"
        assert "SampleDelegate" in model.dispatch.reason


def test_every_run_goes_through_the_library(sample_delegate: SampleDelegate) -> None:
    with zl.load(ADDS, delegates=zl.ExternalDelegate(sample_delegate.path)) as model:
        before = sample_delegate.invoked
        for _ in range(5):
            model.run()
        assert sample_delegate.invoked - before == 5


def test_options(sample_delegate: SampleDelegate) -> None:
    only_add = zl.ExternalDelegate(sample_delegate.path, {"operators": "ADD"})
    with zl.load(ADDS, delegates=only_add) as model:
        assert model.delegation.operators["SampleDelegate"] == {"ADD": 1}


def test_order_of_preference(sample_delegate: SampleDelegate) -> None:
    external = zl.ExternalDelegate(sample_delegate.path)
    with (
        zl.load(ADDS, delegates=[external, zl.XNNPack()]) as first,
        zl.load(ADDS, delegates=[zl.XNNPack(), external]) as last,
    ):
        assert "SampleDelegate" in first.delegation.operators
        assert set(last.delegation.operators) == {"XNNPACK", "builtin"}


def test_two_delegates_share_a_graph(sample_delegate: SampleDelegate) -> None:
    adds = zl.ExternalDelegate(sample_delegate.path, {"operators": "ADD"})
    subs = zl.ExternalDelegate(sample_delegate.path, {"operators": "SUB"})
    with zl.load(ADDS) as plain, zl.load(ADDS, delegates=[adds, subs]) as model:
        taken = [part.operators for part in model.delegation.partitions if part.delegate == "SampleDelegate"]
        assert sorted(taken) == [("ADD",), ("SUB",)]
        values = inputs_of(model)
        for name, array in plain(values).items():
            np.testing.assert_allclose(model(values)[name], array, rtol=1e-6)


def test_more_delegates_than_there_is_room_for(sample_delegate: SampleDelegate) -> None:
    many = [zl.ExternalDelegate(sample_delegate.path, {"operators": "ADD" + ",ADD" * count}) for count in range(5)]
    with zl.load(ADDS, delegates=many[:4]) as model:
        assert model.delegation.operators["SampleDelegate"] == {"ADD": 1}
    with pytest.raises(zl.DelegateError, match="5 delegates on one side"):
        zl.load(ADDS, delegates=many)


# Without the fallback


def test_without_fallback_what_is_left_is_named(sample_delegate: SampleDelegate) -> None:
    with pytest.raises(zl.DelegateError, match=r"no delegate takes the operators FULLY_CONNECTED"):
        zl.load(ADDS, delegates=zl.ExternalDelegate(sample_delegate.path), fallback=False)


def test_without_fallback_a_model_that_is_taken_whole(sample_delegate: SampleDelegate) -> None:
    path = zoo.model_path("rank_0")
    with zl.load(path, delegates=zl.ExternalDelegate(sample_delegate.path), fallback=False) as model:
        assert model.delegation.complete
        assert set(model.delegation.operators) == {"SampleDelegate"}


@pytest.mark.parametrize("name", ["small_cnn", "runtime_reshape", "where"])
def test_a_graph_of_dynamic_shapes_goes_to_the_cpu(name: str, sample_delegate: SampleDelegate) -> None:
    delegate = zl.ExternalDelegate(sample_delegate.path)
    for _ in range(2):  # the runtime says why in words only once
        with zl.load(zoo.model_path(name), delegates=delegate) as model:
            assert "SampleDelegate" not in model.delegation.operators
        with pytest.raises(zl.DelegateError, match="shapes only a run tells"):
            zl.load(zoo.model_path(name), delegates=delegate, fallback=False)


# Lifetimes


def test_a_delegate_is_destroyed_once_and_after_its_model(sample_delegate: SampleDelegate) -> None:
    created, destroyed = sample_delegate.created, sample_delegate.destroyed
    delegate = zl.ExternalDelegate(sample_delegate.path)
    assert sample_delegate.created == created  # nothing is made before a model is loaded
    models = [zl.load(ADDS, delegates=delegate) for _ in range(3)]
    assert (sample_delegate.created - created, sample_delegate.destroyed - destroyed) == (3, 0)
    models[0].close()
    models[0].close()
    assert sample_delegate.destroyed - destroyed == 1
    del models
    gc.collect()
    assert sample_delegate.destroyed - destroyed == 3


def test_views_outlive_the_delegate(sample_delegate: SampleDelegate) -> None:
    model = zl.load(ADDS, delegates=zl.ExternalDelegate(sample_delegate.path))
    model.run()
    views = [tensor.array for tensor in (*model.inputs.values(), *model.outputs.values())]
    model.close()
    for view in views:
        assert np.isfinite(view).all()


@pytest.mark.parametrize("stage", STAGES)
def test_a_delegate_of_a_failed_load_is_destroyed(stage: str, sample_delegate: SampleDelegate) -> None:
    created, destroyed = sample_delegate.created, sample_delegate.destroyed
    with pytest.raises(zl.DelegateError):
        zl.load(ADDS, delegates=zl.ExternalDelegate(sample_delegate.path, {"fail": stage}))
    assert sample_delegate.created - created == sample_delegate.destroyed - destroyed


@pytest.mark.parametrize("stage", ["throw_in_prepare", "throw_in_kernel"])
def test_an_exception_in_a_load_is_an_error(stage: str, sample_delegate: SampleDelegate) -> None:
    """Whatever leaves the runtime, callers get the errors that they were promised, and no IndexError."""
    with pytest.raises(zl.Error, match="with an exception"):
        zl.load(ADDS, delegates=zl.ExternalDelegate(sample_delegate.path, {"fail": stage}))


def test_pool(sample_delegate: SampleDelegate) -> None:
    created, destroyed = sample_delegate.created, sample_delegate.destroyed
    with (
        zl.load(ADDS) as plain,
        zl.Pool(ADDS, workers=3, delegates=zl.ExternalDelegate(sample_delegate.path)) as pool,
    ):
        assert sample_delegate.created - created == 3
        batch = {name: np.repeat(array, 20, 0) for name, array in inputs_of(plain).items()}
        expected: Any = plain.map(batch)
        answers: Any = pool.map(batch)
        for name, array in answers.items():
            np.testing.assert_allclose(array, expected[name], rtol=1e-6)
    gc.collect()
    assert sample_delegate.destroyed - destroyed == 3


def test_threads_load_and_close(sample_delegate: SampleDelegate) -> None:
    created, destroyed = sample_delegate.created, sample_delegate.destroyed
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                with zl.load(ADDS, delegates=zl.ExternalDelegate(sample_delegate.path)) as model:
                    model.run()
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sample_delegate.created - created == sample_delegate.destroyed - destroyed == 80


def test_bind_resize_and_map(sample_delegate: SampleDelegate) -> None:
    path = zoo.model_path("small_mobilenet")
    with zl.load(path) as plain, zl.load(path, delegates=zl.ExternalDelegate(sample_delegate.path)) as model:
        assert "SampleDelegate" in model.delegation.operators
        batch = np.random.default_rng(2).normal(size=(6, *plain.inputs[0].shape[1:])).astype(np.float32)
        expected = np.stack([plain(item[None])[0] for item in batch])
        answers: Any = model.map(batch)
        np.testing.assert_allclose(answers, expected, rtol=1e-4, atol=1e-6)
        buffer = zl.empty(model.inputs[0].shape)
        name = next(iter(model.inputs))
        model.bind({name: buffer})
        for item, answer in zip(batch, expected, strict=True):
            buffer[:] = item
            model.run()
            np.testing.assert_allclose(model.outputs[0].array[0], answer, rtol=1e-4, atol=1e-6)


# Bad input


@pytest.mark.parametrize("stage", STAGES)
def test_failures_come_in_the_library_s_words(stage: str, sample_delegate: SampleDelegate) -> None:
    with pytest.raises(zl.DelegateError, match=STAGES[stage]) as caught:
        zl.load(ADDS, delegates=zl.ExternalDelegate(sample_delegate.path, {"fail": stage}))
    assert str(sample_delegate.path) in str(caught.value)
    with zl.load(ADDS) as model:
        model(inputs_of(model))


def test_a_failure_in_a_run(sample_delegate: SampleDelegate) -> None:
    with zl.load(ADDS, delegates=zl.ExternalDelegate(sample_delegate.path, {"fail": "invoke"})) as model:
        for _ in range(2):
            with pytest.raises(zl.Error, match="failed to compute, as it was told"):
                model(inputs_of(model))
    with zl.load(ADDS) as model:
        model(inputs_of(model))


@pytest.mark.parametrize(
    ("options", "words"), [({"colour": "blue"}, "no option colour"), ({"operators": "ADD,WARP"}, "no operator WARP")]
)
def test_unknown_options(options: dict[str, str], words: str, sample_delegate: SampleDelegate) -> None:
    with pytest.raises(zl.DelegateError, match=words):
        zl.load(ADDS, delegates=zl.ExternalDelegate(sample_delegate.path, options))


def test_a_library_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.so"
    with pytest.raises(zl.DelegateError, match=r"nowhere\.so.*No such file"):
        zl.load(ADDS, delegates=zl.ExternalDelegate(path))


@pytest.mark.parametrize("content", [b"", b"not a library", b"\x7fELF"])
def test_a_library_that_is_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "text.so"
    path.write_bytes(content)
    with pytest.raises(zl.DelegateError, match=r"text\.so can't be opened \(.*(too short|invalid ELF)"):
        zl.load(ADDS, delegates=zl.ExternalDelegate(path))


def test_a_library_for_another_machine(tmp_path: Path, sample_delegate: SampleDelegate) -> None:
    content = bytearray(sample_delegate.path.read_bytes())
    content[18:20] = (0xF3, 0)  # the machine in an ELF header: RISC-V
    path = tmp_path / "riscv.so"
    path.write_bytes(content)
    with pytest.raises(zl.DelegateError, match=r"riscv\.so can't be opened"):
        zl.load(ADDS, delegates=zl.ExternalDelegate(path))


def test_a_library_without_the_entry_points() -> None:
    with pytest.raises(zl.DelegateError, match="no symbol tflite_plugin_create_delegate"):
        zl.load(ADDS, delegates=zl.ExternalDelegate(zl.runtime_info().path))


def test_lists_with_duplicates(sample_delegate: SampleDelegate) -> None:
    with pytest.raises(ValueError, match="twice"):
        zl.load(ADDS, delegates=[zl.ExternalDelegate(sample_delegate.path)] * 2)
    with pytest.raises(ValueError, match="XNNPack twice"):
        zl.load(ADDS, delegates=[zl.XNNPack(), zl.XNNPack(threads=2)])


@pytest.mark.parametrize("wrong", ["xnnpack", 1, [None], [zl.XNNPack], {"a": 1}])
def test_what_is_no_delegate(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"must be made of delegates such as zl\.XNNPack"):
        zl.load(ADDS, delegates=wrong)


def test_wrong_options() -> None:
    with pytest.raises(TypeError, match="must be str"):
        zl.ExternalDelegate("lib.so", {"threads": 2})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="null character"):
        zl.ExternalDelegate("lib.so", {"a": "b\0c"})
    with pytest.raises(TypeError):
        zl.ExternalDelegate(b"lib.so")  # type: ignore[arg-type]


def test_equality_and_pickling() -> None:
    delegate = zl.ExternalDelegate("lib.so", {"a": "b"})
    copy = pickle.loads(pickle.dumps(delegate))
    assert copy == delegate
    assert hash(copy) == hash(delegate)
    assert copy != zl.ExternalDelegate("lib.so")
    assert repr(delegate) == "ExternalDelegate('lib.so', {'a': 'b'})"
