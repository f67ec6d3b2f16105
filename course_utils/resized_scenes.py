"""Scenes brought to one square size, each when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F

from course_utils.limits import check_whole
from course_utils.scene import Scene


class ResizedScenes:
    """Sequence of the same scenes in another size; their boxes are resized with them.

    Images are averaged over the pixels that fall into one (antialiasing). An image that is not
    square is squeezed. A scene of the right size stays as it is.

    Args:
        scenes: has `len` and an index.
        size: height and width in pixels.

    Raises:
        ValueError: `size` is less than 1.
    """

    def __init__(self, scenes: Sequence[Scene], size: int):
        check_whole("size", size, 1)
        self.scenes, self.size = scenes, size

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> Scene:
        scene = self.scenes[index]
        height, width = scene.image.shape[1:]
        if (height, width) == (self.size, self.size):
            return scene
        image = F.interpolate(
            scene.image[None].float(), (self.size, self.size), mode="bilinear", antialias=True
        )
        across, down = self.size / width, self.size / height
        factors = torch.tensor([across, down, across, down])
        return replace(
            scene,
            image=image[0].round().to(torch.uint8),
            boxes=scene.boxes * factors,
            look_alikes=scene.look_alikes * factors,
        )
