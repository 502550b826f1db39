"""`zl.tune`, `zl.load(tuned=...)`, `zl.Pool(tuned=...)` and `zerolite tune`, over real models."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.operator_model import Depthwise
from zerolite.benchmarking import Ratio
from zerolite.cli import main
from zerolite.tuned import Setting, TunedFile, TuningIdentity
from zerolite.tuning import Trial, tune_model
from zerolite.tuning.inputs import batch_of, samples_for
from zerolite.tuning.search_space import openvino, weights

MODEL = zoo.model_path("dense_2layer")
OTHER = zoo.model_path("small_cnn")
ANEW = r"; tune anew, with zl\.tune\(model\)\.save\('.*'\) or zerolite tune MODEL --save "


class SteppingClock:
    """A clock that every look at it moves by 1 ms: what a search gets to does not depend on how fast the machine is."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        self._now += 1e-3
        return self._now


@pytest.fixture
def stepping_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune_model, "time", SteppingClock())


@pytest.fixture(scope="module")
def result() -> Iterator[zl.TuningResult]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tune_model, "time", SteppingClock())
        yield zl.tune(MODEL, budget_s=0.5, max_threads=2)


def tuned(path: Path, model: Path = MODEL, *, signature: str = "serving_default", **chosen: Any) -> Path:
    """A file with a setting that belongs here."""
    identity = TuningIdentity.of(model.read_bytes())
    setting = Setting(**chosen)
    TunedFile(goal="latency", signature=signature, setting=setting, ratio=0.5, identity=identity).write(path)
    return path


def rows(items: int) -> zoo.Array:
    values: zoo.Array = np.random.default_rng(1).standard_normal((items, 64)).astype(np.float32)
    return values


def assert_close(values: Any, expected: Any) -> None:
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


# Tuning


@pytest.mark.usefixtures("stepping_clock")
@pytest.mark.parametrize("goal", ["latency", "throughput"])
@pytest.mark.parametrize("name", ["dense_2layer", "dense_2layer_int8", "fixed_batch", "two_inputs_three_outputs"])
def test_what_wins_answers_like_the_default(name: str, goal: Any, tmp_path: Path) -> None:
    path = zoo.model_path(name)
    found = zl.tune(path, goal=goal, budget_s=0.4, max_threads=2, max_workers=1)
    assert found.trials[0].setting == Setting()
    assert any(trial.outcome != "untried" for trial in found.trials[1:])
    assert found.improved == (found.setting != Setting())
    found.save(tmp_path / "tuned.json")
    with zl.load(path) as plain, zl.load(path, tuned=tmp_path / "tuned.json") as model:
        assert model.delegation.threads == found.setting.threads
        for item in samples_for(plain, None, seed=3):
            for expected, value in zip(named(plain(*item)), named(model(*item)), strict=True):
                if expected.dtype.kind == "f":
                    np.testing.assert_allclose(value, expected, rtol=0, atol=1e-3 * np.abs(expected).max())
                else:
                    assert np.abs(value.astype(int) - expected).max() <= 1


def named(outputs: Any) -> list[zoo.Array]:
    return list(outputs.values()) if isinstance(outputs, dict) else [outputs]


@pytest.mark.usefixtures("stepping_clock")
def test_half_precision_does_not_pass_for_float(monkeypatch: pytest.MonkeyPatch) -> None:
    # Flags are tried on top of the best kernels, which are XNNPACK's on one machine and the builtin ones on another.
    half = Setting(flags=(("force_fp16", True),))
    monkeypatch.setattr(tune_model, "stages_for", lambda *_: [lambda _: [half]])
    _, trial = zl.tune(MODEL, budget_s=0.5, max_threads=1).trials
    assert (trial.setting, trial.outcome) == (half, "differs")
    assert "of its largest value" in trial.reason


@pytest.mark.usefixtures("stepping_clock")
def test_dequantized_weights_are_tried_where_there_are_such(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = Setting(weights="dequantized")
    content = Depthwise(image=(16, 16, 8)).model()
    with monkeypatch.context() as patch:
        patch.setattr(tune_model, "stages_for", lambda _, limits: [lambda best: weights(best, limits)])
        for tolerance, outcome in ((1e-6, "differs"), (0.1, "measured")):
            _, trial = zl.tune(content, budget_s=0.5, max_threads=1, tolerance=tolerance).trials
            assert (trial.setting, trial.outcome) == (setting, outcome), trial.reason
            assert trial.load_s is not None
        assert len(zl.tune(MODEL, budget_s=0.5, max_threads=1).trials) == 1
    assert str(setting) == "dequantized weights"


def test_dequantized_weights_are_applied(tmp_path: Path) -> None:
    path, model = tmp_path / "tuned.json", tmp_path / "model.tflite"
    model.write_bytes(Depthwise().model())
    with zl.load(model, tuned=tuned(path, model, weights="dequantized")) as loaded:
        assert loaded.delegation.dequantized_bytes > 0
    document = json.loads(tuned(path, model).read_text())
    del document["setting"]["weights"]  # as files of earlier versions have it
    path.write_text(json.dumps(document))
    with zl.load(model, tuned=path) as loaded:
        assert loaded.delegation.dequantized_bytes == 0


@pytest.mark.usefixtures("stepping_clock")
@pytest.mark.parametrize(("name", "outcome"), [("dense_2layer", "measured"), ("while_loop", "failed")])
def test_openvino_is_tried(name: str, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    monkeypatch.setattr(tune_model, "stages_for", lambda _, limits: [lambda best: openvino(best, limits)])
    _, trial = zl.tune(zoo.model_path(name), budget_s=0.5, max_threads=1).trials
    assert (trial.setting, trial.outcome) == (Setting(engine="openvino"), outcome), trial.reason
    if outcome == "measured":
        assert trial.load_s is not None
    else:
        assert "the operator WHILE runs other subgraphs" in trial.reason


@pytest.mark.usefixtures("stepping_clock")
def test_openvino_is_not_tried_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune_model, "openvino_release", str)
    assert {trial.setting.engine for trial in zl.tune(MODEL, budget_s=0.3, max_threads=2).trials} == {"litert"}


def test_openvino_is_applied(tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    path = tuned(tmp_path / "tuned.json", engine="openvino", threads=2)
    with zl.load(MODEL, tuned=path) as model, zl.load(MODEL) as plain:
        assert [part.delegate for part in model.delegation.partitions] == ["OpenVINO"]
        assert_close(model(rows(1)), plain(rows(1)))
    pool = tuned(tmp_path / "pool.json", engine="openvino", workers=2)
    with zl.Pool(MODEL, tuned=pool) as replicas, zl.load(MODEL) as plain:
        assert_close(replicas.map(rows(9)), plain.map(rows(9)))


def test_a_file_belongs_to_a_release_of_openvino_where_it_is_one_for_it(tmp_path: Path) -> None:
    path = tmp_path / "tuned.json"

    def write(engine: str, release: str) -> None:
        document = json.loads(tuned(path).read_text())
        document["setting"]["engine"] = engine
        document["belongs_to"]["openvino"] = release
        path.write_text(json.dumps(document))

    write("litert", "2025.1.0")
    zl.load(MODEL, tuned=path).close()
    write("openvino", "2025.1.0")
    with pytest.raises(ValueError, match=r"belongs to OpenVINO 2025\.1\.0, and installed is .*" + ANEW):
        zl.load(MODEL, tuned=path)
    write("onnx", "")
    with pytest.raises(ValueError, match=r"engine is 'onnx', and must be one of 'litert', 'openvino'"):
        zl.load(MODEL, tuned=path)


def test_files_of_earlier_versions_are_applied(tmp_path: Path) -> None:
    path = tuned(tmp_path / "tuned.json")
    document = json.loads(path.read_text())
    del document["belongs_to"]["openvino"], document["setting"]["engine"]
    path.write_text(json.dumps(document))
    zl.load(MODEL, tuned=path).close()


@pytest.mark.usefixtures("stepping_clock")
def test_models_with_state() -> None:
    counter = zl.tune(zoo.model_path("counter"), budget_s=0.3, max_threads=2)
    differing = [trial for trial in counter.trials if trial.outcome == "differs"]
    assert {trial.outcome for trial in counter.trials} >= {"measured"}
    assert all("force_fp16" in str(trial.setting) for trial in differing), "each setting begins with a new state"


def test_strings_and_signatures() -> None:
    assert zl.tune(zoo.model_path("string_passthrough"), budget_s=0.2, max_threads=1).trials
    path = zoo.model_path("multi_signature")
    with zl.load(path) as model:
        key = list(model.signatures)[-1]
    assert zl.tune(path, signature=key, budget_s=0.2, max_threads=1).signature == key


def test_data_is_what_outputs_are_compared_over() -> None:
    with zl.load(MODEL) as model:
        data = rows(40)
        items = samples_for(model, data, seed=0)
        assert len(items) == 16
        assert np.array_equal(np.concatenate([item[0] for item in items]), data[:16])
        batch = batch_of(model, items, workers=2, budget_s=1)
        assert np.array_equal(batch["features"][16:20], data[:4]), "the items are repeated"
    with zl.load(zoo.model_path("dense_2layer_int8")) as model:
        (first,) = samples_for(model, rows(1), seed=0)[0]
        assert first.dtype == np.int8, "real numbers are quantized"
    assert zl.tune(MODEL, data, budget_s=0.2, max_threads=1).trials


def test_random_items_fit_the_types() -> None:
    with zl.load(zoo.model_path("dense_2layer_int16x8")) as model:
        items = samples_for(model, None, seed=0)
        assert items[0][0].dtype == np.dtype(model.inputs[0].dtype)
        assert len(items) == 4
        assert not np.array_equal(items[0][0], items[1][0])
    with zl.load(zoo.model_path("quantized_add_int16")) as model:
        (item, *_) = samples_for(model, None, seed=0)
        assert int(np.ptp(item[0].astype(int))) > 255, "over the whole range of the type"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"goal": "speed"}, ValueError, "goal is 'speed', and must be one of 'latency', 'throughput'"),
        ({"budget_s": 0}, ValueError, "budget_s is 0, and must be a number of seconds above 0"),
        ({"budget_s": float("nan")}, ValueError, "budget_s is nan"),
        ({"tolerance": -1}, ValueError, "tolerance is -1"),
        ({"steps": -1}, ValueError, "steps is -1"),
        ({"max_threads": 0}, ValueError, "max_threads is 0"),
        ({"max_workers": "two"}, TypeError, "max_workers is 'two'"),
        ({"signature": "nothing"}, ValueError, "has no signature 'nothing'; it has 'serving_default'"),
        ({"data": np.ones((3, 5), np.float32)}, ValueError, "64"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        zl.tune(MODEL, **{"budget_s": 0.2, **arguments})


def test_no_time_at_all() -> None:
    told: list[int] = []
    found = zl.tune(MODEL, budget_s=1e-9, progress=lambda done, _: told.append(done))
    assert found.setting == Setting()
    assert {trial.outcome for trial in found.trials[1:]} == {"untried"}
    assert told[-1] == 100


def test_models_that_can_not_be_tuned(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        zl.tune(tmp_path / "nowhere.tflite")
    with pytest.raises(zl.InvalidModelError):
        zl.tune(b"no model")
    with pytest.raises(TypeError, match="a model is loaded from a path or from bytes"), zl.load(MODEL) as model:
        zl.tune(model)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="tune it for latency"):
        zl.tune(zoo.model_path("no_inputs"), goal="throughput", budget_s=0.2)


# The result


def test_documents(result: zl.TuningResult) -> None:
    document = json.loads(result.to_json())
    assert document["setting"] == result.setting.to_dict()
    assert [trial["description"] for trial in document["trials"]] == [str(trial.setting) for trial in result.trials]
    assert document["belongs_to"]["cores"] == len(os.sched_getaffinity(0))
    assert str(result).startswith("latency: ")


def an_improvement(result: zl.TuningResult) -> zl.TuningResult:
    """A result that does not depend on the machine."""
    best = Setting(threads=2, chunk=8)
    ratio = Ratio((0.5, 0.6, 0.7))
    trials = (
        Trial(setting=Setting(), outcome="measured", per_item_us=10.0),
        Trial(setting=best, outcome="measured", per_item_us=6.0, ratio=ratio),
        Trial(setting=Setting(kernels="builtin"), outcome="measured", per_item_us=90.0, ratio=Ratio((8.0, 9.0, 9.5))),
        Trial(setting=Setting(flags=(("force_fp16", True),)), outcome="differs", reason="output 'y' is off"),
    )
    control = Ratio((0.97, 1.0, 1.02))
    return replace(result, setting=best, reason="confirmed", ratio=ratio, control=control, trials=trials)


def test_plots(result: zl.TuningResult, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    one = an_improvement(result)
    one.save_plot(tmp_path / "tuning.svg")
    assert (tmp_path / "tuning.svg").read_bytes() == one.plot() == one.plot()
    assert one.plot(image_format="png").startswith(b"\x89PNG")
    assert one.plot(image_format="pdf").startswith(b"%PDF")
    assert replace(one, trials=one.trials[:1], control=None).plot(), "with nothing but the default"
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf"):
        one.plot(image_format="bmp")
    with pytest.raises(ValueError, match=r"a plot's name ends in"):
        one.save_plot(tmp_path / "tuning.txt")


# The file


def test_saved_and_applied(result: zl.TuningResult, tmp_path: Path) -> None:
    path = tmp_path / "tuned.json"
    one = an_improvement(result)
    one.save(path)
    read = TunedFile.read(path)
    assert (read.setting, read.ratio, read.goal) == (one.setting, 0.6, "latency")
    with zl.load(MODEL, tuned=path) as model, zl.load(MODEL.read_bytes(), tuned=os.fspath(path)) as other:
        assert model.delegation.threads == other.delegation.threads == 2
    replace(one, setting=Setting()).save(path)
    assert TunedFile.read(path).ratio is None
    with pytest.raises(FileNotFoundError, match="create it first"):
        one.save(tmp_path / "nowhere" / "tuned.json")


def test_kernels_and_flags_are_applied(tmp_path: Path) -> None:
    with zl.load(MODEL, tuned=tuned(tmp_path / "builtin.json", kernels="builtin")) as model:
        assert set(model.delegation.operators) == {"builtin"}
    int8 = zoo.model_path("dense_2layer_int8")
    with zl.load(int8, tuned=tuned(tmp_path / "flags.json", int8, flags=(("qs8", False),))) as model:
        assert set(model.delegation.operators) == {"builtin"}
    with zl.load(MODEL, tuned=tmp_path / "builtin.json", verify="isolated") as model:
        model.run()


def test_chunks_are_applied_to_their_signature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zerolite import _native

    chunks = []
    mapped = _native.map_batch

    def watched(*arguments: Any, **options: Any) -> None:
        chunks.append(options["chunk"])
        mapped(*arguments, **options)

    monkeypatch.setattr(_native, "map_batch", watched)
    with zl.load(MODEL) as plain, zl.load(MODEL, tuned=tuned(tmp_path / "8.json", chunk=8)) as model:
        expected: Any = plain.map(rows(20))
        for signature in (model, model.signatures["serving_default"]):
            assert_close(signature.map(rows(20)), expected)
        model.map(rows(20), chunk=4)
    with zl.load(MODEL, tuned=tuned(tmp_path / "other.json", signature="another", chunk=8)) as model:
        model.map(rows(20))
    with zl.Pool(MODEL, tuned=tuned(tmp_path / "pool.json", workers=2, chunk=8)) as pool:
        assert_close(pool.map(rows(20)), expected)
    assert chunks == [0, 8, 8, 4, 0, 8]


def test_pools(tmp_path: Path) -> None:
    path = tuned(tmp_path / "pool.json", workers=3)
    with zl.Pool(MODEL, tuned=path) as pool:
        assert pool.workers == 3
        result: Any = pool.submit(rows(1)).result()
        assert result.shape == (1, 10)
    with pytest.raises(ValueError, match=r"settings for 3 replicas of the model; use zl\.Pool"):
        zl.load(MODEL, tuned=path)
    with pytest.raises(ValueError, match="tuned chooses workers as well, and workers is 2; leave one of both out"):
        zl.Pool(MODEL, tuned=path, workers=2)
    with zl.Pool(MODEL) as pool:  # untuned, for comparison
        assert pool.workers == len(os.sched_getaffinity(0))


def test_settings_beside_the_file(tmp_path: Path) -> None:
    path = tuned(tmp_path / "tuned.json", threads=2)
    with pytest.raises(ValueError, match="tuned chooses threads as well"):
        zl.load(MODEL, threads=1, tuned=path)
    with pytest.raises(ValueError, match="tuned chooses delegates as well"):
        zl.load(MODEL, delegates=zl.XNNPack(), tuned=path)
    with pytest.raises(TypeError, match="tuned is 5, and must be the path"):
        zl.load(MODEL, tuned=5)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        zl.load(MODEL, tuned=tmp_path / "nowhere.json")


def test_what_belongs_to_something_else(tmp_path: Path) -> None:
    path = tuned(tmp_path / "tuned.json", threads=2)
    for source in (OTHER, OTHER.read_bytes()):
        with pytest.raises(ValueError, match=r"belongs to another model, with the SHA-256 .*" + ANEW):
            zl.load(source, tuned=path)
    with pytest.raises(ValueError, match="belongs to another model"):
        zl.Pool(OTHER, tuned=tuned(tmp_path / "pool.json", workers=2))
    here = TuningIdentity.of(MODEL.read_bytes())
    for changed, words in (
        (replace(here, processor="Z80"), "belongs to another processor, 'Z80' and not"),
        (replace(here, cores=here.cores + 1), f"belongs to a process with {here.cores + 1} usable cores"),
        (replace(here, runtime="2.2.0"), f"belongs to another runtime, LiteRT 2.2.0 and not {here.runtime}"),
    ):
        TunedFile(goal="latency", signature="serving_default", setting=Setting(), ratio=None, identity=changed).write(
            path
        )
        with pytest.raises(ValueError, match=words + ".*" + ANEW):
            zl.load(MODEL, tuned=path)


def change(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(fields)


def change_in(place: str, **fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document[place].update(fields)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (change(schema=2), "its schema is 2, and this version of zerolite reads 1"),
        (change(comment="mine"), "the field 'comment' is unknown"),
        (change_in("setting", gpu=True), "the field 'gpu' in setting is unknown"),
        (change_in("belongs_to", host="a"), "the field 'host' in belongs_to is unknown"),
        (lambda document: document.pop("goal"), "the field 'goal' is missing"),
        (lambda document: document["setting"].pop("chunk"), "the field 'chunk' in setting is missing"),
        (change(setting=[]), "there is no object in setting"),
        (change(goal="speed"), "its goal is 'speed'"),
        (change(goal=["latency"]), r"its goal is \['latency'\]"),
        (change(signature=None), "its signature is None"),
        (change(ratio=-1), "its ratio is -1"),
        (change(ratio=True), "its ratio is True"),
        (change_in("setting", threads=0), "threads is 0"),
        (change_in("setting", threads=True), "threads is True"),
        (change_in("setting", threads=99999), "threads is 99999"),
        (change_in("setting", workers="2"), "workers is '2'"),
        (change_in("setting", chunk=0), "chunk is 0"),
        (change_in("setting", kernels="fast"), "kernels is 'fast'"),
        (change_in("setting", weights="light"), "weights is 'light'"),
        (change_in("setting", kernels=[]), r"kernels is \[\]"),
        (change_in("setting", flags={"warp": True}), "there is no XNNPACK flag 'warp'"),
        (change_in("setting", flags={"qs8": 1}), "the XNNPACK flag qs8 is 1"),
        (change_in("setting", flags=None), "flags is None"),
        (change_in("setting", flags={"qs8": False}, kernels="builtin"), "flags are for XNNPACK"),
        (change_in("belongs_to", cores="2"), "cores in belongs_to is '2'"),
        (change_in("belongs_to", model=3), "model in belongs_to is 3"),
    ],
)
def test_files_with_something_wrong_in_them(
    damage: Callable[[dict[str, Any]], None], words: str, tmp_path: Path
) -> None:
    path = tuned(tmp_path / "tuned.json", threads=2)
    document = json.loads(path.read_text())
    damage(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match="is no sound file of a tuning: .*" + words + ".*" + ANEW):
        zl.load(MODEL, tuned=path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[" * 50_000,
        b" " * 70_000,
        b'{"schema": 1, "schema": 1}',
        b'{"schema": NaN}',
        b"9" * 5_000,
        b'{"schema": 1e999}',
    ],
)
def test_files_that_are_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tuned.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is no sound file of a tuning: .*" + ANEW):
        zl.load(MODEL, tuned=path)


def test_fields_that_occur_twice(tmp_path: Path) -> None:
    path = tuned(tmp_path / "tuned.json", threads=2)
    path.write_text(path.read_text().replace('"threads": 2', '"threads": 2, "threads": 1'))
    with pytest.raises(ValueError, match="the field 'threads' occurs twice"):
        zl.load(MODEL, tuned=path)


@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_refused_or_read(place: int, byte: int, *, cut: bool, tmp_path: Path) -> None:
    path = tuned(tmp_path / "tuned.json", threads=2)
    content = bytearray(path.read_bytes())
    place %= len(content) - 1
    content = content[:place] if cut else content[:place] + bytes([byte]) + content[place + 1 :]
    path.write_bytes(content)
    try:
        zl.load(MODEL, tuned=path).close()
    except ValueError as error:
        assert "tune anew" in str(error)  # noqa: PT017 - other bytes may as well be fine
    else:
        assert not cut


# The command line


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("typer", reason="needs the extra cli")
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    np.save(tmp_path / "data.npy", rows(5))
    saved, plot = tmp_path / "tuned.json", tmp_path / "tuned.png"
    arguments = ["tune", str(MODEL), "--budget", "0.4", "--max-threads", "2", "--max-workers", "1"]
    written = ["--data", str(tmp_path / "data.npy"), "--save", str(saved), "--plot", str(plot), "--json"]
    assert main([*arguments, *written]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    document = json.loads(out)
    assert (document["save"], document["plot"]) == (str(saved), str(plot))
    assert document["setting"] == TunedFile.read(saved).setting.to_dict()
    assert plot.read_bytes().startswith(b"\x89PNG")
    zl.load(MODEL, tuned=saved).close()
    assert main([*arguments, "--goal", "throughput"]) == 0
    out, _ = capsys.readouterr()
    assert "throughput of" in out
    assert "builtin kernels" in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--goal", "speed"], 2, "latency"),
        (["--budget", "0"], 2, "--budget"),
        (["--save", "/nowhere/tuned.json"], 1, "the folder /nowhere does not exist"),
        (["--plot", "tuned.bmp"], 1, "a plot's name ends in"),
        (["--signature", "nothing"], 1, "has no signature 'nothing'"),
    ],
)
def test_wrong_use(arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("typer", reason="needs the extra cli")
    assert main(["tune", str(MODEL), *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert code == 2 or err.count("\n") == 1
