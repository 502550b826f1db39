"""What the signatures of a .tflite file take."""

from __future__ import annotations

from pathlib import Path

from zerolite._inference.loading import load
from zerolite.conversion.samples.input_spec import InputSpec, Specs

__all__ = ["file_specs", "only_signature"]


def file_specs(path: Path) -> tuple[dict[str | None, list[InputSpec] | None], bool]:
    """The inputs by signature, and whether their order is in doubt.

    Raises:
        InvalidModelError: it is no sound model.
    """
    with load(path) as model:
        specs: dict[str | None, list[InputSpec] | None] = {
            key: [
                InputSpec(
                    tensor.name, tuple(None if size < 0 else size for size in tensor.shape_signature), tensor.dtype.name
                )
                for tensor in signature.inputs.values()
            ]
            for key, signature in model.signatures.items()
        }
        return specs, any(signature._inputs_in_doubt() for signature in model.signatures.values())


def only_signature(path: Path) -> Specs:
    """The inputs of a model with one signature.

    Raises:
        ValueError: it has several.
    """
    specs, _ = file_specs(path)
    if len(specs) != 1:
        raise ValueError(
            f"max_loss is for models with one signature, and this one has {', '.join(map(str, specs))}; choose one "
            "with signatures=[...], or name the layers in keep_float"
        )
    return {key: inputs for key, inputs in specs.items() if inputs is not None}
