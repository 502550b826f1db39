"""The report as one self-contained page."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zerolite._plots.theme import DARK, LIGHT, PlotTheme
from zerolite.comparison.report.pictures import picture
from zerolite.comparison.report.plots import confusion_plot, latency_distributions, metric_against
from zerolite.comparison.report.tables import difference_table, main_table, metric_words, parity_table, short_number
from zerolite.comparison.rows import Agreement, ComparisonRow, Sample

__all__ = ["render_html"]

_PICTURE_SIDE = 112
_SMALL_PICTURE = 32
_MOST_CLASSES = 200


def render_html(
    rows: Sequence[ComparisonRow],
    *,
    parity: Sequence[Agreement],
    worst: Sequence[Sample],
    title: str,
    introduction: str,
    details: Mapping[str, str],
    disagreement: str | None,
    wrong: int | None,
    rounds: int,
    created: str,
    seconds: float,
) -> str:
    """The page: plots and pictures are embedded, nothing is loaded from elsewhere, every text is escaped.

    Args:
        rows: the rows of the comparison, the first of which the others are compared with.
        parity: for each model that ran in zerolite and in other runtimes, whether they say the same.
        worst: the samples to show.
        title: the page's heading.
        introduction: a paragraph below it.
        details: label -> value: what the numbers belong to.
        disagreement: one line on the first sample that two runtimes predict differently; None if all agree.
        wrong: how many samples at least one row got wrong; None where there are no classes.
        rounds: how often the samples were run.
        created: when the comparison ended.
        seconds: how long it took.

    Raises:
        ImportError: Jinja2 or matplotlib is not installed (extra "report").
    """
    try:
        import jinja2
        import matplotlib as mpl
    except ImportError as error:
        raise ImportError(
            f"a report in HTML needs {error.name}, which is not installed; pip install 'zerolite[report]'"
        ) from error
    assert mpl.__version__
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("comparison.html.jinja").render(
        first=rows[0],
        title=title,
        introduction=introduction,
        details=details,
        main=main_table(rows),
        difference=difference_table(rows) if len(rows) > 1 else None,
        parity=parity_table(rows, parity) if parity else None,
        incomplete=[place for place, agreement in enumerate(parity, 1) if not agreement.complete],
        plots=_plots(rows),
        matrices=_matrices(rows),
        samples=[_sample(sample) for sample in worst],
        wrong=wrong,
        one_item=None if wrong is None else f"{100 / rows[0].result.items:.2g}",
        skipped=[str(error.path) for error in rows[0].result.skipped],
        disagreement=disagreement,
        rounds=rounds,
        created=created,
        seconds=seconds,
    )


def _plots(rows: Sequence[ComparisonRow]) -> list[dict[str, Any]]:
    """The plots: of each its heading, its image in both themes, its text for screen readers, and a note."""
    plots: list[dict[str, Any]] = []
    metric = next(iter(rows[0].numbers), None)
    measured = [row for row in rows if metric is not None and math.isfinite(row.numbers[metric])]
    sized = [row for row in measured if row.size_bytes is not None]
    if metric is not None and measured:
        title = metric[0].upper() + metric[1:].replace("_", " ")
        if sized:
            plots.append(
                {
                    "title": f"{title} against size",
                    "image": _both_themes(lambda theme: metric_against(sized, metric, "size", theme)),
                    "words": _words(sized, metric, lambda row: f"{short_number((row.size_bytes or 0) / 1024)} KiB"),
                    "wide": False,
                    "note": "One point for each model; one file in several runtimes is one point where they agree.",
                }
            )
        plots.append(
            {
                "title": f"{title} against latency",
                "image": _both_themes(lambda theme: metric_against(measured, metric, "latency", theme)),
                "words": _words(measured, metric, lambda row: f"{short_number(row.result.latency(50))} µs"),
                "wide": False,
                "note": "Median latency of a call; the points of one model in several runtimes are joined.",
            }
        )
    plots.append(
        {
            "title": "Latency",
            "wide": len(plots) != 1,
            "image": _both_themes(lambda theme: latency_distributions(rows, theme, wide=len(plots) != 1)),
            "words": "Medians: " + "; ".join(f"{row.name} {short_number(row.result.latency(50))} µs" for row in rows),
            "note": "Boxes from the 25th to the 75th percentile with the median, whiskers from the 5th to the 95th.",
        }
    )
    return plots


def _matrices(rows: Sequence[ComparisonRow]) -> list[dict[str, Any]]:
    """One confusion matrix for each model, of zerolite where it ran there."""
    chosen: dict[str, ComparisonRow] = {}
    for row in rows:
        shown = row.confusion is not None and 0 < len(row.confusion) <= _MOST_CLASSES
        if shown and (row.model not in chosen or row.runtime == "zerolite"):
            chosen[row.model] = row
    matrices = []
    for row in chosen.values():
        counts, class_names = row.confusion, row.result.class_names
        assert counts is not None

        def draw(theme: PlotTheme, counts: Any = counts, class_names: Any = class_names) -> bytes:
            return confusion_plot(counts, class_names, theme)

        wrong = int(counts.sum() - counts.trace())
        words = f"{wrong:,} of {int(counts.sum()):,} items are not on the diagonal."
        matrices.append({"title": row.name, "image": _both_themes(draw), "words": words})
    return matrices


def _sample(sample: Sample) -> dict[str, Any]:
    image = _picture(sample)
    answers: dict[str, list[str]] = {}
    for names in _grouped(sample).items():
        answers.setdefault(names[1], []).append(names[0])
    return {
        "index": sample.index,
        "name": None if sample.name is None else Path(sample.name).name,
        "label": sample.label,
        "image": None if image is None else _data_uri("image/png", image),
        "small": max(sample.input.shape[:2], default=0) <= _SMALL_PICTURE,
        "answers": [
            {
                "answer": answer,
                "names": "all" if len(answers) == 1 else ", ".join(names),
                "right": answer == sample.label,
            }
            for answer, names in sorted(answers.items())
        ],
        "alt": f"Item {sample.index}, labelled {sample.label}, taken for {' or '.join(sorted(answers))}",
    }


def _grouped(sample: Sample) -> dict[str, str]:
    """Who -> answer: a model, or one of its runtimes where these differ."""
    by_model: dict[str, dict[str, str]] = {}
    for (model, runtime), answer in sample.answers.items():
        by_model.setdefault(model, {})[runtime] = answer
    who = {}
    for model, by_runtime in by_model.items():
        if len(set(by_runtime.values())) == 1:
            who[model] = next(iter(by_runtime.values()))
            continue
        for runtime, answer in by_runtime.items():
            who[f"{model} in {runtime}"] = answer
    return who


def _picture(sample: Sample) -> bytes | None:
    """The image file that the item came from, or else a picture of the numbers that went in."""
    if sample.name is not None and Path(sample.name).is_file():
        from zerolite.vision import decode_image

        return picture(decode_image(sample.name, size=(_PICTURE_SIDE, _PICTURE_SIDE), resampling="bilinear"))
    values = sample.input
    step = max(1, -(-max(values.shape[:2], default=1) // _PICTURE_SIDE))
    return picture(values[::step, ::step] if values.ndim > 1 else values)


def _both_themes(draw: Callable[[PlotTheme], bytes]) -> dict[str, str]:
    return {
        "light": _data_uri("image/svg+xml", draw(LIGHT)),
        "dark": _data_uri("image/svg+xml", draw(DARK)),
    }


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _words(rows: Any, metric: str, quantity: Callable[[ComparisonRow], str]) -> str:
    """A plot in words."""
    parts = [
        f"{row.model} ({row.runtime}) {quantity(row)}, {metric_words(metric, row.numbers[metric])}" for row in rows
    ]
    return "; ".join(parts) + "."
