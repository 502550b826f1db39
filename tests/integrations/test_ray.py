"""Models in Ray: every row comes out once whatever dies, and Ray Serve answers as our own server does."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

import zerolite as zl
from tests.serving.running import DEADLINE_S, DENSE, as_json, direct, error_of, outputs_of
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import MODELS
from zerolite._inference.batch import named_outputs
from zerolite.integrations.ray import ModelStage, deployment, stage
from zerolite.serving import ServingSettings

ray = pytest.importorskip("ray", reason="Ray is not installed")

# Ray's own, 2.60: its data context sets options that it deprecates, it warns of small data sets, and leaves the
# files of processes that it has ended to the collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
    pytest.mark.filterwarnings("ignore:The minimum number of concurrent actors:UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PAIR = MODELS / "two_inputs_three_outputs.tflite"
ROWS = np.random.default_rng(0).standard_normal((60, 64)).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nobody is told of tests
    root = str(Path(__file__).parents[2])  # where the actors find DyingStage
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        runtime_env={"env_vars": {"PYTHONPATH": root}},
    )
    try:
        yield
    finally:
        ray.shutdown()


def data(blocks: int, *, tensors: bool = False) -> Any:
    """The rows with their numbers, in so many blocks."""
    from ray.data import from_arrow
    from ray.data.extensions import ArrowTensorArray

    tables = []
    for part in np.array_split(np.arange(len(ROWS)), blocks):
        rows = ROWS[part]
        column = ArrowTensorArray.from_numpy(rows) if tensors else pa.FixedSizeListArray.from_arrays(rows.ravel(), 64)
        tables.append(pa.table({"id": part, "features": column}))
    return from_arrow(tables)


def assert_every_row_once(done: Any) -> None:
    rows = sorted(done.take_all(), key=lambda row: row["id"])
    assert [row["id"] for row in rows] == list(range(len(ROWS)))
    assert {*rows[0]} == {"id", "output_0"}
    expected = direct(DENSE, {"features": ROWS})["output_0"]
    assert_same_bits(np.stack([row["output_0"] for row in rows]), expected)


class DyingStage(ModelStage):
    """Its process is killed in the middle of the data set, once."""

    def __init__(self, *, marker: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._marker = marker

    def __call__(self, table: pa.Table) -> pa.Table:
        done = super().__call__(table)
        if 30 in table["id"].to_pylist():
            try:
                os.close(os.open(self._marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return done
            os.kill(os.getpid(), signal.SIGKILL)
        return done


@pytest.mark.parametrize("tensors", [False, True])
def test_every_row_comes_out_once(monkeypatch: pytest.MonkeyPatch, tensors: bool) -> None:
    monkeypatch.chdir(DENSE.parent)  # the actors have folders of their own
    assert_every_row_once(data(6, tensors=tensors).map_batches(**stage(DENSE.name, actors=2)))


def test_an_actor_that_is_killed_costs_no_row_and_doubles_none(tmp_path: Path) -> None:
    arguments = stage(DENSE.read_bytes(), actors=2)
    arguments["fn"] = DyingStage
    arguments["fn_constructor_kwargs"]["marker"] = str(tmp_path / "died")
    assert_every_row_once(data(6).map_batches(**arguments))
    assert (tmp_path / "died").exists()


def test_loaded_models_batches_and_columns() -> None:
    with zl.load(PAIR, threads=2) as model:
        arguments = stage(model, columns={"left": "a", "right": "b"}, keep=[], actors=(1, 2), batch_size=7)
        assert arguments["num_cpus"] == 2
        left, right = ROWS[:, :4], ROWS[:, 4:8]
        table = pa.table({name: [*map(list, rows)] for name, rows in (("a", left), ("b", right))})
        table = table.cast(pa.schema({name: pa.list_(pa.float32()) for name in ("a", "b")}))
        from ray.data import from_arrow

        rows = from_arrow(table).map_batches(**arguments).take_all()
        for name, expected in named_outputs(model.map({"left": left, "right": right}), model.outputs).items():
            got = sorted(np.asarray(row[name]).tolist() for row in rows)
            assert got == sorted(expected.tolist())


def test_what_is_reserved() -> None:
    plain = stage(DENSE)
    assert (plain["num_cpus"], plain["num_gpus"], plain["batch_size"]) == (1, None, None)
    gpu = stage(DENSE, delegates=zl.Gpu(), threads=3)
    assert (gpu["num_cpus"], gpu["num_gpus"], gpu["batch_size"]) == (3, 1, 1024)
    assert stage(DENSE, delegates=zl.Gpu(), gpus=0.25, batch_size=8)["num_gpus"] == 0.25
    with zl.load(DENSE) as model, pytest.raises(ValueError, match="threads was given for a model that is loaded"):
        stage(model, threads=2)
    with pytest.raises(ValueError, match="Ray has to reserve their CPUs before"):
        deployment(DENSE, ServingSettings(tuned="auto"))
    with pytest.raises(ValueError, match="threads"):
        stage(DENSE, threads=0)


def test_what_fails_says_why() -> None:
    with pytest.raises(Exception, match="no column 'x' in the table, which has 'id', 'features'"):
        data(1).map_batches(**stage(DENSE, columns="x", actors=1)).materialize()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_ray_serve_answers_as_the_server_does() -> None:
    from ray import serve

    port = free_port()
    serve.start(http_options={"host": "127.0.0.1", "port": port}, logging_config={"enable_access_log": False})
    try:
        serve.run(deployment(DENSE, ServingSettings(max_request_bytes=100_000)), route_prefix="/")
        url = f"http://127.0.0.1:{port}/v2"
        assert httpx.get(f"{url}/health/ready", timeout=DEADLINE_S).json() == {"ready": True}
        answer = httpx.post(f"{url}/models/dense_2layer/infer", json=as_json({"features": ROWS[:3]}))
        expected = direct(DENSE, {"features": ROWS[:3]})["output_0"]
        assert_same_bits(outputs_of(answer)["output_0"].astype(np.float32), expected)
        refused = httpx.post(f"{url}/models/nothing/infer", json={})
        assert (refused.status_code, error_of(refused)) == (404, "there is no model 'nothing'")
        assert httpx.post(f"{url}/models/dense_2layer/infer", content=b" " * 100_001).status_code == 413
    finally:
        serve.shutdown()
