"""Environments of their own, for runtimes whose needs do not fit zerolite's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.settings import Settings

__all__ = ["mediapipe_python", "tflite_runtime_python"]

# The last Python that the wheels of tflite_runtime are for.
_NEWEST = (3, 11)


def tflite_runtime_python(settings: Settings) -> str:
    """The interpreter of an environment with tflite_runtime, which is made first if it is not there.

    Raises:
        RuntimeError: there is no Python that its wheels are for, or it can't be installed.
    """
    requirements = ("tflite-runtime==2.14.0", "numpy<2")
    folder = settings.build / "bench-tflite-runtime"
    return _made(folder, _python_of_the_time(), requirements, "tflite_runtime.interpreter")


def mediapipe_python(settings: Settings) -> str:
    """The interpreter of an environment with MediaPipe, which is made first if it is not there.

    On Debian MediaPipe needs the packages libgles2 and libegl1.

    Raises:
        RuntimeError: it can't be installed or imported.
    """
    folder = settings.build / "bench-mediapipe"
    return _made(folder, sys.executable, ("mediapipe==1.2.3", "pillow"), "mediapipe.tasks.python.vision")


def _made(folder: Path, base: str, requirements: tuple[str, ...], module: str) -> str:
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        _call(base, "-m", "venv", "--clear", str(folder))
        _call(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements)
        _call(str(python), "-c", f"import {module}")
        (folder / "complete").touch()
    return str(python)


def _python_of_the_time() -> str:
    if sys.version_info[:2] <= _NEWEST:
        return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")
    for minor in (11, 10):
        found = shutil.which(f"python3.{minor}")
        if found is not None:
            return found
    raise RuntimeError("tflite_runtime 2.14 has wheels for Python 3.9 to 3.11, and none of these is installed")


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise RuntimeError(f"{command[-1]} could not be installed: {lines[-1]}")
