"""What goes to another process of a model: where it comes from and how it runs, and not what it holds."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zerolite._inference.signature import Shapes, SignatureMethods
    from zerolite._inference.source import ModelSource, Resize, Verify
    from zerolite._isolation.limits import ProcessIsolation
    from zerolite.operators import CustomOp, FunctionOp
    from zerolite.tuned import TunedFile

__all__ = ["PickledModel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickledModel:
    """What is pickled of a model.

    Attributes:
        source: the file's path, or the bytes of a model that came as bytes.
        digest: of the file's bytes; another file in its place would be another model.
        name: what it is called in errors.
        delegates: the delegates, as `DelegateChoice.to_json` writes them.
        custom_ops: the kernels for custom operators: a library's by its path, a function by its name.
        verify: how closely the model is looked at again.
        tuned: the tuning that it was loaded with.
        shapes: the inputs' shapes.
        kind: the class of the model.
        resize: what becomes of a call with other shapes.
        isolation: what the process that it runs in may take; None is as much as by default, or runs it in no other.
    """

    source: ModelSource
    digest: str
    name: bytes
    delegates: str
    custom_ops: tuple[CustomOp | FunctionOp, ...]
    verify: Verify
    tuned: TunedFile | None
    shapes: Shapes
    kind: type[Any]
    resize: Resize = "strict"
    isolation: ProcessIsolation | None = None

    @classmethod
    def of(cls, signature: SignatureMethods, shapes: Shapes) -> PickledModel:
        """Describe the model of a signature.

        Raises:
            TypeError: a delegate is of a class that zerolite does not have.
        """
        origin, content = signature._origin, signature._content()
        return cls(
            source=bytes(content) if origin.path is None else os.fsdecode(origin.path),
            digest=_digest(content),
            name=origin.name,
            delegates=origin.choice.to_json(),
            custom_ops=origin.choice.custom_ops,
            verify=origin.verify,
            tuned=origin.tuned,
            shapes=shapes,
            kind=origin.kind,
            resize=origin.resize,
            isolation=origin.isolation,
        )

    def require_same(self, content: memoryview) -> None:
        """Check what was found where the model came from.

        Raises:
            ValueError: it is another model.
        """
        if _digest(content) != self.digest:
            raise ValueError(
                f"{os.fsdecode(self.name)} is not the file that the pickled model was loaded from; put that one there, "
                "or pickle a model that was loaded from bytes, which go with it"
            )


def _digest(content: memoryview) -> str:
    return hashlib.blake2b(content, digest_size=20).hexdigest()
