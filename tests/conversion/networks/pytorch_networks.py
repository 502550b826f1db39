"""Small networks of PyTorch, each built as a well-known one is, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["PYTORCH_NETWORKS"]

_CLASSES = 10


def _residual(torch: Any, came: int, width: int, stride: int) -> Any:
    nn = torch.nn

    class Residual(nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Sequential(
                nn.Conv2d(came, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
            )
            self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
            same = stride == 1 and came == width
            self.short = nn.Identity() if same else nn.Conv2d(came, width, 1, stride, bias=False)

        def forward(self, x: Any) -> Any:
            return torch.relu(self.second(self.first(x)) + self.short(x))

    return Residual()


def _resnet18(torch: Any) -> tuple[Any, Any]:
    nn, blocks, came = torch.nn, [], 16
    for place, width in enumerate((16, 32, 64, 128)):
        blocks += [_residual(torch, came, width, 1 if place == 0 else 2), _residual(torch, width, width, 1)]
        came = width
    stem = [nn.Conv2d(3, 16, 7, 2, 3), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, *blocks, *_head(torch, 128)), torch.randn(1, 3, 32, 32)


def _inverted(torch: Any, came: int, width: int, *, stride: int, activation: str, gate: str) -> Any:
    nn, wide = torch.nn, 4 * came

    class Inverted(nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            act = getattr(nn, activation)
            self.wide = nn.Sequential(nn.Conv2d(came, wide, 1, bias=False), nn.BatchNorm2d(wide), act())
            deep = nn.Conv2d(wide, wide, 5, stride, 2, groups=wide, bias=False)
            self.deep = nn.Sequential(deep, nn.BatchNorm2d(wide), act())
            squeeze = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, wide // 4, 1), nn.ReLU(), nn.Conv2d(wide // 4, wide, 1)]
            self.scale = nn.Sequential(*squeeze, getattr(nn, gate)())
            self.narrow = nn.Sequential(nn.Conv2d(wide, width, 1, bias=False), nn.BatchNorm2d(width))

        def forward(self, x: Any) -> Any:
            inner = self.deep(self.wide(x))
            inner = self.narrow(inner * self.scale(inner))
            return inner + x if inner.shape == x.shape else inner

    return Inverted()


def _mobile(torch: Any, activation: str, gate: str) -> tuple[Any, Any]:
    nn, blocks, came = torch.nn, [], 8
    for width, stride in ((8, 1), (16, 2), (16, 1), (24, 2)):
        blocks.append(_inverted(torch, came, width, stride=stride, activation=activation, gate=gate))
        came = width
    stem = [nn.Conv2d(3, 8, 3, 2, 1), getattr(nn, activation)()]
    return nn.Sequential(*stem, *blocks, *_head(torch, 24)), torch.randn(1, 3, 32, 32)


def _transformer(torch: Any) -> Any:
    nn = torch.nn
    layer = nn.TransformerEncoderLayer(32, 2, 64, batch_first=True, activation="gelu", norm_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


def _mean_of(torch: Any, first: Any, last: Any) -> Any:
    class MeanOf(torch.nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.inner, self.dense = first, _transformer(torch), last

        def forward(self, x: Any) -> Any:
            x = self.first(x)
            return self.dense(self.inner(x.flatten(2).transpose(1, 2) if x.dim() == 4 else x).mean(1))

    return MeanOf()


def _vision_transformer(torch: Any) -> tuple[Any, Any]:
    network = _mean_of(torch, torch.nn.Conv2d(3, 32, 8, 8), torch.nn.Linear(32, _CLASSES))
    return network, torch.randn(1, 3, 32, 32)


def _encoder(torch: Any) -> tuple[Any, Any]:
    network = _mean_of(torch, torch.nn.Embedding(50, 32), torch.nn.Linear(32, _CLASSES))
    return network, torch.randint(0, 50, (1, 12))


def _one_dimensional(torch: Any) -> tuple[Any, Any]:
    nn = torch.nn
    layers = [nn.Conv1d(4, 16, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(16, 32, 3, dilation=2), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 28, _CLASSES)), torch.randn(1, 4, 64)


def _lstm(torch: Any) -> tuple[Any, Any]:
    nn = torch.nn

    class Recurrent(nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.recurrent, self.dense = nn.LSTM(8, 16, num_layers=2, batch_first=True), nn.Linear(16, _CLASSES)

        def forward(self, x: Any) -> Any:
            return self.dense(self.recurrent(x)[0][:, -1])

    return Recurrent(), torch.randn(1, 10, 8)


def _head(torch: Any, width: int) -> list[Any]:
    return [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(width, _CLASSES)]


#: By the network that each is like: a function of the package that gives the module and a sample.
PYTORCH_NETWORKS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "ResNet18": _resnet18,
    "MobileNetV3": lambda torch: _mobile(torch, "Hardswish", "Hardsigmoid"),
    "EfficientNet": lambda torch: _mobile(torch, "SiLU", "Sigmoid"),
    "ViT-tiny": _vision_transformer,
    "1-D convolution": _one_dimensional,
    "LSTM": _lstm,
    "encoder": _encoder,
}
