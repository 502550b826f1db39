"""Which kernels an interpreter uses."""

import enum


@enum.unique
class OpResolverType(enum.Enum):
    """Which kernels an interpreter uses, under the names and values of tf.lite.experimental.OpResolverType."""

    AUTO = 0
    """XNNPACK where it has a kernel, TensorFlow Lite's optimized kernels elsewhere."""

    BUILTIN = 1
    """The same as AUTO."""

    BUILTIN_REF = 2
    """TensorFlow Lite's plain reference kernels, for finding out where a result comes from."""

    BUILTIN_WITHOUT_DEFAULT_DELEGATES = 3
    """TensorFlow Lite's optimized kernels, without XNNPACK."""
