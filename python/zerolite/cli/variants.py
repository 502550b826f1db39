"""Every quantization of a model in one go, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from zerolite.cli.output import print_json, say
from zerolite.cli.progress import progress_bar
from zerolite.cli.tables import print_comparison, print_skipped

if TYPE_CHECKING:
    from zerolite.conversion import ConversionResult

__all__ = ["convert_variants"]

#: Called with what the work is at.
OnStep = Callable[[str], None]


def convert_variants(
    subject: Any,
    target: Path,
    *,
    data: Path,
    metric: str,
    representative_data: Path,
    options: Mapping[str, Any],
    report: Sequence[Path],
    steps: Callable[[], AbstractContextManager[OnStep | None]],
    as_json: bool,
) -> str:
    """Convert to float32, quantize that in every mode, and compare all of them on data.

    Args:
        subject: what to convert.
        target: a name for the files, which get the mode between it and its end.
        data: what the models are compared on.
        metric: what is measured.
        representative_data: for the ranges of activations.
        options: other arguments of `convert`.
        report: files of the report.
        steps: gives what is told what comes next, until all are converted.
        as_json: whether JSON is printed instead of tables.

    Returns:
        What the converters printed.

    Raises:
        ConversionError: the source can't be converted. A mode that can't is left out, and said.
        ValueError, TypeError, OSError, ImportError: as `convert` and `compare` say.
    """
    from zerolite.comparison import compare
    from zerolite.comparison.result import check_report_target
    from zerolite.conversion import ConversionError, convert
    from zerolite.conversion.child.kept_process import kept_process
    from zerolite.conversion.options import QUANTIZATION_MODES

    for path in report:
        check_report_target(path)
    results: dict[str, ConversionResult] = {}
    files: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    log = ""
    with steps() as on_step, kept_process():
        for mode in QUANTIZATION_MODES:
            name = "float32" if mode == "none" else mode
            needs_data = QUANTIZATION_MODES[mode].needs_data
            if mode == "none" and isinstance(subject, Path) and subject.suffix == ".tflite":
                files[name] = subject
                continue
            path = target.with_name(f"{target.stem}-{name}.tflite")
            source, more = (subject, dict(options)) if mode == "none" else (files["float32"], _of_files(options))
            # Modes that need no data are verified on it.
            samples = representative_data if needs_data or options["verify"] else None
            if samples is None:
                more["sample_limit"] = None
            try:
                result = convert(
                    source,
                    path,
                    quantize=cast("Any", mode),
                    representative_data=samples,
                    on_step=None if on_step is None else _named(name, on_step),
                    **more,
                )
            except ConversionError as error:
                if mode == "none":
                    raise
                log += error.log
                left_out[name] = str(error)
                continue
            log += result.log
            results[name], files[name] = result, path
    preprocessing = options["preprocessing"]
    with progress_bar("compare") as advance:
        comparison = compare(files, data, metrics=[metric], preprocessing=preprocessing, progress=advance)
    for path in report:
        comparison.save(path)
    if as_json:
        print_json(
            {
                "files": {name: str(path) for name, path in files.items()},
                "conversions": {name: result.to_dict() for name, result in results.items()},
                "left_out": left_out,
                "comparison": comparison.to_dict(),
            }
        )
        return log
    print_comparison(comparison)
    print_skipped(comparison.first.result)
    for name, reason in left_out.items():
        say(f"{name} is left out: {reason}.")
    if representative_data == data:
        say(f"The ranges of activations are those of {data} itself; --representative-data takes them from other data.")
    for path in (*(files[name] for name in results), *report):
        say(f"{path} written.")
    return log


def _named(name: str, on_step: Callable[[str], None]) -> Callable[[str], None]:
    return lambda step: on_step(f"{name}: {step}")


def _of_files(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a .tflite file takes: its metadata is kept, and the others are TensorFlow's."""
    return {name: options[name] for name in ("verify", "sample_limit", "preprocessing", "on_corrupt")}
