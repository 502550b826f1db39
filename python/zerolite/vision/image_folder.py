"""A folder of images, by class or not."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zerolite.vision.labels import Labels

__all__ = ["ImageFolder"]

_SUFFIXES = frozenset((".bmp", ".gif", ".jpeg", ".jpg", ".mpo", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"))
# Formats of Pillow that hold documents or need another program to be decoded.
_NO_PICTURES = frozenset(
    (".pdf", ".ps", ".eps", ".h5", ".hdf", ".grib", ".bufr", ".wmf", ".emf", ".mpg", ".mpeg", ".fit", ".fits", ".iim")
)
# Pictures that Pillow decodes with a plug-in or not at all.
_OTHER_PICTURES = frozenset(
    (".heic", ".heif", ".avif", ".jxl", ".svg", ".psd", ".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2")
)


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """The image files of a folder, in the order of their paths.

    Attributes:
        path: the folder.
        files: every image file in it and below it, through links too; hidden files and folders are left out.
        class_names: the names of the classes; empty where there are none.
        labels: for each file, its place in `class_names`; empty where there are no classes.
    """

    path: Path
    files: tuple[Path, ...]
    class_names: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> ImageFolder:
        """Find the images, whatever folders they are in.

        Raises:
            NotADirectoryError: there is no such folder.
            ValueError: there is no image in it.
        """
        folder = _existing(path)
        return cls(folder, tuple(_images(folder)))

    @classmethod
    def by_class(cls, path: str | os.PathLike[str], class_names: Sequence[str] | None = None) -> ImageFolder:
        """Find the images of a folder with one folder for each class.

        Args:
            path: the folder.
            class_names: the classes' folders in the order of the model's outputs; None is the order of the alphabet,
                as `keras.utils.image_dataset_from_directory` has it. Of `Labels` with identifiers, folders may be named
                after these.

        Raises:
            NotADirectoryError: there is no such folder.
            ValueError: there is no image in it, an image is outside of the classes' folders, or a folder's name is not
                among `class_names`, or more than once.
        """
        folder = _existing(path)
        files = _images(folder)
        outside = [file for file in files if file.parent == folder]
        if outside:
            raise ValueError(
                f"{outside[0]} is in no class's folder; put the images of {folder} into one folder for each class"
            )
        found = sorted({file.relative_to(folder).parts[0] for file in files})
        names = list(found if class_names is None else class_names)
        folder_names = names
        if isinstance(class_names, Labels) and not set(found) <= set(names):
            folder_names = list(class_names.identifiers) or names
        strange = [name for name in found if name not in folder_names]
        if strange:
            raise ValueError(f"the folder {folder / strange[0]} is named like none of the {len(names)} labels")
        for name in found:
            if folder_names.count(name) > 1:
                first = folder_names.index(name)
                second = folder_names.index(name, first + 1)
                raise ValueError(
                    f"the classes {first} and {second} are both called '{name}', so that nothing "
                    f"tells which of them the folder {folder / name} is; give them different names, such as "
                    f"'{name} {first}', in class_names and as folders"
                )
        numbers = {name: number for number, name in enumerate(folder_names)}
        labels = tuple(numbers[file.relative_to(folder).parts[0]] for file in files)
        return cls(folder, tuple(files), tuple(names), labels)


def _existing(path: str | os.PathLike[str]) -> Path:
    folder = Path(path)
    if not folder.is_dir():
        raise NotADirectoryError(f"there is no folder {folder}")
    return folder


def _images(folder: Path) -> list[Path]:
    """The images, whatever folders they are in; hidden files and folders don't count, links are followed."""
    suffixes = _suffixes()
    visible = sorted(_visible_files(folder))
    files = [file for file in visible if file.suffix.lower() in suffixes]
    left_out = [file for file in visible if file.suffix.lower() in _OTHER_PICTURES - suffixes]
    if left_out:
        warnings.warn(
            f"{len(left_out)} pictures in {folder} are left out, the first of them {left_out[0].name}, since Pillow "
            "does not decode their format here; save them as PNG or JPEG, or install Pillow's plug-in for it",
            UserWarning,
            stacklevel=3,
        )
    if not files:
        raise ValueError(f"there is no image in {folder}; files that end in {', '.join(sorted(suffixes))} count")
    return files


def _visible_files(folder: Path) -> Iterator[Path]:
    # Where the way down leads to a folder that it came through, a link goes in a circle.
    waiting = [(folder, frozenset((folder.resolve(),)))]
    while waiting:
        place, above = waiting.pop()
        for entry in place.iterdir():
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                real = entry.resolve()
                if real not in above:
                    waiting.append((entry, above | {real}))
            elif entry.is_file():
                yield entry


def _suffixes() -> frozenset[str]:
    """The endings of what Pillow decodes; without Pillow, of the usual formats."""
    try:
        from PIL import Image
    except ImportError:
        return _SUFFIXES
    Image.init()
    known = {suffix.lower() for suffix, form in Image.registered_extensions().items() if form in Image.OPEN}
    return (_SUFFIXES | known) - _NO_PICTURES
