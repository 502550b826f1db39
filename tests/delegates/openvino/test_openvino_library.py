"""Whether OpenVINO's library is there, is one that zerolite knows, and what a fork leaves of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.python_process import answer_of
from tests.support.sample_libraries import compile_library

CNN = zoo.model_path("small_cnn")

REASON = """
import sys
import zerolite as zl

with zl.load(sys.argv[1], delegates=zl.OpenVino()) as model:
    model.run()
    assert "XNNPACK" in model.delegation.operators
    reason = model.delegation.unused[0].reason
    print(reason)
try:
    zl.load(sys.argv[1], delegates=zl.OpenVino(), fallback=False)
except zl.DelegateError as error:
    assert reason in str(error)
else:
    sys.exit("it was loaded")
"""


def reason_with(folder: Path) -> str:
    """Why OpenVINO is not used where this folder has the package `openvino`."""
    return answer_of(REASON, str(CNN), environment={"PYTHONPATH": str(folder)}).strip()


def test_without_the_package(tmp_path: Path) -> None:
    (tmp_path / "openvino.py").touch()  # found before the real package, and without libraries
    assert reason_with(tmp_path) == (
        "the package openvino is not installed; install it with: pip install 'zerolite[openvino]'"
    )


def package_with(folder: Path) -> Path:
    """Where the library of a package goes."""
    library = folder / "openvino" / "libs" / "libopenvino_c.so.1"
    library.parent.mkdir(parents=True)
    (folder / "openvino" / "__init__.py").touch()
    return library


def test_a_library_that_is_none(tmp_path: Path) -> None:
    library = package_with(tmp_path)
    library.write_text("no library")
    reason = reason_with(tmp_path)
    assert reason.startswith(f"OpenVINO's library {library} can't be opened (")
    assert reason.endswith("); install it with: pip install 'zerolite[openvino]'")


def test_a_library_of_something_else(tmp_path: Path) -> None:
    library = package_with(tmp_path)
    library.symlink_to(zl.runtime_info().path)
    assert f"{library} has no symbol ov_get_openvino_version" in reason_with(tmp_path)


def test_a_release_that_nobody_knows(tmp_path: Path) -> None:
    library = package_with(tmp_path)
    compile_library("sample_openvino.cpp", library)
    assert f"{library} is of OpenVINO's release unknown, and this zerolite was written for 2026.4" in reason_with(
        tmp_path
    )


FORK = """
import os, sys
import numpy as np
import zerolite as zl

delegate = zl.OpenVino(threads=2)
model = zl.load(sys.argv[1], delegates=delegate, fallback=False)
x = np.ones(model.inputs[0].shape, np.float32)
expected = model(x)
child = os.fork()
if child == 0:
    try:
        model(x)
        print("the child ran the parent's model")
    except zl.Error as error:
        assert "stayed in the parent" in str(error)
    with zl.load(sys.argv[1], delegates=delegate, fallback=False) as own:
        assert np.array_equal(own(x), expected)
    os._exit(0)
_, status = os.waitpid(child, 0)
assert np.array_equal(model(x), expected)
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_process_that_forks() -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    assert answer_of(FORK, str(CNN)) == "0\n"


COMMAND = "import sys; from zerolite.cli import main; sys.exit(main(sys.argv[1:]))"


def test_the_command_line() -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    pytest.importorskip("rich", reason="needs the extra cli")
    answer = answer_of(COMMAND, "info", str(CNN), "--delegates", "--delegate", "openvino")
    assert "OpenVINO" in answer
    assert "not used" not in answer
