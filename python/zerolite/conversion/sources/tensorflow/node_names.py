"""Names of inputs that TensorFlow's graphs can't have: spaces, other scripts, words of Python's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["argument_name", "node_names", "rename_inputs"]

# What TensorFlow takes as the name of a node and of an argument.
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
# A signature is called with its inputs as keywords, beside arguments of TensorFlow's own.
_TAKEN = frozenset({"self", "args", "kwargs", "cancellation_manager"})


def node_names(names: Iterable[str]) -> dict[str, str]:
    """Each name with one that TensorFlow takes, in order; most are their own."""
    wanted = list(names)
    found = {name: name for name in wanted if _SAFE.fullmatch(name) and name not in _TAKEN}
    for place, name in enumerate(wanted):
        if name not in found:
            free = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or f"input_{place}"
            while free in wanted or free in found.values() or free in _TAKEN:
                free += "_"
            found[name] = free
    return {name: found[name] for name in wanted}


def rename_inputs(folder: Path, signature: str, names: Mapping[str, str]) -> None:
    """Give the inputs of a SavedModel's signature the names that they are meant to have.

    Only what the file says of the signature changes. The graph behind it keeps its names: see `argument_name`.

    Args:
        folder: the SavedModel.
        signature: the signature's name.
        names: present name -> wanted name.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    changed = {old: new for old, new in names.items() if old != new}
    if not changed:
        return
    path = folder / "saved_model.pb"
    content = saved_model_pb2.SavedModel()
    content.ParseFromString(path.read_bytes())
    for graph in content.meta_graphs:
        inputs = graph.signature_def[signature].inputs
        for old, new in changed.items():
            inputs[new].CopyFrom(inputs[old])
            del inputs[old]
    path.write_bytes(content.SerializeToString())


def argument_name(signature: str, name: str, info: Any) -> str:
    """What the graph calls an input that the file may have renamed.

    Args:
        signature: the signature's name.
        name: the input's name in the signature.
        info: what the file says of it, a `TensorInfo`.
    """
    if _SAFE.fullmatch(name) and name not in _TAKEN:
        return name
    return str(info.name).rpartition(":")[0].removeprefix(f"{signature}_") or name
