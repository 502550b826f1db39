"""The shortest road from a function to a .tflite model: train y = 100x + 5, save, load, convert two ways, run.

Usage: python examples/linear_regression.py [FOLDER]

Prints:

    trained: y = 100.0 x + 5.0
    from the model in memory: at 7 it says 705.0
    from the file that Keras saved: at 7 it says 705.0
    both are within 1 % of the function from 1 to 100
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np

import zerolite as zl

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def train() -> tuple[object, float, float]:
    """A network of one neuron, and what it learned."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)
    network = tf.keras.Sequential([tf.keras.Input((1,)), tf.keras.layers.Dense(1)])
    network.compile(optimizer=tf.keras.optimizers.SGD(0.3), loss="mse")
    x = np.linspace(-1, 1, 64, dtype=np.float32)[:, np.newaxis]
    network.fit(x, 100 * x + 5, batch_size=64, epochs=150, verbose=0)
    (slope,), offset = (weights.numpy() for weights in network.weights)
    return network, float(slope[0]), float(offset[0])


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    network, slope, offset = train()
    print(f"trained: y = {slope:.1f} x + {offset:.1f}")

    network.save(folder / "linear.keras")  # type: ignore[attr-defined]
    ways = {
        "the model in memory": zl.convert(network, folder / "linear.tflite"),
        "the file that Keras saved": zl.convert(folder / "linear.keras", folder / "linear-from-file.tflite"),
    }
    wanted = np.arange(1, 101, dtype=np.float32)[:, np.newaxis]
    right = True
    for way, conversion in ways.items():
        with zl.load(conversion.content) as model:
            print(f"from {way}: at 7 it says {model(np.array([[7]], np.float32))[0, 0]:.1f}")
            right &= np.allclose(np.asarray(model.map(wanted)), 100 * wanted + 5, rtol=0.01)
    print(f"both are {'within' if right else 'NOT within'} 1 % of the function from 1 to 100")


if __name__ == "__main__":
    main()
