"""Lesson 09, hard negatives: its settings and its trainings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from course_utils.detection import DetectionLoss, FpnDetector, SceneLoader, ShipDetector
from course_utils.detection.scenes import PackedScenes
from course_utils.lessons.data_09 import Counts, ShipData, from_folder, is_airbus_folder, simulated
from course_utils.lr import OneCycle
from course_utils.profiles import choose, data_folder, seeds
from course_utils.training import fit, set_seed


@dataclass(frozen=True)
class Settings:
    """What a profile decides.

    Attributes:
        model: builds an untrained detector.
        counts: how many images of each kind.
        size: of an image, in pixels.
        batch_size: images a step.
        first_steps: of the training on ship images alone.
        more_steps: of the second training.
        peak: learning rate at the peak of the first training's cycle, and of those from scratch.
        second_peak: of the second training's cycle, lower: it starts from a trained detector.
        mined: how many images are mined.
        seeds: of data, weights and order; the first is the lesson's own story.
    """

    model: Callable[[], nn.Module]
    counts: Counts
    size: int
    batch_size: int
    first_steps: int
    more_steps: int
    peak: float
    second_peak: float
    mined: int
    seeds: tuple[int, ...]

    def load(self, seed: int, *, unlabelled: float = 0.0) -> ShipData:
        """Load the images: those of COURSE_DATA where it is in Airbus layout, else simulated ones.

        Args:
            seed: draws the scenes, or the ports and images.
            unlabelled: see `data_09.simulated`; a folder is taken as it is.
        """
        folder = Path(data_folder())
        if is_airbus_folder(folder):
            return from_folder(folder, self.counts, size=self.size, seed=seed)
        return simulated(self.counts, size=self.size, seed=seed, unlabelled=unlabelled)

    def train(
        self,
        ships: PackedScenes,
        negatives: PackedScenes | None = None,
        *,
        seed: int,
        device: torch.device,
        start: nn.Module | None = None,
        negative_fraction: float = 0.5,
        heatmap_loss: str = "cross-entropy",
        steps: int | None = None,
    ) -> nn.Module:
        """Train a detector in one cycle.

        Args:
            ships: training images that hold ships.
            negatives: images without, or None for ship images alone.
            seed: of the weights and of the order.
            device: where to train.
            start: a trained detector to go on from (it stays as it is); None trains a fresh one.
            negative_fraction: of each batch.
            heatmap_loss: form of the loss, see `DetectionLoss`.
            steps: by default `more_steps` from `start`; for a fresh detector as many as both
                trainings have together, so that all arms have taken the same number.
        """
        set_seed(seed)
        model = self.model().to(device)
        if start is not None:
            model.load_state_dict(start.state_dict())
        fresh = start is None
        steps = steps or self.more_steps + (self.first_steps if fresh else 0)
        peak = self.peak if fresh else self.second_peak
        loader = SceneLoader(
            ships,
            negatives,
            negative_fraction=0.0 if negatives is None else negative_fraction,
            batch_size=self.batch_size,
            steps=steps,
            seed=seed if fresh else seed + 1,
        )
        optimizer = make_optimizer(model)
        schedule = OneCycle(optimizer, peak, steps)
        loss = DetectionLoss(heatmap_loss)
        fit(model, optimizer, loader, epochs=1, schedule=schedule, loss_function=loss)
        return model


def make_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """Build the optimizer of all trainings; the schedule sets its learning rate."""
    return torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05, fused=True)


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(quick=_quick, full=_full, smoke=_smoke)()


def _quick() -> Settings:
    return Settings(
        model=ShipDetector,
        counts=Counts(900, 2100, 200, 400, 300, 1500),
        size=64,
        batch_size=16,
        first_steps=300,
        more_steps=300,
        peak=0.02,
        second_peak=0.01,
        mined=200,
        seeds=seeds(3),
    )


def _full() -> Settings:
    return Settings(
        model=partial(FpnDetector, depth=34, pretrained=True),
        counts=Counts(30_000, 70_000, 4_000, 6_000, 4_000, 10_000),
        size=256,
        batch_size=32,
        first_steps=6_000,
        more_steps=6_000,
        peak=0.003,
        second_peak=0.001,
        mined=7_000,
        seeds=seeds(3),
    )


def _smoke() -> Settings:
    return Settings(
        model=partial(FpnDetector, width=16),
        counts=Counts(16, 32, 8, 8, 8, 12),
        size=64,
        batch_size=4,
        first_steps=6,
        more_steps=6,
        peak=0.003,
        second_peak=0.001,
        mined=8,
        seeds=seeds(3),
    )
