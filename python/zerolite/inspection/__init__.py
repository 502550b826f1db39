"""Inspection: what is inside a .tflite file, as text and as a picture."""

from zerolite.inspection.drawing import GRAPH_SUFFIXES, draw_graph
from zerolite.inspection.interface import read_signatures
from zerolite.inspection.reading import read_structure
from zerolite.inspection.structure import ModelStructure, Operator, StoredTensor, Subgraph

__all__ = [
    "GRAPH_SUFFIXES",
    "ModelStructure",
    "Operator",
    "StoredTensor",
    "Subgraph",
    "draw_graph",
    "read_signatures",
    "read_structure",
]
