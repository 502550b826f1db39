"""ONNX files as sources, through the command onnx2tf."""
