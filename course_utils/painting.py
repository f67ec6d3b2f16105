"""Paint bars, blobs and streaks at any heading onto a simulated image.

Positions and lengths are in pixels; a heading is in radians, 0 to the right, growing downwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# red, green and blue, 0 to 255
WHITE = np.array([235.0, 238, 240], np.float32)
FOAM = np.array([205.0, 215, 218], np.float32)
CONCRETE = np.array([170.0, 165, 155], np.float32)
EARTH = np.array([120.0, 115, 80], np.float32)
HULLS = np.array(
    [
        [200, 200, 200],
        [150, 60, 50],
        [125, 130, 140],
        [225, 225, 220],
        [160, 140, 110],
        [85, 150, 110],
    ],
    np.float32,
)


@dataclass(frozen=True)
class Frame:
    """A square part of an image, with coordinates along and across an object's heading.

    Attributes:
        window: the part, (height, width, 3): a view into the image.
        u: pixels ahead of the object's centre, (height, width).
        v: pixels to its right.
        top, left: the window's corner in the image.
    """

    window: np.ndarray
    u: np.ndarray
    v: np.ndarray
    top: int
    left: int

    def blend(self, alpha: np.ndarray, colour) -> None:
        """Paint a colour with an opacity of 0 to 1 for each pixel."""
        window = self.window  # a view: changed in place, the image is changed
        window += alpha[..., None] * (colour - window)


def frame(image: np.ndarray, x: float, y: float, heading: float, reach: float) -> Frame:
    """Cut the part of an image out that is within `reach` pixels of a point."""
    size = image.shape[0]
    low = [max(int(c - reach), 0) for c in (y, x)]
    high = [
        max(min(int(c + reach) + 2, size), start + 1) for c, start in zip((y, x), low, strict=True)
    ]
    rows = np.arange(low[0], high[0], dtype=np.float32)[:, None] + np.float32(0.5 - y)
    columns = np.arange(low[1], high[1], dtype=np.float32)[None] + np.float32(0.5 - x)
    cos, sin = np.float32(np.cos(heading)), np.float32(np.sin(heading))
    window = image[low[0] : high[0], low[1] : high[1]]
    return Frame(window, columns * cos + rows * sin, rows * cos - columns * sin, *low)


def bar(part: Frame, length: float, width: float) -> np.ndarray:
    """Return the opacity (0 to 1) of a bar along the heading, with smooth edges."""
    ends = np.clip(length / 2 - np.abs(part.u) + 0.5, 0, 1)
    return ends * np.clip(width / 2 - np.abs(part.v) + 0.5, 0, 1)


def bounds(part: Frame, alpha: np.ndarray) -> tuple[float, float, float, float] | None:
    """Return the box of what is more opaque than half: x0, y0, x1, y1 of the image, or None."""
    rows, columns = np.nonzero(alpha > 0.5)
    if not len(rows):
        return None
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return tuple(
        float(edge + start) for edge, start in zip(box, (part.left, part.top) * 2, strict=True)
    )
