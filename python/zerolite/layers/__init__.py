"""Layers: which operators lose accuracy when a model is quantized."""

from zerolite.layers.compare import compare_layers
from zerolite.layers.layer_error import LayerError
from zerolite.layers.result import LayerComparison

__all__ = ["LayerComparison", "LayerError", "compare_layers"]
