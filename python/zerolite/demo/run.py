"""The demonstration: its settings, and its steps in order."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from zerolite._platform.files import write_atomically
from zerolite._platform.output_capture import import_tensorflow
from zerolite.comparison import compare
from zerolite.conversion import Quantize, convert
from zerolite.demo.report import Report
from zerolite.demo.train import Digits, train

__all__ = ["DemoSettings", "Progress", "run_demo"]

IMAGE_COUNT = 1797
DIGIT_COUNT = 10
_VARIANTS: dict[str, Quantize] = {
    "float32": "none",
    "float16": "fp16",
    "dynamic range": "dynamic",
    "int8": "int8",
}
_REPRESENTATIVE_IMAGES = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """Settings of one run.

    Attributes:
        out: the folder for models and reports; it is made when missing.
        epochs: passes over the training split, at least 1.
        seed: seed of the split, the weights, the shuffling and the augmentation.
        test_images: how many of the 1,797 images are held out for the test.
        rounds: how often every variant runs over the test split; latencies come from all rounds.

    Raises:
        ValueError: a number is out of its range.
    """

    out: Path = Path("build/demo")
    epochs: int = 25
    seed: int = 0
    test_images: int = 360
    rounds: int = 15

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.rounds < 1:
            raise ValueError(f"epochs and rounds must be at least 1; came {self.epochs} and {self.rounds}")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be from 0 to 4294967295; came {self.seed}")
        if not DIGIT_COUNT <= self.test_images <= IMAGE_COUNT - DIGIT_COUNT:
            raise ValueError(
                f"test_images must be from {DIGIT_COUNT} to {IMAGE_COUNT - DIGIT_COUNT}, so that both sides "
                f"of the split know every digit; came {self.test_images}"
            )


class Progress(Protocol):
    """Told about stages, one after another."""

    def stage(self, title: str, total: int) -> None:
        """A stage of `total` steps begins; the one before is over."""
        ...

    def advance_to(self, done: int) -> None:
        """`done` steps of the stage are behind us."""
        ...


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
    import_tensorflow()
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
