"""Sound models changed as somebody would who knows the format: by its objects, so that most of it stays sound.

Bytes that were changed at random seldom get past the first look at a file. Here operands are exchanged, types and
shapes are changed with constants refilled to fit, operators come from other models, move into the bodies of branches
and loops, or get a name that the runtime knows.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.mutations.editable_model import EditableModel, can_be_packed, new_tensor, operator_code, origins
from tests.mutations.single_operator import DTYPES, KNOWN_NAMES, NUMBERS, random_settings

_SMALL_INTEGERS = (-1, 0, 1, 1, 2, 3, 4, 8)
_SIZES = (0, 1, 1, 2, 3, 4, 5, 8)
_MOST_ELEMENTS = 1 << 16
_BRANCH, _LOOP, _COMPOSITE = "IF", "WHILE", "STABLEHLO_COMPOSITE"


def edited_model(origin: str, number: int) -> bytes:
    """The model after one to four edits, which the number decides about."""
    rng = random.Random(f"{origin}/edit/{number}")
    editor = _Editor(EditableModel(origin, rng), rng)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        editor.edit()
    return editor.bytes()


class _Editor:
    """The edits, each of one of the model's subgraphs."""

    def __init__(self, model: EditableModel, rng: random.Random) -> None:
        self._model = model
        self._rng = rng

    def bytes(self) -> bytes:
        return self._model.serialized()

    def edit(self) -> None:
        """Make one of the edits, if there is anything to be edited."""
        graphs = [graph for graph in self._model.root.subgraphs if graph.operators]
        if not graphs:
            return
        edits: Sequence[tuple[Callable[[Any], None], int]] = (
            (self._exchange_operands, 4),
            (self._replace_operand, 4),
            (self._leave_out_operand, 2),
            (self._change_type, 4),
            (self._change_shape, 4),
            (self._deepen, 1),
            (self._change_values, 3),
            (self._let_a_run_compute, 3),
            (self._make_constant, 2),
            (self._change_option, 5),
            (self._change_operator, 3),
            (self._change_quantization, 2),
            (self._change_variable, 1),
            (self._splice_operator, 5),
            (self._move_into_body, 3),
            (self._give_known_name, 1),
            (self._let_a_run_shape, 3),
            (self._disagree_with_body, 3),
        )
        change, _ = self._rng.choices(edits, [weight for _, weight in edits])[0]
        change(self._rng.choice(graphs))

    # Operands

    def _exchange_operands(self, graph: Any) -> None:
        places = [(node.inputs, i) for node in graph.operators for i in range(len(node.inputs))]
        if len(places) < 2:
            return
        node = self._rng.choice([node for node in graph.operators if node.inputs])
        own = [(node.inputs, i) for i in range(len(node.inputs))]
        (one, i), (other, j) = self._rng.choice(own), self._rng.choice(own if len(own) > 1 else places)
        one[i], other[j] = other[j], one[i]

    def _replace_operand(self, graph: Any) -> None:
        """By a tensor that is there before the operator runs."""
        position = self._rng.randrange(len(graph.operators))
        node = graph.operators[position]
        if not node.inputs:
            return
        written = {out for later in graph.operators[position:] for out in later.outputs}
        there = [i for i in range(len(graph.tensors)) if i not in written]
        place = self._rng.randrange(len(node.inputs))
        old = node.inputs[place]
        alike = [i for i in there if old >= 0 and graph.tensors[i].type == graph.tensors[old].type]
        if there:
            node.inputs[place] = self._rng.choice(alike if alike and self._rng.random() < 0.6 else there)

    def _leave_out_operand(self, graph: Any) -> None:
        node = self._rng.choice(graph.operators)
        if not node.inputs:
            return
        place = self._rng.randrange(len(node.inputs))
        how = self._rng.random()
        if how < 0.4:
            node.inputs[place] = -1
        elif how < 0.7:
            del node.inputs[place]
        else:
            node.inputs.insert(place, self._rng.choice(node.inputs))

    # Tensors

    def _change_type(self, graph: Any) -> None:
        """Of one tensor, or of all that have the same."""
        tensor = self._model.operand(graph)
        old, new = tensor.type, self._rng.choice(list(DTYPES))
        changed = [tensor]
        if self._rng.random() < 0.4:
            changed = [each for each in graph.tensors if each.type == old]
        for each in changed:
            each.type = new
            self._model.refill(each)

    def _change_shape(self, graph: Any) -> None:
        rng, tensor = self._rng, self._model.operand(graph)
        shape = list(tensor.shape)
        how = rng.randrange(6)
        if how == 0:
            shape.insert(rng.randrange(len(shape) + 1), rng.choice((1, 1, 2)))
        elif how == 1 and shape:
            del shape[rng.randrange(len(shape))]
        elif how == 2:
            shape = list(rng.choice(graph.tensors).shape)
        elif how == 3:
            shape = [rng.choice(_SIZES) for _ in range(rng.randrange(7))]
        elif how == 4 and len(shape) > 1:
            rng.shuffle(shape)
        elif shape:
            shape[rng.randrange(len(shape))] = rng.choice(_SIZES)
        if math.prod(shape) <= _MOST_ELEMENTS:
            tensor.shape, tensor.shapeSignature = shape, None
            self._model.refill(tensor)

    def _deepen(self, graph: Any) -> None:
        """Let all tensors of an operator have more dimensions than most kernels know."""
        node = self._rng.choice(graph.operators)
        more = [1] * self._rng.choice((1, 2, 3, 4, 5, 6, 8))
        few = self._rng.random() < 0.5
        for index in {*node.inputs, *node.outputs} - {-1}:
            tensor = graph.tensors[index]
            if not (few and len(tensor.shape) < 2):
                tensor.shape, tensor.shapeSignature = [*more, *tensor.shape], None

    def _change_values(self, graph: Any) -> None:
        """Of an axis, a size, a permutation, an index or a weight."""
        constants = [tensor for tensor in graph.tensors if self._model.is_constant(tensor)]
        small = [tensor for tensor in constants if math.prod(tensor.shape) <= 16]
        if not constants:
            return
        tensor = self._rng.choice(small or constants)
        dtype = DTYPES.get(tensor.type)
        if dtype is None:
            return
        values = np.frombuffer(bytes(bytearray(self._model.buffer_of(tensor).data)), np.uint8)
        values = values[: len(values) // np.dtype(dtype).itemsize * np.dtype(dtype).itemsize].view(dtype).copy()
        for _ in range(self._rng.choice((1, 1, 2, len(values)))):
            if len(values):
                values[self._rng.randrange(len(values))] = np.array(self._model.number(), np.float64).astype(dtype)
        self._model.give_values(tensor, values)

    def _let_a_run_compute(self, graph: Any) -> None:
        """Make an input of a constant."""
        constants = [i for i, tensor in enumerate(graph.tensors) if self._model.is_constant(tensor)]
        if not constants:
            return
        index = self._rng.choice(constants)
        graph.tensors[index].buffer = 0
        self._model.add_input(graph, index)

    def _let_a_run_shape(self, graph: Any) -> None:
        """Give an operand a shape, often of many dimensions, that nobody knows before a run has computed it."""
        rng = self._rng
        places = [(i, j) for i, node in enumerate(graph.operators) for j, index in enumerate(node.inputs) if index >= 0]
        if not places:
            return
        position, place = rng.choice(places)
        node = graph.operators[position]
        source = node.inputs[place]
        tensor = graph.tensors[source]
        more = [rng.choice((1, 1, 1, 2))] * rng.choice((0, 1, 2, 3, 5, 7, 9))
        kind = rng.choice(("RESHAPE", "BROADCAST_TO", "EXPAND_DIMS"))
        shape = [1] * len(more) + tensor.shape if kind == "RESHAPE" else [*more, *tensor.shape]
        before: list[Any] = []
        for _ in range(len(more) if kind == "EXPAND_DIMS" else 1):
            wanted = [0] if kind == "EXPAND_DIMS" else shape
            shaped = self._model.add_tensor(graph, new_tensor(tensor.type, list(tensor.shape)))
            graph.tensors[shaped].quantization = tensor.quantization
            computed = self._computed(graph, wanted, before)
            before.append(self._operator(kind, [source, computed], shaped))
            source = shaped
        node.inputs[place] = source
        graph.operators[position:position] = before

    def _computed(self, graph: Any, values: list[int], before: list[Any]) -> int:
        """A tensor with these values, of which no part is constant: an input times zero is added to them."""
        size = [len(values)]
        given, nothing, result = (
            self._model.add_tensor(graph, new_tensor(schema.TensorType.INT32, size)) for _ in range(3)
        )
        zeros, wanted = (self._model.add_tensor(graph, new_tensor(schema.TensorType.INT32, size)) for _ in range(2))
        self._model.give_values(graph.tensors[zeros], np.zeros(size, np.int32))
        self._model.give_values(graph.tensors[wanted], np.array(values, np.int32))
        self._model.add_input(graph, given)
        before += [self._operator("MUL", [given, zeros], nothing), self._operator("ADD", [nothing, wanted], result)]
        return result

    def _operator(self, kind: str, inputs: list[int], output: int) -> Any:
        node = schema.OperatorT()
        node.opcodeIndex = self._model.add_code(operator_code(kind, 2 if kind == "BROADCAST_TO" else 1))
        node.inputs, node.outputs = inputs, [output]
        return node

    def _make_constant(self, graph: Any) -> None:
        if not graph.inputs:
            return
        index = self._rng.choice(graph.inputs)
        graph.inputs.remove(index)
        self._model.root.signatureDefs = None
        tensor = graph.tensors[index]
        tensor.buffer = self._model.new_buffer(b"\0")
        self._model.refill(tensor)

    def _change_quantization(self, graph: Any) -> None:
        rng, tensor = self._rng, self._model.operand(graph)
        how = rng.random()
        if how < 0.25:
            tensor.quantization = None
            return
        if how < 0.5:
            tensor.quantization = copy.copy(rng.choice(graph.tensors).quantization)
            return
        quantization = schema.QuantizationParametersT()
        count = 1
        if tensor.shape and rng.random() < 0.4:
            quantization.quantizedDimension = rng.randrange(len(tensor.shape))
            count = tensor.shape[quantization.quantizedDimension]
        quantization.scale = [rng.choice((1.0, 0.5, 0.1, 1 / 256, 1e-6, 100.0))] * count
        quantization.zeroPoint = [rng.choice((0, 0, 0, 3, -128, 127))] * count
        tensor.quantization = quantization

    def _change_variable(self, graph: Any) -> None:
        tensor = self._model.operand(graph)
        tensor.isVariable = not tensor.isVariable
        if tensor.isVariable:
            tensor.buffer = 0

    # Operators

    def _change_option(self, graph: Any) -> None:
        node = self._rng.choice(graph.operators)
        options = node.builtinOptions or node.builtinOptions2
        fields = [] if options is None else [name for name in vars(options) if "ubgraph" not in name]
        if not fields:
            node.builtinOptions, node.builtinOptionsType = None, 0
            return
        field = self._rng.choice(fields)
        old = getattr(options, field)
        if isinstance(old, bool):
            new: Any = not old
        elif isinstance(old, int):
            new = self._rng.choice((*_SMALL_INTEGERS, old + 1, old * 2, 100, 2**20))
        elif isinstance(old, float):
            new = self._rng.choice((0.0, 1.0, -1.0, 0.5, 6.0, 1e6))
        else:
            new = [self._rng.choice(_SMALL_INTEGERS) for _ in range(self._rng.randrange(6))]
        setattr(options, field, new)
        if not can_be_packed(options):
            setattr(options, field, old)

    def _change_operator(self, graph: Any) -> None:
        """To one that takes the same options, or to another version of itself."""
        node = self._rng.choice(graph.operators)
        code = copy.copy(self._model.root.operatorCodes[node.opcodeIndex])
        if self._rng.random() < 0.3:
            code.version = self._rng.choice((1, 2, 3, 4, 5, 7))
        else:
            code = operator_code(self._rng.choice(list(NUMBERS)), code.version)
        node.opcodeIndex = self._model.add_code(code)

    def _splice_operator(self, graph: Any) -> None:
        """Add an operator of another model behind the others, with what it has, or with what there is here."""
        rng = self._rng
        donor = EditableModel(rng.choice(origins()), rng).root
        there = [(part, node) for part in donor.subgraphs for node in part.operators]
        if not there:
            return
        part, node = rng.choice(there)
        moved: dict[int, int] = {-1: -1}
        for index in {*node.inputs, *node.outputs} - {-1}:
            moved[index] = self._model.copy_tensor(graph, part.tensors[index], donor)
        before = [i for i in range(len(graph.tensors)) if i not in moved.values()]
        for index in {*node.inputs} - {-1}:
            tensor = graph.tensors[moved[index]]
            alike = [i for i in before if graph.tensors[i].type == tensor.type and not self._model.is_constant(tensor)]
            if alike and rng.random() < 0.6:
                moved[index] = rng.choice(alike)
            elif not self._model.is_constant(tensor) and not tensor.isVariable:
                self._model.add_input(graph, moved[index])
        copied = copy.copy(node)
        copied.inputs = [moved[index] for index in node.inputs]
        copied.outputs = [moved[index] for index in node.outputs]
        copied.opcodeIndex = self._model.add_code(donor.operatorCodes[node.opcodeIndex])
        graph.operators.append(copied)
        graph.outputs += copied.outputs
        self._model.root.signatureDefs = None

    def _move_into_body(self, graph: Any) -> None:
        """Let an operator run as the body of a branch or of a loop, or as what a composite stands for."""
        rng = self._rng
        place = rng.randrange(len(graph.operators))
        node = graph.operators[place]
        kind = rng.choice((_BRANCH, _LOOP, _COMPOSITE))
        operands = [index for index in dict.fromkeys(node.inputs) if index >= 0]
        if kind == _LOOP:
            operands = [index for index in operands if not self._model.is_constant(graph.tensors[index])]
        body = self._subgraph_of(graph, node, operands, loops=kind == _LOOP)
        caller = schema.OperatorT()
        caller.outputs = list(node.outputs)
        caller.inputs = list(operands)
        if kind == _LOOP:
            caller.outputs = [self._model.add_tensor(graph, copy.copy(graph.tensors[index])) for index in operands]
        self._call(graph, caller, kind, body)
        graph.operators[place] = caller
        if kind == _LOOP:
            graph.outputs += caller.outputs
            graph.outputs = [index for index in graph.outputs if index not in node.outputs]
            self._model.root.signatureDefs = None

    def _disagree_with_body(self, graph: Any) -> None:
        """Let the body of a branch, a loop or a composite take or give other tensors than its caller."""
        rng = self._rng
        if not any(self._bodies_of(node) for node in graph.operators):
            self._move_into_body(graph)
        called = [body for node in graph.operators for body in self._bodies_of(node)]
        bodies = [self._model.root.subgraphs[i] for i in called if 0 <= i < len(self._model.root.subgraphs)]
        if not bodies:
            return
        body = rng.choice(bodies)
        ends = rng.choice((body.inputs, body.outputs))
        how = rng.randrange(6)
        if how == 0 and ends:
            del ends[rng.randrange(len(ends))]
        elif how == 1 and body.tensors:
            ends.insert(rng.randrange(len(ends) + 1), rng.randrange(len(body.tensors)))
        elif how == 2 and len(ends) > 1:
            rng.shuffle(ends)
        elif ends:
            tensor = body.tensors[rng.choice(ends)]
            if how == 3:
                tensor.type = rng.choice(list(DTYPES))
            elif how == 4:
                tensor.shape, tensor.shapeSignature = [rng.choice(_SIZES) for _ in range(rng.randrange(7))], None
            else:
                tensor.shape, tensor.shapeSignature = [1] * rng.choice((1, 3, 5, 8)) + list(tensor.shape), None

    @staticmethod
    def _bodies_of(node: Any) -> list[int]:
        options = node.builtinOptions or node.builtinOptions2
        return [] if options is None else [body for name, body in vars(options).items() if "ubgraphIndex" in name]

    def _subgraph_of(self, graph: Any, node: Any, operands: list[int], *, loops: bool) -> int:
        body = schema.SubGraphT()
        body.tensors = [copy.copy(tensor) for tensor in graph.tensors]
        for index in operands:
            body.tensors[index].buffer = 0
        body.inputs = list(operands)
        body.operators = [copy.copy(node)]
        body.outputs = list(node.outputs)
        if loops:
            # As many as come in, in their order; what the operator computes takes the first places.
            results = [*node.outputs, *operands][: len(operands)]
            body.outputs = results
        self._model.root.subgraphs.append(body)
        return len(self._model.root.subgraphs) - 1

    def _call(self, graph: Any, caller: Any, kind: str, body: int) -> None:
        caller.opcodeIndex = self._model.add_code(operator_code(kind, 1))
        if kind == _COMPOSITE:
            self._name_composite(caller, self._rng.choice(KNOWN_NAMES), body)
            return
        options = schema.IfOptionsT() if kind == _BRANCH else schema.WhileOptionsT()
        if kind == _BRANCH:
            options.thenSubgraphIndex = options.elseSubgraphIndex = body
            condition = self._model.add_tensor(graph, new_tensor(schema.TensorType.BOOL, []))
            self._model.add_input(graph, condition)
            caller.inputs = [condition, *caller.inputs]
        else:
            options.condSubgraphIndex, options.bodySubgraphIndex = self._condition(graph, caller.inputs), body
        caller.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        caller.builtinOptions = options

    def _condition(self, graph: Any, operands: list[int]) -> int:
        """A subgraph that ends a loop at once, or when the values of its first operand say so."""
        condition = schema.SubGraphT()
        condition.tensors = [copy.copy(graph.tensors[index]) for index in operands]
        condition.inputs = list(range(len(operands)))
        ends = new_tensor(schema.TensorType.BOOL, [])
        ends.buffer = self._model.new_buffer(b"\0")
        condition.tensors.append(ends)
        condition.outputs = [len(operands)]
        condition.operators = []
        self._model.root.subgraphs.append(condition)
        return len(self._model.root.subgraphs) - 1

    def _give_known_name(self, graph: Any) -> None:
        """Make a custom operator of one, by a name that the runtime or XNNPACK knows."""
        node = self._rng.choice(graph.operators)
        code = operator_code("CUSTOM", 1)
        code.customCode = self._rng.choice(KNOWN_NAMES)
        node.opcodeIndex = self._model.add_code(code)
        node.builtinOptions, node.builtinOptionsType = None, 0
        node.builtinOptions2, node.builtinOptions2Type = None, 0
        node.customOptions = random_settings(self._rng)

    def _name_composite(self, node: Any, name: str, body: int) -> None:
        options = schema.StableHLOCompositeOptionsT()
        options.name, options.version, options.decompositionSubgraphIndex = name, 1, body
        options.compositeAttributes = random_settings(self._rng)
        node.builtinOptions2Type = schema.BuiltinOptions2.StableHLOCompositeOptions
        node.builtinOptions2 = options
