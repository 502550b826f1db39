"""The command onnx2tf, which makes a .tflite file of an ONNX file, in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from zerolite._platform.fresh_python import last_told_line
from zerolite.conversion.result import ConversionError

__all__ = ["INSTALL_ADVICE", "find_command", "run_command"]

_NAME = "onnx2tf"
_VARIABLE = "ZEROLITE_ONNX2TF"
#: What to do where it is missing.
INSTALL_ADVICE = (
    "the command onnx2tf, which asks for exact versions of packages that zerolite needs newer ones of, so it is "
    "installed by itself: 'pipx install onnx2tf' or 'uv tool install onnx2tf', with Python 3.12 or newer "
    f"(${_VARIABLE} names it where it is not on the path)"
)


def find_command() -> str | None:
    """The path of the command; None where there is none."""
    return shutil.which(os.environ.get(_VARIABLE) or _NAME)


def run_command(model: Path, folder: Path, *, kept: Sequence[str], name: str) -> bytes:
    """The float32 .tflite file of an ONNX file.

    Args:
        model: the ONNX file.
        folder: where the command may write.
        kept: the inputs that keep their order of axes; the others get channels last.
        name: what errors call the model.

    Raises:
        ConversionError: the command is not there, or refused the model.
    """
    command = find_command()
    if command is None:
        raise ConversionError(f"converting ONNX files needs {INSTALL_ADVICE}", log="")
    arguments = [command, "-i", str(model), "-o", str(folder), "-v", "error", *(["-kat", *kept] if kept else [])]
    # It has packages of its own, which those of this interpreter must not hide.
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    # What it prints goes where this process prints, and so into the log.
    done = subprocess.run(
        arguments,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    printed = done.stdout.decode(errors="replace").replace("\r", "\n")
    print(printed, flush=True)  # noqa: T201 - this is the log
    written = sorted(folder.glob("*_float32.tflite"))
    if done.returncode or not written:
        raise ConversionError(
            f"onnx2tf refused '{name}' (exit code {done.returncode}): {last_told_line(printed) or 'it gave no reason'}",
            log=printed,
        )
    return written[0].read_bytes()
