"""All benchmarks, in the order in which they run and are reported."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import (
    batch,
    cold_start,
    conversion,
    converters,
    cpp_loop,
    custom_operators,
    dynamic_range,
    engines,
    first_call,
    interpreter,
    isolation,
    kept_cache,
    known_shapes,
    large_models,
    loadgen,
    mediapipe_tasks,
    memory,
    openvino_parts,
    per_call,
    pictures,
    ray_data,
    replicas,
    runtimes,
    serving,
    serving_load,
)
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings

__all__ = ["BENCHMARKS"]

#: Name -> what runs it.
BENCHMARKS: dict[str, Callable[[Settings], Outcome]] = {
    "per_call": per_call.run,
    "interpreter": interpreter.run,
    "cpp_loop": cpp_loop.run,
    "custom_operators": custom_operators.run,
    "batch": batch.run,
    "kept_cache": kept_cache.run,
    "known_shapes": known_shapes.run,
    "large_models": large_models.run,
    "replicas": replicas.run,
    "cold_start": cold_start.run,
    "first_call": first_call.run,
    "memory": memory.run,
    "isolation": isolation.run,
    "runtimes": runtimes.run,
    "dynamic_range": dynamic_range.run,
    "engines": engines.run,
    "openvino_parts": openvino_parts.run,
    "loadgen": loadgen.run,
    "conversion": conversion.run,
    "converters": converters.run,
    "serving": serving.run,
    "serving_load": serving_load.run,
    "folders": pictures.run_folders,
    "end_to_end": pictures.run_end_to_end,
    "mediapipe_tasks": mediapipe_tasks.run,
    "ray_data": ray_data.run,
}
