"""The runtime's library and its log, tensors, quantization and checked arguments."""
