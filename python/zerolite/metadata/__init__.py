"""TensorFlow Lite Metadata: what a model's file says of its inputs and outputs, and the files packed into it.

>>> import zerolite as zl
>>> known = zl.metadata.read("classifier.tflite")
>>> known.inputs[0].normalization, known.attached_files
"""

from zerolite.metadata.description import AssociatedFile, ModelMetadata, Normalization, TensorMetadata
from zerolite.metadata.reading import read, read_attached, read_labels

__all__ = [
    "AssociatedFile",
    "ModelMetadata",
    "Normalization",
    "TensorMetadata",
    "read",
    "read_attached",
    "read_labels",
]
