"""A ranking of what fooled a detector, of bounded length and without near-duplicates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.detections import Detections
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

    @property
    def score(self) -> float:
        """The highest score of what was found."""
        return float(self.detections.scores[0])

    @classmethod
    def of(cls, index: int, scene: Scene, detections: Detections) -> HardNegative:
        """Make one of a scene and what was found in it, at least one box."""
        return cls(index, scene.name, detections, _look(scene.image, detections.boxes[0]))


class Ranking:
    """The hardest negatives seen so far, the highest score first.

    Args:
        most: how many are kept.
        distinct: of two whose surroundings differ less than this (root mean square, in levels of 0
            to 255) only the harder one is kept; 0 keeps both.
    """

    def __init__(self, most: int, distinct: float):
        self.most, self.distinct = most, distinct
        self.items: list[HardNegative] = []

    def add(self, candidates: Iterable[HardNegative]) -> None:
        """Rank candidates among those that are kept; of equal scores the lower index leads."""
        worst = self.items[-1].score if len(self.items) == self.most else -1.0
        new = [candidate for candidate in candidates if candidate.score > worst]
        if not new:
            return
        ranked = sorted([*self.items, *new], key=lambda item: (-item.score, item.index))
        self.items = self._thinned(ranked)[: self.most]

    def _thinned(self, ranked: list[HardNegative]) -> list[HardNegative]:
        if not self.distinct:
            return ranked
        looks = torch.stack([item.look for item in ranked])
        near = torch.cdist(looks, looks) < self.distinct * looks.shape[1] ** 0.5
        kept: list[int] = []
        for place in range(len(ranked)):
            if not kept or not near[place, kept].any():
                kept.append(place)
        return [ranked[place] for place in kept]

    def state(self) -> list[tuple]:
        """Return what is kept as tensors and plain values, for a checkpoint."""
        return [
            (item.index, item.name, item.detections.boxes, item.detections.scores, item.look)
            for item in self.items
        ]

    def load(self, state: list[tuple]) -> None:
        """Take over what `state` returned."""
        self.items = [
            HardNegative(index, name, Detections(boxes, scores), look)
            for index, name, boxes, scores, look in state
        ]


def _look(image: Tensor, box: Tensor) -> Tensor:
    """Average the surroundings of a box, kept inside the image, to (3 * 8 * 8,) levels."""
    height, width = image.shape[-2:]
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    left = min(max(int(x) - CROP // 2, 0), max(width - CROP, 0))
    top = min(max(int(y) - CROP // 2, 0), max(height - CROP, 0))
    part = image[:, top : top + CROP, left : left + CROP].float()
    return F.adaptive_avg_pool2d(part, GRID).flatten()
