"""Which models an evaluation can feed, and what it reads of them: the same for every runtime."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from zerolite._runners.tensor_spec import TensorSpec

__all__ = ["check_inputs", "chosen_output"]


def check_inputs(specs: Sequence[TensorSpec]) -> None:
    """Refuse a model without inputs, or with inputs whose leading axes don't count the same items.

    Raises:
        ValueError: there is no input, or one has no leading axis, or another one than the rest.
    """
    if not specs:
        raise ValueError("an evaluation feeds a model's inputs; this model has none")
    for spec in specs:
        if not spec.shape or spec.shape[0] < 1:
            raise ValueError(
                f"the leading axis of an input counts items; the shape of input '{spec.name}' is {spec.shape}"
            )
        if spec.shape[0] != specs[0].shape[0]:
            raise ValueError(
                f"the leading axes of all inputs count the same items; input '{specs[0].name}' has the shape "
                f"{specs[0].shape}, and input '{spec.name}' {spec.shape}"
            )


def chosen_output(names: Collection[str], output: str | None) -> str:
    """The name of the output to read: `output`, or the only one when that is None.

    Raises:
        ValueError: there is no such output, or there are several to choose from.
    """
    if output is None:
        if len(names) != 1:
            raise ValueError(f"the model has {len(names)} outputs; choose one with output=: {', '.join(names)}")
        return next(iter(names))
    if output not in names:
        raise ValueError(f"the model has no output '{output}'; it has {', '.join(names)}")
    return output
