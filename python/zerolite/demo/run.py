"""The demonstration's steps in order."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from zerolite import load
from zerolite.atomic_write import write_atomically
from zerolite.conversion import ConversionResult, Quantize, convert
from zerolite.demo.agreement import Agreement
from zerolite.demo.digits import Digits
from zerolite.demo.environment import environment
from zerolite.demo.html import render_html
from zerolite.demo.progress import Progress
from zerolite.demo.quiet_tensorflow import import_tensorflow_quietly
from zerolite.demo.reference import reference_interpreter
from zerolite.demo.report import Report
from zerolite.demo.report_row import ReportRow
from zerolite.demo.settings import DemoSettings
from zerolite.demo.train import train
from zerolite.evaluation import evaluate_together
from zerolite.evaluation_result import EvaluationResult

__all__ = ["run_demo"]

_VARIANTS: dict[str, Quantize] = {
    "float32": "none",
    "float16": "fp16",
    "dynamic range": "dynamic",
    "int8": "int8",
}
_REPRESENTATIVE_IMAGES = 300


def run_demo(settings: DemoSettings, progress: Progress) -> Report:
    """Train, convert, evaluate and write the report.

    Writes into `settings.out`: digits.keras, one .tflite file per variant, report.json and report.html.

    Returns:
        The report; `Report.disagreement` tells whether every prediction agreed with the reference.

    Raises:
        ImportError: the extra "demo" is not installed.
        OSError: the folder or a file in it could not be written.
        ConversionError: the converter refused the network.
    """
    began = time.monotonic()
    settings.out.mkdir(parents=True, exist_ok=True)
    progress.stage("Loading TensorFlow and the digits", 2)
    import_tensorflow_quietly()
    progress.advance_to(1)
    digits = Digits.load(test_images=settings.test_images, seed=settings.seed)
    progress.advance_to(2)

    progress.stage("Training", settings.epochs)
    training_began = time.monotonic()
    network = train(digits, epochs=settings.epochs, seed=settings.seed, on_epoch=progress.advance_to)
    training_seconds = time.monotonic() - training_began
    keras_file = settings.out / "digits.keras"
    with tempfile.TemporaryDirectory() as folder:
        # Keras writes a file bit by bit, and only to names that end in .keras.
        saved = Path(folder) / keras_file.name
        network.save(saved)
        write_atomically(keras_file, saved.read_bytes())

    conversions = _convert_all(network, digits, settings, progress)
    results = _evaluate_all(network, conversions, digits, settings, progress)

    progress.stage("Writing the report", 2)
    rows = [ReportRow("float32", keras_file.stat().st_size, results["Keras"])]
    for variant, conversion in conversions.items():
        rows += [
            ReportRow(variant, conversion.size, results[f"{variant} in {runtime}"])
            for runtime in ("tf.lite", "zerolite")
        ]
    report = Report(
        created=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        seconds=time.monotonic() - began,
        training_seconds=training_seconds,
        epochs=settings.epochs,
        seed=settings.seed,
        rounds=settings.rounds,
        train_images=len(digits.train_images),
        parameters=int(network.count_params()),
        environment=environment(),
        rows=rows,
        agreements=[
            Agreement.between(variant, results[f"{variant} in zerolite"], results[f"{variant} in tf.lite"])
            for variant in conversions
        ],
        test_images=digits.test_images,
        test_labels=digits.test_labels,
    )
    document = json.dumps(report.to_dict(), indent=2, allow_nan=False) + "\n"
    write_atomically(settings.out / "report.json", document.encode())
    progress.advance_to(1)
    write_atomically(settings.out / "report.html", render_html(report).encode())
    progress.advance_to(2)
    return report


def _convert_all(
    network: Any, digits: Digits, settings: DemoSettings, progress: Progress
) -> dict[str, ConversionResult]:
    progress.stage("Converting", len(_VARIANTS))
    conversions = {}
    for done, (variant, quantize) in enumerate(_VARIANTS.items(), start=1):
        conversions[variant] = convert(
            network,
            settings.out / f"digits-{variant.replace(' ', '-')}.tflite",
            quantize=quantize,
            representative_data=digits.train_images[:_REPRESENTATIVE_IMAGES] if quantize == "int8" else None,
        )
        progress.advance_to(done)
    return conversions


def _evaluate_all(
    network: Any,
    conversions: dict[str, ConversionResult],
    digits: Digits,
    settings: DemoSettings,
    progress: Progress,
) -> dict[str, EvaluationResult]:
    """Results by "Keras" and "<variant> in <runtime>", all measured in turns in one go."""
    models: dict[str, Any] = {"Keras": network}
    loaded = []
    try:
        for variant, conversion in conversions.items():
            models[f"{variant} in tf.lite"] = reference_interpreter(conversion.content)
            model = load(conversion.content, threads=1)
            loaded.append(model)
            models[f"{variant} in zerolite"] = model
        runs = settings.rounds * len(digits.test_images) * len(models)
        progress.stage("Evaluating", runs)
        return evaluate_together(
            models,
            digits.test_images,
            digits.test_labels,
            rounds=settings.rounds,
            progress=lambda done, _: progress.advance_to(done),
        )
    finally:
        for model in loaded:
            model.close()
