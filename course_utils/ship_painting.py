"""Simulated ships of 8 to 40 pixels, and their wakes."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from course_utils.painting import FOAM, HULLS, WHITE, Frame, bounds, frame

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
