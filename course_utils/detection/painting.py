"""What simulated scenes are painted with: water, bars, blobs, ships and their wakes.

Positions and lengths are in pixels; a heading is in radians, 0 to the right, growing downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.random import Generator

# red, green and blue, 0 to 255
WHITE = np.array([235.0, 238, 240], np.float32)
FOAM = np.array([205.0, 215, 218], np.float32)
CONCRETE = np.array([170.0, 165, 155], np.float32)
EARTH = np.array([120.0, 115, 80], np.float32)
HULLS = np.array(
    [[200] * 3, [150, 60, 50], [125, 130, 140], [225, 225, 220], [160, 140, 110], [85, 150, 110]],
    np.float32,
)


@dataclass(frozen=True)
class Frame:
    """A square part of an image, with coordinates along and across an object's heading."""

    window: np.ndarray  # the part, (height, width, 3): a view into the image
    u: np.ndarray  # pixels ahead of the object's centre, (height, width)
    v: np.ndarray  # pixels to its right
    top: int  # the window's corner in the image
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


_PATCHES = 6  # patches of lighter and darker water along a side


@dataclass(frozen=True)
class Sea:
    """The look that all scenes of a family share, as the scenes of one port and day do."""

    colour: tuple[float, float, float]  # red, green and blue of the water, 0 to 255
    cast: tuple[float, float, float]  # factor on each channel of the finished image
    patchiness: float  # standard deviation of large patches, in levels
    swell: float  # amplitude of the waves, in levels
    wavelength: float  # of the swell, in pixels
    heading: float  # of the swell, in radians
    noise: float  # standard deviation of the pixel noise, in levels
    glint: float  # brightness of the sun's reflection on single pixels, in levels


def random_sea(rng: Generator) -> Sea:
    """Draw the look of a family of scenes."""
    depth = rng.uniform(0, 1)
    colour = (20 + 40 * depth, 45 + 55 * depth, 70 + 40 * depth)
    return Sea(
        colour=colour,
        cast=tuple(rng.uniform(0.9, 1.1, 3)),
        patchiness=rng.uniform(1, 6),
        swell=rng.uniform(0, 5),
        wavelength=rng.uniform(5, 20),
        heading=rng.uniform(0, 2 * np.pi),
        noise=rng.uniform(2, 6),
        glint=rng.choice([0.0, rng.uniform(5, 25)]),
    )


def paint_sea(sea: Sea, size: int, rng: Generator) -> np.ndarray:
    """Paint open water, (size, size, 3) float32 in levels; the colour cast is not yet applied."""
    basis = _basis(size)
    patches = basis @ rng.normal(size=(_PATCHES, _PATCHES)).astype(np.float32) @ basis.T
    rows, columns = np.ogrid[:size, :size]
    along = columns * np.cos(sea.heading) + rows * np.sin(sea.heading)
    phase = (2 * np.pi / sea.wavelength * along + rng.uniform(0, 6)).astype(np.float32)
    noise = rng.standard_normal((size, size), dtype=np.float32)
    level = (
        sea.patchiness * patches
        + sea.swell * np.sin(phase + 0.3 * sea.patchiness * patches)
        + sea.noise * noise
    )
    if sea.glint:
        level += sea.glint * np.maximum(noise + 0.5 * patches - 1.5, 0)
    return np.asarray(sea.colour, np.float32) + level[..., None]


@cache
def _basis(size: int) -> np.ndarray:
    """Return the weights (size, patches) that interpolate a coarse grid smoothly."""
    places = np.linspace(0, _PATCHES - 1, size)[:, None]
    distance = np.clip(np.abs(places - np.arange(_PATCHES)), 0, 1)
    return ((1 + np.cos(np.pi * distance)) / 2).astype(np.float32)


SHORTEST, LONGEST = 8.0, 40.0  # pixels


def paint_ship(
    image: np.ndarray, x: float, y: float, heading: float, length: float, rng: Generator
) -> tuple[float, float, float, float] | None:
    """Paint a ship, with a wake at random, and return the box of its hull; None if out of sight."""
    beam = length / rng.uniform(3.0, 5.5)
    beam = max(beam, 2.5)
    if rng.random() < 0.4:
        paint_wake(image, x, y, heading, length, rng)
    part = frame(image, x, y, heading, length / 2 + 2)
    ahead = np.clip(part.u / (length / 2), -1, 1)
    taper = np.sqrt(np.clip(1 - np.clip((ahead - 0.3) / 0.7, 0, 1) ** 2, 0, 1))
    half = beam / 2 * taper
    hull = np.clip(half - np.abs(part.v) + 0.5, 0, 1)
    hull = hull * np.clip(length / 2 - np.abs(part.u) + 0.5, 0, 1)
    box = bounds(part, hull)
    part.blend(hull, HULLS[rng.integers(len(HULLS))] * rng.uniform(0.9, 1.15))
    _paint_deck(part, hull, length, beam, rng)
    return box


def _paint_deck(part: Frame, hull: np.ndarray, length: float, beam: float, rng: Generator) -> None:
    """Paint a bridge at the stern, and on large ships containers or hatches."""
    if length > 18 and rng.random() < 0.6:
        period = rng.uniform(3, 5)
        stripes = (np.floor(part.u / period) % 2 == 0) & (np.abs(part.u) < 0.32 * length)
        stripes &= np.abs(part.v) < 0.35 * beam
        part.blend(0.6 * hull * stripes, HULLS[rng.integers(len(HULLS))])
    bridge = np.abs(part.u + 0.33 * length) < 0.09 * length + 0.5
    part.blend(0.9 * hull * bridge, WHITE)


def paint_wake(
    image: np.ndarray, x: float, y: float, heading: float, length: float, rng: Generator
) -> None:
    """Paint the foam behind a ship of a given length: wider and fainter with the distance."""
    reach = length * rng.uniform(1.0, 2.5)
    back = length / 2 + reach / 2
    cx, cy = x - back * np.cos(heading), y - back * np.sin(heading)
    part = frame(image, cx, cy, heading, reach / 2 + 4)
    behind = np.clip((reach / 2 - part.u) / reach, 0, 1)
    width = 1.0 + 0.12 * length + 3 * behind
    alpha = np.clip(width / 2 - np.abs(part.v) + 0.5, 0, 1) * (1 - behind) ** 1.5
    part.blend(0.7 * alpha * (np.abs(part.u) < reach / 2), FOAM)
