"""Lesson 09, hard negatives: its settings, and the trainings that it compares."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.detection import (
    DetectionLoss,
    FpnDetector,
    SceneLoader,
    ShipDetector,
    pack,
)
from course_utils.detection.scenes import PackedScenes
from course_utils.lessons.data_09 import Counts, ShipData, from_folder, is_airbus_folder, simulated
from course_utils.profiles import choose, data_folder, seeds
from course_utils.training import set_seed
from course_utils.training.preserve_state import eval_mode


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
        second_peak: of the second training's cycle.
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
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    steps: int,
    peak: float,
    heatmap_loss: str = "cross-entropy",
) -> nn.Module:
    """Train a detector in one cycle, by the loop that the notebook shows, and return it."""
    loss_function = DetectionLoss(heatmap_loss)
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=steps)
    model.train()
    for images, targets in batches:
        loss = loss_function(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model


def heat_of(model: nn.Module, images: Tensor) -> Tensor:
    """Return the highest heat in each image (n, 3, h, w), 0 to 1, as the notebook does."""
    with torch.no_grad(), eval_mode(model):
        return torch.cat(
            [model(part)[:, :1].sigmoid().amax((1, 2, 3)) for part in images.split(64)]
        )


def contrast_of(images: Tensor) -> Tensor:
    """Return the brightest minus the darkest pixel of each image, in levels: no detector needed."""
    grey = images.float().mean(1).flatten(1)
    return grey.amax(1) - grey.amin(1)


# name -> what is trained: from the first detector, or afresh; images without ships in a batch
ARMS = ("ships only", "mined", "random", "highest contrast")
MORE_ARMS = ("natural mix", "focal loss")  # stored alone


class Arms:
    """What is trained on one seed: a first detector on ship images alone, and the arms.

    All arms take the same number of gradient steps in all.

    Args:
        settings: of the lesson.
        seed: of data, weights and order.
        device: where to train.
        data: the images; by default the settings' own.

    Attributes:
        ships: the training images that hold ships, packed.
        pool: the training images without, packed.
    """

    def __init__(
        self, settings: Settings, seed: int, device: torch.device, data: ShipData | None = None
    ):
        self.settings, self.seed, self.device = settings, seed, device
        self.data = data or settings.load(seed)
        self.ships = pack(self.data.ships, device=device)
        self.pool = pack(self.data.empty, device=device)

    @cached_property
    def first(self) -> nn.Module:
        """The detector after the first training, on ship images alone."""
        set_seed(self.seed)
        model = self.settings.model().to(self.device)
        steps = self.settings.first_steps
        return train(model, self._batches(None, steps), steps, self.settings.peak)

    @cached_property
    def ranked(self) -> list[int]:
        """All images of the pool, the hardest first."""
        return heat_of(self.first, self.pool.images).argsort(descending=True).tolist()

    @cached_property
    def by_contrast(self) -> list[int]:
        """All images of the pool, the one of the highest contrast first."""
        return contrast_of(self.pool.images).argsort(descending=True).tolist()

    def train(self, name: str) -> nn.Module:
        """Train one of `ARMS` or `MORE_ARMS`."""
        count = self.settings.mined
        if name in MORE_ARMS:
            return self.fresh("focal" if name == "focal loss" else "cross-entropy")
        rng = torch.Generator().manual_seed(self.seed)
        chosen = {
            "ships only": lambda: None,
            "mined": lambda: self.ranked[:count],
            "random": lambda: torch.randperm(len(self.pool), generator=rng)[:count].tolist(),
            "highest contrast": lambda: self.by_contrast[:count],
        }[name]()
        return self.go_on(chosen)

    def go_on(self, indices: Sequence[int] | None, start: nn.Module | None = None) -> nn.Module:
        """Train a detector (by default the first) on; half of each batch are these images."""
        model = copy.deepcopy(start or self.first)
        steps = self.settings.more_steps
        batches = self._batches(indices, steps, seed=self.seed + 1)
        return train(model, batches, steps, self.settings.second_peak)

    def fresh(self, heatmap_loss: str) -> nn.Module:
        """Train a fresh detector on ships and the whole pool, in their natural proportion."""
        set_seed(self.seed)
        share = len(self.pool) / (len(self.pool) + len(self.ships))
        steps = self.settings.first_steps + self.settings.more_steps
        batches = self._batches(range(len(self.pool)), steps, share=share)
        model = self.settings.model().to(self.device)
        return train(model, batches, steps, self.settings.peak, heatmap_loss)

    def _batches(
        self,
        indices: Iterable[int] | None,
        steps: int,
        *,
        share: float = 0.5,
        seed: int | None = None,
    ) -> SceneLoader:
        negatives = None
        if indices is not None:
            rows = torch.tensor(list(indices), device=self.device)
            negatives = PackedScenes(self.pool.images[rows], self.pool.boxes[rows.cpu()])
        return SceneLoader(
            self.ships,
            negatives,
            negative_fraction=share if negatives is not None else 0.0,
            batch_size=self.settings.batch_size,
            steps=steps,
            seed=self.seed if seed is None else seed,
        )


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(quick=_quick, full=_full, smoke=_smoke)()


def _quick() -> Settings:
    return Settings(
        model=ShipDetector,
        counts=Counts(600, 1800, 100, 200, 250, 1000),
        size=96,
        batch_size=16,
        first_steps=200,
        more_steps=400,
        peak=0.02,
        second_peak=0.02,
        mined=200,
        seeds=seeds(3),
    )


def _full() -> Settings:
    return Settings(
        model=partial(FpnDetector, depth=34, pretrained=True),
        counts=Counts(8_000, 18_000, 1_500, 2_500, 1_500, 4_000),
        size=256,
        batch_size=32,
        first_steps=4_000,
        more_steps=4_000,
        peak=0.003,
        second_peak=0.001,
        mined=2_000,
        seeds=seeds(3),
    )


def _smoke() -> Settings:
    return Settings(
        model=partial(FpnDetector, width=16),
        counts=Counts(16, 32, 8, 8, 8, 12),
        size=64,
        batch_size=4,
        first_steps=3,
        more_steps=3,
        peak=0.003,
        second_peak=0.001,
        mined=8,
        seeds=seeds(3),
    )
