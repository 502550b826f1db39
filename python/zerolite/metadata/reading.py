"""Reading the metadata of a .tflite file, and the files that are packed into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from zerolite import _native
from zerolite._runtime.renamed import renamed_parameters
from zerolite.metadata.archive import Archive
from zerolite.metadata.codec import decode
from zerolite.metadata.description import Metadata
from zerolite.metadata.model_file import ModelFile, name_of, opened

__all__ = ["ENTRY", "LABEL_KINDS", "broken_files_named", "read", "read_attached", "read_entry", "read_labels"]

ENTRY = "TFLITE_METADATA"
LABEL_KINDS = ("axis_labels", "value_labels")


def read(model: ModelFile) -> Metadata:
    """Read what a model's file says of itself.

    Args:
        model: the path of a .tflite file, or its bytes.

    Returns:
        The metadata; its fields are empty where the file has none.

    Raises:
        OSError: the file can't be read.
        ValueError: the file is no sound model, its metadata is broken, or what is packed into it is broken or would
            be dangerous to unpack.
    """
    with opened(model) as (content, file):
        with broken_files_named(model):
            attached = Archive.look_into(file).names
        entry = read_entry(model, content)
    if entry is None:
        return Metadata(attached_files=attached)
    try:
        return replace(decode(entry), attached_files=attached)
    except ValueError as error:
        raise ValueError(
            f"the metadata of {name_of(model)} is broken: {error}; write it anew with zl.metadata.write, or name "
            "labels and preprocessing yourself"
        ) from error


def read_attached(model: ModelFile, name: str) -> bytes:
    """Read a file that is packed into a model's file.

    Args:
        model: the path of a .tflite file, or its bytes.
        name: one of `Metadata.attached_files`.

    Raises:
        OSError: the model's file can't be read.
        ValueError: there is no such file in it, or what is packed is broken or would be dangerous to unpack.
    """
    with opened(model) as (_, file), broken_files_named(model):
        archive = Archive.look_into(file)
        if name in archive.names:
            return archive.read(file, name)
    known = ", ".join(f"'{one}'" for one in archive.names) or "none"
    raise ValueError(f"{name_of(model)} has no file '{name}' packed into it; the files in it: {known}")


@renamed_parameters(output="output_index")
def read_labels(model: ModelFile, *, output_index: int = 0) -> list[str] | None:
    """Read the names of classes that are packed into a model's file.

    The labels that the metadata names for the output are taken, those without a locale first; without a description
    the one packed file whose name ends in .txt and speaks of labels, or is the only .txt file, and which the metadata
    does not name as something else, such as a vocabulary or the labels of another output.

    Args:
        model: the path of a .tflite file, or its bytes.
        output_index: the number of the output, from 0 on.

    Returns:
        The names in the order of the output's scores; None where the file has none.

    Raises:
        OSError: the model's file can't be read.
        ValueError: the metadata or the packed file is broken.
    """
    known = read(model)
    of_output = known.outputs[output_index].associated_files if output_index < len(known.outputs) else ()
    of_graph = known.subgraphs[0].associated_files if known.subgraphs else ()
    described = [one for one in (*of_output, *known.associated_files, *of_graph) if one.kind in LABEL_KINDS]
    described.sort(key=lambda one: bool(one.locale))
    if described:
        name = described[0].name
    else:
        elsewhere = {one.name for one in known.all_files if one.kind != "unknown"}
        texts = [name for name in known.attached_files if name.lower().endswith(".txt") and name not in elsewhere]
        speaking = [name for name in texts if "label" in name.lower()]
        if len(speaking or texts) != 1:
            return None
        name = (speaking or texts)[0]
    text = read_attached(model, name).decode("utf-8-sig", errors="replace")
    return [line.strip() for line in text.rstrip().splitlines()]


def read_entry(model: ModelFile, content: bytes | memoryview) -> bytes | None:
    """The bytes of the metadata in a model; None where it has none.

    Raises:
        ValueError: the content is no sound model.
    """
    try:
        entry = _native.read_contents(content).metadata.get(ENTRY)
    except _native.InvalidModelError as error:
        raise ValueError(f"{name_of(model)} is no sound model: {error}") from error
    return None if entry is None else bytes(entry)


@contextmanager
def broken_files_named(model: ModelFile) -> Iterator[None]:
    """Say of what is wrong with packed files whose they are, and what helps."""
    try:
        yield
    except ValueError as error:
        raise ValueError(
            f"the files packed into {name_of(model)} can't be read: {error}; pack them anew, with zl.metadata.write, "
            "into the model as it was converted, or name labels and preprocessing yourself"
        ) from error
