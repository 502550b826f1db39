"""One runtime with one model loaded, ready to be timed.

`first_result_program` loads this file in processes where nothing may be imported but the runtime under test, so it
imports no other part of zerolite, and no more of the standard library than it needs.

Work is handed out as a statement of Python with the names in it, as `timeit` takes it: what is timed is then what
somebody would write, with no wrapper of ours between the clock and the runtime.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from zerolite._timing.stopwatch import Work

__all__ = ["RUNTIMES", "Session", "import_runtime", "open_session", "session_of"]

#: Name of a runtime -> the module it comes from, and how to install that.
RUNTIMES = {
    "zerolite": ("zerolite", "pip install zerolite"),
    "tf": ("tensorflow", "pip install 'zerolite[convert]'"),
    "litert": ("ai_edge_litert.interpreter", "pip install 'ai-edge-litert>=2.3,<2.4'"),
    "compiled_model": ("ai_edge_litert.compiled_model", "pip install 'ai-edge-litert>=2.3,<2.4'"),
    "tflite_runtime": (
        "tflite_runtime.interpreter",
        "pip install 'tflite-runtime' 'numpy<2' (its last release, 2.14, has wheels for Python 3.9 to 3.11)",
    ),
}

_PLACEHOLDER_SIGNATURE = "<placeholder signature>"
_NUMPY_2 = 2


def _nothing() -> None:
    pass


class Session:
    """A loaded model.

    Attributes:
        runtime: a name of `RUNTIMES`.
        inputs: input name -> shape and NumPy dtype, in the order of the arrays that `call` takes.
        outputs: the outputs' names, in the order in which they are read.
        signature: the key of the signature that is run; None in a model without signatures.
        invoke: the work of running over inputs that are in place, without reading a result; None where the runtime
            has no such call for the signature.
        map_statement: for zerolite, the statement that runs a batch whole; None elsewhere.
        dispatch: for one model of zerolite, tells how it is dispatched; elsewhere it says None.
    """

    def __init__(
        self,
        runtime: str,
        inputs: Mapping[str, tuple[tuple[int, ...], Any]],
        lines: Sequence[str],
        names: Mapping[str, Any],
        *,
        outputs: Mapping[str, tuple[str, tuple[int, ...], Any]],
        signature: str | None,
        invoke: Work | None = None,
        map_statement: str | None = None,
        dispatch: Callable[[], str | None] = _nothing,
        on_close: Callable[[], object] = _nothing,
    ) -> None:
        """Note what to run.

        Args:
            runtime: a name of `RUNTIMES`.
            inputs: input name -> shape and dtype.
            lines: statements from arrays in to arrays out; the inputs are called x0, x1, ... in them.
            names: the other names in `lines`.
            outputs: output name -> an expression for it after `lines`, its shape and its dtype.
            signature: the key of the signature that is run.
            invoke: running alone.
            map_statement: running a batch whole.
            dispatch: tells how runs are dispatched.
            on_close: gives back what was opened.
        """
        self.runtime = runtime
        self.inputs = dict(inputs)
        self.signature = signature
        self.invoke = invoke
        self.map_statement = map_statement
        self.dispatch = dispatch
        self._on_close = on_close
        self._lines = list(lines)
        self._names = dict(names)
        self.outputs = list(outputs)
        self._results = list(outputs.values())

    def call(self, arrays: Sequence[Any]) -> Work:
        """The work from arrays in, by the order of `inputs`, to arrays out."""
        return "\n".join(self._lines), {**self._names, **{f"x{place}": array for place, array in enumerate(arrays)}}

    def close(self) -> None:
        """Give back what was opened. Work that was handed out before must not be run any more."""
        self.invoke = None
        self._names.clear()
        on_close, self._on_close = self._on_close, _nothing
        on_close()

    def batch(self, arrays: Sequence[Any], items_per_run: int) -> Work:
        """The work from arrays with many items along their leading axis to one array of results for each output.

        It is `map` where the runtime has that, otherwise a loop in Python which fills arrays made before.
        """
        names = {**self._names, **{f"batch{place}": array for place, array in enumerate(arrays)}}
        if self.map_statement is not None:
            return self.map_statement, names
        import numpy as np

        items = len(arrays[0])
        names.update(items=items, step=items_per_run)
        for place, (_, shape, dtype) in enumerate(self._results):
            names[f"result{place}"] = np.empty((items, *shape[1:]), dtype)
        body = [
            "rows = slice(start, start + step)",
            *(f"x{place} = batch{place}[rows]" for place in range(len(arrays))),
            *self._lines,
            *(f"result{place}[rows] = {output}" for place, (output, _, _) in enumerate(self._results)),
        ]
        return "\n    ".join(("for start in range(0, items, step):", *body)), names


def import_runtime(runtime: str) -> Any:
    """Import the module of a runtime.

    Raises:
        ImportError: it is not installed, or does not work here; the message says how to install it.
        ValueError: there is no such runtime.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"there is no runtime {runtime!r} to compare with; choose from {', '.join(RUNTIMES)}")
    module, install = RUNTIMES[runtime]
    if runtime == "tflite_runtime":
        import numpy as np

        if int(np.__version__.partition(".")[0]) >= _NUMPY_2:
            # With NumPy 2 its import prints pages, and then fails or crashes later.
            raise ImportError(
                f"tflite_runtime was built for NumPy 1, and NumPy {np.__version__} is installed here; compare with "
                f"it in an environment of its own: {install}"
            )
    try:
        __import__(module)
        imported = sys.modules[module]
        if runtime == "tf":
            # Loaded on first use, and part of what importing costs.
            _ = imported.lite.Interpreter
    except ImportError as error:
        raise ImportError(
            f"comparing with {runtime} needs the package {module.partition('.')[0]}, which can't be imported here "
            f"({error}); install it with: {install}"
        ) from error
    return imported


def open_session(
    runtime: str,
    path: str,
    *,
    signature: str | None = None,
    threads: int | None = None,
    delegates: Any = None,
    workers: int | None = None,
) -> Session:
    """Load the model at `path` with a runtime.

    Args:
        runtime: a name of `RUNTIMES`.
        path: a .tflite file.
        signature: the signature to run; None is "serving_default", or else the first.
        threads: how many threads a run uses; None is 1, or the delegate's own setting.
        delegates: for zerolite only, what `zerolite.load` takes.
        workers: for zerolite only, how many replicas a pool runs a batch with; None is one model without a pool.

    Raises:
        ImportError: the runtime is not installed.
        ValueError: there is no such runtime or signature, or the runtime refuses the model.
        RuntimeError: the runtime refuses the model.
    """
    module = import_runtime(runtime)
    if runtime == "zerolite":
        if workers is not None:
            return _open_pool(module, path, signature, delegates, workers)
        return _open_zerolite(module, path, signature, threads, delegates)
    if runtime == "compiled_model":
        return _open_compiled_model(module, path, signature, threads or 1)
    interpreter_class = module.lite.Interpreter if runtime == "tf" else module.Interpreter
    return _open_interpreter(runtime, interpreter_class, path, signature, threads or 1)


def session_of(model: Any, *, signature: str | None = None, on_close: Callable[[], object] = _nothing) -> Session:
    """A session over a `zerolite.CompiledModel`.

    Args:
        model: the model, which stays open when the session is closed.
        signature: the signature to run; None is the default one.
        on_close: called when the session is closed.

    Raises:
        ValueError: the model has no such signature.
    """
    runner, inputs, outputs = _zerolite_signature(model, signature)
    return Session(
        "zerolite",
        inputs,
        [f"y = model({', '.join(f'x{place}' for place in range(len(inputs)))})"],
        {"model": runner},
        outputs=outputs,
        signature=runner.key,
        invoke=("model.run()", {"model": runner}),
        map_statement=f"y = model.map({_batches(inputs)})",
        dispatch=lambda: str(runner.dispatch),
        on_close=on_close,
    )


def _open_zerolite(module: Any, path: str, signature: str | None, threads: int | None, delegates: Any) -> Session:
    model = module.load(path, threads=threads, delegates=delegates)
    try:
        return session_of(model, signature=signature, on_close=model.close)
    except BaseException:
        model.close()
        raise


def _open_pool(module: Any, path: str, signature: str | None, delegates: Any, workers: int) -> Session:
    with module.load(path) as model:
        runner, inputs, outputs = _zerolite_signature(model, signature)
        key = runner.key
    pool = module.Pool(path, workers=workers, signature=signature, delegates=delegates)
    # Batches only: single calls are those of one model.
    return Session(
        "zerolite",
        inputs,
        [],
        {"pool": pool},
        outputs=outputs,
        signature=key,
        map_statement=f"y = pool.map({_batches(inputs)})",
        on_close=pool.close,
    )


def _zerolite_signature(model: Any, signature: str | None) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The signature, its inputs and its outputs, as `Session` takes them."""
    if signature is not None:
        _require_signature(signature, model.signatures)
    runner = model if signature is None else model.signatures[signature]
    if runner._inputs_in_doubt():
        # The inputs are made for the positions that the signature has, which is nothing to warn of.
        runner = model.signatures[runner.key]
        runner._settle_positions()
    inputs = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in runner.inputs.items()}
    several = len(runner.outputs) > 1
    outputs = {
        name: (f"y[{name!r}]" if several else "y", tuple(tensor.shape), tensor.dtype)
        for name, tensor in runner.outputs.items()
    }
    return runner, inputs, outputs


def _open_interpreter(runtime: str, interpreter_class: Any, path: str, signature: str | None, threads: int) -> Session:
    interpreter = interpreter_class(model_path=path, num_threads=threads)
    interpreter.allocate_tensors()
    signatures = interpreter.get_signature_list()
    key = _chosen_signature(signature, signatures)
    runner = None
    if key is None:
        input_list, output_list = interpreter.get_input_details(), interpreter.get_output_details()
        # Tensors may have the same name as long as no signature names them.
        inputs = {f"{detail['name']}, tensor {detail['index']}": detail for detail in input_list}
        outputs = {f"{detail['name']}, tensor {detail['index']}": detail for detail in output_list}
    else:
        runner = interpreter.get_signature_runner(key)
        input_details, output_details = runner.get_input_details(), runner.get_output_details()
        inputs = {name: input_details[name] for name in signatures[key]["inputs"]}
        outputs = {name: output_details[name] for name in signatures[key]["outputs"]}
    specs = {name: _shape_and_dtype(detail) for name, detail in inputs.items()}

    first_subgraph = _tensors(interpreter.get_input_details())
    # set_tensor, invoke and get_tensor reach the first subgraph only. In a model with several signatures, another one
    # can only be run by its runner, which is slower than the three calls.
    if runner is not None and (len(signatures) > 1 or _tensors(inputs.values()) != first_subgraph):
        arguments = ", ".join(f"names[{place}]: x{place}" for place in range(len(inputs)))
        return Session(
            runtime,
            specs,
            [f"y = run(**{{{arguments}}})"],
            {"run": runner, "names": list(inputs)},
            outputs={name: (f"y[{name!r}]", *_shape_and_dtype(detail)) for name, detail in outputs.items()},
            signature=key,
        )
    lines = [f"interpreter.set_tensor({detail['index']}, x{place})" for place, detail in enumerate(inputs.values())]
    lines.append("interpreter.invoke()")
    lines += [f"y{place} = interpreter.get_tensor({detail['index']})" for place, detail in enumerate(outputs.values())]
    return Session(
        runtime,
        specs,
        lines,
        {"interpreter": interpreter},
        outputs={
            name: (f"y{place}", *_shape_and_dtype(detail)) for place, (name, detail) in enumerate(outputs.items())
        },
        signature=key,
        invoke=("interpreter.invoke()", {"interpreter": interpreter}),
    )


def _open_compiled_model(module: Any, path: str, signature: str | None, threads: int) -> Session:
    import numpy as np

    options = module.Options(
        hardware_accelerators=module.HardwareAccelerator.CPU, cpu_options=module.CpuOptions(num_threads=threads)
    )
    model = module.CompiledModel.from_file(path, options=options)
    signatures = model.get_signature_list()
    key = _chosen_signature(signature, signatures) or _PLACEHOLDER_SIGNATURE
    index = model.get_signature_index(key)
    sides = model.get_signature_by_index(index)
    input_details, output_details = model.get_input_tensor_details(key), model.get_output_tensor_details(key)
    inputs = {
        name: (tuple(input_details[name]["shape"]), _known_dtype(input_details[name], path)) for name in sides["inputs"]
    }
    input_buffers, output_buffers = model.create_input_buffers(index), model.create_output_buffers(index)
    names: dict[str, Any] = {"model": model, "index": index, "inputs": input_buffers, "outputs": output_buffers}
    lines = [f"in{place}.write(x{place})" for place in range(len(input_buffers))]
    run = "model.run_by_index(index, inputs, outputs)"
    lines.append(run)
    names.update((f"in{place}", buffer) for place, buffer in enumerate(input_buffers))
    outputs = {}
    for place, name in enumerate(sides["outputs"]):
        shape = tuple(output_details[name]["shape"])
        names[f"out{place}"] = output_buffers[place]
        names[f"dtype{place}"] = _known_dtype(output_details[name], path)
        lines.append(f"y{place} = out{place}.read({int(np.prod(shape))}, dtype{place})")
        # It reads a flat array. Reshaping that is left out of a single call, in its favour.
        outputs[name] = (f"y{place}.reshape({shape})", shape, names[f"dtype{place}"])
    return Session(
        "compiled_model",
        inputs,
        lines,
        names,
        outputs=outputs,
        signature=key,
        invoke=(run, dict(names)),
        on_close=model.close,
    )


def _known_dtype(details: Mapping[str, Any], path: str) -> Any:
    import ml_dtypes
    import numpy as np

    name = str(details["dtype"])
    # The types that its TensorBuffer writes and reads in 2.3.0.
    if name in ("float32", "float16", "int32", "int8", "uint8", "bool"):
        return np.dtype(name)
    if name == "bfloat16":
        return np.dtype(ml_dtypes.bfloat16)
    raise ValueError(
        f"ai_edge_litert's CompiledModel reads and writes no {name}, which tensor '{details['name']}' of {path} is; "
        "leave compiled_model out of the comparison"
    )


def _batches(inputs: Mapping[str, Any]) -> str:
    """What `map` takes: the only input's batch, or a sequence of all inputs' batches."""
    return "batch0" if len(inputs) == 1 else f"({', '.join(f'batch{place}' for place in range(len(inputs)))})"


def _require_signature(signature: str, known: Iterable[str]) -> None:
    if signature not in known:
        raise ValueError(f"the model has no signature {signature!r}; it has {', '.join(known) or 'none'}")


def _chosen_signature(signature: str | None, known: Mapping[str, Any]) -> str | None:
    """The signature to run, chosen as zerolite does; None in a model without signatures."""
    if signature is not None and signature != _PLACEHOLDER_SIGNATURE:
        _require_signature(signature, known)
        return signature
    if not known:
        return None
    return "serving_default" if "serving_default" in known else next(iter(known))


def _tensors(details: Iterable[Mapping[str, Any]]) -> set[tuple[int, str]]:
    return {(int(detail["index"]), str(detail["name"])) for detail in details}


def _shape_and_dtype(details: Mapping[str, Any]) -> tuple[tuple[int, ...], Any]:
    return tuple(int(size) for size in details["shape"]), details["dtype"]
