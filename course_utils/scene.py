"""A scene: an image seen from above, with the boxes of its ships."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from course_utils.limits import check_type


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

    Raises:
        TypeError: image or boxes are no tensor.
        ValueError: a tensor is of another form.
    """

    name: str
    image: Tensor
    boxes: Tensor
    kinds: tuple[str, ...] = ()
    look_alikes: Tensor = field(default_factory=_no_boxes)

    def __post_init__(self):
        for name in ("image", "boxes", "look_alikes"):
            check_type(name, getattr(self, name), Tensor)
        image = self.image
        if image.dtype != torch.uint8 or image.dim() != 3 or len(image) != 3:
            raise ValueError(
                f"The image is {image.dtype} of shape {tuple(image.shape)}, but must be uint8 "
                "(3, height, width)."
            )
        for boxes in (self.boxes, self.look_alikes):
            if boxes.dim() != 2 or boxes.shape[1] != 4:
                shape = tuple(boxes.shape)
                raise ValueError(
                    f"Boxes are of shape {shape}, but must be (n, 4), with n of 0 or more."
                )
