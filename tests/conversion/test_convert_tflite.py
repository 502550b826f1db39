"""Quantizing .tflite files, and with them everything about a conversion that needs no TensorFlow."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.python_process import answer_of, run_python
from tests.support.real_answers import input_and_output, real_answers
from zerolite.conversion import ConversionError

pytest.importorskip("litert_quantizer", reason="needs the extra quantize")

SOURCE = zoo.model_path("small_cnn")
IMAGES = np.random.default_rng(5).normal(size=(12, 28, 28, 1)).astype(np.float32)
DENSE = zoo.model_path("dense_2layer")
ROWS = np.random.default_rng(6).normal(size=(12, 64)).astype(np.float32)


@pytest.fixture(autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where conversions put what they need for a while; nothing may be left there."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("quantize", "io_dtype", "expected_type", "tolerance"),
    [
        ("fp16", None, np.float32, 2e-3),
        ("dynamic", None, np.float32, 2e-2),
        ("int8", None, np.int8, 5e-2),
        ("int8", "uint8", np.uint8, 5e-2),
        ("int8", "float32", np.float32, 5e-2),
        ("int8-float-io", None, np.float32, 5e-2),
        ("int16x8", None, np.float32, 5e-3),
        ("int16x8", "int16", np.int16, 5e-3),
        ("weight-only-int8", None, np.float32, 5e-3),
        ("weight-only-int4", None, np.float32, 0.1),
    ],
)
def test_answers_and_verification_agree_with_the_reference(
    *,
    quantize: Any,
    io_dtype: Any,
    expected_type: type,
    tolerance: float,
    capfd: pytest.CaptureFixture[str],
) -> None:
    steps: list[str] = []
    result = zl.convert(SOURCE, quantize=quantize, io_dtype=io_dtype, representative_data=IMAGES, on_step=steps.append)
    assert capfd.readouterr() == ("", "")
    assert steps == ["Quantizing", "Verifying"]
    assert (result.quantize, result.path) == (quantize, None)
    assert result.size == len(result.content) < result.source_size == SOURCE.stat().st_size
    source, target = input_and_output(result.content)
    assert source["dtype"] == target["dtype"] == expected_type

    expected, came = real_answers(SOURCE, IMAGES), real_answers(result.content, IMAGES)
    np.testing.assert_allclose(came, expected, atol=tolerance)
    verification = result.verification
    assert verification is not None
    assert (verification.samples, verification.data) == (len(IMAGES), "representative")
    distance = np.abs(came - expected)
    assert verification.max_abs == pytest.approx(distance.max(), rel=0.02, abs=1e-6)
    assert verification.mean_abs == pytest.approx(distance.mean(), rel=0.02, abs=1e-6)
    assert verification.top1_agreement == pytest.approx(np.mean(came.argmax(1) == expected.argmax(1)))


def test_operators_are_those_of_the_file() -> None:
    result = zl.convert(SOURCE, quantize="weight-only-int8")
    reference = zoo.reference_interpreter(result.content)
    names = [one["op_name"] for one in reference._get_ops_details() if one["op_name"] != "DELEGATE"]
    assert result.operators == {name: names.count(name) for name in names}
    assert result.operators["DEQUANTIZE"] == 3
    assert result.unsupported == ()
    document = result.to_dict()
    assert document["operators"] == result.operators
    assert document["verification"]["signatures"]["serving_default"]["output_0"]["max_abs"] > 0


def test_verification_may_be_left_out() -> None:
    result = zl.convert(SOURCE, quantize="dynamic", verify=False)
    assert result.verification is None
    assert result.not_verified is None


def test_random_samples_where_there_are_no_others() -> None:
    result = zl.convert(SOURCE, quantize="fp16")
    assert result.verification is not None
    assert (result.verification.samples, result.verification.data) == (4, "random")


def test_target_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "small.tflite"
    target.write_bytes(b"an older one")
    result = zl.convert(SOURCE, target, quantize="dynamic", verify=False)
    assert result.path == target
    assert target.read_bytes() == result.content
    assert list(tmp_path.iterdir()) == [target]


# Representative data


def rows_one_by_one() -> Iterator[np.ndarray]:
    yield from (ROWS[index : index + 1] for index in range(len(ROWS)))


class RepresentativeDataset:
    """As tf.lite.RepresentativeDataset."""

    def __init__(self, input_gen: Callable[[], Any]) -> None:
        self.input_gen = input_gen


def test_representative_data_in_every_form(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", ROWS)
    np.save(tmp_path / "wide.npy", ROWS.astype(np.float64))
    np.savez(tmp_path / "rows.npz", ROWS)
    np.savez(tmp_path / "named.npz", features=ROWS)
    # As `zl.evaluate` takes them: with labels, and also with the part that a model was trained on.
    np.savez(tmp_path / "labelled.npz", features=ROWS, labels=np.zeros(12))
    np.savez(tmp_path / "test.npz", x_test=ROWS, y_test=np.zeros(12))
    np.savez(tmp_path / "whole.npz", x_train=ROWS[:3], y_train=np.zeros(3), x_test=ROWS, y_test=np.zeros(12))
    np.savez(tmp_path / "other.npz", pictures=ROWS, y=np.zeros(12))
    forms: list[Any] = [
        ROWS,
        ROWS.astype(np.float64),
        {"features": ROWS},
        rows_one_by_one(),
        # TensorFlow's own form is the function itself.
        rows_one_by_one,
        lambda: [[row] for row in rows_one_by_one()],
        lambda: ({"features": row} for row in rows_one_by_one()),
        lambda: ROWS,
        partial(iter, ROWS[:, np.newaxis]),
        RepresentativeDataset(rows_one_by_one),
        lambda: (("serving_default", {"features": row}) for row in rows_one_by_one()),
        [[row] for row in rows_one_by_one()],
        [{"features": row} for row in rows_one_by_one()],
        {"serving_default": {"features": ROWS}},
        tmp_path / "rows.npy",
        str(tmp_path / "wide.npy"),
        tmp_path / "rows.npz",
        tmp_path / "named.npz",
        tmp_path / "labelled.npz",
        tmp_path / "test.npz",
        np.load(tmp_path / "test.npz"),
        tmp_path / "whole.npz",
        tmp_path / "other.npz",
    ]
    results = [zl.convert(DENSE, quantize="int8", representative_data=form) for form in forms]
    for result in results:
        assert result.content == results[0].content
        assert result.verification == results[0].verification


def test_a_limit_of_samples(tmp_path: Path) -> None:
    """The first ones count, and of what has no end no more is taken."""
    np.save(tmp_path / "rows.npy", ROWS)
    np.savez(tmp_path / "rows.npz", x=ROWS, y=np.zeros(12))
    asked: list[int] = []

    def endless() -> Iterator[np.ndarray]:
        while True:
            asked.append(len(asked))
            yield ROWS[asked[-1] % 12][np.newaxis]

    few = zl.convert(DENSE, quantize="int8", representative_data=ROWS[:5])
    for data in (ROWS, tmp_path / "rows.npy", tmp_path / "rows.npz", endless, {"serving_default": {"features": ROWS}}):
        result = zl.convert(DENSE, quantize="int8", representative_data=data, sample_limit=5)
        assert result.content == few.content
        assert result.verification is not None
        assert result.verification.samples == 5
    assert len(asked) == 5
    with pytest.raises(ValueError, match="sample_limit is at least 1, and goes with representative_data; came 0"):
        zl.convert(DENSE, quantize="int8", representative_data=ROWS, sample_limit=0)
    with pytest.raises(ValueError, match="goes with representative_data; there is none"):
        zl.convert(DENSE, quantize="dynamic", sample_limit=5)


def test_representative_data_sets_the_range() -> None:
    for span in (1.0, 8.0):
        content = zl.convert(DENSE, quantize="int8", representative_data=ROWS * span, verify=False).content
        scale, _ = input_and_output(content)[0]["quantization"]
        assert scale == pytest.approx(span * np.ptp(ROWS) / 255, rel=0.01)


def test_folder_of_images(tmp_path: Path) -> None:
    """The folder's own order, and a function for what an image is."""
    for index, image in enumerate(IMAGES):
        np.save(tmp_path / f"{index:02}.npy", image)
        (tmp_path / f"{index:02}.npy").rename(tmp_path / f"{index:02}.png")

    def read(path: Path) -> np.ndarray:
        array: np.ndarray = np.load(path)
        return array

    convert: Callable[..., Any] = zl.convert
    options = {"quantize": "int8", "preprocessing": read}
    expected = zl.convert(SOURCE, quantize="int8", representative_data=IMAGES)
    assert convert(SOURCE, representative_data=tmp_path, **options).content == expected.content

    (tmp_path / "03.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"the image .*03\.png can't be used"):
        convert(SOURCE, representative_data=tmp_path, **options)
    result = convert(SOURCE, representative_data=tmp_path, on_corrupt="skip", **options)
    assert result.verification.samples == len(IMAGES) - 1
    for path in tmp_path.iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(ValueError, match="representative_data is empty: no image in the folder"):
        convert(SOURCE, representative_data=tmp_path, on_corrupt="skip", **options)


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts a process now fails."""
    monkeypatch.setattr(sys, "executable", "")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((0, 64), np.float32), "representative_data is empty"),
        ([], "representative_data is empty"),
        ({}, "representative_data is empty"),
        (np.full((3, 64), np.nan, np.float32), "sample 0 of representative_data holds NaN"),
        ([ROWS[:1], ROWS[:1] * np.inf], "sample 1 of representative_data holds NaN or infinite"),
        (
            ROWS[:, :60],
            r"sample 0 of representative_data has shape \(1, 60\) for input 'features', which takes \(\?, 64",
        ),
        ([ROWS[0]], r"has shape \(64,\) for input 'features'.*; each sample needs its batch axis"),
        (ROWS.astype(np.complex64), "holds complex64 for input 'features', which takes float32"),
        (np.float32(3), "is a single number"),
        ([[ROWS[:1], ROWS[:1]]], "sample 0 of representative_data has 2 arrays; .*; leave labels out"),
        ({"image": ROWS}, "has arrays for image; the model's inputs are features"),
        (
            {"features": ROWS, "labels": ROWS[:3]},
            r"different number of samples for each input \(features: 12, labels: 3\)",
        ),
        ({"serve": {"features": ROWS}}, "is for a signature 'serve'; the model has serving_default"),
        (np.array([None]), "which is no array of numbers"),
    ],
)
@pytest.mark.usefixtures("no_process")
def test_unusable_representative_data_is_told_before_the_work(data: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        zl.convert(DENSE, tmp_path / "dense.tflite", quantize="int8", representative_data=data)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds nothing and no NumPy arrays; save an array with numpy.save"),
        (b"\x93NUMPY", "is no sound file of plain arrays: it is cut short or damaged"),
        (b"PK\x03\x04", "is no sound file of plain arrays: it is cut short or damaged"),
        (b"plain text", "holds text and no NumPy arrays"),
        (b"\x89PNG\r\n", "holds a PNG picture and no NumPy arrays"),
        (b"\x80\x04K\x01.", "holds pickled Python objects and no NumPy arrays"),
    ],
)
@pytest.mark.usefixtures("no_process")
def test_unsound_files_of_arrays(content: bytes, message: str, tmp_path: Path) -> None:
    for name in ("rows.npy", "rows.npz"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} {message}"):
            zl.convert(DENSE, quantize="int8", representative_data=tmp_path / name)


@pytest.mark.usefixtures("no_process")
def test_representative_data_that_is_none(tmp_path: Path) -> None:
    convert: Callable[..., Any] = zl.convert
    with pytest.raises(TypeError, match="representative_data can't be a int"):
        convert(DENSE, quantize="int8", representative_data=3)
    with pytest.raises(FileNotFoundError, match="no representative data at"):
        convert(DENSE, quantize="int8", representative_data=tmp_path / "absent.npy")
    (tmp_path / "rows.txt").touch()
    with pytest.raises(ValueError, match=r"rows\.txt holds no representative data; give a \.npy or"):
        convert(DENSE, quantize="int8", representative_data=tmp_path / "rows.txt")
    with pytest.raises(TypeError, match=r"a function that takes arguments \(missing .* 'epoch'\); give one without"):
        convert(DENSE, quantize="int8", representative_data=lambda epoch: [epoch])
    with pytest.raises(TypeError, match="returned a NoneType; it must yield samples"):
        convert(DENSE, quantize="int8", representative_data=lambda: None)
    with pytest.raises(ValueError, match="is a folder of images; say how they become inputs"):
        convert(DENSE, quantize="int8", representative_data=tmp_path)
    with pytest.raises(ValueError, match="representative_data is empty: there is no image"):
        convert(DENSE, quantize="int8", representative_data=tmp_path, preprocessing="mobilenet_v2")


def test_folder_of_images_by_name(tmp_path: Path) -> None:
    """The counts of a picture, as the application of that name is fed."""
    pillow = pytest.importorskip("PIL.Image", reason="needs the extra vision")
    counts = np.random.default_rng(9).integers(256, size=(6, 28, 28), dtype=np.uint8)
    for index, picture in enumerate(counts):
        pillow.fromarray(picture).save(tmp_path / f"{index}.png")
    result = zl.convert(SOURCE, quantize="int8", representative_data=tmp_path, preprocessing="mobilenet_v2")
    scaled = counts[..., np.newaxis].astype(np.float32) / np.float32(127.5) - 1
    assert result.content == zl.convert(SOURCE, quantize="int8", representative_data=scaled).content
    (tmp_path / "2.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"the image .*2\.png can't be used"):
        zl.convert(SOURCE, quantize="int8", representative_data=tmp_path, preprocessing="mobilenet_v2")
    result = zl.convert(
        SOURCE, quantize="int8", representative_data=tmp_path, preprocessing="mobilenet_v2", on_corrupt="skip"
    )
    assert result.verification is not None
    assert result.verification.samples == 5
    with pytest.raises(ValueError, match="there is no preprocessing 'mobilenet_v9'"):
        zl.convert(SOURCE, quantize="int8", representative_data=tmp_path, preprocessing="mobilenet_v9")
    with pytest.raises(ValueError, match="needs a model whose input is an image"):
        zl.convert(DENSE, quantize="int8", representative_data=tmp_path, preprocessing="mobilenet_v2")


# Several inputs, several signatures, none


def test_several_inputs() -> None:
    rng = np.random.default_rng(7)
    path = zoo.model_path("two_inputs_three_outputs")
    with zl.load(path) as model:
        shapes = {name: tensor.shape[1:] for name, tensor in model.inputs.items()}
    data = {name: rng.normal(size=(8, *shape)).astype(np.float32) for name, shape in shapes.items()}
    result = zl.convert(path, quantize="int8-float-io", representative_data=data)
    assert result.verification is not None
    assert set(result.verification.signatures["serving_default"]) == {"sum", "difference", "product"}
    assert 0 < result.verification.max_abs < 0.2


def test_advice_for_a_file_with_other_names(tmp_path: Path) -> None:
    path = zoo.model_path("two_inputs_three_outputs")
    with zl.load(path) as model:
        rows: dict[str, Any] = {
            name: np.ones((3, *tensor.shape[1:]), np.float32) for name, tensor in model.inputs.items()
        }
    file = tmp_path / "data.npz"
    others: dict[str, Any] = {f"{name}_rows": array for name, array in rows.items()}
    np.savez(file, y=np.zeros(3), **others)
    with pytest.raises(ValueError, match=r"save the array of each input as its name, with numpy\.savez") as refusal:
        zl.convert(path, quantize="int8", representative_data=file)
    for name in rows:
        assert f"{name!r}: ..." in str(refusal.value)
    np.savez(file, **rows)
    assert zl.convert(path, quantize="int8", representative_data=file, verify=False).size > 0


def test_several_signatures() -> None:
    rng = np.random.default_rng(8)
    path = zoo.model_path("multi_signature")
    with zl.load(path) as model:
        data = {
            key: {
                name: rng.normal(size=(6, *tensor.shape[1:])).astype(np.float32)
                for name, tensor in signature.inputs.items()
            }
            for key, signature in model.signatures.items()
        }
    result = zl.convert(path, quantize="int8-float-io", representative_data=data)
    assert result.verification is not None
    assert set(result.verification.signatures) == set(data)
    with pytest.raises(ValueError, match="no samples for the signature mean"):
        zl.convert(
            path,
            quantize="int8",
            representative_data={key: value for key, value in data.items() if key != "mean"},
        )
    with pytest.raises(ValueError, match="give representative_data as a mapping from signature to data"):
        zl.convert(path, quantize="int8", representative_data=ROWS)


def test_no_signature() -> None:
    result = zl.convert(zoo.model_path("no_signature"), quantize="dynamic")
    assert result.verification is not None
    assert result.verification.max_abs < 0.1
    with pytest.raises(ConversionError, match="has no signatures, which litert-quantizer needs"):
        zl.convert(zoo.model_path("no_signature"), quantize="int8", representative_data=ROWS)


# Sources that can't be quantized


@pytest.mark.parametrize("name", ["dense_2layer_int8", "dense_2layer_dynamic_range", "dense_2layer_float16"])
def test_quantized_sources(name: str) -> None:
    with pytest.raises(ValueError, match=r"is quantized already .*; give the float32 model"):
        zl.convert(zoo.model_path(name), quantize="dynamic")


@pytest.mark.usefixtures("no_process")
def test_unsound_sources(tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    for content in (b"", b"no model", SOURCE.read_bytes()[:1000]):
        path.write_bytes(content)
        with pytest.raises(zl.InvalidModelError):
            zl.convert(path, quantize="dynamic")


@pytest.mark.usefixtures("no_process")
def test_source_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(SOURCE.read_bytes())
    with pytest.raises(ValueError, match="is the source; name another file"):
        zl.convert(path, path, quantize="dynamic")
    assert path.read_bytes() == SOURCE.read_bytes()


def test_options_that_only_tensorflow_has() -> None:
    with pytest.raises(ValueError, match=r"is a \.tflite file already; choose how to quantize it"):
        zl.convert(SOURCE)
    with pytest.raises(ValueError, match="are for models that TensorFlow converts"):
        zl.convert(SOURCE, quantize="dynamic", input_shapes={"image": (1, 28, 28, 1)})


def test_missing_quantizer_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litert_quantizer", None)
    with pytest.raises(ImportError, match=r"pip install 'zerolite\[quantize\]'"):
        zl.convert(SOURCE, quantize="dynamic")


# The process


def children() -> list[Any]:
    psutil = pytest.importorskip("psutil", reason="needs the extra test")
    found: list[Any] = psutil.Process().children(recursive=True)
    return found


def test_killed_process_is_an_error(tmp_path: Path) -> None:
    def kill(_: str) -> None:
        for child in children():
            child.kill()

    with pytest.raises(ConversionError, match=r"was killed, most likely because the machine ran out of memory"):
        zl.convert(SOURCE, tmp_path / "small.tflite", quantize="dynamic", on_step=kill)
    assert list(tmp_path.iterdir()) == []


def test_interrupt_ends_the_process(tmp_path: Path) -> None:
    seen: list[Any] = []

    def interrupt(_: str) -> None:
        seen.extend(children())
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        zl.convert(SOURCE, tmp_path / "small.tflite", quantize="dynamic", on_step=interrupt)
    assert seen
    assert not any(child.is_running() for child in seen)
    assert list(tmp_path.iterdir()) == []


def test_caller_loads_nothing_heavy() -> None:
    """What the work takes is taken by its own process."""
    program = """
import sys
import zerolite as zl

zl.convert(sys.argv[1], quantize="weight-only-int8")
heavy = {"ai_edge_litert", "litert_quantizer", "scipy", "tensorflow"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""
    assert answer_of(program, str(SOURCE)) == "[]\n"


def test_process_ends_with_its_caller() -> None:
    """A caller that is killed can't end it."""
    psutil = pytest.importorskip("psutil", reason="needs the extra test")
    program = """
import os, signal, sys
import psutil
import zerolite as zl

def die(_):
    print(psutil.Process().children()[0].pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

zl.convert(sys.argv[1], quantize="dynamic", on_step=die)
"""
    with tempfile.TemporaryDirectory() as folder:
        process = run_python(program, str(SOURCE), environment={"TMPDIR": folder})
        assert process.returncode == -signal.SIGKILL
        with_its_end = psutil.wait_procs(
            [psutil.Process(pid) for pid in [int(process.stdout)] if psutil.pid_exists(pid)]
        )
    assert with_its_end[1] == []


def test_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk: the write fails half way."""
    program = """
import resource, signal, sys
import zerolite as zl

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

def limit(step):
    if step == "Verifying":
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))

try:
    zl.convert(sys.argv[1], sys.argv[2], quantize="dynamic", on_step=limit)
except OSError as error:
    print(type(error).__name__)
"""
    target = tmp_path / "small.tflite"
    process = run_python(program, str(SOURCE), str(target))
    assert (process.stdout, process.stderr) == ("OSError\n", "")
    assert list(tmp_path.iterdir()) == []


def test_source_that_can_not_be_loaded_names_its_operators() -> None:
    with pytest.raises(zl.Error):
        zl.convert(zoo.model_path("flex_op"), quantize="dynamic")


def test_current_folder_hides_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("raise RuntimeError('the wrong one')")
    (tmp_path / "json.py").write_text("raise RuntimeError('the wrong one')")
    monkeypatch.chdir(tmp_path)
    assert zl.convert(SOURCE, quantize="dynamic", verify=False).size > 0
