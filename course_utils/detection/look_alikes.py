"""Simulated things that are taken for ships: piers, islands, whitecaps, clouds and others.

Each function paints one at a place (x, y, heading) of the image (size, size, 3), with a factor
`light` on its colours, and returns its box, x0, y0, x1, y1 in pixels; None if out of sight.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from course_utils.detection.painting import (
    CONCRETE,
    EARTH,
    FOAM,
    HULLS,
    WHITE,
    bar,
    bounds,
    frame,
    paint_wake,
)


def paint_pier(image, x, y, heading, rng: Generator, *, light: float = 1.0):
    """Paint a pier or breakwater: a long grey bar, longer than ships are."""
    length, width = rng.uniform(25, 70), rng.uniform(3, 7)
    part = frame(image, x, y, heading, length / 2 + 3)
    alpha = bar(part, length, width)
    part.blend(alpha, CONCRETE * (light * rng.uniform(0.8, 1.2)))
    part.blend(0.5 * bar(part, length, width / 3), CONCRETE * 0.7 * light)
    return bounds(part, alpha)


def paint_containers(image, x, y, heading, rng: Generator, *, light: float = 1.0):
    """Paint a quay with stacks of containers: a block with coloured stripes."""
    length, width = rng.uniform(14, 34), rng.uniform(8, 16)
    part = frame(image, x, y, heading, length / 2 + width / 2 + 2)
    alpha = bar(part, length, width)
    part.blend(alpha, CONCRETE * 0.9 * light)
    for row in np.arange(-width / 2 + 2, width / 2 - 1, 3.5):
        stack = (np.abs(part.v - row) < 1.2) & (np.abs(part.u) < length / 2 - 2)
        part.blend(0.9 * alpha * stack, HULLS[rng.integers(len(HULLS))] * light)
    return bounds(part, alpha)


def paint_island(image, x, y, heading, rng: Generator, *, light: float = 1.0):
    """Paint a small island or rock with a rim of surf."""
    length, width = rng.uniform(10, 34), rng.uniform(4, 14)
    part = frame(image, x, y, heading, length / 2 + 6)
    angle = np.arctan2(part.v, part.u)
    edge = 1 + 0.2 * np.sin(3 * angle + rng.uniform(0, 6)) + 0.1 * np.sin(7 * angle)
    distance = np.sqrt((part.u / (length / 2)) ** 2 + (part.v / (width / 2)) ** 2) / edge
    surf = np.clip((1.35 - distance) * width / 4, 0, 1)
    part.blend(0.8 * surf, FOAM * light)
    land = np.clip((1 - distance) * width / 3 + 0.5, 0, 1)
    part.blend(land, EARTH * (light * rng.uniform(0.7, 1.4)))
    return bounds(part, surf)


def paint_whitecap(image, x, y, heading, rng: Generator, *, light: float = 1.0):
    """Paint breaking waves: thin, bent, ragged crests of foam, several side by side."""
    crests, gap = rng.integers(3, 6), rng.uniform(4, 7)
    part = frame(image, x, y, heading, gap * crests / 2 + 8)
    alpha = np.zeros_like(part.u)
    for row in range(crests):
        length, width = rng.uniform(5, 13), rng.uniform(1, 2.2)
        u, v = part.u - rng.normal(0, 3), part.v - gap * (row - (crests - 1) / 2)
        bend = rng.uniform(0.5, 1.5) * np.cos(3 * u / length)
        crest = np.clip(width / 2 - np.abs(v - bend) + 0.5, 0, 1)
        alpha += crest * np.clip(length / 2 - np.abs(u) + 0.5, 0, 1)
    alpha = np.clip(alpha, 0, 1) * rng.uniform(0.5, 1, part.u.shape)
    part.blend(alpha, FOAM * (light * rng.uniform(0.9, 1.1)))
    return bounds(part, alpha)


def paint_cloud(image, x, y, heading, rng: Generator, *, light: float = 1.0):
    """Paint a small cloud, and its shadow beside it."""
    radius, flat = rng.uniform(7, 20), rng.uniform(0.4, 1)
    for dx, colour, strength in ((1.3 * radius, 15.0, 0.5), (0.0, WHITE, 0.85)):
        part = frame(image, x + dx, y + dx / 2, heading, 1.6 * radius)
        distance = np.sqrt((part.u / radius) ** 2 + (part.v / (radius * flat)) ** 2)
        alpha = strength * np.exp(-(distance**3))
        part.blend(alpha, colour)
    return bounds(part, alpha)


def paint_wake_alone(image, x, y, heading, rng: Generator, *, light: float = 1.0):
    """Paint the wake of a ship that has gone."""
    seen = paint_wake(image, x, y, heading, rng.uniform(8, 26), rng, light=light)
    whole = frame(image, image.shape[0] / 2, image.shape[0] / 2, 0.0, image.shape[0])
    return bounds(whole, seen)


def paint_buoy(image, x, y, heading, rng: Generator, *, light: float = 1.0):
    """Paint a row of buoys: dots of 2 to 4 pixels."""
    count, gap = rng.integers(1, 4), rng.uniform(5, 8)
    part = frame(image, x, y, heading, gap * count)
    place = np.abs((part.u + gap / 2) % gap - gap / 2)
    distance = np.sqrt(place**2 + part.v**2)
    inside = np.abs(part.u) < gap * (count - 0.5) / 2 + 1
    alpha = np.clip(rng.uniform(1.2, 2.0) - distance + 0.5, 0, 1) * inside
    part.blend(alpha, np.array([220.0, 150, 60], np.float32) * light)
    return bounds(part, alpha)


def paint_platform(image, x, y, heading, rng: Generator, *, light: float = 1.0):
    """Paint an oil platform: a square with a bright helicopter deck and a dark derrick."""
    side = rng.uniform(7, 15)
    part = frame(image, x, y, heading, side + 2)
    alpha = bar(part, side, side * rng.uniform(0.6, 1))
    part.blend(alpha, HULLS[rng.integers(len(HULLS))] * light)
    deck = np.sqrt((part.u - side / 4) ** 2 + (part.v - side / 4) ** 2) < side / 5
    part.blend(0.9 * alpha * deck, WHITE * light)
    part.blend(0.8 * alpha * (np.abs(part.u + side / 4) < 1), 40.0)
    return bounds(part, alpha)


LOOK_ALIKES: dict[str, Callable] = {
    "pier": paint_pier,
    "containers": paint_containers,
    "island": paint_island,
    "whitecap": paint_whitecap,
    "cloud": paint_cloud,
    "wake": paint_wake_alone,
    "buoys": paint_buoy,
    "platform": paint_platform,
}
