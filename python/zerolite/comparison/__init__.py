"""Comparison: several models over the same data, in turns, as a table and as a report."""

from zerolite.comparison.agreement import Agreement
from zerolite.comparison.compare_models import compare
from zerolite.comparison.comparison import Comparison
from zerolite.comparison.comparison_row import ComparisonRow
from zerolite.comparison.sample import Sample

__all__ = ["Agreement", "Comparison", "ComparisonRow", "Sample", "compare"]
