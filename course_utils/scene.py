"""A scene: an image seen from above, with the boxes of its ships."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


def _no_boxes() -> Tensor:
    return torch.empty(0, 4)


@dataclass(frozen=True)
class Scene:
    """An image and what is in it; a box is x0, y0, x1, y1 in pixels, the last two exclusive.

    Attributes:
        name: of the scene, unique in its set.
        image: uint8 (3, height, width).
        boxes: float32 (n, 4), one a ship.
        kinds: what each look-alike is; empty for real images.
        look_alikes: float32 (m, 4), the boxes of the look-alikes.
    """

    name: str
    image: Tensor
    boxes: Tensor
    kinds: tuple[str, ...] = ()
    look_alikes: Tensor = field(default_factory=_no_boxes)
