"""Subgraphs and what runs them, variables and tables: "full" refuses what kernels would take one for the other."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, TensorType, edit
from tests.verification.test_kernel_assumptions import refused, runs


def calling(kind: int, *, inner: str = "float32", result: str = "float32") -> bytes:
    """A branch or a loop over one tensor of float32, whose body declares types of its own."""
    builder = GraphBuilder()
    condition = builder.tensor("condition", [], "bool")
    x, y = builder.tensor("x", [2]), builder.tensor("y", [2])
    if kind == Op.IF:
        options = schema.IfOptionsT()
        options.thenSubgraphIndex = options.elseSubgraphIndex = 1
    else:
        options = schema.WhileOptionsT()
        options.bodySubgraphIndex, options.condSubgraphIndex = 1, 2
    operands = [condition, x] if kind == Op.IF else [x]
    builder.operator(kind, operands, [y], options=options)
    builder.interface(operands, [y])
    builder.start_subgraph("body")
    a, b = builder.tensor("a", [2], inner), builder.tensor("b", [2], result)
    builder.operator(Op.ABS if inner == result else Op.CAST, [a], [b])
    builder.interface([a], [b])
    builder.start_subgraph("condition")
    c = builder.tensor("c", [2])
    builder.interface([c], [builder.constant("ends", np.array(False))])
    return builder.finish()


@pytest.mark.parametrize("kind", [Op.IF, Op.WHILE])
def test_bodies_have_the_types_of_who_runs_them(kind: int) -> None:
    runs(calling(kind))
    refused(calling(kind, inner="int8", result="int8"), "float32 among its inputs, where the subgraph that it runs has")
    refused(calling(kind, result="float64"), "float32 among its outputs, where the subgraph that it runs has float64")


def variable_in_a_body(kind: int, *, read: int, swapped: bool = False) -> bytes:
    """Variables of two and of four values, which are handed to a body that reads from the first one."""
    builder = GraphBuilder()
    handles = []
    for name, size in (("two", 2), ("four", 4)):
        handle = builder.tensor(name, [], TensorType.RESOURCE)
        options = schema.VarHandleOptionsT()
        options.container, options.sharedName = "", name
        builder.operator(Op.VAR_HANDLE, [], [handle], options=options)
        builder.operator(Op.ASSIGN_VARIABLE, [handle, builder.constant(f"{name}s", np.zeros(size, np.float32))], [])
        handles.append(handle)
    x = builder.tensor("x", [read])
    condition = builder.tensor("condition", [], "bool")
    if kind == Op.IF:
        options = schema.IfOptionsT()
        options.thenSubgraphIndex = options.elseSubgraphIndex = 1
        outputs = [builder.tensor("y", [read])]
        builder.operator(kind, [condition, *handles, x], outputs, options=options)
        builder.interface([condition, x], outputs)
    else:
        options = schema.WhileOptionsT()
        options.bodySubgraphIndex, options.condSubgraphIndex = 1, 2
        outputs = [*(builder.tensor(f"h{i}", [], TensorType.RESOURCE) for i in range(2)), builder.tensor("y", [read])]
        builder.operator(kind, [*handles, x], outputs, options=options)
        builder.interface([x], outputs[2:])
    builder.start_subgraph("body")
    inner = [builder.tensor(f"a{i}", [], TensorType.RESOURCE) for i in range(2)]
    a, b = builder.tensor("a", [read]), builder.tensor("b", [read])
    builder.operator(Op.READ_VARIABLE, [inner[0]], [b])
    passed = inner[::-1] if swapped else inner
    builder.interface([*inner, a], [b] if kind == Op.IF else [*passed, b])
    builder.start_subgraph("condition")
    given = [*(builder.tensor(f"c{i}", [], TensorType.RESOURCE) for i in range(2)), builder.tensor("c", [read])]
    builder.interface(given, [builder.constant("ends", np.array(False))])
    return builder.finish()


@pytest.mark.parametrize("kind", [Op.IF, Op.WHILE])
def test_variables_are_followed_into_bodies(kind: int) -> None:
    zl.load(variable_in_a_body(kind, read=2), verify="full").close()
    refused(variable_in_a_body(kind, read=3), "reads 12 bytes from variable 'two', which holds 8")


def early_result(kind: int, operator: int) -> bytes:
    """A branch or a composite whose result is the shape of what it is given, or that of a constant."""
    builder = GraphBuilder()
    condition, x = builder.tensor("condition", [], "bool"), builder.tensor("x", [2, 3])
    y = builder.tensor("y", [2], "int32")
    if kind == Op.IF:
        options = schema.IfOptionsT()
        options.thenSubgraphIndex = options.elseSubgraphIndex = 1
    else:
        options = schema.StableHLOCompositeOptionsT()
        options.name, options.decompositionSubgraphIndex = "shape", 1
        options.compositeAttributes = list(flexbuffers.Dumps({}))
    operands = [condition, x] if kind == Op.IF else [x]
    builder.operator(kind, operands, [y], options=options)
    builder.interface(operands, [y])
    builder.start_subgraph("body")
    a, b = builder.tensor("a", [2, 3]), builder.tensor("b", [2], "int32")
    if operator == Op.SHAPE:
        shape_options = schema.ShapeOptionsT()
        shape_options.outType = TensorType.INT32
        builder.operator(operator, [a], [b], options=shape_options)
    else:
        sizes = builder.constant("sizes", np.array([[2], [3]], np.int32))
        builder.operator(operator, [sizes, builder.constant("shape", np.array([2], np.int32))], [b])
    builder.interface([a], [b])
    return builder.finish()


@pytest.mark.parametrize("kind", [Op.IF, Op.STABLEHLO_COMPOSITE])
@pytest.mark.parametrize("operator", [Op.SHAPE, Op.RESHAPE])
def test_result_of_a_body_that_is_there_before_it_runs(kind: int, operator: int) -> None:
    refused(early_result(kind, operator), "computes while it is prepared, and its kernel takes results of a run")


def test_variables_that_a_loop_exchanges_are_all_meant() -> None:
    refused(variable_in_a_body(Op.WHILE, read=3, swapped=True), "reads 12 bytes from variable 'two', which holds 8")


def test_variable_without_a_name_is_refused() -> None:
    builder = GraphBuilder()
    handle = builder.constant("handle", np.array(0, np.int32))
    y = builder.tensor("y", [2])
    builder.operator(Op.READ_VARIABLE, [handle], [y])
    builder.interface([], [y])
    refused(builder.finish(), "variable that no VAR_HANDLE of this subgraph or of those that run it names")


def case(*, branches: list[int], inner: str = "float32") -> bytes:
    builder = GraphBuilder()
    index, x, y = builder.tensor("index", [], "int32"), builder.tensor("x", [2]), builder.tensor("y", [2])
    options = schema.StablehloCaseOptionsT()
    options.branchSubgraphIndices = branches
    builder.operator(Op.STABLEHLO_CASE, [index, x], [y], options=options)
    builder.interface([index, x], [y])
    for operator in (Op.ABS, Op.NEG):
        builder.start_subgraph("branch")
        a, b = builder.tensor("a", [2], inner), builder.tensor("b", [2], inner)
        builder.operator(operator, [a], [b])
        builder.interface([a], [b])
    return builder.finish()


def test_branches_of_a_case_are_other_subgraphs() -> None:
    runs(case(branches=[1, 2]))
    for branch in (-1, 0, 3):
        refused(case(branches=[1, branch]), rf"runs subgraph {branch}, and 1 or more is expected, and less than 3")
    refused(case(branches=[1, 2], inner="float64"), "float32 among its inputs, where the subgraph that it runs has")


def test_case_in_a_branch_of_itself() -> None:
    def move(model: schema.ModelT) -> None:
        model.subgraphs[1].operators, model.subgraphs[1].tensors = (
            model.subgraphs[0].operators,
            [*model.subgraphs[0].tensors],
        )
        model.subgraphs[1].inputs, model.subgraphs[1].outputs = [0, 1], [2]

    refused(edit(case(branches=[1, 2]), move), "runs itself")


def table_beside_variables(number: int, *, confused: bool = False) -> bytes:
    builder = GraphBuilder()
    variable, table = (builder.tensor(name, [1], TensorType.RESOURCE) for name in ("variable", "table"))
    handle = schema.VarHandleOptionsT()
    handle.container, handle.sharedName = "", "v"
    builder.operator(Op.VAR_HANDLE, [], [variable], options=handle)
    builder.operator(Op.ASSIGN_VARIABLE, [variable, builder.constant("zero", np.zeros(2, np.float32))], [])
    options = schema.HashtableOptionsT()
    options.tableId, options.keyDtype, options.valueDtype = number, TensorType.INT64, TensorType.STRING
    builder.operator(Op.HASHTABLE, [], [table], options=options)
    size = builder.tensor("size", [1], "int64")
    builder.operator(Op.HASHTABLE_SIZE, [variable if confused else table], [size])
    builder.interface([], [size])
    return builder.finish()


def test_tables_and_variables_are_not_taken_for_one_another() -> None:
    zl.load(table_beside_variables(1), verify="full").close()
    refused(table_beside_variables(0), "makes table 0, which is the number of a variable; 1 or more is expected")
    refused(table_beside_variables(1, confused=True), "takes a variable for a table")


def test_variable_that_is_an_input_has_the_values_of_the_call() -> None:
    """Its memory is that of a call, and gone after a resize: tools that watch memory see who still reads it."""
    builder = GraphBuilder()
    x, y = builder.tensor("x", [2, 3], variable=True), builder.tensor("y", [2, 3])
    builder.operator(Op.NEG, [x], [y])
    builder.interface([x], [y])
    with zl.load(builder.finish(), delegates=zl.XNNPack(kernels="builtin"), verify="full") as model:
        for rows in (2, 1, 5):
            model.resize(x=(rows, 3))
            values = np.full((rows, 3), rows, np.float32)
            for _ in range(2):
                np.testing.assert_array_equal(model(values), -values)


def sliced_into_a_variable(*, begin_is_computed: bool, by_shape: bool = False) -> bytes:
    """A variable of four values, to which the end of an input is written, from a place on."""
    builder = GraphBuilder()
    handle = builder.tensor("handle", [1], TensorType.RESOURCE)
    options = schema.VarHandleOptionsT()
    options.container, options.sharedName = "", "v"
    x, y, end = builder.tensor("x", [6]), builder.tensor("y", [4]), builder.tensor("end of x", [4])
    builder.operator(Op.VAR_HANDLE, [], [handle], options=options)
    inputs = [x]
    begin = builder.constant("two", np.array([2], np.int32))
    if by_shape:
        begin, shape = builder.tensor("begin", [1], "int32"), builder.tensor("shape", [1], "int32")
        shape_options = schema.ShapeOptionsT()
        shape_options.outType = TensorType.INT32
        builder.operator(Op.SHAPE, [x], [shape], options=shape_options)
        builder.operator(Op.SUB, [shape, builder.constant("four", np.array([4], np.int32))], [begin])
    elif begin_is_computed:
        given, begin = builder.tensor("given", [1], "int32"), builder.tensor("begin", [1], "int32")
        builder.operator(Op.ABS, [given], [begin])
        inputs.append(given)
    last = builder.constant("last", np.array([6], np.int32))
    one = builder.constant("one", np.array([1], np.int32))
    builder.operator(Op.STRIDED_SLICE, [x, begin, last, one], [end], options=schema.StridedSliceOptionsT())
    builder.operator(Op.ASSIGN_VARIABLE, [handle, end], [])
    builder.operator(Op.READ_VARIABLE, [handle], [y])
    builder.interface(inputs, [y])
    return builder.finish()


def test_size_of_a_variable_is_not_decided_by_values() -> None:
    x = np.arange(6, dtype=np.float32)
    for sound in (
        sliced_into_a_variable(begin_is_computed=False),
        sliced_into_a_variable(begin_is_computed=False, by_shape=True),
    ):
        with zl.load(sound, verify="full") as model:
            np.testing.assert_array_equal(model(x), x[2:])
    refused(
        sliced_into_a_variable(begin_is_computed=True),
        "reads 16 bytes from variable 'v', and values of a run decide how much is written to it",
    )
