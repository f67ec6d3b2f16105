"""Oriented boxes: the smallest rectangle around a ship at any heading, and where it pays.

A ship that lies aslant fills only a part of its upright box; an oriented box turns with it. It pays
for ships that are long and aslant, and for scores that compare masks, as that of the Airbus
challenge: a perfect upright box is no hit there where the ship fills less than half of it. For a
ship along the axes, or one as wide as long, it gains nothing. `benchmarks/oriented_boxes.py`
measures this on a folder of images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from course_utils.detection.airbus import mask_to_box


@dataclass(frozen=True)
class OrientedBox:
    """A rectangle at any heading.

    Attributes:
        x: of the centre, in pixels from the image's left edge.
        y: of the centre, in pixels from its top edge.
        length: of the longer side, in pixels.
        width: of the shorter side, in pixels.
        heading: of the longer side, in radians from 0 to below pi: 0 to the right, growing
            downwards. Bow and stern are not told apart.
    """

    x: float
    y: float
    length: float
    width: float
    heading: float

    @property
    def corners(self) -> np.ndarray:
        """The corners in their order around the rectangle, (4, 2): x and y in pixels."""
        along, across = _axes(np.array([self.heading]))[0]
        ahead, aside = self.length / 2 * along, self.width / 2 * across
        turns = np.stack([ahead + aside, ahead - aside, -ahead - aside, -ahead + aside])
        return np.array([self.x, self.y]) + turns


def mask_to_oriented_box(mask: np.ndarray) -> OrientedBox:
    """Return the smallest rectangle at any heading that holds every pixel of a mask, whole.

    The smallest rectangle around a convex polygon has a side along one of the polygon's edges
    (Freeman and Shapira, "Determining the minimum-area encasing rectangle for an arbitrary closed
    curve", 1975), so that only the headings of the hull's edges are tried; all at once, since a
    ship's hull has few (with thousands, rotating calipers would be faster: Toussaint, "Solving
    geometric problems with the rotating calipers", 1983). The upright box is always among them, and
    wins where no other is smaller. As with `mask_to_box`, a pixel is a square, not a point.

    Args:
        mask: bool (height, width); holes and several parts are allowed.

    Raises:
        ValueError: the mask has not two dimensions, or holds no pixel.
    """
    mask_to_box(mask)  # raises for a mask that has no box
    points = _outline(np.asarray(mask, dtype=bool))
    hull = points[ConvexHull(points).vertices]
    edges = np.roll(hull, -1, axis=0) - hull
    headings = np.unique(np.round(np.arctan2(edges[:, 1], edges[:, 0]) % (np.pi / 2), 12))
    axes = _axes(headings)
    places = axes @ hull.T  # (headings, 2, points)
    low, high = places.min(2), places.max(2)
    sides = high - low
    best = int(np.argmin(np.round(sides.prod(1), 9)))
    x, y = ((low[best] + high[best]) / 2) @ axes[best]
    turned = int(sides[best, 1] > sides[best, 0])
    length, width = sides[best, turned], sides[best, 1 - turned]
    heading = (headings[best] + turned * np.pi / 2) % np.pi
    return OrientedBox(float(x), float(y), float(length), float(width), float(heading))


def box_fill(mask: np.ndarray) -> tuple[float, float]:
    """Return which share of its upright and of its oriented box a mask fills, each 0 to 1.

    The share is the intersection over union of the mask and its box: the best that a detector of
    such boxes can reach on that ship, where masks are compared.

    Args:
        mask: bool (height, width).

    Raises:
        ValueError: the mask has not two dimensions, or holds no pixel.
    """
    x0, y0, x1, y1 = mask_to_box(mask)
    box = mask_to_oriented_box(mask)
    pixels = np.count_nonzero(mask)
    return pixels / ((x1 - x0) * (y1 - y0)), pixels / (box.length * box.width)


def _axes(headings: np.ndarray) -> np.ndarray:
    """Return the unit vectors along and across each heading, (n, 2, 2)."""
    cos, sin = np.cos(headings), np.sin(headings)
    return np.stack([np.stack([cos, sin], 1), np.stack([-sin, cos], 1)], 1)


def _outline(mask: np.ndarray) -> np.ndarray:
    """Return the corners of the first and the last pixel of each column, (n, 2): x and y."""
    columns = np.flatnonzero(mask.any(axis=0))
    part = mask[:, columns]
    top = part.argmax(axis=0)
    bottom = len(mask) - part[::-1].argmax(axis=0)
    return np.concatenate(
        [np.stack([columns + right, rows], 1) for right in (0, 1) for rows in (top, bottom)]
    ).astype(float)
