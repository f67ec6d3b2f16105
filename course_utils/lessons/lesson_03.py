"""Lesson 03, the variants of SGD: the optimizers that it compares and its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from course_utils.data import Augment, DeviceLoader, ImageDataset
from course_utils.lessons.common import accuracy_after, load_split, training_loader
from course_utils.models import CifarResNet, simple_net
from course_utils.profiles import choose, seeds
from course_utils.training import set_seed

OPTIMIZERS = ("SGD", "momentum SGD", "Nesterov", "RMSprop", "Adam")
WITHOUT_MOMENTUM = ("SGD", "RMSprop")


def optimizer_factory(
    name: str, *, lr: float, momentum: float = 0.9
) -> Callable[[Iterable], torch.optim.Optimizer]:
    """Return a function that builds an optimizer of PyTorch over the parameters it is given.

    Args:
        name: one of `OPTIMIZERS`.
        lr: learning rate.
        momentum: of momentum SGD and Nesterov, and beta1 of Adam; SGD and RMSprop have none.
    """
    sgd = partial(torch.optim.SGD, lr=lr)
    return {
        "SGD": sgd,
        "momentum SGD": partial(sgd, momentum=momentum),
        # PyTorch refuses Nesterov's form without momentum, where it is plain SGD anyway.
        "Nesterov": partial(sgd, momentum=momentum, nesterov=momentum > 0),
        "RMSprop": partial(torch.optim.RMSprop, lr=lr),
        "Adam": partial(torch.optim.Adam, lr=lr, betas=(momentum, 0.999)),
    }[name]


@dataclass(frozen=True)
class Settings:
    """What a profile decides.

    Attributes:
        model: builds the net.
        pool: factor by which the images are shrunk.
        sizes: images to train on and to choose on.
        batch_size: images a step.
        epochs: of each training.
        augment: random changes of the training images.
        finder_steps: steps of one sweep of the LR finder.
        finder_seeds: of the sweeps.
        tuning_seeds: of the runs by which each learning rate is chosen.
        seeds: of the runs that are measured on test images.
    """

    model: Callable[[], nn.Module]
    pool: int
    sizes: tuple[int, int]
    batch_size: int
    epochs: int
    augment: Augment | None
    finder_steps: int
    finder_seeds: tuple[int, ...] = field(default_factory=partial(seeds, 5))
    tuning_seeds: tuple[int, ...] = field(default_factory=partial(seeds, 2, first=20))
    seeds: tuple[int, ...] = field(default_factory=partial(seeds, 5, first=10))

    def load(self) -> tuple[ImageDataset, ImageDataset, ImageDataset]:
        """Load training, validation and test images; the first two are disjoint."""
        return load_split(self.pool, self.sizes)

    def build(
        self, name: str, images: ImageDataset, seed: int, *, lr: float, device: torch.device
    ) -> tuple[nn.Module, torch.optim.Optimizer, DeviceLoader]:
        """Build a fresh model, its optimizer and its loader; the seed decides weights and order."""
        set_seed(seed)
        model = self.model().to(device)
        loader = training_loader(images, self.batch_size, seed, device, self.augment)
        return model, optimizer_factory(name, lr=lr)(model.parameters()), loader

    def accuracy(
        self,
        name: str,
        images: ImageDataset,
        seed: int,
        *,
        lr: float,
        eval_batches: DeviceLoader,
        device: torch.device,
    ) -> float:
        """Train with a LR that falls from `lr` in a straight line to zero; see `accuracy_after`."""
        parts = _, optimizer, loader = self.build(name, images, seed, lr=lr, device=device)
        total = self.epochs * len(loader)
        decay = LambdaLR(optimizer, lambda step: 1 - step / total)
        return accuracy_after(*parts, eval_batches, epochs=self.epochs, schedule=decay)


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(quick=_quick, full=_full, smoke=_smoke)()


def _quick() -> Settings:
    return Settings(
        model=partial(simple_net, 14 * 14),
        pool=2,
        sizes=(10_000, 5_000),
        batch_size=128,
        epochs=5,
        augment=None,
        finder_steps=300,
    )


def _full() -> Settings:
    return Settings(
        model=partial(CifarResNet, 20),
        pool=1,
        sizes=(45_000, 5_000),
        batch_size=128,
        epochs=10,
        augment=Augment(flip=True, pad=4),
        finder_steps=350,
    )


def _smoke() -> Settings:
    return Settings(
        model=partial(CifarResNet, 8),
        pool=1,
        sizes=(48, 32),
        batch_size=16,
        epochs=1,
        augment=Augment(flip=True, pad=4),
        finder_steps=30,  # with fewer, or smaller batches, noise hides that the loss falls
        finder_seeds=seeds(3),
        tuning_seeds=seeds(1, first=20),
        seeds=seeds(3, first=10),
    )
