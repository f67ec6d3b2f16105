"""Oriented boxes, the smallest rectangle around a ship at any heading, and where they pay.

    python -m benchmarks.oriented_boxes FOLDER

A ship that lies aslant fills only a part of its upright box; an oriented box turns with it. It pays
for ships that are long and aslant, and for scores that compare masks, as that of the Airbus
challenge: a perfect upright box is no hit there where the ship fills at most half of it. For a
ship along the axes, or one as wide as long, it gains nothing.

FOLDER holds images in Airbus layout (`course_utils.detection.AirbusFolder`). The fraction that a
ship fills is the intersection over union of its mask with its perfect box; the score counts hits
at .5, .55, ..., .95.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from course_utils.detection.airbus import AirbusFolder, mask_to_box
from course_utils.detection.metrics import THRESHOLDS


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


def mask_to_oriented_box(mask: np.ndarray) -> OrientedBox:
    """Return the smallest rectangle at any heading that holds every pixel of a mask, whole.

    The smallest rectangle around a convex polygon has a side along one of the polygon's edges
    (Freeman and Shapira, "Determining the minimum-area encasing rectangle for an arbitrary closed
    curve", 1975), so that only the headings of the hull's edges are tried; all at once, since a
    ship's hull has few (with thousands, rotating calipers would be faster: Toussaint, "Solving
    geometric problems with the rotating calipers", 1983). The upright box is always among them, and
    wins where no other is smaller. As with `mask_to_box`, a pixel is a square, not a point.

    Args:
        mask: bool (height, width), of at least one pixel; holes and several parts are allowed.
    """
    points = _outline(mask)
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
    """Return which fraction of its upright and of its oriented box a mask fills, each 0 to 1.

    The fraction is the intersection over union of the mask and its box: the best that a detector of
    such boxes can reach on that ship, where masks are compared.

    Args:
        mask: bool (height, width), of at least one pixel.
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


def measure(folder: AirbusFolder) -> np.ndarray:
    """Return a row a ship: length / width, degrees off the axes, both fractions."""
    rows = []
    for index in folder.with_ships:
        for mask in folder.masks(index).numpy():
            box = mask_to_oriented_box(mask)
            off = np.degrees(np.arcsin(abs(np.sin(2 * box.heading)))) / 2
            rows.append([box.length / box.width, off, *box_fill(mask)])
    return np.array(rows)


def line(what: str, fractions: np.ndarray) -> str:
    """Describe a group of ships by its fractions (n, 2), upright and oriented."""
    if not len(fractions):
        return f"{what:38}{0:6}"
    numbers = [*np.median(fractions, axis=0), *(100 * (fractions <= 0.5).mean(0))]
    hits = (fractions[:, None] > np.array(THRESHOLDS)[:, None]).mean((0, 1))
    upright, oriented, low_upright, low_oriented = numbers
    return (
        f"{what:38}{len(fractions):6}{upright:10.2f}{oriented:10.2f}{low_upright:9.1f} %"
        f"{low_oriented:8.1f} %{hits[0]:10.2f}{hits[1]:10.2f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    ships = measure(AirbusFolder(parser.parse_args().folder))
    if not len(ships):
        print("No image of the folder has a ship: give one with ships.")
        return 1
    ratio, off, fractions = ships[:, 0], ships[:, 1], ships[:, 2:]
    print(f"{'':44}{'median fraction':>20}{'fraction <= .5':>21}{'hits of a perfect box':>22}")
    names = ("upright", "oriented")
    print(f"{'ships':38}{'number':>6}{names[0]:>10}{names[1]:>10}", end="")
    print(f"{names[0]:>11}{names[1]:>10}{names[0]:>10}{names[1]:>10}")
    long, aslant = ratio >= 2.5, off >= 15
    print(line("all", fractions))
    print(line("2.5 widths or longer, 15 degrees off", fractions[long & aslant]))
    print(line("shorter, 15 degrees off", fractions[~long & aslant]))
    print(line("within 15 degrees of the axes", fractions[~aslant]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
