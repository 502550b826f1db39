"""What `verify` finds in a file before the runtime sees it, at each level, and what the command line says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.models.generate.graph_builder import edit
from tests.mutations.mutation import Mutation
from tests.support import model_zoo as zoo
from tests.support.model_zoo import ModelEntry
from zerolite._inference.model import Verify
from zerolite.cli import main

Change = Callable[[Any], None]

SOUND = zoo.models()


def changed(name: str, change: Change) -> bytes:
    return edit(zoo.model_path(name).read_bytes(), change)


def main_graph(model: Any) -> Any:
    return model.subgraphs[0]


def quantization(model: Any, tensor: int) -> Any:
    return main_graph(model).tensors[tensor].quantization


def operator_position(model: Any, builtin: int) -> int:
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    return next(i for i, one in enumerate(main_graph(model).operators) if codes[one.opcodeIndex] == builtin)


def set_operands(model: Any, operator: int, **operands: list[int]) -> None:
    for role, indices in operands.items():
        setattr(main_graph(model).operators[operator], role, np.array(indices, np.int32))


def empty_buffer_of_constant(model: Any) -> None:
    constant = next(t for t in main_graph(model).tensors if model.buffers[t.buffer].data is not None)
    constant.buffer = 0


def sparse_level(model: Any) -> Any:
    sparsity = next(tensor.sparsity for tensor in main_graph(model).tensors if tensor.sparsity is not None)
    return next(level for level in sparsity.dimMetadata if level.format == 1)


def far_index(model: Any) -> None:
    sparse_level(model).arrayIndices.values[0] = 99


def wrong_segments(model: Any) -> None:
    sparse_level(model).arraySegments.values[-1] += 1


def lose_input(model: Any) -> None:
    main_graph(model).inputs = np.array([0], np.int32)
    model.signatureDefs = None


def three_scales(model: Any) -> None:
    quantization(model, 0).scale = np.ones(3, np.float32)
    quantization(model, 0).zeroPoint = np.zeros(3, np.int64)


def write_input(model: Any) -> None:
    main_graph(model).operators[-1].outputs[0] = main_graph(model).inputs[0]


def write_twice(model: Any) -> None:
    first, second = main_graph(model).operators[:2]
    second.outputs[0] = first.outputs[0]


def set_scale(scale: float) -> Change:
    def change(model: Any) -> None:
        quantization(model, 0).scale = np.array([scale], np.float32)

    return change


def nothing(model: Any) -> None:
    pass


def run_itself(model: Any) -> None:
    loop = operator_position(model, 119)
    main_graph(model).operators[loop].builtinOptions.bodySubgraphIndex = 0


def run_nothing(model: Any) -> None:
    loop = operator_position(model, 119)
    main_graph(model).operators[loop].builtinOptions.condSubgraphIndex = 9


def write_constant(model: Any) -> None:
    graph = main_graph(model)
    constant = next(i for i, t in enumerate(graph.tensors) if model.buffers[t.buffer].data is not None)
    last = graph.operators[-1]
    last.outputs[0] = constant


STRUCTURE: dict[str, tuple[str, Change, str]] = {
    "input written": (
        "builtin_chain",
        write_input,
        "writes its tensor 'x', which is an input of its subgraph or written by another operator",
    ),
    "written twice": (
        "builtin_chain",
        write_twice,
        r"operator 1 \(\w+\) writes its tensor 'step_0', which is an input of its subgraph or written by another",
    ),
    "intermediate": (
        "quantized_add_int8",
        lambda model: set_operands(model, 0, intermediates=[41]),
        r"operator 0 \(ADD\) has tensor 41 as an intermediate tensor, and its subgraph has 3 tensors",
    ),
    "output left out": (
        "quantized_add_int8",
        lambda model: set_operands(model, 0, outputs=[-1]),
        "leaves an output out, and only inputs are optional",
    ),
    "input that nothing writes": (
        "quantized_add_int8",
        lose_input,
        r"operator 0 \(ADD\) reads its tensor 'right', which nothing has written",
    ),
    "constant without values": ("dense_2layer", empty_buffer_of_constant, "reads its tensor .* nothing has written"),
    "constant written": ("dense_2layer", write_constant, "writes its tensor .*, which is constant"),
    "values in another file": (
        "dense_2layer",
        lambda model: setattr(main_graph(model).tensors[1], "externalBuffer", 1),
        "keeps its values in another file",
    ),
    "zero points missing": (
        "quantized_add_int8",
        lambda model: setattr(quantization(model, 0), "zeroPoint", None),
        "tensor 'left' has 1 scales and 0 zero points",
    ),
    "too many scales": (
        "quantized_add_int8",
        three_scales,
        "tensor 'left' has 3 scales, and 1 or 2 are expected, the size of axis 0",
    ),
    "axis out of range": (
        "quantized_add_int8",
        lambda model: setattr(quantization(model, 0), "quantizedDimension", 5),
        r"tensor 'left' is quantized along axis 5 of its shape \(2, 4\)",
    ),
    "zero point out of range": (
        "quantized_add_int8",
        lambda model: setattr(quantization(model, 0), "zeroPoint", np.array([128], np.int64)),
        "tensor 'left' has the zero point 128, which is no int8",
    ),
    **{
        f"scale {scale}": (
            "quantized_add_int8",
            set_scale(scale),
            "tensor 'left' has the scale .*, and a positive number is expected",
        )
        for scale in (0.0, -1.0, np.nan, np.inf, 1e-40, 1e35)
    },
    "sparse index out of range": ("sparse_weights", far_index, "is sparse, and an index of it is 99"),
    "sparse segments": ("sparse_weights", wrong_segments, "is sparse, and level 1 of it has"),
    "loop of itself": ("while_loop", run_itself, "subgraph 0 runs itself"),
    "loop over nothing": ("while_loop", run_nothing, r"\(WHILE\) runs subgraph 9, and the model has"),
}


def set_option(builtin: int, option: str, value: Any) -> Change:
    def change(model: Any) -> None:
        operator = main_graph(model).operators[operator_position(model, builtin)]
        setattr(operator.builtinOptions, option, value)

    return change


def spoil_settings(model: Any) -> None:
    operator = main_graph(model).operators[0]
    operator.customOptions = np.asarray(operator.customOptions)[:40]


def other_shape(model: Any) -> None:
    main_graph(model).tensors[main_graph(model).operators[0].outputs[0]].shape = np.array([1, 1], np.int32)


def leave_out_bias(model: Any) -> None:
    operator = main_graph(model).operators[operator_position(model, 4)]
    operator.inputs = operator.inputs[:2]


FULL: dict[str, tuple[str, Change, str]] = {
    "no quantization": (
        "quantized_add_int8",
        lambda model: setattr(main_graph(model).tensors[0], "quantization", None),
        r"operator 0 \(ADD\) works on quantized values, and its tensor 'left' has 0 scales",
    ),
    "scales apart": (
        "quantized_add_int8",
        lambda model: setattr(quantization(model, 2), "scale", np.array([1e-12], np.float32)),
        "has scales so far apart",
    ),
    "too few inputs": (
        "quantized_add_int8",
        lambda model: set_operands(model, 0, inputs=[0]),
        r"operator 0 \(ADD\) has 1 inputs, and 2 are expected",
    ),
    "input left out": (
        "quantized_add_int8",
        lambda model: set_operands(model, 0, inputs=[-1, 1]),
        r"operator 0 \(ADD\) leaves out input 0, which it needs",
    ),
    "padding": ("small_cnn", set_option(17, "padding", 2), r"\(MAX_POOL_2D\) has padding 2"),
    "stride": ("small_cnn", set_option(3, "strideW", 0), r"\(CONV_2D\) has a stride, window or dilation of 0"),
    "window": ("small_cnn", set_option(17, "filterHeight", -1), "has a stride, window or dilation of -1"),
    "depth multiplier": (
        "small_mobilenet_int8",
        set_option(4, "depthMultiplier", 7),
        r"\(DEPTHWISE_CONV_2D\) has a depth multiplier of 7 for an input of the shape",
    ),
    "no bias": ("small_mobilenet", leave_out_bias, r"\(DEPTHWISE_CONV_2D\) has no bias, which its kernel reads"),
    "custom settings": ("detection", spoil_settings, "has settings that can't be read"),
    "unpacked constant": ("small_cnn_float16", other_shape, r"\(DEQUANTIZE\) unpacks a constant of shape"),
}


# Past crashers, and what is wrong with each.
CRASHERS = {
    "ADD/operator/141": r"\(ADD\) has the constant its tensor 'tensor_0' of 0 bytes by its shape, and its buffer",
    "ATAN2/operator/671": r"\(ATAN2\) has inputs of the shapes \(3, 1\) and \(0, 1\), and one shape is expected",
    "BROADCAST_ARGS/operator/1348": r"\(BROADCAST_ARGS\) broadcasts shapes that don't fit one another",
    "DEPTHWISE_CONV_2D/operator/1667": "has no bias, which its kernel reads all the same",
    "EQUAL/operator/365": r"\(EQUAL\) works on quantized values, and its tensor 'tensor_1' has 0 scales",
    "FAKE_QUANT/operator/55": r"\(FAKE_QUANT\) has .* of the type int16 as input 0, and float32 is expected",
    "LOCAL_RESPONSE_NORMALIZATION/operator/249": "has a radius of -1, and 0 to 32768 is expected",
    "LOG_SOFTMAX/operator/117": r"has an input of the shape \(\), and at least one value along a last axis is expected",
    "MATRIX_DIAG/operator/62": r"\(MATRIX_DIAG\) has .* of the type float16 as input 0, and float32 or int32",
    "MATRIX_SET_DIAG/operator/241": r"has diagonals of the shape \(0,\), and \(4, 2\) is expected",
    "MEAN/operator/360": r"\(MEAN\) has an input of int32 and an output of int8, and one type for both is expected",
    "REVERSE_V2/operator/44": r"\(REVERSE_V2\) has the constant its tensor 'tensor_1' of 0 bytes by its shape",
    "RSQRT/operator/80": r"\(RSQRT\) works on quantized values, and its tensor 'tensor_0' has 0 scales",
    "SOFTMAX/operator/122": r"\(SOFTMAX\) has an input of the shape \(4, 0\)",
    "SOFTMAX/operator/5871": r"has an input of int16 and an output of int8, and one type for both is expected",
    "SPLIT/operator/44": r"\(SPLIT\) reads the values of input 0, its tensor 'tensor_0', which is empty",
    "STABLEHLO_GATHER/operator/57": "has offset_dims that are not different axes from 0 to 2, exclusive",
    "SUB/operator/386": r"\(SUB\) works on quantized values, and its tensor 'tensor_0' has 0 scales in place of one",
    "TRANSPOSE/operator/84": r"\(TRANSPOSE\) has an input of the shape \(\), and 1 to 8 dimensions are expected",
    "UNSORTED_SEGMENT_MAX/operator/5623": r"has an input of int32 and an output of bool, and one type for both",
    "float_product_as_uint8/found/0": r"\(BATCH_MATMUL\) has an input of float32 and an output of uint8",
    "lstm_of_four_dimensions/found/0": r"has an input of the shape \(1, 3, 4, 1\), and 2 to 3 dimensions are expected",
    "sequence_longer_than_its_axis/found/0": r"reverses 1048576 values along axis 0 of the shape \(4, 1, 1, 4\)",
    "shifted_sum_of_two_shapes/found/0": "and for scales that are powers of two one shape is expected",
    "two_scales_for_a_scalar/found/0": r"works on values of the shape \(\), and has an output of the shape \(2,\)",
}


def cases(table: dict[str, tuple[str, Change, str]]) -> list[Any]:
    return [pytest.param(*case, id=name) for name, case in table.items()]


@pytest.mark.parametrize("level", ["structure", "full"])
@pytest.mark.parametrize(("name", "change", "words"), cases(STRUCTURE))
def test_structure_names_what_is_wrong(name: str, change: Change, words: str, level: Verify) -> None:
    with pytest.raises(zl.InvalidModelError, match=words):
        zl.load(changed(name, change), verify=level)


def test_values_behind_the_flatbuffer_lie_in_the_file() -> None:
    """Position and size are added by the runtime, which can overflow."""
    model = schema.ModelT.InitFromPackedBuf(bytearray(zoo.model_path("dense_2layer").read_bytes()))
    constant = next(t for t in main_graph(model).tensors if model.buffers[t.buffer].data is not None)
    buffer = model.buffers[constant.buffer]
    buffer.data, buffer.offset, buffer.size = None, 2**64 - 8, 16
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    with pytest.raises(zl.InvalidModelError, match="points outside the file"):
        zl.load(bytes(builder.Output()))


@pytest.mark.parametrize(("name", "change", "words"), cases(FULL))
def test_full_names_what_is_wrong(name: str, change: Change, words: str) -> None:
    with pytest.raises(zl.InvalidModelError, match=words):
        zl.load(changed(name, change), verify="full")


@pytest.mark.parametrize(("crasher", "words"), CRASHERS.items())
def test_full_names_what_crashed(crasher: str, words: str) -> None:
    with pytest.raises(zl.InvalidModelError, match=words):
        zl.load(Mutation.parse(crasher).bytes(), verify="full")


@pytest.mark.parametrize("level", ["structure", "full"])
def test_types_are_those_that_operators_give(level: Verify) -> None:
    """Kernels set them while they are prepared, so that memory for the file's type would be too small."""
    content = Mutation("ARG_MAX", "operator", 165).bytes()
    with pytest.raises(zl.InvalidModelError, match="'tensor_2' has the type int8, and its operator gives int32"):
        zl.load(content, verify=level)


@pytest.mark.parametrize("level", ["structure", "full"])
@pytest.mark.parametrize("entry", SOUND, ids=str)
def test_sound_models_pass(entry: ModelEntry, level: Verify) -> None:
    zl.load(entry.path, verify=level).close()


def test_unchanged_models_survive_the_editing() -> None:
    """So that it is the changes above that are refused."""
    for name in {case[0] for case in (*STRUCTURE.values(), *FULL.values())}:
        zl.load(changed(name, nothing), verify="full").close()


def test_pool_passes_the_level_on() -> None:
    content = changed(*FULL["too few inputs"][:2])
    with pytest.raises(zl.InvalidModelError, match="has 1 inputs"):
        zl.Pool(content, workers=1, verify="full")


@pytest.mark.parametrize("level", ["", "Full", 1, []])
def test_unknown_levels_are_refused(level: Any) -> None:
    with pytest.raises(ValueError, match="must be one of 'structure', 'full', 'isolated'"):
        zl.load(zoo.model_path("rank_0"), verify=level)


def test_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(changed(*FULL["stride"][:2]))
    with pytest.raises(
        zl.InvalidModelError, match=r"broken\.tflite is not a sound TensorFlow Lite model: its operator"
    ):
        zl.load(path, verify="full")


# The command line


def test_check_says_that_a_model_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    path = zoo.model_path("rank_0")
    assert main(["check", str(path), "--verify", "full"]) == 0
    assert capsys.readouterr() == (f"{path} is sound (full).\n", "")


def test_check_says_why_a_model_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(changed(*STRUCTURE["loop of itself"][:2]))
    assert main(["check", str(path), "--verify", "structure"]) == 1
    out, err = capsys.readouterr()
    assert "runs itself" in out
    assert out.count("\n") == 1
    assert err == ""
    assert main(["check", str(path), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["sound"], document["loads"], document["verify"]) == (False, False, "isolated")
    assert "runs itself" in document["reason"]


def test_check_tells_unsound_from_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    """A model of operators that this runtime does not have is no broken model, and still can't be used."""
    assert main(["check", str(zoo.model_path("flex_op")), "--verify", "full", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["sound"], document["loads"]) == (True, False)
    assert "FlexErfinv" in document["reason"]
