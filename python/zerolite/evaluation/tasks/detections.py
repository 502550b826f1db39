"""Detections against annotations in COCO's format: mean average precision."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite._runners.caller_warning import warn_caller
from zerolite.evaluation.tasks.records import read_json

if TYPE_CHECKING:
    from zerolite.evaluation.metrics.metric import MetricValue
    from zerolite.tasks import Detections, Detector

__all__ = ["MAX_RESULTS", "MIN_SCORE", "AnnotatedPictures"]

#: COCO counts the 100 surest boxes of a picture, and precision is measured down to scores that nobody would show.
MIN_SCORE, MAX_RESULTS = 0.001, 100

# Our names for what the library tells, in COCO's own order.
_SUMMARY = (
    "map",
    "map_50",
    "map_75",
    "map_small",
    "map_medium",
    "map_large",
    "mar_1",
    "mar_10",
    "mar_100",
    "mar_small",
    "mar_medium",
    "mar_large",
)
_SIDES = 4
_ALL_AREAS, _MOST_BOXES = 0, -1


class AnnotatedPictures:
    """Pictures in a folder, and the truth about them.

    Attributes:
        files: the pictures that are annotated, in the order of the annotations.
    """

    def __init__(self, folder: str | os.PathLike[str], annotations: str | os.PathLike[str] | Mapping[str, Any]) -> None:
        """Read annotations in COCO's format: "images", "annotations" and "categories".

        Raises:
            OSError: the file can't be read, or a picture is not there.
            ValueError: they are in another format.
        """
        self._name = "the annotations" if isinstance(annotations, Mapping) else os.fspath(annotations)
        content = annotations if isinstance(annotations, Mapping) else read_json(annotations)
        self._images = self._records(content, "images", ("id", "file_name"))
        self._categories = sorted(
            self._records(content, "categories", ("id", "name")), key=lambda one: (str(type(one["id"])), one["id"])
        )
        self._annotations = self._records(content, "annotations", ("image_id", "category_id", "bbox"))
        if not self._images:
            raise ValueError(f"{self._name} lists no images; give annotations of at least one picture")
        self._check()
        self.files = [Path(folder) / str(one["file_name"]) for one in self._images]
        for file in self.files:
            if not file.is_file():
                raise FileNotFoundError(
                    f"{self._name} names the picture {file.name}, which is not in {os.fspath(folder)}; give the folder "
                    "that its file names begin in"
                )

    def scores(self, found: Mapping[int, Detections], detector: Detector) -> dict[str, MetricValue]:
        """COCO's twelve numbers, and the average precision of each category.

        Args:
            found: what was detected, by the picture's place in `files`. The truth of other pictures does not count.
            detector: whose classes are meant.

        Returns:
            Metric name -> value; NaN where there is no box to find, such as a large one.

        Raises:
            ValueError: no class of the detector is a category, or a picture has another size than annotated.
            ImportError: `faster-coco-eval` is not installed (extra "evaluate").
        """
        try:
            from faster_coco_eval import COCO, COCOeval_faster
        except ImportError as error:
            raise ImportError(
                "metrics of detection need the package faster-coco-eval; install it: pip install 'zerolite[evaluate]'"
            ) from error
        category_of = self._category_of(detector)
        told = []
        for place, result in found.items():
            self._check_size(self._images[place], result)
            for one in result.detections:
                category = category_of.get(one.class_number)
                if category is not None:
                    corner_and_size = [one.box.left, one.box.top, one.box.width, one.box.height]
                    told.append(
                        {"image_id": place, "category_id": category, "bbox": corner_and_size, "score": one.score}
                    )
        truth = COCO(self._truth(found))
        judged = COCOeval_faster(truth, truth.loadRes(told), "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
        values: dict[str, MetricValue] = {
            name: _known(value) for name, value in zip(_SUMMARY, judged.stats[: len(_SUMMARY)], strict=True)
        }
        precision = np.asarray(judged.eval["precision"])[:, :, :, _ALL_AREAS, _MOST_BOXES]
        values["map_by_class"] = {
            str(category["name"]): _mean(precision[:, :, column]) for column, category in enumerate(self._categories)
        }
        return values

    def _records(self, content: Any, key: str, needed: Sequence[str]) -> list[Mapping[str, Any]]:
        records = content.get(key) if isinstance(content, Mapping) else None
        if not isinstance(records, list):
            raise ValueError(
                f"{self._name} has no list '{key}'; annotations of detection are in COCO's format, with 'images', "
                "'annotations' and 'categories'"
            )
        for record in records:
            missing = [name for name in needed if not isinstance(record, Mapping) or name not in record]
            if missing:
                raise ValueError(f"{self._name} has an entry of '{key}' without '{missing[0]}': {record!r:.200}")
            for name in needed:
                if name.endswith("id") and not isinstance(record[name], int | str):
                    raise ValueError(f"{self._name} has an '{name}' that is no number or text: {record[name]!r:.200}")
        return records

    def _check(self) -> None:
        images = {one["id"] for one in self._images}
        categories = {one["id"] for one in self._categories}
        for one in self._annotations:
            box = one["bbox"]
            if not isinstance(box, list) or len(box) != _SIDES or not all(_is_finite(side) for side in box):
                raise ValueError(f"{self._name} has a 'bbox' that is not [left, top, width, height]: {box!r:.200}")
            if not _is_finite(one.get("area", 0)) or one.get("iscrowd", 0) not in (0, 1):
                raise ValueError(
                    f"{self._name} has an annotation whose 'area' is no number, or whose 'iscrowd' is not 0 or 1: "
                    f"{one!r:.200}"
                )
            for key, known in (("image_id", images), ("category_id", categories)):
                if one[key] not in known:
                    raise ValueError(f"{self._name} has an annotation whose '{key}' is none of the file: {one[key]!r}")

    def _check_size(self, image: Mapping[str, Any], result: Detections) -> None:
        size = image.get("width", result.width), image.get("height", result.height)
        if size != (result.width, result.height):
            raise ValueError(
                f"{self._name} says that {image['file_name']} has {size[0]} x {size[1]} pixels, but it has "
                f"{result.width} x {result.height}; annotate the pictures as they are, turned as their EXIF data says"
            )

    def _category_of(self, detector: Detector) -> dict[int, int]:
        """Class number of the detector -> place of its category: by name, or without names by order."""
        names = [str(one["name"]) for one in self._categories]
        if not detector.class_names:
            return {place: place for place in range(len(names))}
        places = {_plain(name): place for place, name in enumerate(names)}
        found = {
            number: places[_plain(name)] for number, name in enumerate(detector.class_names) if _plain(name) in places
        }
        if not found:
            raise ValueError(
                f"the detector's classes ({', '.join(detector.class_names)}) are none of the categories of "
                f"{self._name} ({', '.join(names)}); load it with the names of these as class_names"
            )
        missing = [name for place, name in enumerate(names) if place not in found.values()]
        if missing:
            warn_caller(
                f"the detector has no class for these categories of {self._name}, which therefore count as not found: "
                f"{', '.join(missing)}"
            )
        return found

    def _truth(self, places: Collection[int]) -> dict[str, Any]:
        """What is known of some pictures; ids are places, for the library takes no other ones."""
        images = {self._images[place]["id"]: place for place in places}
        categories = {one["id"]: place for place, one in enumerate(self._categories)}
        return {
            "images": [{"id": place} for place in places],
            "categories": [{"id": place} for place in categories.values()],
            "annotations": [
                {
                    "id": number,
                    "image_id": images[one["image_id"]],
                    "category_id": categories[one["category_id"]],
                    "bbox": one["bbox"],
                    "area": one.get("area", one["bbox"][2] * one["bbox"][3]),
                    "iscrowd": int(one.get("iscrowd", 0)),
                }
                for number, one in enumerate(self._annotations, 1)
                if one["image_id"] in images
            ],
        }


def _plain(name: str) -> str:
    return name.strip().casefold()


def _is_finite(side: Any) -> bool:
    return isinstance(side, int | float) and math.isfinite(side)


def _known(value: float) -> float:
    """COCO's numbers are -1 where nothing was to be found."""
    return float(value) if value >= 0 else math.nan


def _mean(precision: Any) -> float:
    known = precision[precision >= 0]
    return float(known.mean()) if known.size else math.nan
