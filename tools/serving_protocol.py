"""Make the description of the messages of gRPC of the .proto file; needs grpcio-tools.

`python -m tools.serving_protocol` writes open_inference.binpb beside open_inference.proto; with `--check` it only says
whether that is the one.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "python" / "zerolite" / "serving" / "grpc"
SOURCE = FOLDER / "open_inference.proto"
DESCRIPTION = FOLDER / "open_inference.binpb"


def compiled() -> bytes:
    """A serialized FileDescriptorSet."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / DESCRIPTION.name
        # In a process of its own: its copy of protobuf ends one that another copy is loaded into, such as TensorFlow's.
        options = [f"--proto_path={FOLDER}", f"--descriptor_set_out={out}", str(SOURCE)]
        status = subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *options], check=False).returncode
        if status != 0:
            raise SystemExit(f"protoc ended with {status}")
        return out.read_bytes()


def main(arguments: list[str]) -> int:
    """Write the file, or check it."""
    if arguments == ["--check"]:
        same = DESCRIPTION.read_bytes() == compiled()
        if not same:
            print(f"{DESCRIPTION.name} is not of {SOURCE.name}; run: python -m tools.serving_protocol", file=sys.stderr)
        return 0 if same else 1
    if arguments:
        print("usage: python -m tools.serving_protocol [--check]", file=sys.stderr)
        return 2
    DESCRIPTION.write_bytes(compiled())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
