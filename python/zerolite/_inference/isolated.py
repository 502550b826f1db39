"""Models that run in processes of their own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from zerolite import _native
from zerolite._inference.model import CompiledModel
from zerolite._inference.signature import Signature, SignatureMethods, warn_of_unusable
from zerolite._inference.source import (
    ModelSource,
    Origin,
    Resize,
    Verify,
    check_resize,
    contiguous_view,
    encoded_path,
    verification_of,
)
from zerolite._isolation.limits import ProcessIsolation
from zerolite._isolation.process import ModelProcess
from zerolite.delegates.choice import DelegateChoice

if TYPE_CHECKING:
    from zerolite.tuned import TunedFile

__all__ = ["IsolatedModel"]


class IsolatedModel(CompiledModel):
    """A model whose every run is made by a process that can do nothing else, and that a new one replaces when it dies.

    What this process has is a stand-in with the same signatures and tensors, so that memory, shapes, batches and limits
    of time are those of any other model.
    """

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
        isolation: ProcessIsolation | None = None,
    ) -> None:
        """Start a process that loads the model; arguments are those of `CompiledModel`, and what it may take.

        A replica has the limits of the model that it is one of, unless others are given.
        """
        choice = choice or DelegateChoice(None, threads=None)
        if map:
            raise ValueError("map is True, and an isolated model is read once, for its process; leave map out")
        if choice.custom_ops:
            raise ValueError(
                f"a model that is isolated in a process has no kernels of others; came custom_ops with "
                f"'{choice.custom_ops[0].name}'; leave them out, or load it without isolation"
            )
        check_resize(resize)
        if isinstance(source, SignatureMethods):
            content = source._content()
            origin = source._origin._replace(choice=choice, isolated=None, resize=resize)
            isolation = isolation or origin.isolation
            tuned = source._tuned if isinstance(source, CompiledModel) else None
        else:
            path = encoded_path(source) if isinstance(source, str | os.PathLike) else None
            content = contiguous_view(source if path is None else _native.read_file(path)).cast("B")
            origin = Origin.of(
                path, name=name, choice=choice, verify=verify, tuned=tuned, kind=IsolatedModel, resize=resize
            )
            if tuned is not None and tuned.path is not None:
                tuned.require(content)
        process = ModelProcess(
            content,
            name=origin.name,
            settings=choice.native_settings(),
            verification=verification_of(origin.verify),
            isolation=isolation or ProcessIsolation(),
        )
        try:
            _native.CompiledModel.__init__(
                self,
                content=process.stand_in(),
                name=origin.name,
                cpu=_native.CpuSettings(kernels="builtin"),
                before_xnnpack=[process.delegate()],
                verification=_native.Verification.full,
            )
        except BaseException:
            process.close()
            raise
        self._origin = origin._replace(isolated=process, isolation=isolation)
        self._process = process
        warn_of_unusable(self.name, process.description["unusable"])
        self._apply(tuned)
        self._settle(self)
        self._serve_shapes()

    def _settle(self, signature: _native.Signature) -> None:
        """Which input a position means is what the model's own file says, and not the stand-in's."""
        known = {described["key"]: described["in_doubt"] for described in self._process.description["signatures"]}
        if not known.get(signature.key, False):
            signature._settle_positions()

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The signatures by key, in the model's order."""
        is_new = self._signatures is None
        signatures = super().signatures
        if is_new:
            for signature in signatures.values():
                self._settle(signature)
        return signatures

    @property
    def size(self) -> int:
        """How many bytes the model has."""
        return self._process.size

    @property
    def threads(self) -> int:
        """How many threads a run uses on the CPU."""
        threads: int = self._process.description["threads"]
        return threads

    def _unusable_signatures(self) -> dict[str, str]:
        return dict(self._process.description["unusable"])

    def _delegation(self) -> list[tuple[int, list[str], list[tuple[str, list[int]]], list[int]]]:
        delegation: list[tuple[int, list[str], list[tuple[str, list[int]]], list[int]]] = []
        for subgraph, names, partitions, builtin in self._process.description["delegation"]:
            delegation.append((subgraph, names, [(name, operators) for name, operators in partitions], builtin))
        return delegation

    def _unused_delegates(self) -> list[tuple[str, str]]:
        return [(name, reason) for name, reason in self._process.description["unused"]]

    def close(self) -> None:
        """End the process; the rest is as for any other model."""
        super().close()
        self._process.close()
