"""Images a second: a stage of Ray Data on two actors beside a pool of two workers, over the same files."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import zerolite as zl
from benchmarks.figure import Figure
from benchmarks.models import model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite._timing.interleaved import interleave
from zerolite.integrations.arrow_tables import column_values
from zerolite.integrations.ray import stage

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["run"]

_WORKERS = 2
_FILES = 16
_ROWS = 24
_SHAPE = (224, 224, 3)
_RAY, _POOL = f"Ray Data, {_WORKERS} actors", f"Pool(workers={_WORKERS})"


def run(settings: Settings) -> Outcome:
    """Run MobileNetV2 over files of Parquet, in turns."""
    import ray

    path = model_path("mobilenet_v2", settings)
    files, rows, rounds = (4, 2, 2) if settings.quick else (_FILES, _ROWS, 6)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # The actors reserve all cores that there are; files are read by tasks, which need one more in Ray's books.
    ray.init(num_cpus=_WORKERS + 1, include_dashboard=False, log_to_driver=False, logging_level="error")
    try:
        with tempfile.TemporaryDirectory() as folder:
            _write(Path(folder), files=files, rows=rows)
            rates: dict[str, list[float]] = {_RAY: [], _POOL: []}
            for order in interleave(list(rates), rounds):
                for name in order:
                    done = _through_ray(path, folder) if name == _RAY else _through_pool(path, folder)
                    rates[name].append(_rate(done))
    finally:
        ray.shutdown()
    return Outcome(
        title="Ray Data",
        method=f"MobileNetV2, float32, over {files} files of {rows} images of {_SHAPE} each, as tensors in Parquet: "
        f"images per second from the first {_WORKERS} files' results to the last one's, without what is started once. "
        " Both read the files while they run.",
        figures=[
            Figure.comparing(
                "MobileNetV2 throughput",
                "images/s",
                (_RAY, rates[_RAY]),
                (_POOL, rates[_POOL]),
                target=0.85,
                goal="at least",
            )
        ],
        details={"files": files, "rows": rows, "images_per_second": rates},
    )


def _write(folder: Path, *, files: int, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    for number in range(files):
        images = rng.random((rows, *_SHAPE), np.float32)
        table = pa.table({"image": pa.FixedShapeTensorArray.from_numpy_ndarray(images)})
        pq.write_table(table, folder / f"{number:03}.parquet", compression="none", use_dictionary=False)


def _through_ray(path: Path, folder: str) -> Iterator[int]:
    """The numbers of rows, as their results arrive."""
    import ray.data

    # A block a file: Ray's own reader would make one block of all of these (2.60).
    files = [{"file": str(file)} for file in sorted(Path(folder).iterdir())]
    data = ray.data.from_items(files, override_num_blocks=len(files))
    images = data.map_batches(_images_of_files, batch_size=None, batch_format="pyarrow")
    results = images.map_batches(**stage(path, columns="image", actors=_WORKERS))
    for batch in results.iter_batches(batch_size=None, batch_format="pyarrow"):
        yield len(batch)


def _images_of_files(table: pa.Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pa.concat_tables([pq.read_table(file) for file in table["file"].to_pylist()])


def _through_pool(path: Path, folder: str) -> Iterator[int]:
    import pyarrow.parquet as pq

    with zl.Pool(path, workers=_WORKERS) as pool:
        for file in sorted(Path(folder).iterdir()):
            parts = pq.read_table(file)["image"].chunks
            yield sum(len(pool.map(column_values(part, "image"))) for part in parts)


def _rate(done: Iterator[int]) -> float:
    """Rows a second, after those that come with the start."""
    begun, rows = 0.0, 0
    for place, count in enumerate(done):
        if place >= _WORKERS:
            rows += count
        elif place == _WORKERS - 1:
            begun = time.perf_counter()
    return rows / (time.perf_counter() - begun)
