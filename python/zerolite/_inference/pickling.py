"""Models on their way to another process: where they come from and how they run, and not what they hold."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zerolite._inference.source import NAMELESS

if TYPE_CHECKING:
    from zerolite._inference.model import CompiledModel, Verify
    from zerolite._inference.signature import Shapes, Signature, SignatureMethods
    from zerolite.tuned import TunedFile

__all__ = ["PickledModel", "restored_model", "restored_signature"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickledModel:
    """What is pickled of a model.

    Attributes:
        path: the file's path; None where `content` has the bytes.
        digest: of the file's bytes; loading another file in its place would be another model.
        content: the model's bytes, where it came as bytes.
        name: what it is called in errors.
        delegates: the delegates, as `DelegateChoice.to_json` writes them.
        verify: how closely the model is looked at again.
        tuned: the tuning that it was loaded with.
        shapes: the inputs' shapes by signature and name.
    """

    path: bytes | None
    digest: str | None
    content: bytes | None
    name: bytes
    delegates: str
    verify: Verify
    tuned: TunedFile | None
    shapes: Shapes

    @classmethod
    def of(cls, signature: SignatureMethods, shapes: Shapes) -> PickledModel:
        """Describe the model of a signature.

        Raises:
            TypeError: a delegate is of a class that zerolite does not have.
        """
        origin = signature._origin
        content = signature._content()
        return cls(
            path=origin.path,
            digest=None if origin.path is None else _digest(content),
            content=bytes(content) if origin.path is None else None,
            name=origin.name,
            delegates=origin.choice.to_json(),
            verify=origin.verify,
            tuned=origin.tuned,
            shapes=shapes,
        )


def restored_model(pickled: PickledModel) -> CompiledModel:
    """Load the model that was pickled: as it was loaded, with the shapes that it had, and nothing in its memory.

    Raises:
        OSError: its file can't be read here.
        ValueError: there is another file at its path.
        Error, DelegateError: as `load` raises them.
    """
    from zerolite._inference.model import CompiledModel
    from zerolite.delegates.choice import DelegateChoice

    source = pickled.content if pickled.path is None else os.fsdecode(pickled.path)
    assert source is not None
    model = CompiledModel(
        source,
        choice=DelegateChoice.from_json(pickled.delegates),
        verify=pickled.verify,
        tuned=pickled.tuned,
        name=None if pickled.path is not None else pickled.name,
    )
    if pickled.digest is not None and _digest(model._content()) != pickled.digest:
        model.close()
        raise ValueError(
            f"{os.fsdecode(pickled.path or NAMELESS)} is not the file that the pickled model was loaded from; put that "
            "one there, or pickle a model that was loaded from bytes, which go with it"
        )
    model._take_shapes(pickled.shapes)
    return model


def restored_signature(pickled: PickledModel, key: str) -> Signature:
    """The signature of a model of its own."""
    return restored_model(pickled).signatures[key]


def _digest(content: memoryview) -> str:
    return hashlib.blake2b(content, digest_size=20).hexdigest()
