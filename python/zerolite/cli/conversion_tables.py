"""What came of a conversion, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zerolite.cli.output import print_table, say

if TYPE_CHECKING:
    from zerolite.conversion import ConversionResult
    from zerolite.conversion.quantization.search_result import PrecisionSearch

__all__ = ["print_conversion"]

_KIBIBYTE = 1024


def print_conversion(result: ConversionResult) -> None:
    """Print what came of a conversion, and the way there."""
    of_source = f", {result.size / result.source_size:.0%} of the source" if result.source_size else ""
    say(
        f"{result.path} written: {result.size / _KIBIBYTE:,.1f} KiB{of_source}, quantize={result.quantize}, "
        f"{'channels last, ' if result.layout == 'nhwc' else ''}in {result.seconds:.1f} s."
    )
    print_table(("operator", "count"), [(name, str(count)) for name, count in result.operators.items()])
    if result.search is not None:
        _print_search(result.search)
    if result.kept_float:
        say(f"Not quantized: {', '.join(result.kept_float)}.")
    for operator in result.unsupported:
        say(f"{operator.name}: {operator.advice}.")
    if result.verification is not None:
        lines: list[Sequence[str]] = [
            (
                signature,
                name,
                f"{difference.max_abs:.3g}",
                f"{difference.mean_abs:.3g}",
                "-" if difference.top1_agreement is None else f"{difference.top1_agreement:.1%}",
            )
            for signature, outputs in result.verification.signatures.items()
            for name, difference in outputs.items()
        ]
        print_table(
            ("signature", "output", "max difference", "mean", "top-1 agreement"),
            lines,
            title=f"against the source, on {result.verification.samples} {result.verification.data} samples",
            left=2,
        )
        for inputs in result.verification.inputs.values():
            for name, found in inputs.items():
                say(f"{name} holds {found}.")
    elif result.not_verified is not None:
        say(f"Not compared with the source: {result.not_verified}.")


def _print_search(search: PrecisionSearch) -> None:
    fronts = search.front(), search.front("latency_us")
    print_table(
        ("trial", search.metric, "loss", "KiB", "latency in µs", "on the front of"),
        [
            (
                f"{trial.label}{' (chosen)' if trial == search.chosen else ''}",
                f"{trial.value:.4g}",
                f"{trial.loss:.4g}",
                f"{trial.size / _KIBIBYTE:,.1f}",
                f"{trial.latency_us:.4g}",
                " ".join(name for name, front in zip(("size", "latency"), fronts, strict=True) if trial in front),
            )
            for trial in search.trials
        ],
        title=f"a loss of {search.max_loss:g} is allowed",
    )
