"""The report as one self-contained page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite.demo.plot_theme import DARK, LIGHT, PlotTheme
from zerolite.demo.plots import accuracy_against_size, latency_distribution
from zerolite.demo.report import Report
from zerolite.demo.report_row import ReportRow
from zerolite.demo.table import TABLE_HEADINGS, percent, short_number, table_cells

__all__ = ["render_html"]

_SAMPLES = 24


def render_html(report: Report) -> str:
    """The page: plots and digits are embedded, nothing is loaded from elsewhere, every text is escaped.

    Raises:
        ImportError: Jinja2 or matplotlib is not installed (extra "demo").
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    misread = _misread(report)
    # Named with its type, which is Any where Jinja2 is not installed.
    page: str = environment.get_template("report.html.jinja").render(
        report=report,
        headings=TABLE_HEADINGS,
        lines=[{"runtime": row.runtime, "cells": table_cells(row)} for row in report.rows],
        comparisons=_comparisons(report),
        plots={
            "size": _both_themes(accuracy_against_size, report.rows),
            "latency": _both_themes(latency_distribution, report.rows),
        },
        size_text=_size_text(report.rows),
        latency_text=_latency_text(report.rows),
        samples=[_digit(report, index) for index in _samples(report, misread)],
        misread=[_digit(report, index) for index in misread[:_SAMPLES]],
        misread_count=len(misread),
        one_image=f"{100 / len(report.test_labels):.2f}",
        keras_medians=[short_number(row.result.latency(50)) for row in report.rows if row.runtime == "Keras"],
    )
    return page


def _comparisons(report: Report) -> list[dict[str, Any]]:
    """The second table: zerolite beside tf.lite on each variant."""
    medians = {(row.variant, row.runtime): row.result.latency(50) for row in report.rows}
    return [
        {
            "variant": agreement.variant,
            "complete": agreement.complete,
            "agreeing": f"{agreement.images - len(agreement.differing)} of {agreement.images}",
            "difference": "0" if agreement.largest_difference == 0 else f"{agreement.largest_difference:.1e}",
            "zerolite": short_number(medians[agreement.variant, "zerolite"]),
            "reference": short_number(medians[agreement.variant, "tf.lite"]),
            "ratio": f"{medians[agreement.variant, 'tf.lite'] / medians[agreement.variant, 'zerolite']:.2f}",
        }
        for agreement in report.agreements
    ]


def _misread(report: Report) -> list[int]:
    """The test images that at least one row got wrong, in ascending order."""
    wrong = np.zeros(len(report.test_labels), dtype=bool)
    for row in report.rows:
        wrong |= row.result.predictions != report.test_labels
    return [int(index) for index in np.flatnonzero(wrong)]


def _samples(report: Report, misread: Sequence[int]) -> list[int]:
    """The first test images that were read well."""
    skipped = set(misread)
    return [index for index in range(len(report.test_labels)) if index not in skipped][:_SAMPLES]


def _digit(report: Report, index: int) -> dict[str, Any]:
    label = int(report.test_labels[index])
    readings = _readings(report.rows, index)
    return {
        "label": label,
        "index": index,
        "image": _data_uri("image/png", _png(report.test_images[index, :, :, 0])),
        "readings": [
            {"digit": digit, "names": "all" if len(readings) == 1 else ", ".join(names)}
            for digit, names in sorted(readings.items())
        ],
        "alt": f"Test image {index}, a scanned {label}, read as {' or '.join(map(str, sorted(readings)))}",
    }


def _readings(rows: Sequence[ReportRow], index: int) -> dict[int, list[str]]:
    """Predicted digit -> who predicted it: a variant, or one of its runtimes where these differ."""
    by_variant: dict[str, dict[str, int]] = {}
    for row in rows:
        by_variant.setdefault(row.variant, {})[row.runtime] = int(row.result.predictions[index])
    readings: dict[int, list[str]] = {}
    for variant, by_runtime in by_variant.items():
        if len(set(by_runtime.values())) == 1:
            readings.setdefault(next(iter(by_runtime.values())), []).append(variant)
            continue
        for runtime, digit in by_runtime.items():
            readings.setdefault(digit, []).append(f"{variant} in {runtime}")
    return readings


def _png(image: NDArray[np.float32]) -> bytes:
    """A grey PNG of an image from 0 (paper, white) to 1 (ink, black)."""
    from matplotlib.image import imsave

    document = io.BytesIO()
    imsave(document, image, cmap="gray_r", vmin=0, vmax=1, format="png")
    return document.getvalue()


def _both_themes(draw: Callable[[Sequence[ReportRow], PlotTheme], bytes], rows: Sequence[ReportRow]) -> dict[str, str]:
    return {
        "light": _data_uri("image/svg+xml", draw(rows, LIGHT)),
        "dark": _data_uri("image/svg+xml", draw(rows, DARK)),
    }


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _size_text(rows: Sequence[ReportRow]) -> str:
    """The size plot in words."""
    parts = [
        f"{row.variant} ({row.runtime}) {short_number(row.size_bytes / 1024)} KiB, {percent(row.result.accuracy)}"
        for row in rows
        if row.runtime != "tf.lite"
    ]
    return "Test accuracy against file size: " + "; ".join(parts) + "."


def _latency_text(rows: Sequence[ReportRow]) -> str:
    """The latency plot in words."""
    parts = [f"{row.variant} in {row.runtime} {short_number(row.result.latency(50))} µs" for row in rows]
    return "Distribution of latencies per image; medians: " + "; ".join(parts) + "."
