"""What the server does, whatever the transport: HTTP and gRPC are two ways to ask for the same things."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zerolite import _native
from zerolite.serving.errors import ForbiddenError, RequestError, UnknownModelError
from zerolite.serving.metrics import QueueLength, ServerMetrics
from zerolite.serving.protocol import Arrays, InferenceRequest, Interface
from zerolite.serving.repository import ModelRepository, Sources
from zerolite.serving.served_model import ServedModel
from zerolite.serving.settings import ServingSettings
from zerolite.serving.shared_memory import SharedMemory, region_prefix

if TYPE_CHECKING:
    from zerolite.serving.telemetry import Tracing

__all__ = ["InferenceResult", "InferenceServer"]

# What is there beside the protocol itself, by the names that Triton gave.
_EXTENSIONS = ("binary_tensor_data", "model_repository", "schedule_policy")


@dataclass(frozen=True)
class InferenceResult:
    """The outputs of a request, and who computed them."""

    model: ServedModel
    request: InferenceRequest
    outputs: Arrays


class InferenceServer:
    """Models in a repository, and requests to them; used from one event loop only.

    Attributes:
        repository: the models.
        metrics: the figures.
        shared_memory: the regions where clients have tensors.
        draining: whether the server is about to end, and no more ready for requests.
    """

    def __init__(self, models: Sources, settings: ServingSettings) -> None:
        """Find the models, and load none of them yet.

        Raises:
            OSError, ValueError: as `find_models` raises them.
        """
        self.metrics = ServerMetrics()
        self.repository = ModelRepository(models, settings, self.metrics)
        self.metrics.watch(self.queues)
        prefix = settings.shared_memory
        self.shared_memory = SharedMemory(
            None if prefix is None else region_prefix(prefix), most_bytes=settings.max_request_bytes
        )
        self.draining = False
        self._tracing = settings.tracing
        self._deadline_s = settings.deadline_s
        self._model_control = settings.model_control
        self._started = False

    @property
    def ready(self) -> bool:
        """Whether requests are welcome: the models were loaded, and the server is not about to end."""
        return self._started and not self.draining

    async def start(self) -> None:
        """Load the models.

        Raises:
            ValueError: not one of them can be loaded.
        """
        await self.repository.load_all()
        self._started = True

    async def stop(self) -> None:
        """Take all models out of use."""
        self.draining = True
        await self.repository.close()
        self.shared_memory.close()

    def metadata(self) -> dict[str, Any]:
        """The server's name, version and extensions."""
        extensions = [*_EXTENSIONS, *(["system_shared_memory"] if self.shared_memory.is_open else [])]
        return {"name": "zerolite", "version": _native.__version__, "extensions": extensions}

    def model_metadata(self, name: str, version: str | None) -> dict[str, Any]:
        """What a model takes and gives.

        Raises:
            UnknownModelError, UnavailableError: as `ModelRepository.find` raises them.
        """
        model, signature = self.repository.find(name, version)
        interface = model.interfaces[signature]
        versions = sorted(state.version for state in self.repository.index() if state.name == model.name)
        return {
            "name": name,
            "versions": [str(number) for number in versions],
            "platform": "tflite",
            "inputs": [tensor.to_json() for tensor in interface.inputs.values()],
            "outputs": [tensor.to_json() for tensor in interface.outputs.values()],
        }

    def index(self, *, only_ready: bool) -> list[dict[str, str]]:
        """Every version of every model, or those that are loaded."""
        return [
            {
                "name": state.name,
                "version": str(state.version),
                "state": "READY" if state.ready else "UNAVAILABLE",
                "reason": state.reason,
            }
            for state in self.repository.index()
            if state.ready or not only_ready
        ]

    async def load(self, name: str, *, parameters: object) -> None:
        """Load a model anew.

        Raises:
            ForbiddenError: clients may not, or not with parameters: they would bring files and settings of their own.
            UnknownModelError, UnavailableError: as `ModelRepository.load` raises them.
        """
        self._require_model_control()
        if parameters:
            raise ForbiddenError("models are loaded from the server's own files, and as the server was started")
        await self.repository.load(name)

    async def unload(self, name: str) -> None:
        """Take a model out of use.

        Raises:
            ForbiddenError: clients may not.
            UnknownModelError: there is no such model.
        """
        self._require_model_control()
        await self.repository.unload(name)

    def _require_model_control(self) -> None:
        if self._model_control != "explicit":
            raise ForbiddenError(
                "this server does not let clients load and unload models; start it with explicit model control"
            )

    def queues(self) -> list[QueueLength]:
        """The queues of all models that are loaded."""
        return [
            QueueLength(model.name, model.version, model.scheduler.queued, model.scheduler.running)
            for model in self.repository.models
        ]

    def noted(
        self, name: str, version: str | None, transport: str, headers: Callable[[], Mapping[str, str]]
    ) -> AbstractContextManager[None]:
        """Note how a request to run a model is answered, and how long it took until the end of a with statement."""
        noted = _Noted(self, name, version, transport)
        return noted if self._tracing is None else self._traced(noted, self._tracing, headers())

    @contextmanager
    def _traced(self, noted: _Noted, tracing: Tracing, headers: Mapping[str, str]) -> Iterator[None]:
        with tracing.request(headers, noted.transport) as span:
            try:
                with noted:
                    yield
            finally:
                tracing.note_answer(span, model=noted.model, version=noted.version, status=noted.status)

    def known(self, name: str, version: str | None) -> tuple[str, int | None]:
        """The model and the version that a request asks for; empty and None for names that clients made up.

        Those must not fill the memory.
        """
        try:
            model, _ = self.repository.find(name, version)
        except RequestError:
            return "", None
        return model.name, model.version

    async def infer(
        self,
        name: str,
        version: str | None,
        read: Callable[[Interface], InferenceRequest],
        *,
        signature: str | None = None,
        timeout_s: float | None = None,
    ) -> InferenceResult:
        """Run a request when its turn comes.

        Args:
            name: the model, or ``model:signature``.
            version: the number of its version; None is the highest.
            read: makes the request of what came, for a model that takes these inputs and gives these outputs.
            signature: the signature's key, in the place of one after the model's name.
            timeout_s: how long the client is willing to wait; the server may be less so.

        Raises:
            RequestError: the request can't be answered; the class says how that is told.
        """
        model, key = self.repository.find(name, version)
        if signature is not None:
            if signature not in model.interfaces:
                known = ", ".join(map(repr, model.interfaces))
                raise UnknownModelError(f"model {model.name!r} has no signature {signature[:100]!r}; it has {known}")
            key = signature
        deadline_s = self._deadline_s if timeout_s is None else min(timeout_s, self._deadline_s)
        with model:
            request = read(model.interfaces[key])
            outputs = await model.infer(key, request.inputs, deadline_s=deadline_s)
            return InferenceResult(model, request, outputs)


class _Noted:
    """A request that is noted at the end of a with statement; a class, since generators take three times as long."""

    def __init__(self, core: InferenceServer, name: str, version: str | None, transport: str) -> None:
        self.transport = transport
        self.status = 200
        self.model = ""
        self.version: int | None = None
        self._core = core
        self._asked_for = name, version

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if kind is not None:
            self.status = error.status if isinstance(error, RequestError) else RequestError.status
        self.model, self.version = self._core.known(*self._asked_for)
        seconds = time.perf_counter() - self._begun
        self._core.metrics.note_request(
            self.model, self.version, transport=self.transport, status=self.status, seconds=seconds
        )
