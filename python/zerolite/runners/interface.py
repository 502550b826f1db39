"""Which models an evaluation can feed, and what it reads of them: the same for every runtime."""

from __future__ import annotations

from collections.abc import Collection

from zerolite.runners.tensor_spec import TensorSpec

__all__ = ["check_batch_of_one", "check_one_input", "chosen_output"]


def check_one_input(names: Collection[str]) -> None:
    """Refuse a model that has not exactly one input.

    Raises:
        ValueError: it has none or several.
    """
    if len(names) != 1:
        raise ValueError(
            f"an evaluation feeds models with one input; this one has {len(names)}: {', '.join(names) or 'none'}"
        )


def check_batch_of_one(spec: TensorSpec) -> None:
    """Refuse an input that can't be fed item by item.

    Raises:
        ValueError: the leading axis is not 1.
    """
    if not spec.shape or spec.shape[0] != 1:
        raise ValueError(
            f"items are fed one by one, so input '{spec.name}' needs a leading axis of 1; its shape is {spec.shape}"
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
