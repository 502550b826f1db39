"""Records, which are dataclasses, read from FlatBuffers and written into them."""
