"""The model behind a task: loaded, or as a pool, with what its file says of its tensors."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from numpy.typing import NDArray

from zerolite import _native
from zerolite._hub.download import local_file
from zerolite._inference.loading import load
from zerolite._inference.model import CompiledModel, Verify
from zerolite._inference.pool import Pool
from zerolite._inference.source import ModelSource
from zerolite._platform.ordered_work import in_order, overlapping_threads
from zerolite._runners.compiled_model import tensor_spec
from zerolite._runners.score_kind import ScoreKind, places, read_model, score_kind
from zerolite.metadata import ImageProperties, Metadata, TensorMetadata, read, read_attached, read_labels
from zerolite.metadata.calibration import Calibration
from zerolite.tasks.image_input import image_size

if TYPE_CHECKING:
    from zerolite._runners import Delegates, TensorSpec
    from zerolite._runtime.tensor import Tensor
    from zerolite.operators import CustomOps

__all__ = ["ModelTask", "Outputs", "TaskModel", "TaskTensor"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Task = TypeVar("_Task", bound="ModelTask")

#: What a run gave: real numbers by the names of the outputs.
Outputs: TypeAlias = Mapping[str, NDArray[Any]]

# Where Ultralytics packs what its exporter knows; the second, older one is the text of a dict of Python.
_ULTRALYTICS_FILES = ("metadata.json", "temp_meta.txt")
_PICTURE_AXES, _CHANNELS = 4, (1, 3, 4)


@dataclass(frozen=True, slots=True)
class TaskTensor:
    """An input or output of the model.

    Attributes:
        spec: its name, shape, type and quantization.
        number: its number in the graph; None where the file does not tell.
        position: its place among the graph's inputs or outputs; None where the file does not tell.
        metadata: what the file says of it; empty where it says nothing.
        stored_name: its name in the graph, which may say more than that in the signature.
    """

    spec: TensorSpec
    number: int | None = None
    position: int | None = None
    metadata: TensorMetadata = field(default_factory=TensorMetadata)
    stored_name: str = ""

    @property
    def words(self) -> str:
        """All that it is called, in small letters."""
        return " ".join((self.metadata.name, self.spec.name, self.stored_name)).lower()


class TaskModel:
    """A model, or a pool of its replicas.

    Attributes:
        name: what errors call it.
        source: the file, or its bytes.
        contents: the graph.
        metadata: what the file says of itself.
        exporter: what Ultralytics' exporter packed into the file; empty in others.
        workers: how many replicas there are.
        scaled_decoding: whether large JPEG files are decoded at a smaller size.
        inputs: the inputs.
        outputs: the outputs.
    """

    def __init__(
        self,
        source: ModelSource,
        *,
        delegates: Delegates | None,
        threads: int | None,
        fallback: bool,
        verify: Verify | None,
        tuned: str | os.PathLike[str] | None,
        workers: int | None,
        custom_ops: CustomOps | None = None,
        scaled_decoding: bool = False,
    ) -> None:
        """Load the model; options as for `load` and `Pool`, with a pool where there are `workers` or a tuning for one.

        Raises:
            ValueError: the file's metadata is broken, or an option is wrong.
            OSError, InvalidModelError, Error, DelegateError: as `load` raises them.
        """
        source = local_file(source)  # once, and not for each look into the file
        self.source: ModelSource = source if isinstance(source, str | os.PathLike) else bytes(source)
        self.name = os.fspath(source) if isinstance(source, str | os.PathLike) else "the model in memory"
        if workers is None and tuned is not None and _tuned_workers(tuned) == 1:
            self._model: CompiledModel | Pool = load(
                source, fallback=fallback, verify=verify, tuned=tuned, custom_ops=custom_ops
            )
        elif workers is None and tuned is None:
            self._model = load(
                source,
                delegates=delegates,
                threads=threads,
                fallback=fallback,
                verify=verify,
                custom_ops=custom_ops,
            )
        else:
            self._model = Pool(
                source,
                workers=workers,
                delegates=delegates,
                threads=threads,
                fallback=fallback,
                verify=verify,
                tuned=tuned,
                custom_ops=custom_ops,
            )
        self.scaled_decoding = scaled_decoding
        self.workers = self._model.workers if isinstance(self._model, Pool) else 1
        try:
            self.contents = read_model(self.source)
            self.metadata = read(self.source)
            self.exporter = _exporter(self.source, self.metadata)
            self._look()
        except BaseException:
            self.close()
            raise

    def _look(self) -> None:
        signature = self._model._replicas[0] if isinstance(self._model, Pool) else self._model
        self._key = signature.key
        self.inputs = self._tensors(list(self._model.inputs.values()), self.metadata.inputs, is_input=True)
        self.outputs = self._tensors(list(self._model.outputs.values()), self.metadata.outputs, is_input=False)

    def _tensors(
        self, tensors: Sequence[Tensor], described: Sequence[TensorMetadata], *, is_input: bool
    ) -> tuple[TaskTensor, ...]:
        found = []
        for tensor in tensors:
            spec = tensor_spec(tensor, self.source)
            side: Any = "inputs" if is_input else "outputs"
            graph, number = next(places(self.contents, spec.name, side, self._key), (None, -1))
            if graph is None:
                found.append(TaskTensor(spec))
                continue
            numbers = graph.inputs if is_input else graph.outputs
            position = numbers.index(number) if number in numbers else None
            known = described[position] if position is not None and position < len(described) else TensorMetadata()
            found.append(TaskTensor(spec, number, position, known, graph.tensors[number].name))
        return tuple(found)

    @property
    def picture_input(self) -> TaskTensor:
        """The only input.

        Raises:
            ValueError: there is another number of inputs.
        """
        if len(self.inputs) != 1:
            names = ", ".join(f"'{one.spec.name}'" for one in self.inputs) or "none"
            raise ValueError(f"{self.name} must have one input, for a picture; its inputs are {names}")
        return self.inputs[0]

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the only input, in pixels."""
        shape = self.picture_input.spec.shape
        return shape[1], shape[2]

    @property
    def takes_a_picture(self) -> bool:
        """Whether there is one input, and it has the shape of pictures."""
        shape = self.inputs[0].spec.shape if len(self.inputs) == 1 else ()
        return len(shape) == _PICTURE_AXES and shape[-1] in _CHANNELS

    def fit_picture(self, size: tuple[int, int] | None) -> None:
        """Give the only input the size of `size`, or what the metadata says where the model leaves it open.

        Raises:
            ValueError: the input takes no images, or none of this size, or nothing tells the size.
            Error: the model can't be resized.
        """
        spec, content = self.picture_input.spec, self.picture_input.metadata.content
        properties = None if content is None else content.properties
        default = properties.default_size if isinstance(properties, ImageProperties) else None
        height, width = image_size(spec, size, None if default is None else (default[1], default[0]))
        shape = (1, height, width, spec.shape[-1])
        if shape != spec.shape:
            self._model.resize({spec.name: shape})
            self._look()

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Outputs:
        """Run one item: arrays as the model stores them in, real numbers out."""
        model = self._model
        stored = model.submit(inputs).result() if isinstance(model, Pool) else model(inputs)
        if not isinstance(stored, dict):
            stored = {self.outputs[0].spec.name: stored}
        return {one.spec.name: one.spec.real(stored[one.spec.name]) for one in self.outputs}

    def score_kind(self, output: str) -> ScoreKind:
        """What the numbers of an output are, by the operator that makes them."""
        return score_kind(self.source, output, self._key)

    def maker_of(self, output: TaskTensor) -> str:
        """The name of the operator that makes an output; empty where nothing tells."""
        return next((one.name for one in self.operators if output.number in one.outputs), "")

    def labels(self, output: TaskTensor) -> list[str]:
        """The names of classes that are packed into the file for this output; none where there are none.

        Raises:
            ValueError: what is packed is broken.
        """
        names = self.exporter.get("names")
        if isinstance(names, dict):
            by_number = {int(number): str(name) for number, name in names.items() if str(number).isdecimal()}
            # Numbers with gaps that are larger than all of the names are none of an exporter.
            count = min(max(by_number, default=-1) + 1, 2 * len(by_number))
            return [by_number.get(number, str(number)) for number in range(count)]
        if isinstance(names, list):
            return [str(name) for name in names]
        return read_labels(self.source, output_index=output.position or 0) or []

    def calibration(self, output: TaskTensor, classes: int | None) -> Calibration | None:
        """What the metadata says about the scores of an output, as for `Calibration.of`."""
        return Calibration.of(self.source, output.metadata, output.spec.name, classes)

    def described_outputs(self) -> str:
        """Names and shapes of the outputs, for errors."""
        return ", ".join(f"'{one.spec.name}' of shape {one.spec.shape}" for one in self.outputs)

    @property
    def threads(self) -> int:
        """How many items are worked at in one go, where much of the work is not the model's, such as decoding.

        A single model with variables takes items one after another: each begins where the one before has ended.
        """
        keeps_state = isinstance(self._model, CompiledModel) and self._model._keeps_state()
        return 1 if keeps_state else overlapping_threads(self.workers)

    @property
    def operators(self) -> tuple[_native.StoredOperator, ...]:
        """The operators of the main graph."""
        return self.contents.subgraphs[0].operators if self.contents.subgraphs else ()

    def close(self) -> None:
        """Give back the model or the pool."""
        self._model.close()

    def __repr__(self) -> str:
        """The model or the pool."""
        return repr(self._model)


class ModelTask:
    """What all tasks with one model have in common: they own it, and answer for many items."""

    #: The task's name, as `load` takes it.
    name: ClassVar[str]

    def __init__(self, model: TaskModel) -> None:
        """Take a model, of which the task becomes the owner."""
        self._model = model

    def _each(
        self,
        answer: Callable[[_Item], _Result],
        items: Iterable[_Item],
        progress: Callable[[int, int | None], None] | None,
    ) -> Iterator[_Result]:
        total = len(items) if isinstance(items, Sized) else None
        for done, found in enumerate(in_order(answer, items, threads=self._model.workers), 1):
            result = found()
            if progress is not None:
                progress(done, total)
            yield result

    def close(self) -> None:
        """Give back the model, and the threads of a pool. Closing twice does nothing."""
        self._model.close()

    def __enter__(self: _Task) -> _Task:
        """Close the task at the end of a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the task."""
        self.close()

    def __repr__(self) -> str:
        """The task and its model."""
        return f"{type(self).__name__}({self._model!r})"


def _tuned_workers(tuned: str | os.PathLike[str]) -> int:
    from zerolite.tuned import TunedFile

    return TunedFile.read(tuned).setting.workers


def _exporter(source: ModelSource, metadata: Metadata) -> Mapping[str, Any]:
    """What Ultralytics' exporter wrote; a file of that name that is something else is none of its."""
    for name in _ULTRALYTICS_FILES:
        if name in metadata.attached_files:
            text = read_attached(source, name).decode("utf-8", errors="replace")
            try:
                known = json.loads(text) if name.endswith(".json") else ast.literal_eval(text)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            if isinstance(known, dict):
                return known
    return {}
