"""The result of comparing two models layer by layer."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

from zerolite._plots.plottable import Plottable
from zerolite.layers.layer_error import LayerError

__all__ = ["SCHEMA", "LayerComparison"]

#: The version of the layout of `LayerComparison.to_dict`. It grows when a key changes its meaning or goes away.
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerComparison(Plottable):
    """The errors of a quantized model's layers.

    The plot shows the relative error of each layer, in the order of execution.

    Attributes:
        float_model: the name of the model whose values count as right.
        quantized_model: the name of the other one.
        signature: the key of the signature that was run.
        items: how many items were run.
        layers: the layers that both models compute, in the order in which the quantized one does.
        only_float: names of tensors that only the float model computes, or in another shape.
        only_quantized: names of tensors that only the quantized model computes, or in another shape.
    """

    float_model: str
    quantized_model: str
    signature: str
    items: int
    layers: tuple[LayerError, ...]
    only_float: tuple[str, ...]
    only_quantized: tuple[str, ...]

    def worst(self, count: int = 5) -> tuple[LayerError, ...]:
        """The layers with the largest relative errors, the worst first."""
        return tuple(sorted(self.layers, key=lambda layer: -(layer.relative_error or 0.0))[:count])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `SCHEMA` is the version of this layout."""
        return {
            "schema": SCHEMA,
            "float_model": self.float_model,
            "quantized_model": self.quantized_model,
            "signature": self.signature,
            "items": self.items,
            "layers": [layer.to_dict() for layer in self.layers],
            "only_float": list(self.only_float),
            "only_quantized": list(self.only_quantized),
        }

    def to_json(self) -> str:
        """`to_dict` as indented JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_csv(self) -> str:
        """One layer a line."""
        text = io.StringIO()
        table = csv.DictWriter(text, list(self.layers[0].to_dict()), lineterminator="\n")
        table.writeheader()
        table.writerows(layer.to_dict() for layer in self.layers)
        return text.getvalue()

    def _draw(self, image_format: str) -> bytes:
        from zerolite.layers.plot import layer_plot

        return layer_plot(self.layers, image_format=image_format)
