"""Simulated satellite scenes with exact ground truth: ships, and what is taken for ships."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.random import Generator, default_rng

from course_utils._validate import check_number, check_whole
from course_utils.detection.look_alikes import LOOK_ALIKES
from course_utils.detection.painting import (
    CONCRETE,
    LONGEST,
    SHORTEST,
    Sea,
    bar,
    frame,
    paint_sea,
    paint_ship,
    random_sea,
)
from course_utils.detection.scenes import Scene

SCENES_A_FAMILY = 20
SMALLEST_PART = 0.5  # of a ship's box; of ships cut off more, none is painted


@dataclass(frozen=True)
class SimulatedScenes:
    """Scenes, each made when it is asked for; scene i depends on the seed and i alone.

    Scenes of a family share the look of the sea, as images of one port and day do: split by ranges
    of families (`first_family`), never inside one. `name` begins with the family, up to a hyphen.

    Args:
        count: how many scenes.
        ships: whether they hold ships.
        seed: an integer from 0.
        first_family: number of the family that the first 20 scenes belong to.
        look_alikes: fraction of the scenes that hold things that are taken for ships.
        unlabelled: fraction of scenes without ships that do hold one, which the ground truth
            leaves out, as careless labelling does; `name` ends in "-unlabelled".
        size: height and width in pixels.

    Raises:
        ValueError: a number is out of its range.
        IndexError: there is no such scene.
    """

    count: int
    ships: bool
    seed: int = 0
    first_family: int = 0
    look_alikes: float = 0.0
    unlabelled: float = 0.0
    size: int = 128

    def __post_init__(self):
        for name, least in (("count", 0), ("seed", 0), ("first_family", 0), ("size", 64)):
            check_whole(name, getattr(self, name), least)
        for name in ("look_alikes", "unlabelled"):
            check_number(name, getattr(self, name), least=0, most=1)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Scene:
        if not -self.count <= index < self.count:
            raise IndexError(f"There is no scene {index}: the sequence has {self.count}.")
        index %= self.count
        family = self.first_family + index // SCENES_A_FAMILY
        sea = _sea_of(self.seed, family)
        rng = default_rng((self.seed, family, index, int(self.ships)))
        image = paint_sea(sea, self.size, rng)
        kinds, look_alikes = self._paint_look_alikes(image, rng)
        name = f"family{family:05}-{'ships' if self.ships else 'empty'}{index:06}"
        boxes = _paint_fleet(image, rng) if self.ships else []
        if not self.ships and rng.random() < self.unlabelled:
            _paint_lone_ship(image, rng)
            name += "-unlabelled"
        levels = np.clip(image * np.asarray(sea.cast, np.float32), 0, 255).astype(np.uint8)
        pixels = torch.from_numpy(np.ascontiguousarray(levels.transpose(2, 0, 1)))
        return Scene(name, pixels, _tensor(boxes), kinds, _tensor(look_alikes))

    def _paint_look_alikes(self, image: np.ndarray, rng: Generator) -> tuple[tuple, list]:
        if rng.random() >= self.look_alikes:
            return (), []
        names = rng.choice(list(LOOK_ALIKES), rng.integers(1, 4))
        painted = [(str(name), LOOK_ALIKES[name](image, rng)) for name in names]
        seen = [(name, box) for name, box in painted if box is not None]
        return tuple(name for name, _ in seen), [box for _, box in seen]


@lru_cache(maxsize=64)
def _sea_of(seed: int, family: int) -> Sea:
    """Return the look that the scenes of a family share."""
    return random_sea(default_rng((seed, family)))


def _paint_fleet(image: np.ndarray, rng: Generator) -> list:
    """Paint the ships of one scene: alone, some apart, moored at a quay, or in a cluster."""
    kind = rng.choice(["alone", "apart", "moored", "cluster"], p=[0.45, 0.3, 0.12, 0.13])
    if kind == "moored":
        return _paint_moored(image, rng)
    if kind == "cluster":
        x, y = rng.uniform(30, image.shape[0] - 30, 2)
        places = [(x + dx, y + dy) for dx, dy in rng.uniform(-24, 24, (rng.integers(2, 5), 2))]
    else:
        count = 1 if kind == "alone" else rng.integers(2, 4)
        places = rng.uniform(4, image.shape[0] - 4, (count, 2))
    boxes = []
    for x, y in places:
        boxes += _try_ship(image, x, y, rng.uniform(0, 2 * np.pi), boxes, rng)
    return boxes or _paint_lone_ship(image, rng)


def _paint_moored(image: np.ndarray, rng: Generator) -> list:
    """Paint a quay with ships along it."""
    size = image.shape[0]
    x, y, heading = *rng.uniform(0.3 * size, 0.7 * size, 2), rng.uniform(0, 2 * np.pi)
    length, width = rng.uniform(50, 90), rng.uniform(5, 10)
    part = frame(image, x, y, heading, length / 2 + 3)
    part.blend(bar(part, length, width), CONCRETE)
    boxes = []
    for along in rng.uniform(-0.35, 0.35, rng.integers(1, 4)) * length:
        beside = (width / 2 + rng.uniform(4, 6)) * rng.choice([-1, 1])
        px = x + along * np.cos(heading) - beside * np.sin(heading)
        py = y + along * np.sin(heading) + beside * np.cos(heading)
        boxes += _try_ship(image, px, py, heading + np.pi * rng.integers(2), boxes, rng)
    return boxes or _paint_lone_ship(image, rng)


def _paint_lone_ship(image: np.ndarray, rng: Generator) -> list:
    x, y = rng.uniform(25, image.shape[0] - 25, 2)
    return _try_ship(image, x, y, rng.uniform(0, 2 * np.pi), [], rng)


def _try_ship(
    image: np.ndarray, x: float, y: float, heading: float, others: list, rng: Generator
) -> list:
    """Paint a ship unless it would cover another one or be cut off by the border."""
    length = SHORTEST + (LONGEST - SHORTEST) * rng.beta(1.4, 2.0)
    half = length / 2
    size = image.shape[0]
    reach = [half * abs(np.cos(heading)) + 1, half * abs(np.sin(heading)) + 1]
    inside = [
        max(min(c + r, size) - max(c - r, 0), 0) / (2 * r)
        for c, r in zip((x, y), reach, strict=True)
    ]
    if inside[0] * inside[1] < SMALLEST_PART:
        return []
    for x0, y0, x1, y1 in others:
        apart = max(x0 - x - reach[0], x - reach[0] - x1, y0 - y - reach[1], y - reach[1] - y1)
        if apart < 1:
            return []
    box = paint_ship(image, x, y, heading, length, rng)
    return [] if box is None else [box]


def _tensor(boxes: list) -> torch.Tensor:
    return torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
