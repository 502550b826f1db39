"""Layers: which operators lose accuracy when a model is quantized."""

from zerolite.layers.comparing import compare_layers
from zerolite.layers.layer_comparison import LayerComparison
from zerolite.layers.layer_error import LayerError

__all__ = ["LayerComparison", "LayerError", "compare_layers"]
