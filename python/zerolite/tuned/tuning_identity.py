"""What a tuning belongs to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from zerolite._platform.machine import processor_name, usable_cores
from zerolite._runtime.library import runtime_info
from zerolite.delegates.openvino import openvino_release
from zerolite.tuned.setting import Engine

__all__ = ["TuningIdentity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningIdentity:
    """One model on one machine with one runtime: anywhere else another setting may be the fastest one.

    Attributes:
        model: the SHA-256 of the model's content, in hexadecimal digits.
        processor: the name of the processor.
        cores: how many cores the process may run on.
        runtime: the version of LiteRT; of a library without one, as ``ZEROLITE_RUNTIME`` may name it, its size.
        openvino: the release of OpenVINO; empty where it is not installed, and in the first files.
    """

    model: str
    processor: str
    cores: int
    runtime: str
    openvino: str = ""

    @classmethod
    def of(cls, content: bytes | memoryview) -> TuningIdentity:
        """The model with this content, here."""
        info = runtime_info()
        return cls(
            model=hashlib.sha256(content).hexdigest(),
            processor=processor_name(),
            cores=usable_cores(),
            runtime=info.version or f"a library of {Path(info.path).stat().st_size} bytes",
            openvino=openvino_release(),
        )

    def difference(self, here: TuningIdentity, *, engine: Engine = "litert") -> str | None:
        """What differs here, as the rest of a sentence about the file; None where nothing does.

        Args:
            here: the model that the file is going to be applied to, here.
            engine: what the file's setting runs the model with: OpenVINO's release only counts where that does.
        """
        if self.model != here.model:
            return f"belongs to another model, with the SHA-256 {self.model[:12]}... and not {here.model[:12]}..."
        if self.processor != here.processor:
            return f"belongs to another processor, {self.processor!r} and not {here.processor!r}"
        if self.cores != here.cores:
            return f"belongs to a process with {self.cores} usable cores, and this one has {here.cores}"
        if self.runtime != here.runtime:
            return f"belongs to another runtime, LiteRT {self.runtime} and not {here.runtime}"
        if engine == "openvino" and self.openvino != here.openvino:
            installed = here.openvino or "none, which pip install 'zerolite[openvino]' changes"
            return f"belongs to OpenVINO {self.openvino}, and installed is {installed}"
        return None
