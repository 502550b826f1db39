"""Looking at representative data, and putting it where another process can read it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from zerolite.conversion.image_folder import BadImages, Preprocess, find_images, named_preprocess, read_images
from zerolite.conversion.input_spec import Specs, arrange_sample, specs_of_signature
from zerolite.conversion.representative_data import Record, check_finite, iterate_samples
from zerolite.conversion.request import SampleFile
from zerolite.conversion.sample_spool import SampleSpool, read_spool

__all__ = ["EMPTY", "open_samples", "prepare_samples"]

EMPTY = "representative_data is empty; give some dozens to hundreds of typical inputs"


def prepare_samples(
    data: Any,
    spool: Path,
    *,
    specs: Specs | None,
    signatures: Sequence[str] | None,
    preprocess: Preprocess | None,
    bad_images: BadImages,
) -> SampleFile | None:
    """Check every sample, and say where another process finds them.

    Files are left where they are; everything else is written to `spool`, one sample at a time.

    Args:
        data: the representative data; None for none.
        spool: a file to write, if need be.
        specs: what the model takes, as far as it is known here.
        signatures: the signatures that are converted, where they were named.
        preprocess: how images become samples.
        bad_images: what happens to an image that can't be read.

    Raises:
        ValueError: the data is empty, not finite or of another shape, or the options don't go together.
        TypeError: the data is of no known form.
        OSError: a file could not be read or written.
    """
    if bad_images not in ("fail", "skip"):
        raise ValueError(f"bad_images must be 'fail' or 'skip'; came '{bad_images}'")
    is_path = isinstance(data, str | os.PathLike)
    folder = Path(data) if is_path and Path(data).is_dir() else None
    if (preprocess is None) != (folder is None):
        raise ValueError(
            f"{folder} is a folder of images; say with preprocess= how they become inputs, as preprocess='mobilenet_v2'"
            if preprocess is None
            else "preprocess goes with representative_data that is a folder of images"
        )
    if data is None:
        return None
    if folder is not None and isinstance(preprocess, str):
        # How large an image has to be is known to the process that reads the model.
        find_images(folder)
        return SampleFile(kind="images", path=str(folder.absolute()), preprocess=preprocess, bad_images=bad_images)
    records: Iterable[Record]
    if folder is not None and preprocess is not None and not isinstance(preprocess, str):
        records = ((None, sample) for sample in read_images(folder, preprocess, bad_images))
    else:
        records = iterate_samples(data, signatures=signatures)
    if is_path and folder is None:
        for _ in _checked(records, specs):
            pass
        return SampleFile(kind="arrays", path=str(Path(data).absolute()))
    with SampleSpool(spool) as file:
        for signature, sample in _checked(records, specs):
            file.append(signature, sample)
    return SampleFile(kind="spool", path=str(spool))


def open_samples(file: SampleFile, specs: Specs) -> Iterable[tuple[str | None, dict[str, Any]]]:
    """The samples that `prepare_samples` found, each as the inputs of its signature by name.

    Raises:
        ValueError: a sample does not fit the model, or an image can't be read.
    """
    if file.kind == "spool":
        return _checked(read_spool(Path(file.path)), specs)
    if file.kind == "arrays":
        return _checked(iterate_samples(file.path), specs)
    inputs = specs_of_signature(specs, None)
    if len(inputs) != 1:
        raise ValueError(f"a folder of images is for models with one input; this one has {len(inputs)}")
    preprocess = named_preprocess(file.preprocess, inputs[0].shape)
    images = read_images(Path(file.path), preprocess, file.bad_images)
    return _checked(((None, sample) for sample in images), specs)


def _checked(records: Iterable[Record], specs: Specs | None) -> Iterable[Any]:
    count = 0
    for signature, sample in records:
        place = f"sample {count} of representative_data"
        checked: Any = sample
        if specs is not None:
            checked = arrange_sample(sample, specs_of_signature(specs, signature), place)
        check_finite(checked, place)
        yield signature, checked
        count += 1
    if count == 0:
        raise ValueError(EMPTY)
