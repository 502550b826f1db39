"""Custom operators in the manner of tf.lite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zerolite.interpreter.interpreter import Interpreter


class InterpreterWithCustomOps(Interpreter):
    """An interpreter to which Python modules would add operators, which the runtime has no way for."""

    def __init__(self, custom_op_registerers: Sequence[object] | None = None, **kwargs: Any) -> None:
        """Load a model; without registerers this is `Interpreter`.

        Args:
            custom_op_registerers: None or empty.
            **kwargs: what `Interpreter` takes.

        Raises:
            ValueError: registerers are given. (tf.lite raises it for those that it can't find.)
        """
        if custom_op_registerers:
            raise ValueError(
                "custom_op_registerers take a C++ op resolver, which LiteRT's library does not hand out, so operators "
                "of Python modules can't be added; use ai_edge_litert.interpreter.InterpreterWithCustomOps for this "
                "model"
            )
        super().__init__(**kwargs)
