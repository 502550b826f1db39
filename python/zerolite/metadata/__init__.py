"""TensorFlow Lite Metadata: what a model's file says of itself, its inputs and outputs, and the files packed into it.

>>> import zerolite as zl
>>> known = zl.metadata.read("classifier.tflite")
>>> known.inputs[0].normalization, known.attached_files
>>> zl.metadata.annotate("classifier.tflite", class_names=["cat", "dog"], path="named.tflite")
"""

from zerolite.metadata.annotating import annotate
from zerolite.metadata.associated_file import AssociatedFile
from zerolite.metadata.content import (
    AudioProperties,
    BoundingBoxProperties,
    Content,
    FeatureProperties,
    ImageProperties,
)
from zerolite.metadata.description import (
    CustomMetadata,
    Metadata,
    Stats,
    SubgraphMetadata,
    TensorGroup,
    TensorMetadata,
)
from zerolite.metadata.flatbuffer.unions import Unknown
from zerolite.metadata.process_units import (
    BertTokenizer,
    Normalization,
    RegexTokenizer,
    ScoreCalibration,
    ScoreThresholding,
    SentencePieceTokenizer,
)
from zerolite.metadata.reading import read, read_attached, read_labels
from zerolite.metadata.writing import write

__all__ = [
    "AssociatedFile",
    "AudioProperties",
    "BertTokenizer",
    "BoundingBoxProperties",
    "Content",
    "CustomMetadata",
    "FeatureProperties",
    "ImageProperties",
    "Metadata",
    "Normalization",
    "RegexTokenizer",
    "ScoreCalibration",
    "ScoreThresholding",
    "SentencePieceTokenizer",
    "Stats",
    "SubgraphMetadata",
    "TensorGroup",
    "TensorMetadata",
    "Unknown",
    "annotate",
    "read",
    "read_attached",
    "read_labels",
    "write",
]
