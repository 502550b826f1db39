"""The Vulkan driver that the tests of GPUs run on."""

from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path

SWIFTSHADER = Path(__file__).parents[2] / "build" / "swiftshader" / "vk_swiftshader_icd.json"


def driver() -> str:
    """What VK_ICD_FILENAMES has to be: what it is, or SwiftShader.

    Raises:
        LookupError: there is none on this machine.
    """
    try:
        ctypes.CDLL("libvulkan.so.1")
    except OSError as failure:
        raise LookupError(f"the Vulkan loader is missing ({failure}): apt-get install libvulkan1") from None
    chosen = os.environ.get("VK_ICD_FILENAMES")
    if chosen:
        return chosen
    if platform.machine() != "x86_64" or not SWIFTSHADER.is_file():
        raise LookupError("there is no SwiftShader for this machine in build/swiftshader: make swiftshader")
    return str(SWIFTSHADER)
