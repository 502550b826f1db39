"""Programs as people write them for TensorFlow Lite print the same with either import."""

from __future__ import annotations

import pytest

from tests.support import model_zoo as zoo
from tests.support.python_process import run_python

EVALUATION = """
import sys
import numpy as np
images = np.random.default_rng(0).random((12, 28, 28), np.float32)
labels = np.arange(12) % 10
interpreter = tflite.Interpreter(model_path=sys.argv[1])
interpreter.allocate_tensors()
input_index = interpreter.get_input_details()[0]["index"]
output_index = interpreter.get_output_details()[0]["index"]
predicted = []
for image in images:
    interpreter.set_tensor(input_index, np.expand_dims(np.expand_dims(image, axis=0), axis=3).astype(np.float32))
    interpreter.invoke()
    output = interpreter.tensor(output_index)
    predicted.append(int(np.argmax(output()[0])))
print(predicted, (np.array(predicted) == labels).mean())
"""

QUANTIZED = """
import sys
import numpy as np
interpreter = tflite.Interpreter(model_path=sys.argv[1], num_threads=2)
interpreter.allocate_tensors()
(detail,) = interpreter.get_input_details()
_, height, width, channels = detail["shape"]
image = np.random.default_rng(1).random((1, height, width, channels), np.float32)
if detail["dtype"] in (np.uint8, np.int8):
    scale, zero_point = detail["quantization"]
    low, high = np.iinfo(detail["dtype"]).min, np.iinfo(detail["dtype"]).max
    image = np.clip(np.round(image / scale + zero_point), low, high).astype(detail["dtype"])
interpreter.set_tensor(detail["index"], image)
interpreter.invoke()
(answer,) = interpreter.get_output_details()
scores = np.squeeze(interpreter.get_tensor(answer["index"]))
scale, zero_point = answer["quantization"]
real = scale * (scores.astype(np.int64) - zero_point) if answer["dtype"] != np.float32 else scores
for place in np.argsort(-real, kind="stable")[:3]:
    print(place, scores[place], round(float(real[place]), 6))
print(answer["quantization_parameters"])
"""

BATCH = """
import sys
import numpy as np
with open(sys.argv[1], "rb") as file:
    interpreter = tflite.Interpreter(model_content=file.read())
(detail,) = interpreter.get_input_details()
for rows in (8, 1, 3):
    batch = np.random.default_rng(rows).random((rows, *detail["shape"][1:]), np.float32)
    interpreter.resize_tensor_input(detail["index"], batch.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(detail["index"], batch)
    interpreter.invoke()
    output = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    print(output.shape, output.tobytes().hex())
try:
    interpreter.resize_tensor_input(detail["index"], [3, 5], strict=True)
except RuntimeError as error:
    print(type(error).__mro__[-4].__name__ if len(type(error).__mro__) > 4 else type(error).__name__)
"""

SIGNATURES = """
import sys
import numpy as np
interpreter = tflite.Interpreter(model_path=sys.argv[1])
print(interpreter.get_signature_list())
for key in interpreter.get_signature_list():
    run = interpreter.get_signature_runner(key)
    details = run.get_input_details()
    inputs = {name: np.full(detail["shape"], 1.5, detail["dtype"]) for name, detail in details.items()}
    print(key, {name: value.tolist() for name, value in run(**inputs).items()}, run.get_output_details())
"""

DETECTION = """
import sys
import numpy as np
interpreter = tflite.Interpreter(model_path=sys.argv[1])
interpreter.allocate_tensors()
rng = np.random.default_rng(3)
for detail in interpreter.get_input_details():
    interpreter.set_tensor(detail["index"], rng.random(tuple(detail["shape"]), np.float32))
interpreter.invoke()
outputs = interpreter.get_output_details()
boxes, classes, scores, count = (interpreter.get_tensor(detail["index"]) for detail in outputs)
found = int(count[0])
for i in range(found):
    print(int(classes[0][i]), scores[0][i], boxes[0][i].tolist())
print(found, boxes.shape)
"""

DELEGATE_WITH_FALLBACK = """
import sys
import numpy as np
try:
    delegates = [tflite.load_delegate("libedgetpu.so.1")]
except (ValueError, OSError):
    delegates = None
interpreter = tflite.Interpreter(sys.argv[1], experimental_delegates=delegates)
interpreter.allocate_tensors()
print(len(interpreter.get_tensor_details()), [detail["name"] for detail in interpreter.get_tensor_details()])
"""


@pytest.mark.parametrize(
    ("program", "model"),
    [
        pytest.param(EVALUATION, "small_cnn", id="evaluation"),
        pytest.param(QUANTIZED, "small_cnn_uint8_io", id="uint8"),
        pytest.param(QUANTIZED, "small_cnn_int8", id="int8"),
        pytest.param(QUANTIZED, "small_mobilenet_int8", id="mobilenet"),
        pytest.param(QUANTIZED, "small_mobilenet", id="float"),
        pytest.param(BATCH, "dense_2layer", id="batch"),
        pytest.param(BATCH, "small_cnn", id="batch of images"),
        pytest.param(SIGNATURES, "multi_signature", id="signatures"),
        pytest.param(SIGNATURES, "counter_two_signatures", id="signatures with state"),
        pytest.param(DETECTION, "detection", id="detection"),
        pytest.param(DELEGATE_WITH_FALLBACK, "dense_2layer", id="delegate with fallback"),
    ],
)
def test_same_output(program: str, model: str) -> None:
    path = str(zoo.model_path(model))
    imports = (
        "from ai_edge_litert import interpreter as tflite",
        "import zerolite as tflite",
        "import zerolite.compat.tflite_runtime.interpreter as tflite",
        "import zerolite as zl; zl.compat.install(); import tflite_runtime.interpreter as tflite",
        "import zerolite.compat; zerolite.compat.install(); from ai_edge_litert import interpreter as tflite",
    )
    answers = []
    for line in imports:
        process = run_python(f"{line}\n{program}", path)
        assert process.returncode == 0, process.stderr
        answers.append(process.stdout)
    assert answers[0]
    assert all(answer == answers[0] for answer in answers), answers
