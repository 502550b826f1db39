"""Where a module can be changed, and into what."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from types import CodeType
from typing import Any, NamedTuple

__all__ = ["Mutant", "mutants_of"]

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_NAMES = {
    "all": "any",
    "any": "all",
    "max": "min",
    "min": "max",
    "argmax": "argmin",
    "mean": "sum",
    "sum": "mean",
    "zeros": "ones",
}


class Mutant(NamedTuple):
    """One change of a module.

    Attributes:
        place: the function that it is in, as "Class.method", or "module".
        line: the number of the line.
        before: the changed code.
        after: what it became.
        code: the whole module with the change.
    """

    place: str
    line: int
    before: str
    after: str
    code: CodeType

    @property
    def name(self) -> str:
        """What tells the change from others of the module, as long as its code stays the same."""
        return f"{self.place}: {self.before} -> {self.after}"


def mutants_of(source: str, path: str) -> Iterator[Mutant]:
    """Every change of a module: operators, comparisons, conditions, numbers, and statements that are left out.

    Texts, annotations and what stands outside of functions and classes stay.
    """
    tree = ast.parse(source)
    for place, parent, field, index, node in _nodes(tree):
        for changed in _changes(node):
            _put(parent, field, index, ast.copy_location(changed, node))
            ast.fix_missing_locations(tree)
            yield Mutant(place, node.lineno, _text(node), _text(changed), compile(tree, path, "exec"))
            _put(parent, field, index, node)


def _put(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _nodes(tree: ast.Module) -> Iterator[tuple[str, ast.AST, str, int | None, Any]]:
    """Each statement and expression within functions: where it is, and what holds it."""

    def below(node: ast.AST, place: tuple[str, ...]) -> Iterator[tuple[str, ast.AST, str, int | None, Any]]:
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if not isinstance(child, ast.expr | ast.stmt | ast.comprehension | ast.arguments | ast.keyword):
                    continue
                if isinstance(child, ast.FunctionDef | ast.ClassDef):
                    yield from below(child, (*place, child.name))
                elif place:
                    if isinstance(child, ast.expr | ast.stmt):
                        yield ".".join(place), node, field, index, child
                    yield from below(child, place)

    return below(tree, ())


def _changes(node: Any) -> Iterator[ast.AST]:
    if isinstance(node, ast.expr):
        yield from _other_expressions(node)
    elif isinstance(node, ast.If):
        changed = copy.copy(node)
        changed.test = ast.UnaryOp(ast.Not(), node.test)
        yield changed
    else:
        if isinstance(node, ast.AugAssign):
            yield from _other_operators(node)
        if _can_be_left_out(node):
            yield ast.Pass()


def _can_be_left_out(node: ast.stmt) -> bool:
    """Whether the module still runs without the statement, as far as names go."""
    if isinstance(node, ast.Assign):
        return not isinstance(node.targets[0], ast.Name | ast.Tuple)
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return is_call or isinstance(node, ast.AugAssign | ast.Raise | ast.Continue)


def _other_expressions(node: Any) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in _COMPARISONS[type(operator)]:
                changed = copy.copy(node)
                changed.ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                yield changed
    elif isinstance(node, ast.BinOp):
        yield from _other_operators(node)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for place in range(len(node.values)):
            rest = [*node.values[:place], *node.values[place + 1 :]]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from _other_constants(node.value)
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Call):
        yield from _other_calls(node)


def _other_operators(node: Any) -> Iterator[ast.AST]:
    if type(node.op) in _OPERATORS and not _is_text(node):
        changed = copy.copy(node)
        changed.op = _OPERATORS[type(node.op)]()
        yield changed


def _other_constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)


def _other_calls(node: ast.Call) -> Iterator[ast.AST]:
    changed = copy.copy(node)
    if isinstance(node.func, ast.Attribute) and node.func.attr in _NAMES:
        changed.func = ast.Attribute(node.func.value, _NAMES[node.func.attr], ast.Load())
        yield changed
    elif isinstance(node.func, ast.Name) and node.func.id in _NAMES:
        changed.func = ast.Name(_NAMES[node.func.id], ast.Load())
        yield changed


def _is_text(node: Any) -> bool:
    """Whether texts are joined."""
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.value,)
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in sides
    )
