"""Ctrl-C while a single run is under way."""

from __future__ import annotations

import pytest

from tests.support import model_zoo as zoo
from tests.support.python_process import answer_after_interrupt

# A loop that would take minutes; the second call shows that the model is as before.
LONG_RUN = """
import sys
import numpy as np
import zerolite as zl

path, how = sys.argv[1:]
x = np.ones((3, 2), np.float32)
count = np.array(2**31 - 1, np.int32)
if how == "interpreter":
    interpreter = zl.Interpreter(path)
    interpreter.allocate_tensors()
    indices = {detail["name"].split(":")[0].removeprefix("serving_default_"): detail["index"]
               for detail in interpreter.get_input_details()}
    output = interpreter.get_output_details()[0]["index"]

    def run(count):
        interpreter.set_tensor(indices["x"], x)
        interpreter.set_tensor(indices["count"], count)
        interpreter.invoke()
        return interpreter.get_tensor(output)
else:
    model = zl.load(path)

    def run(count):
        if how == "call":
            return model(x=x, count=count)
        model.inputs["x"].array[...] = x
        model.inputs["count"].array[...] = count
        model.run()
        return model.outputs[0].array.copy()

before = run(np.int32(3))
try:
    print("begun", flush=True)
    run(count)
    print("not interrupted")
except KeyboardInterrupt:
    assert (run(np.int32(3)) == before).all()
    print("interrupted")
"""

# A handler that does not raise lets the run go on, and is called when it has ended.
OWN_HANDLER = """
import signal
import sys
import numpy as np
import zerolite as zl

model = zl.load(sys.argv[1])
x = np.ones((3, 2), np.float32)
heard = []
signal.signal(signal.SIGINT, lambda *_: heard.append(model(x=x, count=np.int32(1))))
print("begun", flush=True)
while not heard:
    result = model(x=x, count=np.int32(1_500_000))
assert (heard[0] == model(x=x, count=np.int32(1))).all()
print("ended")
"""


@pytest.mark.parametrize("how", ["call", "run", "interpreter"])
def test_a_long_run_is_interrupted(how: str) -> None:
    assert answer_after_interrupt(LONG_RUN, str(zoo.model_path("while_loop")), how) == "interrupted\n"


def test_a_handler_of_ones_own_is_called_after_the_run() -> None:
    assert answer_after_interrupt(OWN_HANDLER, str(zoo.model_path("while_loop"))) == "ended\n"
