"""Models: loading one, and running it."""

from __future__ import annotations

import copyreg
import os
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

from zerolite import _native
from zerolite._inference.signature import (
    Shapes,
    Signature,
    SignatureMethods,
    Signatures,
    warn_of_positions,
    warn_of_unusable,
)
from zerolite._inference.source import (
    NAMELESS,
    ModelSource,
    Origin,
    Resize,
    Verify,
    check_resize,
    contiguous_view,
    encoded_path,
    verification_of,
)
from zerolite._runtime.tensor import Value
from zerolite.delegates.choice import DelegateChoice

if TYPE_CHECKING:
    import numpy.typing as npt

    from zerolite._inference.background import BackgroundThread
    from zerolite._inference.pickling import PickledModel
    from zerolite.delegates.delegation import Delegation
    from zerolite.tuned import TunedFile

__all__ = ["CompiledModel", "Verify", "signature_of"]


class CompiledModel(_native.CompiledModel, SignatureMethods):
    """A model that is ready to run, and acts as its default signature ("serving_default", or else the first).

    Calling it copies the inputs in, runs, and returns new arrays: the array of a single output, or a dict of arrays by
    name. Inputs go by position in the order of `inputs`, by name, or as one mapping from names to values. NumPy arrays
    must have the tensor's dtype (else TypeError) and shape (else ValueError). Lists and numbers are converted, and
    refused where that would change their values (ValueError; real numbers are rounded as the dtype stores them). With
    ``out=`` an array (or, for several outputs, a mapping from names to arrays) the results are put there.

    Arrays of other libraries are taken as NumPy's are, where they lie in memory of the CPU: tensors of PyTorch and JAX
    and whatever else speaks DLPack, columns of Arrow that hold numbers or fixed-size lists of them, memory maps and
    buffers. Another device, a tensor that requires grad, and a column with nulls are a ValueError.

    ``timeout=`` seconds stop a run before its next operator with `RunTimeoutError`, a TimeoutError: a call, `run`,
    `map`, `run_async` and `Pool` take it (an input of that name is given in a mapping). The model is as usable as
    before, but the variables of a stateful one are those of a run that did not come to its end. What XNNPACK took as a
    whole is one operator here; a run that has ended late gives its result.

    `run` goes without copies: it runs over the tensors' memory as it is (`Tensor.array`, `bind`).

    One model may be called from several threads; they take turns. The GIL is free during longer runs.

    Attributes:
        mapped: whether the model's file is used where it lies on disk, and not from a copy; see `load`.
    """

    _signatures: Mapping[str, Signature] | None = None  # made by the first who asks
    _tuned: TunedFile | None = None

    def __init__(
        self,
        source: ModelSource | SignatureMethods,
        *,
        choice: DelegateChoice | None = None,
        verify: Verify | None = None,
        tuned: TunedFile | None = None,
        name: bytes | None = None,
        map: bool | None = None,  # noqa: A002 - the public name
        resize: Resize = "strict",
    ) -> None:
        """Compile the model; `zerolite.load` is the usual way in.

        A compiled model as the source makes a replica of it: one of its own state and threads, over the same bytes. A
        tuning has to belong to the model, and gives `map` the size of its chunks; `name` is what a model that comes as
        bytes is called in errors.
        """
        choice = choice or DelegateChoice(None, threads=None)
        settings = choice.native_settings()
        check_resize(resize)
        if isinstance(source, SignatureMethods):
            super().__init__(replica_of=source, **settings)
            self._origin = source._origin._replace(choice=choice, resize=resize)
            self._apply(source._tuned if isinstance(source, CompiledModel) else None)
            self._serve_shapes()
            return
        path = encoded_path(source) if isinstance(source, str | os.PathLike) else None
        self._origin = Origin.of(
            path, name=name, choice=choice, verify=verify, tuned=tuned, kind=CompiledModel, resize=resize
        )
        verification = verification_of(self._origin.verify)
        if map and path is None:
            raise ValueError(
                "map is True, and bytes in memory are no file; load the model from its path, or leave map out"
            )
        if map and (tuned is not None or verify == "isolated"):
            raise ValueError(
                "map is True, and a model that is tried in another process or belongs to a tuning is read once, so "
                "that what was looked at is what runs; leave map out"
            )
        if path is not None and tuned is None and verify != "isolated":
            super().__init__(path=path, map=map, verification=verification, **settings)
            warn_of_unusable(self.name, self._unusable_signatures())
            self._serve_shapes()
            return
        # Read once, so that the bytes that are verified are those that are loaded.
        source = _native.read_file(path) if path is not None else source
        name = name or path or NAMELESS
        with contiguous_view(source) as content:
            if tuned is not None and tuned.path is not None:
                tuned.require(content)
            if verify == "isolated":
                from zerolite._isolation import require_survival

                require_survival(content, name=name, settings=settings, custom_ops=choice.custom_ops)
            super().__init__(content=content, name=name, verification=verification, **settings)
        warn_of_unusable(self.name, self._unusable_signatures())
        self._apply(tuned)
        self._serve_shapes()

    def _serve_shapes(self) -> None:
        if self._origin.resize == "auto":
            from zerolite._inference.prepared_shapes import PreparedShapes

            PreparedShapes(_replica).serve(self)

    def _apply(self, tuned: TunedFile | None) -> None:
        self._tuned = tuned
        if tuned is not None and tuned.signature == self.key:
            self._tuned_chunk = tuned.setting.chunk

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The signatures by key, in the model's order.

        A model without signatures has one under LiteRT's key "<placeholder signature>", with the tensors' own names.
        Inputs that a signature does not name are there under their tensors' names; outputs are, if it names none. One
        that can't be used, since the runtime runs its subgraph for no signature, is left out with a warning.
        """
        made = self._signatures
        if made is None:
            signatures = {key: Signature(self, index) for index, key in enumerate(self._signature_keys())}
            for signature in signatures.values():
                signature._origin = self._origin
                if self._prepared is not None:
                    self._prepared.serve(signature)
            if self._tuned is not None and self._tuned.signature in signatures:
                signatures[self._tuned.signature]._tuned_chunk = self._tuned.setting.chunk
            # Of several threads that ask first, all get what one of them has made.
            made = self.__dict__.setdefault(
                "_signatures", MappingProxyType(Signatures(signatures, self._unusable_signatures()))
            )
        return made

    @property
    def delegation(self) -> Delegation:
        """Where the operators run: the partitions that delegates took, what stayed behind, and the threads.

        Raises:
            Error: the model is closed.
        """
        from zerolite.delegates.delegation import Delegation

        return Delegation.of(self, openvino_threads=self._origin.choice.openvino_threads)

    def __enter__(self) -> CompiledModel:
        """Close the model at the end of a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the model."""
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle where the model came from, its settings and its inputs' shapes; not values, variables and bindings.

        A model that was loaded from a path is loaded from that path again, and refused with ValueError when another
        file is there then. Of one that came as bytes all bytes are pickled.

        Raises:
            Error: the model is closed.
            TypeError: a delegate is of a class that zerolite does not have.
            pickle.PicklingError: the function of a custom operator can't be pickled.
        """
        from zerolite._inference.pickling import PickledModel

        if self.closed:
            raise _native.Error(f"the model {self.name} is closed, and can't be pickled; load it again")
        return _restored_model, (PickledModel.of(self, self._shapes),)

    def __copy__(self) -> CompiledModel:
        """Make a replica: over the same bytes, with the same settings and shapes, and memory of its own."""
        replica = type(self)(self, choice=self._origin.choice, resize=self._origin.resize)
        replica._take_shapes(self._shapes)
        return replica

    @property
    def _shapes(self) -> Shapes:
        return {key: signature._input_shapes for key, signature in self.signatures.items()}

    def _take_shapes(self, shapes: Shapes) -> None:
        for key, wanted in shapes.items():
            signature = self.signatures[key]
            now = signature._input_shapes
            changed = {name: shape for name, shape in wanted.items() if now[name] != shape}
            if changed:
                signature.resize(changed, strict=False)  # as it was asked for

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledModel:
        """Make a replica; values and variables are not copied."""
        memo[id(self)] = replica = self.__copy__()
        return replica

    async def run_async(self, *args: Value, **kwargs: Value) -> npt.NDArray[Any] | dict[str, npt.NDArray[Any]]:
        """Call the model on a thread of its own, so that an event loop goes on meanwhile.

        Takes and returns what a call does. Calls of one model follow one another; `Pool.run_async` runs several
        at once. A task that is cancelled stops the run before its next operator.
        """
        from zerolite._inference.background import BackgroundThread, asyncio_wrap

        # setdefault is atomic: of several threads that call first, one makes the thread; after `close` none does.
        if len(args) > 1:
            warn_of_positions(self)
        thread: BackgroundThread | None = self.__dict__.setdefault("_background", BackgroundThread())
        if thread is None:
            raise _native.Error(f"the model {self.name} is closed; load it again to use it")
        return await asyncio_wrap(thread.submit(lambda stop: self._call_until(stop, args, kwargs, real=False)))

    def close(self) -> None:
        """Give back all that the runtime holds for the model; views of tensors keep their memory.

        A run that is under way is waited for. Closing twice does nothing; any other use afterwards raises `Error`.
        """
        background: BackgroundThread | None = self.__dict__.setdefault("_background", None)
        if background is not None:
            background.stop()
        if self._prepared is not None:
            self._prepared.clear()
        super().close()

    def __repr__(self) -> str:
        """The model's name, its inputs and outputs."""
        try:
            closed = self.closed
        except _native.Error:  # tracebacks show the object whose loading failed, too
            return "CompiledModel(not loaded)"
        if closed:
            return f"CompiledModel({self.name!r}, closed)"
        inputs, outputs = list(self.inputs.values()), list(self.outputs.values())
        return f"CompiledModel({self.name!r}, inputs={inputs}, outputs={outputs})"


def _replica(signature: SignatureMethods) -> CompiledModel:
    kind: Any = signature._origin.kind
    model: CompiledModel = kind(signature, choice=signature._origin.choice)
    return model


def _restored_model(pickled: PickledModel) -> CompiledModel:
    choice = DelegateChoice.from_json(pickled.delegates, custom_ops=pickled.custom_ops)
    limits = {} if pickled.isolation is None else {"isolation": pickled.isolation}
    model: CompiledModel = pickled.kind(
        pickled.source,
        choice=choice,
        verify=pickled.verify,
        tuned=pickled.tuned,
        name=pickled.name,
        resize=pickled.resize,
        **limits,
    )
    try:
        pickled.require_same(model._content())
        model._take_shapes(pickled.shapes)
    except BaseException:
        model.close()
        raise
    return model


def _restored_signature(pickled: PickledModel, key: str) -> Signature:
    return _restored_model(pickled).signatures[key]


def _reduced_signature(signature: Signature) -> tuple[Any, ...]:
    from zerolite._inference.pickling import PickledModel

    shapes = {signature.key: signature._input_shapes}
    return _restored_signature, (PickledModel.of(signature, shapes), signature.key)


copyreg.pickle(Signature, _reduced_signature)  # here, since a signature does not know what models are


def signature_of(model: CompiledModel, key: str | None) -> CompiledModel | Signature:
    """The model's signature of that key; the model itself, which is its default one, without a key.

    Raises:
        ValueError: there is no such signature.
    """
    if key is None:
        return model
    if key not in model.signatures:
        reason = model._unusable_signatures().get(key)
        missing = (
            f"has no signature {key!r}" if reason is None else f"has a signature {key!r} that can't be used: {reason}"
        )
        raise ValueError(f"{model.name} {missing}; it has {', '.join(map(repr, model.signatures))}")
    return model.signatures[key]
