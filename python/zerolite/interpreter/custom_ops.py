"""Custom operators in the manner of tf.lite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zerolite import _native
from zerolite.interpreter.interpreter import Interpreter

__all__ = ["InterpreterWithCustomOps"]

_OPERATOR_LIBRARY = "pywrap_genai_ops"


class InterpreterWithCustomOps(Interpreter):
    """An interpreter to which Python modules would add operators, which the runtime has no way for."""

    def __init__(self, custom_op_registerers: Sequence[object] | None = None, **kwargs: Any) -> None:
        """Load a model; without registerers this is `Interpreter`.

        Args:
            custom_op_registerers: None or empty.
            **kwargs: what `Interpreter` takes, `custom_ops` among it.

        Raises:
            ValueError: registerers are given; the first words are tf.lite's for one that can't be found.
        """
        for registerer in custom_op_registerers or ():
            if isinstance(registerer, str):
                _require_symbol(registerer)
        if custom_op_registerers:
            raise ValueError(
                "custom_op_registerers take a C++ op resolver, which LiteRT's library does not hand out, so operators "
                "of Python modules can't be added; give kernels with custom_ops=[zl.CustomOp(name, library)], or use "
                "ai_edge_litert.interpreter.InterpreterWithCustomOps for this "
                "model, after zerolite.compat.uninstall() if zerolite stands in for it"
            )
        super().__init__(**kwargs)


def _require_symbol(name: str) -> None:
    """Look for a function where tf.lite looks: in what the process has loaded, or in LiteRT's library of operators."""
    package, _, symbol = name.rpartition(".")
    if package == _OPERATOR_LIBRARY:
        if error := _native.missing_symbol(f"{package}.so", symbol):
            raise ValueError(f"Loading library '{package}.so' failed with error '{error}'.")
    elif error := _native.missing_symbol(None, name):
        raise ValueError(f"Looking up symbol '{name}' failed with error '{error}'.")
