"""The representative data in a conversion's process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from zerolite._runtime.positions import has_like_inputs
from zerolite.conversion.request import SampleFile
from zerolite.conversion.samples.input_spec import InputSpec, Specs
from zerolite.conversion.samples.preparation import open_samples

__all__ = ["SampleReader"]


class SampleReader:
    """The samples of a model, from the beginning whenever it is called.

    Attributes:
        error: what was wrong with a sample, once one was; converters wrap that beyond recognition.
        positions: the inputs that samples gave in order, without names, where some could be mistaken for one another.
    """

    def __init__(self, file: SampleFile | None, specs: Specs) -> None:
        self._file = file
        self._specs = specs
        self.error: Exception | None = None
        self.positions: list[str] = []

    def __call__(self) -> Iterator[tuple[str | None, dict[str, NDArray[Any]]]]:
        """Yield each sample with the signature that it is for; None where there is only one.

        Raises:
            ValueError: a sample does not fit the model.
        """
        if self._file is None:
            return
        try:
            yield from open_samples(self._file, self._specs, self._note_positions)
        except Exception as error:
            self.error = error
            raise

    def _note_positions(self, inputs: Sequence[InputSpec]) -> None:
        if has_like_inputs(inputs):
            self.positions = [spec.name for spec in inputs]

    def first(self, count: int) -> dict[str | None, list[Mapping[str, NDArray[Any]]]]:
        """Up to so many samples of each signature that has any."""
        found: dict[str | None, list[Mapping[str, NDArray[Any]]]] = {}
        if len(self._specs) == 1:
            found = {None: [sample for _, sample in islice(self(), count)]}
        else:
            for signature, sample in self():
                several = found.setdefault(signature, [])
                if len(several) < count:
                    several.append(sample)
        return {signature: samples for signature, samples in found.items() if samples}
