"""Converting with `zerolite.convert`, and with TensorFlow's converter in the caller's own process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.models import keras_path
from benchmarks.outcome import Outcome
from benchmarks.settings import ROOT, Settings

__all__ = ["run"]

_MEBIBYTE = 2**20
_TARGET_TIME = 1.1
_PEAK = """
from zerolite._platform.peak_memory import peak_resident_bytes
print(peak_resident_bytes())
"""
_PROGRAMS = {
    "TFLiteConverter": """
import sys
import tensorflow as tf
converter = tf.lite.TFLiteConverter.from_keras_model(tf.keras.models.load_model(sys.argv[1], compile=False))
if sys.argv[3] == "dynamic":
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
content = converter.convert()
with open(sys.argv[2], "wb") as file:
    file.write(content)
""",
    "zerolite": """
import sys
import zerolite as zl
zl.convert(sys.argv[1], sys.argv[2], quantize=sys.argv[3], verify=False)
""",
    "zerolite, verified": """
import sys
import zerolite as zl
zl.convert(sys.argv[1], sys.argv[2], quantize=sys.argv[3])
""",
}
_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def run(settings: Settings) -> Outcome:
    """Convert MobileNetV2 from its .keras file in fresh processes, in turns."""
    source = keras_path("mobilenet_v2", settings)
    rounds = 1 if settings.quick else 5
    figures, details = [], {}
    for quantize in ("none", "dynamic"):
        seconds: dict[str, list[float]] = {name: [] for name in _PROGRAMS}
        peaks: dict[str, list[float]] = {name: [] for name in _PROGRAMS}
        for _ in range(rounds):
            for name, program in _PROGRAMS.items():
                took, peak = _one_process(program, source, quantize)
                seconds[name].append(took)
                peaks[name].append(peak)
        reference = "TFLiteConverter"
        figures += [
            Figure.comparing(
                f"process start to finished file, quantize={quantize}",
                "s",
                (name, seconds[name]),
                (reference, seconds[reference]),
                target=_TARGET_TIME if name == "zerolite" else None,
            )
            for name in ("zerolite", "zerolite, verified")
        ]
        figures.append(
            Figure.comparing(
                f"peak memory of the caller, quantize={quantize}",
                "MiB",
                ("zerolite", peaks["zerolite"]),
                (reference, peaks[reference]),
                target=1.0,
            )
        )
        details[quantize] = {"seconds": seconds, "peak_mebibytes": peaks}
    return Outcome(
        title="Conversion",
        method=(
            f"MobileNetV2 (224 x 224, random weights) from a .keras file to a .tflite file, {rounds} fresh processes "
            "of each in turns, from start to end: the imports are part of it. zerolite converts without verification, "
            "like the converter itself, and in a second line with it. Memory is the peak of the caller's resident set "
            "(VmHWM); zerolite's conversion has a process of its own, whose memory is given back."
        ),
        figures=figures,
        details=details,
    )


def _one_process(program: str, source: Path, quantize: str) -> tuple[float, float]:
    """Seconds from start to end, and the peak memory in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", program + _PEAK, str(source), f"{folder}/model.tflite", quantize]
        started = time.perf_counter()
        done = subprocess.run(
            command, cwd=ROOT, env={**_ENVIRONMENT, **os.environ}, capture_output=True, text=True, check=False
        )
        took = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"a conversion failed: {done.stderr.strip().splitlines()[-1:]}")
    return took, int(done.stdout.split()[-1]) / _MEBIBYTE
