"""Ray: a stage of Ray Data that runs a model over a data set, and a deployment of Ray Serve that answers requests.

Needs the extra "ray"; importing this does not.

>>> import ray
>>> from zerolite.integrations.ray import stage
>>> ray.data.read_parquet("features/").map_batches(**stage("model.tflite", actors=4)).write_parquet("results/")
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerolite._inference.loading import load
from zerolite._inference.model import CompiledModel, signature_of
from zerolite._runtime.validation import positive_int
from zerolite.delegates.choice import MOST_THREADS, DelegateChoice
from zerolite.integrations.arrow_tables import ArrowRunner, Columns
from zerolite.serving.application import create_app
from zerolite.serving.settings import ServingSettings

if TYPE_CHECKING:
    import pyarrow as pa
    from starlette.applications import Starlette

    from zerolite._inference.source import ModelSource, Verify
    from zerolite.delegates import Delegates
    from zerolite.serving.repository import Sources

__all__ = ["ModelStage", "deployment", "stage"]

# Ray wants a number where GPUs are asked for. How many rows go through one run is measured in any case.
_ROWS_FOR_A_GPU = 1024


class ModelStage:
    """What each actor of a stage is: one model, called with the tables of Arrow that are the data set's blocks.

    `stage` has Ray make it.
    """

    def __init__(
        self,
        source: ModelSource | CompiledModel,
        *,
        columns: Columns = None,
        keep: Sequence[str] | None = None,
        signature: str | None = None,
        **loading: Any,
    ) -> None:
        """Load the model; see `stage`. What else is given is for `zerolite.load`."""
        self._model = source if isinstance(source, CompiledModel) else load(source, **loading)
        self._runner = ArrowRunner(
            signature_of(self._model, signature), columns=columns, keep=keep, tensor_column=_tensor_column
        )

    def __call__(self, table: pa.Table) -> pa.Table:
        """Run the model on each row; see `stage`."""
        return self._runner.run(table)


def stage(
    source: ModelSource | CompiledModel,
    *,
    columns: Columns = None,
    keep: Sequence[str] | None = None,
    signature: str | None = None,
    actors: int | tuple[int, int] | None = None,
    batch_size: int | None = None,
    gpus: float | None = None,
    delegates: Delegates | None = None,
    threads: int | None = None,
    fallback: bool = True,
    verify: Verify = "structure",
    tuned: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """The arguments of `ray.data.Dataset.map_batches` for a stage that runs a model: ``map_batches(**stage(path))``.

    Each actor loads the model once. Blocks are not copied on their way to the model where their columns hold numbers,
    lists of one size, or tensors; how many rows go through one run is measured at the first block, as `map` does.
    The results are those of `map`: each row is an item. Where an actor or its node dies, Ray starts another one and
    gives it the same blocks again, so that no row is lost and none is there twice.

    Args:
        source: the path of a .tflite file, which has to be there on every node; or its bytes; or a loaded model, which
            is pickled with its shapes and its settings, so that none of those below may be given.
        columns: which columns the inputs are: a name for a single input, or a mapping from inputs to columns; None
            takes the columns that are named as the inputs.
        keep: the columns that stay beside the outputs; None keeps all but the inputs' own.
        signature: the signature that is run; None is the default one.
        actors: how many actors, or the least and the most of them between which Ray chooses; None is from one to as
            many as the cluster has room for.
        batch_size: how many rows Ray hands over at once; None takes blocks as they are, which copies nothing, and
            1024 rows with GPUs, for which Ray wants a number.
        gpus: the GPUs that each actor reserves; None is 1 where `delegates` has a `Gpu`, and else 0. The CPUs that it
            reserves are the model's threads.
        delegates: where the model runs, as for `zerolite.load`.
        threads: how many threads a run uses, as for `zerolite.load`.
        fallback: whether operators that no delegate of the list takes run on the CPU.
        verify: how closely the model is looked at before it is used, as for `zerolite.load`.
        tuned: a file with the fastest setting, or "auto", as for `zerolite.load`.

    Raises:
        ValueError: `actors`, `threads` or `delegates` is not possible, or settings came with a loaded model.
        TypeError: `delegates` holds something else.
        ModuleNotFoundError: the extra "ray" is not installed.
    """
    data = _imported("data")
    if threads is not None:
        positive_int("threads", threads, most=MOST_THREADS)
    loading = {
        "delegates": delegates,
        "threads": threads,
        "fallback": fallback,
        "verify": verify,
        "tuned": tuned,
    }
    if isinstance(source, CompiledModel):
        given = [name for name, value in loading.items() if value != _DEFAULTS[name]]
        if given:
            raise ValueError(f"{given[0]} was given for a model that is loaded already; load it with {given[0]}")
        choice, loading = source._origin.choice, {}
    else:
        choice = DelegateChoice(delegates, threads=threads, fallback=fallback)
        if isinstance(source, str | os.PathLike):
            source = os.path.abspath(os.fspath(source))  # noqa: PTH100 - actors run in folders of their own
    if gpus is None:
        gpus = float(any(type(delegate).__name__ == "Gpu" for delegate in choice.delegates))
    least, most = (1, None) if actors is None else (actors, actors) if isinstance(actors, int) else actors
    return {
        "fn": ModelStage,
        "fn_constructor_kwargs": {
            "source": source,
            "columns": columns,
            "keep": keep,
            "signature": signature,
            **loading,
        },
        "batch_format": "pyarrow",
        "batch_size": _ROWS_FOR_A_GPU if gpus and batch_size is None else batch_size,
        "zero_copy_batch": True,
        "compute": data.ActorPoolStrategy(min_size=least, max_size=most),
        "num_cpus": choice.xnnpack.threads,
        "num_gpus": gpus or None,
        "udf_modifying_row_count": False,
    }


_DEFAULTS: dict[str, Any] = {
    "delegates": None,
    "threads": None,
    "fallback": True,
    "verify": "structure",
    "tuned": None,
}


def deployment(
    models: Sources,
    settings: ServingSettings | None = None,
    *,
    name: str = "zerolite",
    replicas: int | tuple[int, int] = 1,
    gpus: float = 0.0,
) -> Any:
    """An application of Ray Serve that answers as `zerolite serve` does: ``serve.run(deployment("models/"))``.

    Each replica is an `zerolite.serving.create_app` of its own, and reserves as many CPUs as its models' replicas have
    threads. Requests wait in its queue, and are refused by it with 429, not by Ray.

    Args:
        models: as for `create_app`; paths have to be there on every node.
        settings: as for `create_app`; without `workers` each model has one.
        name: what Ray calls the deployment.
        replicas: how many replicas, or the least and the most of them, between which Ray chooses by their load.
        gpus: the GPUs that each replica reserves.

    Returns:
        A `ray.serve.Application`.

    Raises:
        ModuleNotFoundError: the extra "ray" is not installed.
        ValueError: `replicas` or the settings' delegates are not possible, or the settings have `tuned`.
    """
    serve = _imported("serve")
    settings = settings or ServingSettings()
    if settings.tuned is not None:
        raise ValueError(
            "tuned chooses the replicas of a model, and Ray has to reserve their CPUs before; give workers"
        )
    settings = replace(settings, workers=settings.workers or 1)
    threads = DelegateChoice(settings.delegates, threads=settings.threads, fallback=settings.fallback).xnnpack.threads
    paths = [models] if isinstance(models, str | os.PathLike) else models
    scaling: dict[str, Any]
    if isinstance(replicas, int):
        scaling = {"num_replicas": replicas}
    else:
        scaling = {"autoscaling_config": {"min_replicas": replicas[0], "max_replicas": replicas[1]}}
    made = serve.deployment(
        serve.ingress()(_Replica),
        name=name,
        ray_actor_options={"num_cpus": (settings.workers or 1) * threads, "num_gpus": gpus},
        max_ongoing_requests=settings.queue_size + (settings.workers or 1),
        **scaling,
    )
    return made.bind([os.fspath(Path(path).absolute()) for path in paths], settings)


class _Replica:
    """What Ray makes an ASGI application of, in the process of each replica."""

    def __init__(self, models: Sequence[str], settings: ServingSettings) -> None:
        self._models = models
        self._settings = settings

    def __serve_build_asgi_app__(self) -> Starlette:
        return create_app(self._models, self._settings)


def _tensor_column(array: Any) -> pa.Array:
    from ray.data.extensions import ArrowTensorArray

    return ArrowTensorArray.from_numpy(array)


def _imported(part: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"ray.{part}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "zerolite":
            raise
        raise ModuleNotFoundError(
            f"this needs the package {error.name}, which is not installed; pip install 'zerolite[ray]'",
            name=error.name,
        ) from error
