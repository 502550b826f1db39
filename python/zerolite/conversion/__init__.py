"""Conversion of models to .tflite, with or without quantization, in a process of its own."""

from zerolite.conversion.convert_model import convert
from zerolite.conversion.operators import UnsupportedOperator
from zerolite.conversion.options import Quantize
from zerolite.conversion.quantization.layer_loss import LayerLoss
from zerolite.conversion.quantization.search_result import PrecisionSearch
from zerolite.conversion.quantization.trial import PrecisionTrial
from zerolite.conversion.result import ConversionError, ConversionResult, OutputDifference, Verification
from zerolite.conversion.samples.representative_data import RepresentativeData
from zerolite.conversion.sources.recognition import KerasApplication

__all__ = [
    "ConversionError",
    "ConversionResult",
    "KerasApplication",
    "LayerLoss",
    "OutputDifference",
    "PrecisionSearch",
    "PrecisionTrial",
    "Quantize",
    "RepresentativeData",
    "UnsupportedOperator",
    "Verification",
    "convert",
]
