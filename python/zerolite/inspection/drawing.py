"""A model as a picture."""

from __future__ import annotations

from typing import Any

from zerolite.inspection.structure import ModelStructure, Operator, Subgraph

__all__ = ["GRAPH_SUFFIXES", "draw_graph"]

#: What a graph can be drawn as; "dot" is Graphviz's own text.
GRAPH_SUFFIXES = (".svg", ".png", ".pdf", ".dot")

_FONT = "Helvetica"
_TENSOR = "#eef3f6"
_OPERATOR = "#d7ebf1"
_CUSTOM = "#fbe3c8"
_LINE = "#5a6672"


def draw_graph(structure: ModelStructure, *, image_format: str = "svg") -> bytes:
    """Draw operators as boxes and what flows between them as arrows, from top to bottom.

    Constants are written into the operators that take them. Each graph of a model with several has a frame of its own.

    Args:
        structure: the model.
        image_format: "svg", "png", "pdf", or "dot" for Graphviz's own text, which needs no Graphviz.

    Returns:
        The picture's file.

    Raises:
        ValueError: there is no such format.
        ImportError: the package graphviz is not installed (extra "graph").
        RuntimeError: Graphviz itself is not installed, or could not draw it.
    """
    if f".{image_format}" not in GRAPH_SUFFIXES:
        raise ValueError(f"a graph can be drawn as {', '.join(GRAPH_SUFFIXES)}; came {image_format!r}")
    try:
        import graphviz
    except ImportError as error:
        raise ImportError(
            "drawing a graph needs the package graphviz, which is not installed; pip install 'zerolite[graph]'"
        ) from error
    picture = graphviz.Digraph(
        graph_attr={"rankdir": "TB", "fontname": _FONT, "nodesep": "0.3", "ranksep": "0.35", "bgcolor": "white"},
        node_attr={"fontname": _FONT, "fontsize": "11", "shape": "box", "style": "filled,rounded", "color": _LINE},
        edge_attr={"fontname": _FONT, "fontsize": "9", "color": _LINE, "fontcolor": _LINE, "arrowsize": "0.7"},
    )
    for number, graph in enumerate(structure.subgraphs):
        if len(structure.subgraphs) == 1:
            _draw(picture, graph, prefix="", escape=graphviz.escape)
            continue
        with picture.subgraph(name=f"cluster_{number}") as frame:
            frame.attr(label=graphviz.escape(f"{number}: {graph.name}"), color=_LINE, fontcolor=_LINE, style="rounded")
            _draw(frame, graph, prefix=f"{number}_", escape=graphviz.escape)
    if image_format == "dot":
        return str(picture.source).encode()
    try:
        drawn: bytes = picture.pipe(format=image_format, quiet=True)
    except graphviz.ExecutableNotFound as error:
        raise RuntimeError(
            "drawing a graph needs Graphviz's program dot, which is not installed; apt-get install graphviz, or name "
            "a file that ends in .dot"
        ) from error
    except graphviz.CalledProcessError as error:
        raise RuntimeError(f"Graphviz could not draw the graph: {error}") from error
    return drawn


def _draw(picture: Any, graph: Subgraph, *, prefix: str, escape: Any) -> None:
    sources: dict[int, str] = {}
    for place, index in enumerate(graph.inputs):
        name = f"{prefix}in{place}"
        picture.node(name, escape(_tensor_words(graph, index)), shape="ellipse", fillcolor=_TENSOR)
        sources[index] = name
    for place, operator in enumerate(graph.operators):
        name = f"{prefix}op{place}"
        picture.node(
            name, _operator_label(graph, operator, escape), fillcolor=_CUSTOM if operator.custom else _OPERATOR
        )
        for index in operator.inputs:
            if index in sources:
                picture.edge(sources[index], name, label=f" {escape(_edge_words(graph, index))}")
        for index in operator.outputs:
            sources[index] = name
    for place, index in enumerate(graph.outputs):
        name = f"{prefix}out{place}"
        picture.node(name, escape(_tensor_words(graph, index)), shape="ellipse", fillcolor=_TENSOR)
        if index in sources:
            picture.edge(sources[index], name)


def _operator_label(graph: Subgraph, operator: Operator, escape: Any) -> str:
    """The name, and below it the constants that the operator takes."""
    lines = [operator.name]
    for index in operator.inputs:
        if _is_known(graph, index) and graph.tensors[index].constant_bytes:
            constant = graph.tensors[index]
            lines.append(f"{constant.dtype} {constant.shape_words}")
    return "\\n".join(escape(line) for line in lines)


# A file that was not found sound may name tensors that it does not have.
def _is_known(graph: Subgraph, index: int) -> bool:
    return 0 <= index < len(graph.tensors)


def _tensor_words(graph: Subgraph, index: int) -> str:
    if not _is_known(graph, index):
        return f"no tensor {index}"
    tensor = graph.tensors[index]
    return f"{tensor.name}: {tensor.dtype} {tensor.shape_words}"


def _edge_words(graph: Subgraph, index: int) -> str:
    if not _is_known(graph, index):
        return f"no tensor {index}"
    tensor = graph.tensors[index]
    return f"{tensor.dtype} {tensor.shape_words}" if tensor.shape is None or tensor.shape else tensor.dtype
