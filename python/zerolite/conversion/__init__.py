"""Conversion of models to .tflite, with or without quantization, in a process of its own."""

from zerolite.conversion.conversion_error import ConversionError
from zerolite.conversion.convert_model import convert
from zerolite.conversion.keras_application import KerasApplication
from zerolite.conversion.operators import UnsupportedOperator
from zerolite.conversion.quantization_mode import Quantize
from zerolite.conversion.result import ConversionResult
from zerolite.conversion.samples.representative_data import RepresentativeData
from zerolite.conversion.verification import OutputDifference, Verification

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
