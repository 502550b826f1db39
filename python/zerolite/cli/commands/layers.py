"""The command `zerolite layers`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zerolite.cli.model_files import model_file
from zerolite.cli.options import PreprocessingOption, ResamplingOption, SignatureOption, resampling_of
from zerolite.cli.output import failures_in_one_line, print_csv, print_json, print_table, say, wrong_use
from zerolite.cli.progress import progress_bar

if TYPE_CHECKING:
    from zerolite.layers import LayerComparison

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="layers")(_layers)


def _layers(
    float_model: Annotated[
        Path,
        typer.Argument(metavar="FLOAT", help="A .tflite file, whose values count as right.", parser=model_file),
    ],
    quantized_model: Annotated[
        Path,
        typer.Argument(metavar="QUANTIZED", help="The .tflite file of the quantized model.", parser=model_file),
    ],
    *,
    data: Annotated[
        Path,
        typer.Option(
            metavar="DATA",
            help="An .npz or .npy file with inputs, or a folder of images with one folder for each class.",
            exists=True,
        ),
    ],
    signature: SignatureOption = None,
    preprocessing: PreprocessingOption = None,
    resampling: ResamplingOption = "nearest",
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the relative errors: .svg, .png or .pdf.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
) -> None:
    """Show which operators lose accuracy when a model is quantized: the error of every layer, in its order."""
    if as_json and as_csv:
        raise wrong_use("Choose one of --json and --csv.", param_hint="--csv")
    chosen_resampling = resampling_of(resampling)
    with failures_in_one_line():
        from zerolite._plots.plottable import check_plot_target
        from zerolite.layers import compare_layers

        if plot is not None:
            check_plot_target(plot)
        with progress_bar("layers") as advance:
            comparison = compare_layers(
                float_model,
                quantized_model,
                data,
                signature=signature,
                preprocessing=preprocessing,
                resampling=chosen_resampling,
                progress=advance,
            )
        if plot is not None:
            comparison.save_plot(plot)
        if as_json:
            print_json({**comparison.to_dict(), "plot": None if plot is None else str(plot)})
        elif as_csv:
            print_csv(comparison.to_csv())
        else:
            _print(comparison)
            if plot is not None:
                say(f"{plot} written.")


def _print(comparison: LayerComparison) -> None:
    print_table(
        ("layer", "operator", "dtype", "relative error", "rmse", "max error", "mean error", "rmse / scale"),
        [
            (
                layer.name,
                layer.operator,
                layer.dtype,
                "-" if layer.relative_error is None else f"{layer.relative_error:.2%}",
                f"{layer.rmse:.4g}",
                f"{layer.max_abs_error:.4g}",
                f"{layer.mean_error:+.3g}",
                "-" if layer.rmse_per_scale is None else f"{layer.rmse_per_scale:.2f}",
            )
            for layer in comparison.layers
        ],
        left=3,
    )
    worst = comparison.worst(1)[0]
    only = len(comparison.only_float), len(comparison.only_quantized)
    say(
        f"{len(comparison.layers)} layers over {comparison.items} items; "
        f"the largest relative error is at {worst.name}. "
        f"Of the other tensors {only[0]} are only in the first model and {only[1]} only in the second."
    )
