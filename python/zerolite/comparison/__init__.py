"""Comparison: several models over the same data, in turns, as a table and as a report."""

from zerolite.comparison.compare_models import compare
from zerolite.comparison.result import Comparison
from zerolite.comparison.rows import Agreement, ComparisonRow, Sample

__all__ = ["Agreement", "Comparison", "ComparisonRow", "Sample", "compare"]
