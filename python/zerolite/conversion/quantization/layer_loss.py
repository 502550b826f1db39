"""Which layers of a quantized model lose accuracy themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zerolite.conversion.quantization.layer_choice import Layer

if TYPE_CHECKING:
    from zerolite.layers.result import LayerComparison

__all__ = ["LayerLoss", "layer_losses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLoss:
    """What one layer of the quantized model loses.

    Attributes:
        name: the tensor that it computes.
        operator: its type.
        relative_error: the root mean square of its error as a part of that of the float values.
        own: the square of that, less the largest square of its inputs: the noise that the layer itself adds.
        constant_bytes: how much its weights take up in float.
    """

    name: str
    operator: str
    relative_error: float
    own: float
    constant_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "operator": self.operator,
            "relative_error": self.relative_error,
            "own": self.own,
            "constant_bytes": self.constant_bytes,
        }


def layer_losses(layers: Sequence[Layer], comparison: LayerComparison) -> list[LayerLoss]:
    """The layers that became integers, from the one that adds most noise to the one that adds least.

    Args:
        layers: those of the float model.
        comparison: the float and the quantized model, layer by layer.
    """
    noise = {one.name: (one.relative_error or 0.0) ** 2 for one in comparison.layers}
    integers = {one.name for one in comparison.layers if one.dtype.startswith(("int", "uint"))}
    found = []
    for layer in layers:
        if layer.name not in integers:
            continue
        came_in = max((noise.get(name, 0.0) for name in layer.inputs), default=0.0)
        found.append(
            LayerLoss(
                name=layer.name,
                operator=layer.operator,
                relative_error=noise[layer.name] ** 0.5,
                own=max(0.0, noise[layer.name] - came_in),
                constant_bytes=layer.constant_bytes,
            )
        )
    return sorted(found, key=lambda one: -one.own)
