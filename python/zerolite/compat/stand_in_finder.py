"""Import of modules for which others stand in."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

__all__ = ["StandInFinder"]


class StandInFinder(MetaPathFinder):
    """Gives a module of another name to those who import one, once its package has been imported as usual.

    The import statement then also makes it an attribute of the package, which an entry in `sys.modules` would not.
    """

    def __init__(self, stand_ins: Mapping[str, ModuleType]) -> None:
        """Note the modules by the names that they are imported by."""
        self._stand_ins = dict(stand_ins)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What to load for that name; None for the names of others."""
        del path, target
        stand_in = self._stand_ins.get(fullname)
        return None if stand_in is None else spec_from_loader(fullname, _StandInLoader(stand_in))


class _StandInLoader(Loader):
    def __init__(self, stand_in: ModuleType) -> None:
        self._stand_in = stand_in

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """An empty module: the import system writes into it, and the stand-in stays as it is."""
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Put the stand-in where the import system looks for the module that it loaded."""
        sys.modules[module.__name__] = self._stand_in
