"""Which operator of a model each kernel of a partition of XNNPACK or OpenVINO computes."""

from __future__ import annotations

from functools import lru_cache

__all__ = ["operators_of_kernels"]

# By the beginning of the kernel's name, as XNNPACK's xnn_operator_type_to_string gives it, or by the type of OpenVINO's
# node; a kernel that is named like its operator needs no row.
_OPERATORS = {
    "convolution": {"CONV_2D", "DEPTHWISE_CONV_2D"},
    "groupconvolution": {"DEPTHWISE_CONV_2D"},
    "deconvolution": {"TRANSPOSE_CONV"},
    "dynamic fully connected": {"FULLY_CONNECTED", "BATCH_MATMUL"},
    "fully connected": {"FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D"},
    "batch matrix multiply": {"BATCH_MATMUL"},
    "subtract": {"SUB"},
    "multiply": {"MUL"},
    "divide": {"DIV"},
    "sigmoid": {"LOGISTIC"},
    "max pooling": {"MAX_POOL_2D"},
    "maxpool": {"MAX_POOL_2D"},
    "avgpool": {"AVERAGE_POOL_2D"},
    "reducemean": {"MEAN"},
    "matmul": {"FULLY_CONNECTED", "BATCH_MATMUL"},
    "average pooling": {"AVERAGE_POOL_2D", "MEAN"},
    "global average pooling": {"AVERAGE_POOL_2D", "MEAN"},
    "clamp": {"RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"},
    "negate": {"NEG"},
    "square root": {"SQRT"},
    "reciprocal square root": {"RSQRT"},
    "ceiling": {"CEIL"},
    "bankers rounding": {"ROUND"},
    "sine": {"SIN"},
    "cosine": {"COS"},
    "constant pad": {"PAD", "PADV2"},
    "even split": {"SPLIT"},
    "slice": {"SLICE", "STRIDED_SLICE"},
    "concatenate": {"CONCATENATION"},
    "convert": {"QUANTIZE", "DEQUANTIZE", "CAST"},
    "copy": {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CONCATENATION"},
    "static reshape": {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"},
    "reduce max": {"REDUCE_MAX"},
    "reduce min": {"REDUCE_MIN"},
}


@lru_cache(maxsize=64)  # all runs of a profile ask the same
def operators_of_kernels(kernels: tuple[str, ...], operators: tuple[tuple[str, str], ...]) -> tuple[str | None, ...]:
    """The tensor that each kernel computes; None for a kernel that is nobody's, or could be another's as well.

    They do not tell. They run their kernels in the order of the graph, but fuse some operators into the ones before and
    add kernels of their own, so that the two lists are aligned: as many pairs as there can be, in order.

    Args:
        kernels: the kernels of a partition in the order in which they ran.
        operators: type and first computed tensor of the partition's operators, in the graph's order.
    """
    fits = [[_computes(kernel, kind) for kind, _ in operators] for kernel in kernels]
    # The most pairs among the kernels from i on and the operators from j on.
    most = [[0] * (len(operators) + 1) for _ in range(len(kernels) + 1)]
    for i in reversed(range(len(kernels))):
        for j in reversed(range(len(operators))):
            most[i][j] = max(most[i + 1][j], most[i][j + 1], fits[i][j] + most[i + 1][j + 1])
    names: list[str | None] = [None] * len(kernels)
    i = j = 0
    while i < len(kernels) and j < len(operators):
        if fits[i][j] and most[i][j] == 1 + most[i + 1][j + 1]:
            names[i] = operators[j][1] or None
            i, j = i + 1, j + 1
        elif most[i][j] == most[i][j + 1]:
            j += 1
        else:
            i += 1
    return tuple(names)


def _computes(kernel: str, operator: str) -> bool:
    name, _, rest = kernel.partition(" (")
    name = name.lower()
    if name == "convolution" and "DWConv" in rest:
        return operator == "DEPTHWISE_CONV_2D"
    known = _OPERATORS.get(name)
    return operator in known if known is not None else name.replace(" ", "") == operator.replace("_", "").lower()
