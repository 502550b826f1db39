"""Converting with `zerolite.convert`, and with each road's own converter alone."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.figure import Figure
from benchmarks.models import keras_path, model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import ROOT, Settings
from zerolite.conversion.sources.onnx.command import find_command

__all__ = ["run"]

_TARGET = 1.1
_MEBIBYTE = 2**20
_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
_OURS = """
import sys
import zerolite as zl
zl.convert(sys.argv[1], sys.argv[2], quantize=sys.argv[3], verify=sys.argv[4] == "verified")
"""
_KERAS = """
import sys
import tensorflow as tf
converter = tf.lite.TFLiteConverter.from_keras_model(tf.keras.models.load_model(sys.argv[1], compile=False))
with open(sys.argv[2], "wb") as file:
    file.write(converter.convert())
"""
_QUANTIZER = """
import sys
from litert_quantizer import quantizer, recipe
worker = quantizer.Quantizer(sys.argv[1], recipe.dynamic_wi8_afp32())
with open(sys.argv[2], "wb") as file:
    file.write(bytes(worker.quantize(enable_progress_bar=False, enable_progress_report=False).quantized_model))
"""
_TORCH = """
import sys
import torch
import litert_torch
program = torch.export.load(sys.argv[1])
sample, _ = program.example_inputs
litert_torch.convert(program.module(), sample).export(sys.argv[2])
"""
_TORCH_SOURCE = """
import sys
import torch
from torch import nn
torch.manual_seed(0)
def block(inner, outer, stride):
    return nn.Sequential(
        nn.Conv2d(inner, inner, 3, stride, 1, groups=inner), nn.BatchNorm2d(inner), nn.ReLU6(),
        nn.Conv2d(inner, outer, 1), nn.BatchNorm2d(outer), nn.ReLU6())
sizes = [(32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2), *[(512, 512, 1)] * 5]
network = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1), *[block(*one) for one in sizes],
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))
sample = (torch.zeros(1, 3, 224, 224),)
if sys.argv[1].endswith(".onnx"):
    torch.onnx.export(network.eval(), sample, sys.argv[1])
else:
    torch.export.save(torch.export.export(network.eval(), sample), sys.argv[1])
"""


class _Road(NamedTuple):
    """A converter, and what both convert.

    Attributes:
        name: as in "TensorFlow's converter".
        source: a file.
        alone: Python code, or the path of a command.
        quantize: the mode of zerolite.
        is_code: whether `alone` is no command.
    """

    name: str
    source: Path
    alone: str
    quantize: str
    is_code: bool = True


class _Cost(NamedTuple):
    """What a process and all that it started took: seconds on the clock, of processors, and MiB of the largest one."""

    seconds: float
    processor: float
    memory: float


def run(settings: Settings) -> Outcome:
    """Convert in fresh processes, in turns, by each road whose packages are installed."""
    rounds = 1 if settings.quick else 5
    roads, missing = _roads(settings)
    figures: list[Figure] = []
    details: dict[str, Mapping[str, Sequence[Sequence[float]]]] = {}
    for road in roads:
        costs: dict[str, list[_Cost]] = {"alone": [], "zerolite": [], "zerolite, verified": []}
        for _ in range(rounds):
            costs["alone"].append(_alone(road))
            costs["zerolite"].append(_ours(road, "unverified"))
            costs["zerolite, verified"].append(_ours(road, "verified"))
        for field, (what, unit) in {
            "seconds": ("start to file", "s"),
            "processor": ("processor time", "s"),
            "memory": ("memory of the largest process", "MiB"),
        }.items():
            values = {name: [float(getattr(one, field)) for one in some] for name, some in costs.items()}
            figures += [
                Figure.comparing(
                    f"{road.source.suffix} file, {what}",
                    unit,
                    (name, values[name]),
                    (road.name, values["alone"]),
                    target=_TARGET if name == "zerolite" else None,
                )
                for name in ("zerolite", "zerolite, verified")
            ]
        details[road.name] = {name: [list(one) for one in some] for name, some in costs.items()}
    return Outcome(
        title="Conversion beside each converter",
        method=(
            f"A model's file to a .tflite file, {rounds} fresh processes of each in turns, from start to end: the "
            "imports are part of it. zerolite converts without verification, as the converters do, and in a second "
            "line with it. Times of processors and the memory of the largest process count all processes that were "
            "started." + (f" Not installed: {', '.join(missing)}." if missing else "")
        ),
        figures=figures,
        details=details,
    )


def _roads(settings: Settings) -> tuple[list[_Road], list[str]]:
    roads, missing = [], []
    folder = settings.build / "bench-models"
    if _has("tensorflow"):
        roads.append(_Road("TensorFlow's converter", keras_path("mobilenet_v2", settings), _KERAS, "none"))
    else:
        missing.append("TensorFlow")
    quantizable = folder / "mobilenet_v2.tflite"
    if _has("litert_quantizer") and (quantizable.is_file() or _has("tensorflow")):
        roads.append(_Road("litert-quantizer", model_path("mobilenet_v2", settings), _QUANTIZER, "dynamic"))
    else:
        missing.append("litert-quantizer")
    if _has("litert_torch"):
        roads.append(_Road("litert-torch", _torch_source(folder / "mobilenet.pt2"), _TORCH, "none"))
    else:
        missing.append("litert-torch")
    command = find_command()
    onnx = folder / "mobilenet.onnx"
    if command is not None and _has("onnxruntime") and (onnx.is_file() or (_has("torch") and _has("onnxscript"))):
        roads.append(_Road("onnx2tf", _torch_source(onnx), command, "none", is_code=False))
    else:
        missing.append("onnx2tf, onnxruntime, or PyTorch with onnxscript, which makes the file")
    return roads, missing


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _torch_source(path: Path) -> Path:
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-c", _TORCH_SOURCE, str(path)], check=True, capture_output=True)
    return path


def _alone(road: _Road) -> _Cost:
    with tempfile.TemporaryDirectory() as folder:
        if not road.is_code:
            return _cost([road.alone, "-i", str(road.source), "-o", folder, "-v", "error"])
        return _cost([sys.executable, "-c", road.alone, str(road.source), f"{folder}/model.tflite"])


def _ours(road: _Road, verified: str) -> _Cost:
    with tempfile.TemporaryDirectory() as folder:
        target = f"{folder}/model.tflite"
        return _cost([sys.executable, "-c", _OURS, str(road.source), target, road.quantize, verified])


def _cost(command: Sequence[str]) -> _Cost:
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env={**_ENVIRONMENT, **os.environ}, stdout=log, stderr=log)
        # Of the process and of all others that it has waited for.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            log.seek(0)
            raise RuntimeError(f"a conversion failed: {log.read().decode(errors='replace').strip().splitlines()[-1:]}")
    return _Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / _MEBIBYTE)
