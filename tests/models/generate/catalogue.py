"""All recipes, in the order of the manifest."""

from __future__ import annotations

from . import (
    dtypes,
    dynamic_shapes,
    keras_networks,
    names,
    numerics_and_delegation,
    operators,
    refused,
    signatures_and_interfaces,
    state,
    strings,
)
from .recipe import Recipe


def recipes() -> list[Recipe]:
    """Every model that the generator can build; their names are unique."""
    modules = (
        keras_networks,
        signatures_and_interfaces,
        dynamic_shapes,
        state,
        strings,
        dtypes,
        numerics_and_delegation,
        operators,
        names,
        refused,
    )
    found = [recipe for module in modules for recipe in module.recipes()]
    if len({recipe.name for recipe in found}) != len(found):
        raise ValueError("two recipes have the same name")
    return found
