"""What came of comparing two models layer by layer."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zerolite.atomic_write import check_writable_target, write_atomically
from zerolite.layers.layer_error import LayerError

__all__ = ["PLOT_SUFFIXES", "SCHEMA", "LayerComparison", "check_plot_target"]

#: The version of the layout of `LayerComparison.to_dict`. It grows when a key changes its meaning or goes away.
SCHEMA = 1

#: How the name of a plot ends.
PLOT_SUFFIXES = (".svg", ".png", ".pdf")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerComparison:
    """The errors of a quantized model's layers.

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

    def plot(self, *, image_format: str = "svg") -> bytes:
        """Draw the relative error of each layer, in the order of execution.

        Args:
            image_format: "svg", "png" or "pdf".

        Returns:
            The picture's file.

        Raises:
            ValueError: there is no such format.
            ImportError: matplotlib is not installed (extra "plot").
        """
        from zerolite.layers.layer_plot import layer_plot

        if f".{image_format}" not in PLOT_SUFFIXES:
            raise ValueError(f"layers can be drawn as {', '.join(PLOT_SUFFIXES)}; came {image_format!r}")
        return layer_plot(self.layers, image_format=image_format)

    def save_plot(self, path: str | os.PathLike[str]) -> None:
        """Write `plot` to a file that ends in .svg, .png or .pdf. Nobody ever sees half of it.

        Raises:
            ValueError: the name ends in something else.
            OSError: the file can't be written.
            ImportError: matplotlib is not installed (extra "plot").
        """
        target = Path(path)
        check_plot_target(target)
        write_atomically(target, self.plot(image_format=target.suffix[1:]))


def check_plot_target(path: Path) -> None:
    """Say before long work that a plot could not be written to `path`.

    Raises:
        ValueError: the name's end names no format.
        OSError: there is no such folder, or `path` is one.
    """
    if path.suffix not in PLOT_SUFFIXES:
        raise ValueError(f"can't write {path}: a plot's name ends in {', '.join(PLOT_SUFFIXES)}")
    check_writable_target(path)
