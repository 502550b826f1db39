"""Puts the extension module that was built with a sanitizer in the place of the installed one, in every process.

Python imports this file when it starts, because `tools/sanitized_tests.py` puts its folder on PYTHONPATH. An editable
install has a finder of its own, so that a package on the path would not be found before it.
"""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location


class SanitizedModule(MetaPathFinder):
    """Finds zerolite._native where ZEROLITE_SANITIZED_MODULE says."""

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname != "zerolite._native":
            return None
        return spec_from_file_location(fullname, os.environ["ZEROLITE_SANITIZED_MODULE"])


sys.meta_path.insert(0, SanitizedModule())
