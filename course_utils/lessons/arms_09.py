"""The trainings that lesson 09 compares, all with the same number of gradient steps."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import torch
from torch import nn

from course_utils.detection import MiningRound, mine_hard_negatives, pack
from course_utils.detection.scenes import PackedScenes
from course_utils.lessons.lesson_09 import Settings

# The five arms of the lesson, and two more that are stored with it.
ARMS = ("ships only", "mined", "random", "natural mix", "focal loss")
MORE_ARMS = ("hard examples", "whole pool, half")


class Arms:
    """What is trained on one seed: a first detector on ship images alone, and the arms.

    Args:
        settings: of the lesson.
        seed: of data, weights and order.
        device: where to train.
        unlabelled: fraction of the training images without ships that do hold one.

    Attributes:
        data: the images.
    """

    def __init__(
        self, settings: Settings, seed: int, device: torch.device, *, unlabelled: float = 0.0
    ):
        self.settings, self.seed, self.device = settings, seed, device
        self.data = settings.load(seed, unlabelled=unlabelled)

    @cached_property
    def ships(self) -> PackedScenes:
        """The training images that hold ships, on the device."""
        return pack(self.data.ships, device=self.device)

    @cached_property
    def first(self) -> nn.Module:
        """The detector after the first training, on ship images alone."""
        return self.settings.train(
            self.ships, seed=self.seed, device=self.device, steps=self.settings.first_steps
        )

    @cached_property
    def mined(self) -> MiningRound:
        """What the first detector wrongly finds."""
        return mine_hard_negatives(self.first, self.data.empty, max_negatives=self.settings.mined)

    def train(self, name: str) -> nn.Module:
        """Train one of `ARMS` or `MORE_ARMS`."""
        whole = range(len(self.data.empty))
        natural = len(whole) / (len(whole) + len(self.ships))
        return {
            "ships only": lambda: self.go_on(()),
            "mined": lambda: self.go_on(self.mined.indices),
            "random": lambda: self.go_on(self.random(len(self.mined.indices))),
            "whole pool, half": lambda: self.go_on(whole),
            "natural mix": lambda: self.fresh(natural, "cross-entropy"),
            "focal loss": lambda: self.fresh(natural, "focal"),
            "hard examples": lambda: self.fresh(natural, "hard examples"),
        }[name]()

    def go_on(self, indices: Iterable[int], *, start: nn.Module | None = None) -> nn.Module:
        """Train a detector (by default the first) on; half of each batch are these images."""
        return self.settings.train(
            self.ships,
            self.negatives(indices),
            seed=self.seed,
            device=self.device,
            start=start or self.first,
        )

    def fresh(self, fraction: float, heatmap_loss: str) -> nn.Module:
        """Train a fresh detector with the whole pool at a fraction of each batch."""
        return self.settings.train(
            self.ships,
            self.negatives(range(len(self.data.empty))),
            seed=self.seed,
            device=self.device,
            negative_fraction=fraction,
            heatmap_loss=heatmap_loss,
        )

    def random(self, count: int) -> list[int]:
        """Draw as many images without ships."""
        rng = np.random.default_rng(self.seed)
        return rng.permutation(len(self.data.empty))[:count].tolist()

    def negatives(self, indices: Iterable[int]) -> PackedScenes | None:
        """Pack images without ships; None where there is none."""
        scenes = [self.data.empty[index] for index in indices]
        return pack(scenes, device=self.device) if scenes else None
