"""The demonstration's steps in order."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from zerolite._platform.files import write_atomically
from zerolite._platform.quiet_tensorflow import import_tensorflow_quietly
from zerolite.comparison import compare
from zerolite.conversion import Quantize, convert
from zerolite.demo.digits import Digits
from zerolite.demo.progress import Progress
from zerolite.demo.report import Report
from zerolite.demo.settings import DemoSettings
from zerolite.demo.train import train

__all__ = ["run_demo"]

_VARIANTS: dict[str, Quantize] = {
    "float32": "none",
    "float16": "fp16",
    "dynamic range": "dynamic",
    "int8": "int8",
}
_REPRESENTATIVE_IMAGES = 300


def run_demo(settings: DemoSettings, progress: Progress) -> Report:
    """Train, convert, compare and write the report.

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

    progress.stage("Converting", len(_VARIANTS))
    files: dict[str, Path] = {}
    for done, (variant, quantize) in enumerate(_VARIANTS.items(), start=1):
        files[variant] = settings.out / f"digits-{variant.replace(' ', '-')}.tflite"
        convert(
            network,
            files[variant],
            quantize=quantize,
            representative_data=digits.train_images[:_REPRESENTATIVE_IMAGES] if quantize == "int8" else None,
            verify=False,  # what is compared below is more than that
        )
        progress.advance_to(done)

    progress.stage("Comparing", settings.rounds * len(digits.test_images) * (1 + 2 * len(files)))
    comparison = compare(
        {"Keras": network, **files},
        digits.test_images,
        digits.test_labels,
        runtimes=("tf.lite", "zerolite"),
        sizes={"Keras": keras_file.stat().st_size},
        rounds=settings.rounds,
        progress=lambda done, _: progress.advance_to(done),
    )

    progress.stage("Writing the report", 2)
    report = Report(
        seconds=time.monotonic() - began,
        training_seconds=training_seconds,
        epochs=settings.epochs,
        seed=settings.seed,
        train_images=len(digits.train_images),
        parameters=int(network.count_params()),
        comparison=comparison,
    )
    document = json.dumps(report.to_dict(), indent=2, allow_nan=False) + "\n"
    write_atomically(settings.out / "report.json", document.encode())
    progress.advance_to(1)
    write_atomically(settings.out / "report.html", report.to_html().encode())
    progress.advance_to(2)
    return report
