"""The examples do what they say."""

import subprocess
import sys
from pathlib import Path

from tests import model_zoo as zoo

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_score_a_batch() -> None:
    program = [sys.executable, str(EXAMPLES / "score_a_batch.py"), str(zoo.model_path("dense_2layer")), "100"]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert done.stdout == "100 items of (64,): two replicas give the same results\n"
    assert not done.stderr
