"""Representative data is checked, and put where another process can read it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from zerolite.conversion.request import SampleFile
from zerolite.conversion.samples.images import (
    Preprocessing,
    find_images,
    named_preprocessing,
    read_images,
)
from zerolite.conversion.samples.input_spec import InputSpec, Specs, arrange_sample, specs_of_signature
from zerolite.conversion.samples.representative_data import Record, check_finite, iterate_samples, read_arrays
from zerolite.conversion.samples.spool import SampleSpool, read_spool
from zerolite.vision.loading import RaiseOrSkip
from zerolite.vision.preprocessing import check_preprocessing

__all__ = ["EMPTY", "OnPositions", "open_samples", "prepare_samples"]

#: Is told the inputs that samples give in order, without names.
OnPositions: TypeAlias = Callable[[Sequence[InputSpec]], object]

EMPTY = "representative_data is empty; give some dozens to hundreds of typical inputs"


def prepare_samples(
    data: Any,
    spool: Path,
    *,
    specs: Specs | None,
    signatures: Sequence[str] | None,
    preprocessing: Preprocessing | None,
    on_corrupt: RaiseOrSkip,
    on_positions: OnPositions = lambda _: None,
    limit: int | None = None,
) -> SampleFile | None:
    """Check every sample, and say where another process finds them.

    Files are left where they are; everything else is written to `spool`, one sample at a time.

    Args:
        data: the representative data; None for none.
        spool: a file to write, if need be.
        specs: what the model takes, as far as it is known here.
        signatures: the signatures that are converted, where they were named.
        preprocessing: how images become samples.
        on_corrupt: what happens to an image that can't be read.
        on_positions: called with the inputs where a sample gives several in order, without names.
        limit: how many samples of each signature are taken, from the first; None for all.

    Raises:
        ValueError: the data is empty, not finite or of another shape, or the options don't go together.
        TypeError: the data is of no known form.
        OSError: a file could not be read or written.
    """
    if on_corrupt not in ("raise", "skip"):
        raise ValueError(f"on_corrupt must be 'raise' or 'skip'; came '{on_corrupt}'")
    _check_limit(limit, data)
    is_path = isinstance(data, str | os.PathLike)
    folder = Path(data) if is_path and Path(data).is_dir() else None
    if (preprocessing is None) != (folder is None):
        raise ValueError(
            f"{folder} is a folder of images; say how they become inputs, as preprocessing='mobilenet_v2'"
            if preprocessing is None
            else "preprocessing goes with representative_data that is a folder of images"
        )
    if data is None:
        return None
    if folder is not None and isinstance(preprocessing, str):
        # The size of the images is known only to the process that reads the model.
        find_images(folder)
        check_preprocessing(preprocessing)
        return SampleFile(
            kind="images",
            path=str(folder.absolute()),
            preprocessing=preprocessing,
            on_corrupt=on_corrupt,
            limit=limit,
        )
    records: Iterable[Record]
    if folder is not None and preprocessing is not None and not isinstance(preprocessing, str):
        records = ((None, sample) for sample in read_images(folder, preprocessing, on_corrupt))
    else:
        records = iterate_samples(data, signatures=signatures, names=_names(specs))
    records = _limited(records, limit, len(signatures or specs or ()))
    # Which arrays of an archive are inputs is known only to the process that reads the model.
    if isinstance(data, np.lib.npyio.NpzFile) and specs is None:
        arrays: dict[str, Any] = {name: data[name] for name in data.files}
        np.savez(spool.with_suffix(".npz"), **arrays)
        return SampleFile(kind="arrays", path=str(spool.with_suffix(".npz")), limit=limit)
    if is_path and folder is None:
        if specs is None and Path(data).suffix == ".npz":
            read_arrays(Path(data), None)
        else:
            for _ in _checked(records, specs, on_positions):
                pass
        return SampleFile(kind="arrays", path=str(Path(data).absolute()), limit=limit)
    with SampleSpool(spool) as file:
        for signature, sample in _checked(records, specs, on_positions):
            file.append(signature, sample)
    return SampleFile(kind="spool", path=str(spool))


def open_samples(
    file: SampleFile, specs: Specs, on_positions: OnPositions = lambda _: None
) -> Iterable[tuple[str | None, dict[str, Any]]]:
    """The samples that `prepare_samples` found, each as the inputs of its signature by name.

    Raises:
        ValueError: a sample does not fit the model, or an image can't be read.
    """
    if file.kind == "spool":
        return _checked(read_spool(Path(file.path)), specs, on_positions)
    if file.kind == "arrays":
        records = _limited(iterate_samples(file.path, names=_names(specs)), file.limit, len(specs))
        return _checked(records, specs, on_positions)
    inputs = specs_of_signature(specs, None)
    if len(inputs) != 1:
        raise ValueError(f"a folder of images is for models with one input; this one has {len(inputs)}")
    read = named_preprocessing(file.preprocessing, inputs[0].shape)
    images = read_images(Path(file.path), read, file.on_corrupt)
    return _checked(_limited(((None, sample) for sample in images), file.limit, 1), specs, on_positions)


def _names(specs: Specs | None) -> list[str] | None:
    """The inputs of the only signature; None where it is not known, or there are several."""
    if specs is None or len(specs) != 1:
        return None
    return [spec.name for spec in next(iter(specs.values()))]


def _check_limit(limit: int | None, data: Any) -> None:
    if limit is not None and (data is None or limit < 1):
        what = "there is none" if data is None else f"came {limit}"
        raise ValueError(f"sample_limit is at least 1, and goes with representative_data; {what}")


def _limited(records: Iterable[Record], limit: int | None, signatures: int) -> Iterable[Record]:
    """The first samples of each signature.

    No more are asked for where it is known that they were the last: of so many signatures, or of the only one.
    """
    if limit is None:
        yield from records
        return
    counts: Counter[str | None] = Counter()
    for signature, sample in records:
        if counts[signature] < limit:
            counts[signature] += 1
            yield signature, sample
        if (signature is None or len(counts) == signatures) and all(count == limit for count in counts.values()):
            return


def _checked(records: Iterable[Record], specs: Specs | None, on_positions: OnPositions) -> Iterable[Any]:
    count = 0
    for signature, sample in records:
        place = f"sample {count} of representative_data"
        checked: Any = sample
        if specs is not None:
            inputs = specs_of_signature(specs, signature)
            checked = arrange_sample(sample, inputs, place)
            if len(inputs) > 1 and not isinstance(sample, Mapping):
                on_positions(inputs)
        check_finite(checked, place)
        yield signature, checked
        count += 1
    if count == 0:
        raise ValueError(EMPTY)
