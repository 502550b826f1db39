"""What the package tflite_runtime has: the module `interpreter`."""
