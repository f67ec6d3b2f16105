"""Simulated satellite scenes with exact ground truth: ships, and what is taken for ships."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    Port,
    develop,
    frame,
    lay_land,
    paint_land,
    paint_ship,
    paint_wake,
    paint_water,
    random_port,
    smooth_noise,
    turned,
)
from course_utils.detection.scenes import Scene

SCENES_A_FAMILY = 20
SMALLEST_PART = 0.5  # of a ship's box; of ships cut off more, none is painted
# How often each ground occurs in scenes with ships, and in those without.
GROUNDS = {"water": (0.5, 0.35), "coast": (0.25, 0.3), "harbour": (0.25, 0.15), "land": (0, 0.2)}
GLINT, HAZE, PASSING_WAKE = 0.12, 0.12, 0.08  # how often each occurs, where there is water


@dataclass(frozen=True)
class SimulatedScenes:
    """Scenes, each made when it is asked for; scene i depends on the seed and i alone.

    Most scenes hold more than water: coast, harbour, land, sun glint, haze, wakes of ships that are
    gone. All that is bright, and most of it is easy to tell from a ship. Few hold things that are
    taken for ships (`LOOK_ALIKES`). Both stand in scenes with ships as well.

    Scenes of a family share the look of water and land, as images of one port and day do: split by
    ranges of families (`first_family`), never inside one. `name` begins with the family, up to a
    hyphen, and `ground` says what is below.

    Args:
        count: how many scenes.
        ships: whether they hold ships.
        seed: an integer from 0.
        first_family: number of the family that the first 20 scenes belong to.
        look_alikes: fraction of the scenes that hold things that are taken for ships.
        unlabelled: fraction of scenes without ships that do hold one where there is room on the
            water (in about seven of ten there is), which the ground truth leaves out, as
            careless labelling does; `name` ends in "-unlabelled".
        size: height and width in pixels, 64 to 256.

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
        port = _port_of(self.seed, family)
        rng = default_rng((self.seed, family, index, int(self.ships)))
        ground = str(rng.choice(list(GROUNDS), p=[p[not self.ships] for p in GROUNDS.values()]))
        view = _View(port, ground, self.size, rng)
        kinds, look_alikes = self._paint_look_alikes(view, rng)
        name = f"family{family:05}-{'ships' if self.ships else 'empty'}{index:06}"
        if self.ships:
            view.paint_fleet()
        elif rng.random() < self.unlabelled and view.paint_lone_ship():
            name += "-unlabelled"
        haze = rng.uniform(0.1, 0.5) if rng.random() < HAZE else 0.0
        levels = develop(view.image, port, rng, haze=haze)
        pixels = torch.from_numpy(np.ascontiguousarray(levels.transpose(2, 0, 1)))
        boxes = _tensor(view.boxes if self.ships else [])
        return Scene(name, pixels, boxes, kinds, _tensor(look_alikes), ground)

    def _paint_look_alikes(self, view: _View, rng: Generator) -> tuple[tuple, list]:
        if rng.random() >= self.look_alikes:
            return (), []
        seen = []
        for name in rng.choice(list(LOOK_ALIKES), rng.integers(1, 4)):
            place = view.free_place(margin=8)
            if place is not None:
                box = LOOK_ALIKES[name](view.image, *place, rng, light=view.port.light)
                if box is not None:
                    seen.append((str(name), box))
                    view.taken.append(box)
        return tuple(name for name, _ in seen), [box for _, box in seen]


@lru_cache(maxsize=64)
def _port_of(seed: int, family: int) -> Port:
    """Return the look that the scenes of a family share."""
    return random_port(default_rng((seed, family)))


@dataclass
class _View:
    """A scene while it is painted."""

    port: Port
    ground: str
    size: int
    rng: Generator
    boxes: list = field(default_factory=list)  # of ships
    taken: list = field(default_factory=list)  # boxes in which no ship is painted
    berths: list = field(default_factory=list)  # x, y and heading along the quays

    def __post_init__(self):
        """Paint what is below: water, and the land around it."""
        port, size, rng = self.port, self.size, self.rng
        self.height = np.full((size, size), -size, np.float32)  # pixels inland; water is below 0
        if self.ground == "land":
            self.height += 2 * size
            self.image = self._land()
            return
        glint = rng.uniform(0.3, 1.2) if rng.random() < GLINT else 0.0
        self.image = paint_water(port, size, rng, glint=glint)
        if rng.random() < PASSING_WAKE:
            self._paint_passing_wake()
        if self.ground == "coast":
            self._paint_coast()
        elif self.ground == "harbour":
            self._paint_harbour()

    def _land(self, kinds=("town", "town", "sheds", "fields", "woods", "woods")) -> np.ndarray:
        """Paint land of one kind, or now and then of two side by side."""
        one, other = self.rng.choice(kinds, 2)
        land = paint_land(self.port, self.size, one, self.rng)
        if one != other and self.rng.random() < 0.5:
            share = np.clip(3 * smooth_noise(self.size, 4, self.rng), 0, 1)[..., None]
            land += share * (paint_land(self.port, self.size, other, self.rng) - land)
        return land

    def _slope(self, heading: float, share: float) -> np.ndarray:
        """Return pixels inland from a straight shore that leaves some share to the land."""
        along, _ = turned(self.size, heading)
        middle = (self.size - 1) / 2 * (np.cos(heading) + np.sin(heading))
        return along + np.float32(self.size * (share - 0.5) - middle)

    def _paint_coast(self) -> None:
        rng = self.rng
        slope = self._slope(rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.6))
        bends = self.size * 0.08 * smooth_noise(self.size, 4, rng)
        self.height = slope + bends + 1.2 * smooth_noise(self.size, self.size // 6, rng)
        beach = np.array([190.0, 170, 130], np.float32) * self.port.light
        sand = np.clip(1 - self.height / rng.uniform(1, 8), 0, 1)[..., None]
        land = self._land()
        land += sand * (beach - land)
        lay_land(self.image, land, self.height, surf=rng.choice([0.0, rng.uniform(0.1, 0.8)]))

    def _paint_harbour(self) -> None:
        """Paint a straight shore, and jetties that stand out from it, with berths along both."""
        rng, size = self.rng, self.size
        heading = self.port.heading + rng.integers(4) * np.pi / 2 + rng.normal(0, 0.1)
        share = rng.uniform(0.05, 0.5)
        self.height = self._slope(heading, share)
        inland = np.array([np.cos(heading), np.sin(heading)])
        along = np.array([-inland[1], inland[0]])
        shore = size / 2 + size * (0.5 - share) * inland  # the middle of the quay
        for place in rng.uniform(-0.5, 0.5, rng.integers(0, 4)) * size:
            length, width = rng.uniform(0.2, 0.7) * size, rng.uniform(7, 24) * self.port.scale
            root = shore + place * along
            x, y = root - inland * length / 2
            part = frame(self.image, x, y, heading, 1.5 * size)
            ends, sides = length / 2 + 4 - np.abs(part.u), width / 2 - np.abs(part.v)
            self.height = np.maximum(self.height, np.minimum(ends, sides))
            for side in (-1, 1):
                middle = (x, y) + side * along * width / 2
                self.berths.append((middle, inland, side * along, length / 2))
        self.berths.append((shore, along, -inland, size / 2))
        apron = np.clip(1 - (self.height - rng.uniform(1, 5)) / 1.5, 0, 1)[..., None]
        land = self._land(("sheds", "stacks", "town", "sheds", "stacks"))
        land += apron * (CONCRETE * (self.port.light * rng.uniform(0.6, 1.1)) - land)
        lay_land(self.image, land, self.height, surf=0.0)

    def _paint_passing_wake(self) -> None:
        """Paint the wake of a ship that has left the image."""
        heading = self.rng.uniform(0, 2 * np.pi)
        away = self.size * self.rng.uniform(0.75, 1.0)
        x, y = self.size / 2 + away * np.array([np.cos(heading), np.sin(heading)])
        length = self.size * self.rng.uniform(0.25, 0.5)
        paint_wake(self.image, x, y, heading, length, self.rng, light=self.port.light)

    def free_place(self, margin: float = 4) -> tuple[float, float, float] | None:
        """Draw a place on the water and a heading; None where there is hardly any water."""
        for _ in range(12):
            x, y = self.rng.uniform(margin, self.size - margin, 2)
            if self.height[int(y), int(x)] < -3:
                return x, y, self.rng.uniform(0, 2 * np.pi)
        return None

    def paint_fleet(self) -> None:
        """Paint the ships of one scene: alone, some apart, in a cluster, or moored at a quay."""
        rng = self.rng
        if self.berths and rng.random() < 0.5:
            self._paint_moored()
        for _ in range(rng.choice([0, 1, 2, 3], p=[0.15, 0.55, 0.2, 0.1])):
            self.paint_lone_ship()
        if rng.random() < 0.12 and (place := self.free_place(16)):
            for dx, dy in rng.uniform(-20, 20, (rng.integers(2, 5), 2)):
                self._try_ship(place[0] + dx, place[1] + dy, rng.uniform(0, 2 * np.pi))
        for _ in range(20):
            if self.boxes or self.paint_lone_ship():
                return
        # no room at all: the land gives way
        self.ground, self.boxes, self.taken, self.berths = "water", [], [], []
        self.__post_init__()
        self.paint_fleet()

    def _paint_moored(self) -> None:
        rng = self.rng
        for _ in range(rng.integers(1, 5)):
            middle, along, outward, half = self.berths[rng.integers(len(self.berths))]
            length = self._length()
            beam = max(length / 4.5, 2.2)
            place = rng.uniform(-1, 1) * max(half - length / 2, 0)
            x, y = middle + place * along + (beam / 2 + rng.uniform(0, 1.2)) * outward
            heading = np.arctan2(along[1], along[0]) + np.pi * rng.integers(2)
            self._try_ship(x, y, heading, length, moored=True)

    def paint_lone_ship(self) -> bool:
        """Paint a ship somewhere on the water; say whether there was room."""
        place = self.free_place()
        return place is not None and self._try_ship(*place)

    def _length(self) -> float:
        """Draw a length: the median of real ones is 16 pixels of 10 m."""
        drawn = self.rng.lognormal(np.log(16 * self.port.scale), 0.45)
        return float(np.clip(drawn, SHORTEST, LONGEST))

    def _try_ship(self, x, y, heading, length: float | None = None, *, moored=False) -> bool:
        """Paint a ship unless it covers another thing or lies ashore or mostly outside."""
        length = length or self._length()
        half, size = length / 2, self.size
        ahead = np.array([np.cos(heading), np.sin(heading)])
        reach = half * np.abs(ahead) + 1
        centre = np.array([x, y])
        low, high = np.maximum(centre - reach, 0), np.minimum(centre + reach, size)
        if np.prod(np.maximum(high - low, 0) / (2 * reach)) < SMALLEST_PART:
            return False
        for x0, y0, x1, y1 in self.taken:
            gaps = (x0 - high[0], low[0] - x1, y0 - high[1], low[1] - y1)
            if max(gaps) < 1:
                return False
        deep = 0.0 if moored else -2.0
        for share in (-1, -0.5, 0, 0.5, 1):  # along the keel
            column, row = np.clip((centre + share * half * ahead).astype(int), 0, size - 1)
            if self.height[row, column] > deep:
                return False
        wake = 0.0 if moored else 0.4
        box = paint_ship(
            self.image, x, y, heading, length, self.rng, light=self.port.light, wake=wake
        )
        if box is None:
            return False
        self.boxes.append(box)
        self.taken.append(box)
        return True


def _tensor(boxes: list) -> torch.Tensor:
    return torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
