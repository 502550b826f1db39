"""Engines that are no TensorFlow Lite, and read its models all the same.

Their threads wait by spinning, which takes the cores from others of the same process: so they are timed in a process of
their own, and whatever is compared with them as well. `first_result_program` loads this file alone there, so that it
imports nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zerolite.benchmarking.session import Session

__all__ = ["ENGINES", "import_engine", "open_engine"]

#: Name of an engine -> the module it comes from, and how to install that.
ENGINES = {"openvino": ("openvino", "pip install 'zerolite[openvino]'")}


def import_engine(engine: str) -> Any:
    """Import the module of an engine.

    Raises:
        ImportError: it is not installed, or does not work here; the message says how to install it.
    """
    module, install = ENGINES[engine]
    try:
        return __import__(module)
    except ImportError as error:
        raise ImportError(
            f"comparing with {engine} needs the package {module}, which can't be imported here ({error}); install it "
            f"with: {install}"
        ) from error


def open_engine(engine: str, path: str, session_class: type[Session], *, threads: int | None = None) -> Session:
    """Load the model at `path` with an engine, for the inputs' shapes in the file, 1 where they are open.

    Args:
        engine: a name in `ENGINES`.
        path: a .tflite file, whose first graph is run.
        session_class: the class `Session`, which this file can't import.
        threads: how many threads a run uses; None is 1.

    Raises:
        ImportError: the engine is not installed.
        RuntimeError: it refuses the model.
    """
    openvino = import_engine(engine)
    core = openvino.Core()
    model = core.read_model(path)
    shapes = {
        position: [size.get_length() if size.is_static else 1 for size in port.partial_shape]
        for position, port in enumerate(model.inputs)
    }
    model.reshape(shapes)
    compiled = core.compile_model(
        model,
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(threads or 1),
            # Else it computes float32 in bfloat16 where the processor has it.
            "INFERENCE_PRECISION_HINT": "f32",
        },
    )
    request = compiled.create_infer_request()
    arguments = ", ".join(f"x{place}" for place in range(len(compiled.inputs)))
    return session_class(
        engine,
        {port.get_any_name(): _shape_and_dtype(port) for port in compiled.inputs},
        [f"y = request.infer([{arguments}], share_inputs=True)"],
        {"request": request},
        outputs={
            port.get_any_name(): (f"y[{place}]", *_shape_and_dtype(port)) for place, port in enumerate(compiled.outputs)
        },
        signature=None,
        invoke=("request.infer()", {"request": request}),
    )


def _shape_and_dtype(port: Any) -> tuple[tuple[int, ...], Any]:
    return tuple(port.shape), port.element_type.to_dtype()
