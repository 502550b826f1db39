"""Preprocessing: from counts to the values that a network was trained on."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["PREPROCESSINGS", "check_preprocessing", "preprocess"]

# What `preprocess_input` of each module of keras.applications does (Keras 3.15, imagenet_utils.py), and the modes
# themselves by their names there. Networks with mode "none" have a layer that scales the counts.
_MODES = {
    "none": "none",
    "tf": "tf",
    "torch": "torch",
    "caffe": "caffe",
    "unit": "unit",
    "convnext": "none",
    "densenet": "torch",
    "efficientnet": "none",
    "efficientnet_v2": "none",
    "inception_resnet_v2": "tf",
    "inception_v3": "tf",
    "mobilenet": "tf",
    "mobilenet_v2": "tf",
    "mobilenet_v3": "none",
    "nasnet": "tf",
    "resnet": "caffe",
    "resnet50": "caffe",
    "resnet_v2": "tf",
    "vgg16": "caffe",
    "vgg19": "caffe",
    "xception": "tf",
}

#: Name -> mode. The names are those of the modules of `keras.applications`, and of the modes themselves: "none" leaves
#: counts from 0 to 255, "unit" is 0 to 1, "tf" is -1 to 1, "torch" is standardized by ImageNet's means and deviations,
#: "caffe" is blue, green, red less ImageNet's means.
PREPROCESSINGS = MappingProxyType(_MODES)

_COLORS = 3
_TORCH_MEANS = (0.485, 0.456, 0.406)
_TORCH_DEVIATIONS = (0.229, 0.224, 0.225)
_CAFFE_MEANS = (103.939, 116.779, 123.68)  # blue, green, red


def check_preprocessing(name: str) -> str:
    """The mode that `name` stands for.

    Raises:
        ValueError: there is no such preprocessing.
    """
    if name not in PREPROCESSINGS:
        raise ValueError(f"there is no preprocessing '{name}'; there are {', '.join(PREPROCESSINGS)}")
    return PREPROCESSINGS[name]


def preprocess(images: ArrayLike, name: str) -> NDArray[np.float32]:
    """Scale images as the `preprocess_input` of a Keras application does.

    Args:
        images: counts from 0 to 255 of any number type, shape (..., height, width, channels), channels last and in the
            order red, green, blue.
        name: a name of `PREPROCESSINGS`, such as "mobilenet_v2".

    Returns:
        A new float32 array of the same shape.

    Raises:
        ValueError: there is no such preprocessing, or it is one for three colours and the images have other channels.
    """
    mode = check_preprocessing(name)
    values: NDArray[Any] = np.array(images, dtype=np.float32)
    if mode in ("caffe", "torch") and (values.ndim < _COLORS or values.shape[-1] != _COLORS):
        raise ValueError(
            f"preprocessing '{name}' is for images of shape (..., height, width, 3); came {values.shape}; "
            "choose 'unit' or 'tf' for other channels"
        )
    if mode == "tf":
        values /= 127.5
        values -= 1
    elif mode == "unit":
        values /= 255
    elif mode == "torch":
        values /= 255
        values -= np.asarray(_TORCH_MEANS, dtype=np.float32)
        values /= np.asarray(_TORCH_DEVIATIONS, dtype=np.float32)
    elif mode == "caffe":
        values = np.ascontiguousarray(values[..., ::-1])
        values -= np.asarray(_CAFFE_MEANS, dtype=np.float32)
    return values
