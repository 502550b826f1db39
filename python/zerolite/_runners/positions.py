"""Which inputs are meant by arrays that come in order, where several models are given the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zerolite._runners.runner import Runner, TensorSpec
from zerolite._runtime.positions import has_like_inputs, warn_of_positions

__all__ = ["Positions"]


class Positions:
    """The order of inputs that data is given in.

    The first model whose source's order is known tells the order for all: the others take the arrays by its names,
    where they have the same ones, and by position where they have not.

    Attributes:
        order: the names of the inputs.
        specs: the inputs of all models; those that tell the order are the first.
    """

    def __init__(self, runners: Mapping[str, Runner]) -> None:
        """Look for a model that knows its order."""
        told = [name for name, runner in runners.items() if not _is_in_doubt(runner)]
        first = (told or list(runners))[0]
        self.order = tuple(spec.name for spec in runners[first].inputs)
        self.specs: list[Sequence[TensorSpec]] = [runners[first].inputs]
        self.specs += [runner.inputs for name, runner in runners.items() if name != first]
        self._in_doubt = {
            name: [spec.name for spec in runner.inputs]
            for name, runner in runners.items()
            if _is_in_doubt(runner) and (not told or {spec.name for spec in runner.inputs} != set(self.order))
        }

    def warn(self) -> None:
        """Say once, of data that is given by position, that nobody tells what it means."""
        for name, names in self._in_doubt.items():
            warn_of_positions(f"{name}: the data gives inputs", names)
            break
        self._in_doubt = {}


def _is_in_doubt(runner: Runner) -> bool:
    return bool(getattr(runner, "inputs_in_doubt", False)) and has_like_inputs(runner.inputs)
