"""A ranking of what fooled a detector, of bounded length and without near-duplicates."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.detections import Detections
from course_utils.limits import check_number, check_type, check_whole
from course_utils.scene import Scene

CROP, GRID = 32, 8  # a find is compared by the 32 pixels around it, averaged to 8 x 8


@dataclass(frozen=True)
class HardNegative:
    """A scene without objects in which a detector finds some.

    Attributes:
        index: of the scene in what was mined.
        name: of the scene.
        detections: all that was found in it, each one false; the first has the highest score.
        look: (192,), the surroundings of the first one, averaged to 8 x 8 pixels, in levels.
    """

    index: int
    name: str
    detections: Detections
    look: Tensor

    @cached_property
    def score(self) -> float:
        """The highest score of what was found."""
        return float(self.detections.scores[0])

    @classmethod
    def of(cls, index: int, scene: Scene, detections: Detections) -> HardNegative:
        """Make one of a scene and what was found in it, at least one box.

        Raises:
            TypeError: `detections` is not a `Detections`.
            ValueError: nothing was found.
        """
        check_type("detections", detections, Detections)
        if not len(detections):
            raise ValueError(f"In scene {index} nothing was found: give one with a detection.")
        return cls(index, scene.name, detections, _look(scene.image, detections.boxes[0]))


class Ranking:
    """The hardest negatives seen so far, the highest score first.

    One that was dropped is not kept for later: should the one that it looks like be dropped in
    turn, it does not come back. Where look-alikes form chains, the order matters a little.

    Args:
        most: how many are kept.
        distinct: of two whose surroundings differ less than this (root mean square, in levels of 0
            to 255) only the harder one is kept; 0 keeps both.

    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(self, most: int, distinct: float):
        check_whole("most", most, 1)
        check_number("distinct", distinct, least=0)
        self.most, self.distinct = most, distinct
        self.items: list[HardNegative] = []

    def add(self, candidates: Iterable[HardNegative]) -> None:
        """Rank candidates among those that are kept; of equal scores the lower index leads.

        Those that are kept are distinct already, so that only the new ones are compared: the time
        grows with the number that is kept, not with its square.
        """
        worst = self.items[-1].score if len(self.items) == self.most else -math.inf
        new = sorted((item for item in candidates if item.score >= worst), key=_rank)
        if not new:
            return
        kept = self._thinned(new) if self.distinct else [*self.items, *new]
        self.items = sorted(kept, key=_rank)[: self.most]

    def _thinned(self, new: list[HardNegative]) -> list[HardNegative]:
        """Return kept and new ones, unsorted, without each that looks like a harder one."""
        old = self.items
        looks = torch.stack([item.look for item in (*old, *new)])
        new_looks = looks[len(old) :]
        near = torch.cdist(new_looks, looks) < self.distinct * looks.shape[1] ** 0.5
        stays = torch.zeros(len(looks), dtype=torch.bool)
        stays[: len(old)] = True
        for number, item in enumerate(new):  # the hardest first
            easier = bisect(old, _rank(item), key=_rank)  # the first of the old ones that is so
            rivals = near[number] & stays
            if not rivals[:easier].any() and not rivals[len(old) :].any():
                stays[easier : len(old)] &= ~rivals[easier : len(old)]
                stays[len(old) + number] = True
        return [item for item, stay in zip((*old, *new), stays.tolist(), strict=True) if stay]

    def state(self) -> dict:
        """Return what is kept as a few tensors and lists, for a checkpoint."""
        found = [item.detections for item in self.items]
        return {
            "indices": [item.index for item in self.items],
            "names": [item.name for item in self.items],
            "counts": [len(detections) for detections in found],
            "boxes": torch.cat([torch.empty(0, 4), *(d.boxes for d in found)]),
            "scores": torch.cat([torch.empty(0), *(d.scores for d in found)]),
            "looks": torch.stack([item.look for item in self.items] or [torch.empty(0)]),
        }

    def load(self, state: dict) -> None:
        """Take over what `state` returned."""
        boxes, scores = (state[name].split(state["counts"]) for name in ("boxes", "scores"))
        found = map(Detections, boxes, scores)
        parts = (state["indices"], state["names"], found, state["looks"])
        self.items = list(map(HardNegative, *parts))


def _rank(item: HardNegative) -> tuple[float, int]:
    """Return what sorts the hardest to the front."""
    return -item.score, item.index


def _look(image: Tensor, box: Tensor) -> Tensor:
    """Average the surroundings of a box, kept inside the image, to (3 * 8 * 8,) levels."""
    height, width = image.shape[-2:]
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    left = min(max(int(x) - CROP // 2, 0), max(width - CROP, 0))
    top = min(max(int(y) - CROP // 2, 0), max(height - CROP, 0))
    part = image[:, top : top + CROP, left : left + CROP].float()
    return F.adaptive_avg_pool2d(part, GRID).flatten()
