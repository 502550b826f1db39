"""tf.lite.Interpreter on the native core."""

from __future__ import annotations

import enum
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from zerolite import _native
from zerolite._inference.signature import warn_of_unusable
from zerolite._inference.source import contiguous_view, encoded_path
from zerolite.interpreter.delegate import Delegate
from zerolite.interpreter.graph_details import GraphDetails
from zerolite.interpreter.signature_runner import SignatureRunner
from zerolite.interpreter.wrapper import InterpreterWrapper, NativeHandle

if TYPE_CHECKING:
    import numpy.typing as npt

    from zerolite.operators import CustomOps

__all__ = ["Interpreter", "OpResolverType"]


def operator_details(interpreter: Interpreter) -> list[dict[str, Any]]:
    """Tell about every node of the main subgraph: index, op_name, inputs, outputs, operand_types, result_types."""

    def types(tensors: Any) -> list[type]:
        return [interpreter._tensor_details(int(tensor), 0)["dtype"] for tensor in tensors if tensor != -1]

    return [
        {
            "index": index,
            "op_name": name,
            "inputs": inputs,
            "outputs": outputs,
            "operand_types": types(inputs),
            "result_types": types(outputs),
        }
        for index, (name, inputs, outputs) in enumerate(interpreter._node_details())
    ]


@enum.unique
class OpResolverType(enum.Enum):
    """Which kernels an interpreter uses, under the names and values of tf.lite.experimental.OpResolverType."""

    AUTO = 0
    """XNNPACK where it has a kernel, TensorFlow Lite's optimized kernels elsewhere."""

    BUILTIN = 1
    """The same as AUTO."""

    BUILTIN_REF = 2
    """TensorFlow Lite's plain reference kernels, for finding out where a result comes from."""

    BUILTIN_WITHOUT_DEFAULT_DELEGATES = 3
    """TensorFlow Lite's optimized kernels, without XNNPACK."""


_KERNELS: Mapping[OpResolverType, Literal["delegate", "builtin", "reference"]] = {
    OpResolverType.AUTO: "delegate",
    OpResolverType.BUILTIN: "delegate",
    OpResolverType.BUILTIN_REF: "reference",
    OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES: "builtin",
}


def _op_resolver_type(given: object) -> OpResolverType:
    # The original's own enumeration may have been imported before zerolite took its place.
    if isinstance(given, enum.Enum) and type(given).__name__ == OpResolverType.__name__:
        return OpResolverType(given.value)
    raise ValueError(f"Unrecognized passed in op resolver type: {given}")


def _native_operators(custom_ops: CustomOps | None) -> list[_native.CustomOperator]:
    if custom_ops is None:
        return []
    from zerolite.operators import checked_operators

    return [operator.native() for operator in checked_operators(custom_ops)]


# Signed and unsigned 8-bit integers, which are XNNPACK's defaults in LiteRT 2.3.0, and the latest operators. tf.lite's
# flag for subgraphs that are reshaped is one that changes nothing any more.
_LATEST_FEATURES = ("qs8", "qu8", "enable_latest_operators")


class Interpreter(GraphDetails):
    """A model whose tensors are told apart by index: tf.lite.Interpreter's interface.

    ``set_tensor``, ``invoke`` and ``get_tensor`` are native. The GIL is free during longer runs, and one interpreter
    may be used from several threads; they take turns. What differs from tf.lite is told at each method.

    >>> interpreter = zl.Interpreter("model.tflite")
    >>> interpreter.allocate_tensors()
    >>> interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    >>> interpreter.invoke()
    >>> y = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    """

    def __init__(  # noqa: PLR0917 - tf.lite's arguments, in its order
        self,
        model_path: str | os.PathLike[str] | None = None,
        model_content: bytes | bytearray | memoryview | None = None,
        experimental_delegates: Sequence[Delegate] | None = None,
        num_threads: int | None = None,
        experimental_op_resolver_type: OpResolverType = OpResolverType.AUTO,
        experimental_preserve_all_tensors: bool = False,
        experimental_disable_delegate_clustering: bool = False,
        experimental_default_delegate_latest_features: bool = False,
        experimental_compress_quantization_zero_points: bool = False,
        experimental_disable_delegate_node_fusion: bool = False,
        experimental_force_delegate_node_profiling: bool = False,  # noqa: ARG002
        *,
        custom_ops: CustomOps | None = None,
    ) -> None:
        """Load a model from a file or from memory; exactly one of the two is given.

        The bytes are copied, so neither the file nor the buffer is needed afterwards.

        Args:
            model_path: the path of a .tflite file.
            model_content: the bytes of a model.
            experimental_delegates: what `load_delegate` returned, or None.
            num_threads: how many threads a run uses; None is 1.
            experimental_op_resolver_type: which kernels run.
            experimental_preserve_all_tensors: keep the value of every tensor for `get_tensor`. The model then runs
                operator by operator, and slower.
            experimental_disable_delegate_clustering: a delegate's nodes hold only operators that follow each other in
                the file.
            experimental_default_delegate_latest_features: XNNPACK with its latest operators, whatever the resolver.
            experimental_compress_quantization_zero_points: tell one zero point for channels that have the same.
            experimental_disable_delegate_node_fusion: XNNPACK runs each operator for itself.
            experimental_force_delegate_node_profiling: taken, and of no effect, as nothing of tf.lite's Python
                interface shows a profile.
            custom_ops: kernels for custom operators, as for `zerolite.load`; tf.lite has `custom_op_registerers` in
                their place.

        Raises:
            ValueError: the file can't be read, the model is unsound or has an operator that the runtime does not
                know, or an argument is wrong.
            Error: (a RuntimeError) a custom operator's library can't be used.
            DelegateError: (a RuntimeError) a delegate fails with this model.
        """
        kernels = _KERNELS[_op_resolver_type(experimental_op_resolver_type)]
        if num_threads is not None and not isinstance(num_threads, int):
            raise ValueError(f"type of num_threads should be int, and is {type(num_threads).__name__}")
        if num_threads is not None and num_threads < 1:
            raise ValueError(f"num_threads should >= 1, and is {num_threads}")
        if not model_path and not model_content:
            raise ValueError("`model_path` or `model_content` must be specified.")
        if model_path and model_content:
            raise ValueError("Can't both provide `model_path` and `model_content`; pass one of them")
        for delegate in experimental_delegates or ():
            if not isinstance(delegate, Delegate):
                raise TypeError(f"experimental_delegates holds {delegate!r}; pass what zl.load_delegate returned")
        if experimental_default_delegate_latest_features:
            kernels = "delegate"
        source: dict[str, Any] = {
            "path": encoded_path(model_path) if model_path else None,
            "content": contiguous_view(model_content) if model_content else None,
        }
        try:
            super().__init__(
                **source,
                cpu=_native.CpuSettings(
                    threads=num_threads or 1,
                    kernels=kernels,
                    flags=_LATEST_FEATURES if experimental_default_delegate_latest_features else None,
                ),
                delegates=[delegate._made for delegate in experimental_delegates or ()],
                preserve_all_tensors=experimental_preserve_all_tensors,
                fuse_operators=not experimental_disable_delegate_node_fusion,
                cluster_operators=not experimental_disable_delegate_clustering,
                custom_operators=_native_operators(custom_ops),
            )
        except _native.InvalidModelError as error:
            raise _native.InvalidModelError(f"The model is not a valid Flatbuffer buffer: {error}") from error
        except OSError as error:
            raise ValueError(f"Could not open {os.fspath(model_path or '')!r}: {error.strerror}") from error
        warn_of_unusable(os.fsdecode(model_path) if model_path else "the model in memory", self._unusable_signatures())
        self._model_path = model_path
        self._delegates = list(experimental_delegates or ())
        self._compress_zero_points = experimental_compress_quantization_zero_points
        refusal = self._refusal()
        if "Didn't find op for builtin opcode" in refusal or "builtin_code out of range" in refusal:
            raise ValueError(refusal)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied, as the original can't be.

        Raises:
            TypeError: always; a model of `load` can be pickled and copied.
        """
        raise TypeError(
            "an Interpreter can't be pickled or copied, since it is known by the values in its tensors; make one from "
            "the model's path in each process, or use zl.load, whose models can be"
        )

    def allocate_tensors(self) -> None:
        """Prepare the model for the shapes that its inputs have been given.

        Views of tensors never stand in its way: they keep the memory that they show.

        Raises:
            Error: (a RuntimeError) the graph does not work with these shapes, or has an operator without a kernel.
        """
        self._allocate(0)

    def resize_tensor_input(self, input_index: int, tensor_size: npt.ArrayLike, strict: bool = False) -> None:
        """Give an input another shape; `allocate_tensors` is needed before the next run.

        Args:
            input_index: the index of an input.
            tensor_size: the shape, a sequence of ints.
            strict: only dimensions that are -1 in `shape_signature` may change.

        Raises:
            ValueError: the shape is no sequence of integers.
            Error: (a RuntimeError) the tensor can't have this shape.
        """
        self._resize_input(input_index, tensor_size, strict, 0)

    def tensor(self, tensor_index: int) -> Callable[[], npt.NDArray[Any]]:
        """Make a function that gives an array over the tensor's memory, as it is when the function is called.

        An input's or output's array shows the memory that runs use, until a resize gives the tensor other memory; it
        may be held as long as you like, and neither hinders a run nor dangles. Of any other tensor, of strings and of
        4-bit integers the function gives a read-only copy.

        Args:
            tensor_index: the index of a tensor of the main subgraph; the function raises ValueError for a wrong one.
        """
        return functools.partial(self._view, tensor_index)

    def reset_all_variables(self) -> None:
        """Set the variable tensors, which carry state from run to run, back to zero."""
        self._reset_variables()

    def get_input_details(self) -> list[dict[str, Any]]:
        """Tell about the inputs, in the model's order.

        Returns:
            For each a dict of name, index, shape and shape_signature (int32 arrays), dtype (a NumPy scalar type),
            quantization ((scale, zero point), or (0.0, 0) where there is not exactly one scale),
            quantization_parameters (scales, zero_points, quantized_dimension, block_size) and sparsity_parameters
            (empty for a dense tensor).
        """
        return [self._get_tensor_details(index, 0) for index in self._main_indices(inputs=True)]

    def get_output_details(self) -> list[dict[str, Any]]:
        """Tell about the outputs, in the model's order; see `get_input_details`."""
        return [self._get_tensor_details(index, 0) for index in self._main_indices(inputs=False)]

    def get_tensor_details(self, subgraph_index: int = 0) -> list[dict[str, Any]]:
        """Tell about every tensor of a subgraph; see `get_input_details`.

        Allocating adds the tensors that kernels make for themselves, behind those of the model.

        Raises:
            ValueError: the model has no such subgraph.
        """
        count = self.num_subgraphs()
        if not 0 <= subgraph_index < count:
            raise ValueError(
                f"subgraph_index is out of range: {subgraph_index} for the model, which has {count} subgraphs."
            )
        details = []
        for index in range(self._tensor_count(subgraph_index)):
            try:
                details.append(self._get_tensor_details(index, subgraph_index))
            except ValueError:  # a temporary tensor without a type
                continue
        return details

    def num_subgraphs(self) -> int:
        """Count the subgraphs."""
        return self._subgraph_count()

    def get_signature_list(self) -> dict[str, dict[str, list[str]]]:
        """List the signatures: ``{key: {"inputs": [names], "outputs": [names]}}``; empty for a model without."""
        return {
            key: {side: list(tensors) for side, tensors in sides.items()}
            for key, sides in self._get_full_signature_list().items()
        }

    def get_signature_runner(self, signature_key: str | None = None) -> SignatureRunner:
        """Make a function that runs a signature by the names of its inputs and outputs.

        Args:
            signature_key: the signature; None for the only one that there is.

        Raises:
            ValueError: there is no such signature, or None was given and there is not exactly one.
        """
        signatures = self._get_full_signature_list()
        if signature_key is None:
            if len(signatures) != 1:
                raise ValueError(
                    f"SignatureDef signature_key is None and model has {len(signatures)} Signatures. None is only "
                    f"allowed when the model has 1 SignatureDef; pass one of {list(signatures)}"
                )
            signature_key = next(iter(signatures))
        return SignatureRunner(interpreter=self, signature_key=signature_key)

    @property
    def experimental_compress_quantization_zero_points(self) -> bool:
        """What the constructor was given."""
        return self._compress_zero_points

    # Members that tf.lite does not document, and that tools use.

    def _get_ops_details(self) -> list[dict[str, Any]]:
        return operator_details(self)

    def _get_op_details(self, op_index: int) -> dict[str, Any]:
        operators = self._get_ops_details()
        if not 0 <= op_index < len(operators):
            raise ValueError(f"Invalid node index {op_index}: the model has {len(operators)} nodes")
        return operators[op_index]

    def _safe_to_run(self) -> bool:
        return True

    def _ensure_safe(self) -> None:
        return None

    @property
    def _interpreter(self) -> InterpreterWrapper:
        return InterpreterWrapper(self)

    def _native_handle(self) -> NativeHandle:
        return NativeHandle(self)

    def __repr__(self) -> str:
        """Where the model comes from."""
        return f"Interpreter({'a model in memory' if self._model_path is None else str(self._model_path)!r})"
