"""Lesson 05, cyclical momentum: the momentum schedules that it compares, and its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean

import torch
from torch import nn

from course_utils.data import Augment, DeviceLoader, ImageDataset
from course_utils.lessons import stored_results
from course_utils.lessons.common import accuracy_after, load_split, training_loader
from course_utils.lr import OneCycle, OneCycleCurve
from course_utils.models import CifarResNet, simple_net
from course_utils.profiles import choose, seeds
from course_utils.training import set_seed

# name -> momentum at the low LR, and at the peak
ARMS = {
    "cyclical": (0.95, 0.85),
    "reversed": (0.85, 0.95),
    "constant 0.85": (0.85, 0.85),
    "constant 0.90": (0.90, 0.90),
    "constant 0.95": (0.95, 0.95),
}


@dataclass(frozen=True)
class Settings:
    """What a profile decides; the peaks of the learning rate stand in rising order."""

    model: Callable[[], nn.Module]
    peaks: tuple[float, ...]
    epochs: int
    batch_size: int
    sizes: tuple[int, int]
    pool: int
    augment: Augment | None
    weight_decay: float
    sweep_seeds: tuple[int, ...]
    test_seeds: tuple[int, ...]

    def load(self) -> tuple[ImageDataset, ImageDataset, ImageDataset]:
        """Load training, validation and test images; the first two are disjoint."""
        return load_split(self.pool, self.sizes)

    def accuracy(
        self,
        images: ImageDataset,
        measured: DeviceLoader,
        *,
        arm: str,
        peak: float,
        seed: int,
        device: torch.device,
    ) -> float:
        """Train a fresh model in one cycle, with the momenta of an arm; see `accuracy_after`."""
        set_seed(seed)
        model = self.model().to(device)
        loader = training_loader(images, self.batch_size, seed, device, self.augment)
        optimizer = torch.optim.SGD(
            model.parameters(), lr=peak, momentum=0.9, weight_decay=self.weight_decay
        )
        steps = self.epochs * len(loader)
        schedule = OneCycle(optimizer, peak, steps, momentum=ARMS[arm])
        run = {"epochs": self.epochs, "schedule": schedule}
        return accuracy_after(model, optimizer, loader, measured, **run)


def best_peak(accuracy: Mapping[float, Sequence[float]]) -> float:
    """Return the peak whose accuracies, one a seed, have the highest mean."""
    return max(accuracy, key=lambda peak: mean(accuracy[peak]))


def mean_effective_lr(arm: str, peak: float) -> float:
    """Average lr / (1 - momentum) over the steps of a cycle."""
    curve = OneCycleCurve.gugger(1000, peak, momentum=ARMS[arm])
    return mean(lr / (1 - momentum) for lr, momentum in map(curve.at, range(curve.total_steps)))


def stored(net: str) -> dict[str, dict]:
    """Return what `python -m experiments.tune_05` stored about a net, arm by arm.

    An arm has "validation" (peak -> accuracies in %), the chosen "peak", and its "test" accuracies.
    """
    return stored_results("tune_05")["nets"][net]


def quick_settings(model: Callable[[], nn.Module], peaks: tuple[float, ...]) -> Settings:
    """Return the quick profile's settings: Fashion-MNIST, pooled to 14 x 14 pixels."""
    return Settings(
        model=model,
        peaks=peaks,
        epochs=5,
        batch_size=128,
        sizes=(10_000, 5_000),
        pool=2,
        augment=None,
        weight_decay=5e-4,
        sweep_seeds=seeds(5),
        test_seeds=seeds(10, first=10),
    )


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(quick=_quick, full=_full, smoke=_smoke)()


def _quick() -> Settings:
    return quick_settings(partial(simple_net, 14 * 14), (0.025, 0.05, 0.1, 0.2, 0.4))


def _full() -> Settings:
    return Settings(
        model=partial(CifarResNet, 20),
        peaks=(0.1, 0.2, 0.4, 0.8, 1.6, 3.2),
        epochs=15,
        batch_size=512,
        sizes=(45_000, 5_000),
        pool=1,
        augment=Augment(flip=True, pad=4),
        weight_decay=1e-4,
        sweep_seeds=seeds(5),
        test_seeds=seeds(10, first=10),
    )


def _smoke() -> Settings:
    return Settings(
        model=partial(CifarResNet, 8),
        peaks=(0.05, 0.1),
        epochs=1,
        batch_size=16,
        sizes=(64, 32),
        pool=1,
        augment=Augment(flip=True, pad=4),
        weight_decay=1e-4,
        sweep_seeds=seeds(3),
        test_seeds=seeds(3, first=10),
    )
