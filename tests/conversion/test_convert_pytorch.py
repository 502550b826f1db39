"""PyTorch: the converted model answers as modules and programs do, under their names, in their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from zerolite.conversion import ConversionError

torch: Any = pytest.importorskip("torch", reason="PyTorch takes gigabytes")
pytest.importorskip("litert_torch", reason="needs the extra torch, which takes gigabytes")

pytestmark = pytest.mark.slow


def small_network() -> Any:
    """Two inputs and two outputs, neither in the order of the alphabet, of a network in training."""

    class SmallNetwork(torch.nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.convolution = torch.nn.Conv2d(3, 8, 3)
            self.normalization = torch.nn.BatchNorm2d(8)
            self.dropout = torch.nn.Dropout(0.5)
            self.dense = torch.nn.Linear(8, 4)

        def forward(self, zeta: Any, alpha: Any, scale: float | None = None) -> dict[str, Any]:
            hidden = torch.relu(self.normalization(self.convolution(zeta))).mean((2, 3))
            logits = self.dense(self.dropout(hidden)) + alpha
            return {"logits": logits if scale is None else logits * scale, "brightness": zeta.mean()}

    torch.manual_seed(0)
    return SmallNetwork()


def samples(batch: int = 1) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(batch, 3, 16, 16)).astype(np.float32), rng.normal(size=4).astype(np.float32)


@pytest.fixture(scope="module")
def program() -> Any:
    """The network for any batch."""
    opened = {"zeta": {0: torch.export.Dim("batch")}, "alpha": None}
    inputs = tuple(map(torch.from_numpy, samples(2)))
    return torch.export.export(small_network().eval(), inputs, dynamic_shapes=opened)


def test_a_module_keeps_its_answers_names_and_mode() -> None:
    module = small_network()
    steps: list[str] = []
    result = zl.convert(module, sample_inputs=samples(), on_step=steps.append)
    assert module.training
    assert all(one.training for one in module.modules())
    assert {"Loading PyTorch", "Converting", "Verifying"} <= set(steps)
    assert result.verification is not None
    (outputs,) = result.verification.signatures.values()
    assert max(one.max_abs for one in outputs.values()) < 1e-4
    with zl.load(result.content) as model, torch.no_grad():
        assert list(model.inputs) == ["zeta", "alpha"]
        assert list(model.outputs) == ["logits", "brightness"]
        expected = module.eval()(*map(torch.from_numpy, samples()))
        for name, array in model(*samples()).items():
            assert np.allclose(array, expected[name].numpy(), atol=1e-4)


def test_a_file_with_other_shapes_and_fewer_outputs(program: Any, tmp_path: Path) -> None:
    torch.export.save(program, tmp_path / "network.pt2")
    result = zl.convert(tmp_path / "network.pt2", input_shapes={"zeta": (3, 3, 16, 16)}, outputs=["logits"])
    with zl.load(result.content) as model, torch.no_grad():
        assert model.inputs["zeta"].shape == (3, 3, 16, 16)
        assert list(model.outputs) == ["logits"]
        expected = small_network().eval()(*map(torch.from_numpy, samples(3)))["logits"]
        assert np.allclose(model(*samples(3)), expected.numpy(), atol=1e-4)


def test_open_axes_stay_open(program: Any) -> None:
    with zl.load(zl.convert(program, outputs=["logits"]).content) as model, torch.no_grad():
        assert model.inputs["zeta"].shape_signature == (-1, 3, 16, 16)
        expected = small_network().eval()(*map(torch.from_numpy, samples(5)))["logits"]
        model.resize(zeta=(5, 3, 16, 16))
        assert np.allclose(model(*samples(5)), expected.numpy(), atol=1e-4)


def test_quantized_with_data(program: Any) -> None:
    rng = np.random.default_rng(1)
    data = [{"zeta": rng.normal(size=(1, 3, 16, 16)).astype(np.float32), "alpha": samples()[1]} for _ in range(8)]
    result = zl.convert(
        program, quantize="int8", input_shapes={"zeta": (1, 3, 16, 16)}, representative_data=data, outputs=["logits"]
    )
    assert result.verification is not None
    assert result.verification.data == "representative"
    with zl.load(result.content) as model:
        assert model.inputs["zeta"].dtype == np.int8


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"input_shapes": {"beta": (1,)}}, "the model has no input 'beta'; it has zeta, alpha"),
        ({"input_shapes": {"zeta": (1, 3, 8, 16)}}, r"input 'zeta' was exported with \(\?, 3, 16, 16\)"),
        ({"outputs": ["heat"]}, "the model has no output 'heat'; it has logits, brightness"),
        ({"signatures": ["main"]}, "signatures is for models that TensorFlow converts"),
        ({"sample_inputs": 1}, "sample_inputs are for a PyTorch module"),
    ],
)
def test_options_that_do_not_fit(program: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        zl.convert(program, **options)


def test_a_module_needs_samples() -> None:
    with pytest.raises(ValueError, match="SmallNetwork has no inputs by itself; give what it is called with"):
        zl.convert(small_network())


def test_what_can_not_be_exported_is_one_sentence() -> None:
    class Branching(torch.nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        def forward(self, x: Any) -> Any:
            return x + 1 if x.sum() > 0 else x

    with pytest.raises(ConversionError, match=r"'Branching' can't be written as a program of torch\.export"):
        zl.convert(Branching(), sample_inputs=np.ones(3, np.float32))


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "damaged.pt2").write_bytes(b"not a program")
    with pytest.raises(ConversionError, match=r"can't read '.*damaged\.pt2' as a program of torch\.export"):
        zl.convert(tmp_path / "damaged.pt2")
