"""Conversion of models to .tflite, with or without quantization, in a process of its own."""

from zerolite.conversion.convert_model import convert
from zerolite.conversion.operators import UnsupportedOperator
from zerolite.conversion.options import Quantize
from zerolite.conversion.result import ConversionError, ConversionResult, OutputDifference, Verification
from zerolite.conversion.samples.representative_data import RepresentativeData
from zerolite.conversion.source import KerasApplication

__all__ = [
    "ConversionError",
    "ConversionResult",
    "KerasApplication",
    "OutputDifference",
    "Quantize",
    "RepresentativeData",
    "UnsupportedOperator",
    "Verification",
    "convert",
]
