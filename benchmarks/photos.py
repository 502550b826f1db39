"""Photos that the benchmarks make: smooth colours with noise, as cameras have it, so that JPEG files are as large."""

from __future__ import annotations

from pathlib import Path

import numpy as np

__all__ = ["photos"]

_SEED = 11


def photos(folder: Path, count: int, width: int, height: int) -> list[Path]:
    """JPEG files of that size, made first where they are not there."""
    from PIL import Image

    place = folder / f"{width}x{height}"
    place.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(_SEED)
    noise = rng.normal(0, 6, (height, width, 1)).astype(np.int16)
    files = []
    for number in range(count):
        file = place / f"{number:03}.jpg"
        small = rng.integers(0, 256, (height // 40, width // 40, 3), dtype=np.uint8)
        if not file.is_file():
            smooth = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC), np.int16)
            grainy = (smooth + np.roll(noise, 37 * number, axis=1)).clip(0, 255).astype(np.uint8)
            Image.fromarray(grainy).save(file, quality=88)
        files.append(file)
    return files
