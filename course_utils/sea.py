"""Simulated water as a satellite sees it: swell, glint, noise and a colour cast."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.random import Generator

_PATCHES = 6  # patches of lighter and darker water along a side


@dataclass(frozen=True)
class Sea:
    """The look that all scenes of a family share, as the scenes of one port and day do.

    Attributes:
        colour: red, green and blue of the water, 0 to 255.
        cast: factor on each channel of the finished image.
        patchiness: standard deviation of large patches, in levels.
        swell: amplitude of the waves, in levels.
        wavelength: of the swell, in pixels.
        heading: of the swell, in radians.
        noise: standard deviation of the pixel noise, in levels.
        glint: brightness of the sun's reflection on single pixels, in levels.
    """

    colour: tuple[float, float, float]
    cast: tuple[float, float, float]
    patchiness: float
    swell: float
    wavelength: float
    heading: float
    noise: float
    glint: float


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
