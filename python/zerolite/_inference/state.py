"""What a stateful model has in its variables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zerolite import _native
from zerolite._runtime.tensor import Value

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["State"]


class _Variable(NamedTuple):
    subgraph: int
    tensor: int
    values: npt.NDArray[Any]


class State(Mapping[str, "npt.NDArray[Any]"]):
    """The variables of a model by name: ``model.state["h"]`` reads a copy, ``model.state["h"] = values`` writes.

    The variables belong to the model, with all its signatures. Names are the file's: of a tensor, or for a resource
    (`tf.Variable`) ``"shared_name"`` or ``"container/shared_name"``; where several variables have one name, each is
    followed by where it is, as in ``"h (subgraph 0, tensor 4)"``. A model without variables has none, and a resource
    that nothing was assigned to is not there yet.

    >>> before = model.state.snapshot()
    >>> guess = model(x)
    >>> model.state.restore(before)
    """

    def __init__(self, signature: _native.Signature) -> None:
        """Take a signature of the model."""
        self._signature = signature

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A copy of a variable's values.

        Raises:
            KeyError: no variable has that name.
            Error: the model is closed, or a delegate or another process keeps its resources (`tf.Variable`) to itself.
        """
        return _variable(self._variables(), name).values

    def __setitem__(self, name: str, values: Value) -> None:
        """Write a variable: an array of its dtype and shape, or numbers that become one exactly.

        Raises:
            KeyError, Error: as for reading.
            TypeError, ValueError: the values have another dtype or shape; nothing is written.
        """
        self._write({name: values})

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of the file."""
        return iter(self._variables())

    def __len__(self) -> int:
        """How many variables there are."""
        return len(self._variables())

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        """Copies of all variables as they are between two runs; a dict that can be pickled.

        Raises:
            Error: as for reading.
        """
        return {name: variable.values for name, variable in self._variables().items()}

    def restore(self, snapshot: Mapping[str, Value]) -> None:
        """Write all variables at once, from a snapshot of this model or of another one of the same file.

        Raises:
            KeyError, ValueError: the snapshot has other names; nothing is written.
            TypeError, Error: as for writing.
        """
        missing = [name for name in self._variables() if name not in snapshot]
        if missing:
            raise ValueError(f"the snapshot does not have the variable {missing[0]!r}; pass all that the model has")
        self._write(snapshot)

    def __repr__(self) -> str:
        """Names, dtypes and shapes."""
        variables = self._variables().items()
        return f"State({', '.join(f'{name!r}: {v.values.dtype} {v.values.shape}' for name, v in variables)})"

    def _variables(self) -> dict[str, _Variable]:
        read = self._signature._read_variables()
        often = Counter(name for _, _, name, _ in read)
        return {
            name if often[name] == 1 else f"{name} (subgraph {subgraph}, tensor {tensor})": _Variable(
                subgraph, tensor, values
            )
            for subgraph, tensor, name, values in read
        }

    def _write(self, values: Mapping[str, Value]) -> None:
        variables = self._variables()
        written = []
        for name, value in values.items():
            variable = _variable(variables, name)
            written.append((variable.subgraph, variable.tensor, _fitting(name, value, variable.values)))
        self._signature._write_variables(written)


def _variable(variables: Mapping[str, _Variable], name: str) -> _Variable:
    try:
        return variables[name]
    except KeyError:
        known = ", ".join(map(repr, variables)) or "none"
        raise KeyError(f"there is no variable {name!r}; the model's are {known}") from None


def _fitting(name: str, value: Value, like: npt.NDArray[Any]) -> npt.NDArray[Any]:
    given = _native.array_over_memory(value, f"variable {name!r}")
    array = np.asarray(value) if given is None else given
    if given is None and array.dtype != like.dtype and np.can_cast(array.dtype, like.dtype, "same_kind"):
        converted = array.astype(like.dtype)
        if array.dtype.kind in "iu" and not np.array_equal(converted, array):
            raise ValueError(f"variable {name!r} was given numbers that {like.dtype} can't hold; pass others")
        array = converted
    if array.dtype != like.dtype:
        raise TypeError(f"variable {name!r} has the dtype {like.dtype}, and was given {array.dtype}; convert it")
    if array.shape != like.shape:
        raise ValueError(f"variable {name!r} has the shape {like.shape}, and was given {array.shape}; reshape it")
    return np.ascontiguousarray(array)
