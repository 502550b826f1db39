"""Where a run of the benchmarks writes, and how long it measures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Settings"]

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Settings:
    """What every benchmark is given.

    Attributes:
        results: the folder for the JSON files and the table.
        overview: the file for the picture of the most important ratios.
        build: the folder for models, environments and programs, which later runs find again.
        quick: measure just long enough to see that everything works; the numbers mean nothing.
    """

    results: Path = ROOT / "benchmarks" / "results"
    overview: Path = ROOT / "docs" / "images" / "overview.png"
    build: Path = ROOT / "build"
    quick: bool = False

    @property
    def rounds(self) -> int:
        """In how many turns times are measured."""
        return 2 if self.quick else 40

    @property
    def processes(self) -> int:
        """How many fresh processes of each kind are started."""
        return 1 if self.quick else 15

    def seconds(self, wanted: float) -> float:
        """How long to measure what would take `wanted` seconds in a full run."""
        return 0.02 if self.quick else wanted
