"""What models and their signatures can do."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from zerolite import _native
from zerolite._inference.shapes import position_of, requested_shapes
from zerolite._runtime.positions import caller_level
from zerolite._runtime.tensor import TensorMap, Value

if TYPE_CHECKING:
    import numpy.typing as npt

    from zerolite._inference.batch import Batch, Out, Progress
    from zerolite._inference.real_numbers import RealNumbers
    from zerolite._inference.source import Origin
    from zerolite._inference.state import State
    from zerolite._instrumentation import Profile, Trace
    from zerolite._runtime.validation import Reset

__all__ = [
    "Dispatch",
    "Preparation",
    "Shapes",
    "Signature",
    "SignatureMethods",
    "Signatures",
    "in_file_order",
    "warn_of_positions",
    "warn_of_unusable",
]


#: The inputs' shapes by signature and name.
Shapes: TypeAlias = Mapping[str, Mapping[str, tuple[int, ...]]]


class Preparation(Protocol):
    """What brings a model to the shapes that calls and batches come with; see `PreparedShapes`."""

    def serve(self, signature: SignatureMethods) -> None: ...
    def with_shapes(self, signature: SignatureMethods, shapes: tuple[tuple[int, ...], ...]) -> Signature: ...
    def map(
        self,
        replicas: Sequence[SignatureMethods],
        batch: Batch,
        *,
        out: Out | None,
        chunk: int | None,
        progress: Progress | None,
        reset: str,
        timeout: float | None,
    ) -> Any: ...
    def clear(self) -> None: ...


class Dispatch(str):
    """How runs are dispatched: the string "direct" or "runtime".

    Attributes:
        reason: why, in one sentence.
    """

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, path: Literal["direct", "runtime"], reason: str) -> Dispatch:
        """Make the string and note the reason."""
        dispatch = super().__new__(cls, path)
        dispatch.reason = reason
        return dispatch

    def __repr__(self) -> str:
        """The path and the reason."""
        return f"<{self!s}: {self.reason}>"


class SignatureMethods(_native.Signature):
    """What models and signatures do beside the fast calls: calling and `run` are native."""

    _origin: Origin
    _prepared: Preparation | None = None  # where calls bring their shapes along
    _tuned_chunk: int | None = None  # how many items of a batch go through one run where nobody says

    @property
    def inputs(self) -> TensorMap:
        """The input tensors, by name and by position, in the order of positional arguments."""
        return TensorMap(self, is_input=True)

    @property
    def outputs(self) -> TensorMap:
        """The output tensors, by name and by position."""
        return TensorMap(self, is_input=False)

    @property
    def dispatch(self) -> Dispatch:
        """How the next run is dispatched, "direct" or "runtime", with the `reason`.

        A direct run calls the kernels of the prepared plan itself; the first run after a load or a resize prepares
        the plan and is never direct, nor is the second one where the first told shapes. ``ZEROLITE_DISPATCH=runtime``
        in the environment switches direct runs off.
        """
        direct, reason = self._dispatch()
        return Dispatch("direct" if direct else "runtime", reason)

    @property
    def real(self) -> RealNumbers:
        """The same with real numbers in and out where tensors are quantized: ``model.real(x)``."""
        from zerolite._inference.real_numbers import RealNumbers

        return RealNumbers(self, chunk=self._tuned_chunk)

    @property
    def _input_shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tensor.shape for name, tensor in self.inputs.items()}

    def _content(self) -> memoryview:
        isolated = self._origin.isolated
        return super()._content() if isolated is None else isolated.content

    def _require_here(self, what: str) -> None:
        if self._origin.isolated is not None:
            raise _native.Error(
                f"{_native.model_name(self)} runs in another process, which does not show {what}; load it without "
                "isolation if you trust where it comes from"
            )

    def _tensor_map(self, name: str) -> TensorMap:
        """The side that a name belongs to; an input if both have it."""
        inputs, outputs = self.inputs, self.outputs
        if name in inputs:
            return inputs
        if name in outputs:
            return outputs
        known = ", ".join(map(repr, [*inputs, *outputs]))
        raise _native.ArgumentError(f"there is no input or output {name!r}; the signature's are {known}")

    def bind(
        self,
        arrays: Mapping[str, Value | None] | None = None,
        /,
        **named_arrays: Value | None,
    ) -> None:
        """Let inputs and outputs use the caller's memory; None goes back to the tensor's own.

        `zl.empty` makes arrays that can be bound. Whatever would need a copy is refused: an array has to be of the
        tensor's dtype and shape, C-contiguous, writable, 64-byte aligned, and, for inputs, known to be followed by 16
        bytes that may be read, as kernels do. CPU tensors of other libraries and writable buffers are taken by the same
        rules; nobody tells what is behind their memory, so that they can be bound to outputs only. Binding lasts until
        the tensor is resized. When an input and an output have the same name, the name means the input;
        ``outputs[name].bind`` reaches the other.

        One array may be bound to an input and an output where the plan of the graph proves that a run is done with the
        input before it writes the output, or meets it in an operator that works in place, as DYNAMIC_UPDATE_SLICE does:
        a key/value cache is then updated where it lies. `carry` is for all others.

        Args:
            arrays: arrays by name, for names that are no Python identifiers.
            **named_arrays: arrays by name.

        Raises:
            TypeError: an array has another dtype, or is none.
            ValueError: a name is unknown, or an array can't be used as it is; the message says why.
        """
        for name, array in {**(arrays or {}), **named_arrays}.items():
            tensor = self._tensor_map(name)[name]
            if array is None:
                tensor.unbind()
            else:
                tensor.bind(array)

    def carry(self, outputs: Mapping[str, str | None] | None = None, /, **named_outputs: str | None) -> None:
        """Let inputs have what a run left in outputs, as key/value caches and other state need it, without a copy.

        ``model.carry(cache="cache_out")`` makes one tensor of both: what either's `Tensor.array` shows and a call
        writes is the value that the next run reads, and after a run the one that it has written. Where the plan of the
        graph proves that a run is done with the input before it writes the output, the run writes in place. Else two
        memories take turns, the input's and the output's, so that an array is to be taken anew after each run. The
        first run reads what the input has. A run that fails leaves the value, if it did not write in place.

        It lasts across resizes, which begin with zeros, and does not go to replicas. `map` gives every item its inputs,
        and so carries nothing.

        Args:
            outputs: the names of outputs by those of inputs, for names that are no Python identifiers.
            **named_outputs: the same. None ends it: both have memory of their own again, the input with its value.

        Raises:
            ValueError: a name is unknown; shapes, dtypes or quantizations differ; the output goes to another input
                already, or is allocated by the runtime in each run.
        """
        wanted = {**(outputs or {}), **named_outputs}
        pairs = [(position_of(self.inputs, name, "input"), output) for name, output in wanted.items()]
        carried = [
            (source, None if output is None else position_of(self.outputs, output, "output"))
            for source, output in pairs
        ]
        for source, target in carried:
            self._carry(source, target)

    def resize(
        self,
        shapes: Mapping[str, Sequence[int]] | None = None,
        /,
        *,
        strict: bool = True,
        **named_shapes: Sequence[int],
    ) -> None:
        """Give inputs other shapes; outputs follow. Views taken before keep their old memory.

        Args:
            shapes: shapes by name, for names that are no Python identifiers.
            strict: refuse to change what the model fixes: where the `shape_signature` of an input has a -1, nothing
                else of it may vary. Without it the graph decides, which may then compute nonsense.
            **named_shapes: shapes by name.

        Raises:
            ValueError: a name is unknown, a shape is impossible (dimensions are at least 1, and at most 8), or it
                changes what the model fixes.
            Error: the graph does not work with these shapes, or can't be resized at all: with a part on a GPU or an
                NPU, variables in XNNPACK, another input whose name is the same string of the file, or more than 8
                dimensions in the file. The previous shapes are kept.
        """
        self._resize(requested_shapes(self.inputs, {**(shapes or {}), **named_shapes}, strict=strict))

    def reset(self) -> None:
        """Put the model's variables back to what they are in a model just loaded.

        A call, `run` and `run_async` keep what a stateful model (streaming, LSTM, SVDF) has in its variables, so that a
        stream can go on from one call to the next; this begins another stream. The variables belong to the model, and
        so to all its signatures. Views, bindings and shapes stay. Nothing happens to a model without variables. One
        that keeps them in resources, as `tf.Variable` does, is compiled anew, which takes as long as a load.

        Raises:
            Error: the model is closed, or can't be compiled anew; then nothing has changed.
        """
        self._reset()

    @property
    def state(self) -> State:
        """The model's variables by name: to read, to write, to keep as a snapshot and to restore."""
        from zerolite._inference.state import State

        self._require_here("its variables")
        return State(self)

    def map(
        self,
        batch: Batch,
        *,
        out: Out | None = None,
        chunk: int | None = None,
        progress: Progress | None = None,
        reset: Reset = "item",
        timeout: float | None = None,
    ) -> npt.NDArray[Any] | dict[str, npt.NDArray[Any]]:
        """Run every item of a batch, in a native loop without the GIL. An item is a slice along the leading axis.

        Where the model's leading axis may be resized, several items go through one run (a chunk); the results are
        those of running the items one by one. Views and bindings of the signature are not touched.

        Args:
            batch: an array of shape (items, ...) of the input's dtype, of NumPy or another library, as for a call; for
                several inputs a mapping from names to such arrays, or a sequence of them by position. Lists and numbers
                are converted.
            out: an array of shape (items, ...) to put the results into, or a mapping from names for several outputs.
            chunk: how many items go through one run; None measures a few sizes at the first batch of this kind and
                keeps the fastest, since the activations of large networks leave the caches when chunks grow. A model
                that was loaded with ``tuned=`` has the size from there.
            progress: called as ``progress(done, total)`` some twenty times a second at most.
            reset: of a stateful model. "item": the items do not depend on one another; each begins with the variables
                of a model just loaded (see `reset`), and so does what runs next. "never": the batch is a stream, which
                goes on from where the model is.
            timeout: the seconds after which the batch is stopped between two runs; None for no limit. In Python's own
                loop, for strings and dynamic shapes, between two operators.

        Returns:
            The array of a single output, or a dict of arrays by name; `out` where it was given. Lists in their place
            where a model that was loaded with ``resize="auto"`` is given lists of arrays of different shapes.

        Raises:
            TypeError: an array has another dtype.
            ValueError: shapes do not fit, `chunk` is not possible, `out` overlaps an input, or `reset` is no such rule.
            Error: a run failed; the message begins with the item.
            RunTimeoutError: the batch took longer than `timeout`.
            KeyboardInterrupt: at Ctrl-C, within a stretch of 50 ms or one run, whichever is longer.
        """
        from zerolite._inference.batch import map_signature

        map_items = map_signature if self._prepared is None else self._prepared.map
        size = self._tuned_chunk if chunk is None else chunk
        return map_items([self], batch, out=out, chunk=size, progress=progress, reset=reset, timeout=timeout)

    def profile(self, *, runs: int = 50, progress: Progress | None = None) -> Profile:
        """Measure what each operator takes, over the values that the inputs have now.

        Nothing happens to the model: two replicas of it, made for the purpose, run in turns over copies of its inputs,
        one with a profiler and one without, which tells what profiling adds. Their variables are those of a model just
        loaded. Beside a second and third copy of the packed weights, the runtime's profiler takes some 70 MB.

        Args:
            runs: how many runs are profiled, after three that warm up.
            progress: called as ``progress(done, runs)`` after each.

        Raises:
            TypeError, ValueError: `runs` is no integer of at least 1.
            Error: a run failed, or a delegate can't be profiled.
        """
        self._require_here("a profile")
        from zerolite._instrumentation.profiler import profile_signature

        return profile_signature(self, runs, progress=progress)

    def trace(self, *args: Value, **kwargs: Value) -> Trace:
        """Run once over given inputs, and keep the values of every tensor that was computed.

        Takes inputs as a call does. A replica of the model runs, node by node on TensorFlow Lite's own kernels whatever
        the delegates of the model: XNNPACK fuses operators, and so never has the values between them. Nothing happens
        to the model; the replica's variables are those of a model just loaded.

        Raises:
            TypeError, ValueError: inputs do not fit, as in a call.
            Error: a kernel failed, or there is none for an operator of the model.
        """
        self._require_here("a trace")
        from zerolite._instrumentation.tracer import trace_signature

        return trace_signature(self, args, kwargs)


class Signature(SignatureMethods):
    """One signature of a model: its tensors, and how it is run.

    Calling it runs it: ``signature(x)``, ``signature(x=...)``, ``signature({"x": ...})``, with ``out=`` for arrays to
    put the results into; see `CompiledModel`. Signatures of one model take turns.
    """

    def __repr__(self) -> str:
        """The key, the inputs and the outputs."""
        return f"Signature({self.key!r}, inputs={list(self.inputs.values())}, outputs={list(self.outputs.values())})"


def in_file_order(signature: SignatureMethods) -> SignatureMethods:
    """The signature for code that takes the order of inputs from the signature itself, and so has none in doubt."""
    if not signature._inputs_in_doubt():
        return signature
    own = Signature(signature, signature._index)
    own._tuned_chunk = signature._tuned_chunk
    own._settle_positions()
    if signature._prepared is not None:
        signature._prepared.serve(own)
    return own


def warn_of_positions(signature: _native.Signature) -> None:
    """Warn whoever called zerolite, once, of inputs by position that could be mistaken for one another."""
    signature._warn_of_positions(caller_level())


class Signatures(dict[str, Signature]):
    """Signatures by key; of those that can't be used the KeyError says why.

    Attributes:
        unusable: the reasons by key.
    """

    def __init__(self, signatures: Mapping[str, Signature], unusable: Mapping[str, str]) -> None:
        """Keep both."""
        super().__init__(signatures)
        self.unusable = unusable

    def __missing__(self, key: str) -> Signature:
        """Say why there is no such signature.

        Raises:
            KeyError: always.
        """
        reason = self.unusable.get(key)
        raise KeyError(key if reason is None else f"signature {key!r} can't be used: {reason}")


def warn_of_unusable(name: str, unusable: Mapping[str, str]) -> None:
    """Warn whoever called zerolite of signatures that the file has and nothing can run.

    Args:
        name: the model's.
        unusable: the reasons by key.
    """
    for key, reason in unusable.items():
        warnings.warn(
            f"{name}: signature {key!r} is left out, since {reason}; convert the model again so that the signature "
            "names all of its inputs and outputs, or use the others",
            UserWarning,
            stacklevel=caller_level(),
        )
