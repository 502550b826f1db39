"""From heat maps to people, by the rule of PersonLab that PoseNet's own program follows.

Each person begins with the surest point that is none of a person found before. From there the ways that the network
tells lead to the neighbours in the skeleton, and from them to theirs. (`decodeMultiplePoses` of tfjs-models, with its
defaults.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["EDGES", "NAMES", "POINTS", "Offsets", "one_person", "several_people"]

#: The key points of COCO, in the order of MoveNet and PoseNet.
NAMES = (
    "nose",
    "left eye",
    "right eye",
    "left ear",
    "right ear",
    "left shoulder",
    "right shoulder",
    "left elbow",
    "right elbow",
    "left wrist",
    "right wrist",
    "left hip",
    "right hip",
    "left knee",
    "right knee",
    "left ankle",
    "right ankle",
)
POINTS = len(NAMES)
#: From which point a way leads to which, in the order of PoseNet's outputs: a tree that begins at the nose.
EDGES = (
    (0, 1),
    (1, 3),
    (0, 2),
    (2, 4),
    (0, 5),
    (5, 7),
    (7, 9),
    (5, 11),
    (11, 13),
    (13, 15),
    (0, 6),
    (6, 8),
    (8, 10),
    (6, 12),
    (12, 14),
    (14, 16),
)
_ROOT_SCORE = 0.5
_RADIUS = 20.0  # pixels of the input within which two points of a kind are one

# Places (17, 2) as y and x in pixels of the input, the scores of the points, and that of the person.
Person: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64], float]


@dataclass(frozen=True, slots=True)
class Offsets:
    """How far points are from the cells in which their heat is highest.

    Attributes:
        values: in pixels of the input, y of all points and then x: shape (rows, columns, 34).
        strides: how far rows and columns are apart, in pixels.
    """

    values: NDArray[np.float64]
    strides: tuple[float, ...]

    def place(self, row: int, column: int, point: int) -> NDArray[np.float64]:
        """Y and x of a point whose heat is in that cell, in pixels."""
        offset = self.values[row, column, [point, POINTS + point]]
        place: NDArray[np.float64] = np.array((row, column)) * self.strides + offset
        return place

    def cell(self, place: NDArray[np.float64]) -> tuple[int, int]:
        """The cell that is nearest to a place; NaN counts as 0."""
        rows, columns = self.values.shape[:2]
        row, column = np.clip(np.floor(np.nan_to_num(place) / self.strides + 0.5), 0, (rows - 1, columns - 1))
        return int(row), int(column)


def one_person(heat: NDArray[np.float64], offsets: Offsets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each point where its heat is highest, whoever's it is.

    Args:
        heat: probabilities, shape (rows, columns, 17).
        offsets: from the cells to the points.

    Returns:
        Places, y and x in pixels, shape (17, 2), and scores, shape (17,).
    """
    flat = heat.reshape(-1, POINTS).argmax(axis=0)
    rows, columns = np.unravel_index(flat, heat.shape[:2])
    places = [offsets.place(int(rows[point]), int(columns[point]), point) for point in range(POINTS)]
    return np.array(places), heat[rows, columns, np.arange(POINTS)]


def several_people(
    heat: NDArray[np.float64],
    offsets: Offsets,
    forward: NDArray[np.float64],
    backward: NDArray[np.float64],
    *,
    most: int,
) -> list[Person]:
    """People one by one, each from its surest point.

    Args:
        heat: probabilities, shape (rows, columns, 17).
        offsets: from the cells to the points.
        forward: from each point to the next, in pixels: y of all 16 edges and then x, shape (rows, columns, 32).
        backward: the same from the next point back.
        most: how many people at most.

    Returns:
        The people. The score of one is the mean of those of its points that are no person's found before.
    """
    people: list[Person] = []
    for row, column, point in _peaks(heat):
        if len(people) == most:
            break
        root = offsets.place(row, column, point)
        if any(_is_near(root, places[point]) for places, _, _ in people):
            continue
        places, scores = _followed(heat, offsets, (forward, backward), (row, column, point))
        own = [
            scores[one] * (not any(_is_near(places[one], other[one]) for other, _, _ in people))
            for one in range(POINTS)
        ]
        people.append((places, scores, float(np.mean(own))))
    return people


def _peaks(heat: NDArray[np.float64]) -> list[tuple[int, int, int]]:
    """Row, column and number of the points that are hot and no cooler than all around, the hottest first."""
    padded = np.pad(heat, ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    rows, columns = heat.shape[:2]
    around = np.max([padded[y : y + rows, x : x + columns] for y in range(3) for x in range(3)], axis=0)
    places = np.argwhere((heat >= _ROOT_SCORE) & (heat == around))
    order = np.argsort(-heat[tuple(places.T)], kind="stable")
    return [(int(row), int(column), int(point)) for row, column, point in places[order]]


def _followed(
    heat: NDArray[np.float64],
    offsets: Offsets,
    ways: tuple[NDArray[np.float64], NDArray[np.float64]],
    root: tuple[int, int, int],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All points of the person to whom a root belongs: up the tree first, and then down."""
    forward, backward = ways
    row, column, point = root
    places = {point: offsets.place(row, column, point)}
    scores = {point: heat[row, column, point]}
    up = [(edge, EDGES[edge][1], EDGES[edge][0], backward) for edge in reversed(range(len(EDGES)))]
    down = [(edge, EDGES[edge][0], EDGES[edge][1], forward) for edge in range(len(EDGES))]
    for edge, known, wanted, displacements in (*up, *down):
        if known not in places or wanted in places:
            continue
        way = displacements[(*offsets.cell(places[known]), [edge, len(EDGES) + edge])]
        cell = offsets.cell(places[known] + way)
        places[wanted] = offsets.place(*cell, wanted)
        scores[wanted] = heat[(*cell, wanted)]
    return np.array([places[one] for one in range(POINTS)]), np.array([scores[one] for one in range(POINTS)])


def _is_near(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool(((one - other) ** 2).sum() <= _RADIUS**2)
