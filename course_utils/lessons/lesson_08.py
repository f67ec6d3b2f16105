"""Lesson 08, overfit a tiny set: its settings in each profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.batches import DeviceBatches
from course_utils.data import load_images
from course_utils.device import set_seed
from course_utils.image_set import ImageSet, pool_images
from course_utils.lessons.bugs_08 import SetUp
from course_utils.models import CifarResNet, simple_net, small_cnn
from course_utils.settings import choose, seeds


@dataclass(frozen=True)
class Settings:
    """What a profile decides.

    Attributes:
        models: name -> builds a healthy net; the first one gets the bugs planted.
        pool: side of the squares of pixels that are averaged into one.
        few: how many images are to be learned by heart.
        images: how many a set-up has in all.
        max_steps: after how many steps the test gives up.
        seeds: of images and weights.
    """

    models: Mapping[str, Callable[[], nn.Module]]
    pool: int
    few: int
    images: int
    max_steps: int
    seeds: tuple[int, ...]

    def load(self) -> ImageSet:
        """Load the training images."""
        images, _ = load_images()
        return pool_images(images, self.pool) if self.pool > 1 else images

    def set_up(self, images: ImageSet, seed: int, *, device: torch.device, model: str) -> SetUp:
        """Build a healthy set-up; the seed draws its images and its weights."""
        set_seed(seed)
        batches = DeviceBatches(
            images, batch_size=self.images, device=device, shuffle=True, seed=seed
        )
        return SetUp(self.models[model]().to(device), F.cross_entropy, *next(iter(batches)))


def settings() -> Settings:
    """Return the settings of the running profile."""
    quick = Settings(_models(1, 14, 8), pool=2, few=64, images=1024, max_steps=600, seeds=seeds(3))
    full = Settings(_models(3, 32, 20), pool=1, few=64, images=1024, max_steps=600, seeds=seeds(5))
    smoke = Settings(_models(3, 32, 8), pool=1, few=16, images=48, max_steps=8, seeds=seeds(3))
    return choose(quick=quick, full=full, smoke=smoke)


def _models(channels: int, size: int, depth: int) -> dict[str, Callable[[], nn.Module]]:
    return {
        "MLP": partial(simple_net, channels * size**2),
        "small CNN": partial(small_cnn, channels=channels, size=size),
        f"ResNet-{depth}": partial(CifarResNet, depth, channels=channels),
    }
