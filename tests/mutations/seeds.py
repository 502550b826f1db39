"""What the fuzzer of cpp/fuzz begins with: `python -m tests.mutations.seeds build/fuzz`."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from tests.mutations.mutation import past_crashers
from tests.support import model_zoo as zoo


def write(folder: Path) -> None:
    """Put the test models into `folder/seeds`, and all that has ever ended a process into `folder/crashers`."""
    models, crashers = folder / "seeds", folder / "crashers"
    for directory in (models, crashers):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
    for path in sorted(zoo.MODELS.glob("*.tflite")):
        shutil.copyfile(path, models / path.name)
    for crasher in past_crashers():
        name = str(crasher).replace("/", "-")
        (crashers / f"{name}.tflite").write_bytes(crasher.bytes())


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations.seeds", description=__doc__)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)


if __name__ == "__main__":
    main()
