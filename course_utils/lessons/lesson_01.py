"""Lesson 01, imbalanced data: the treatments that it compares, and its settings in each profile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from course_utils.data import Augment, DeviceLoader, ImageDataset
from course_utils.imbalance import (
    OversamplingSampler,
    class_counts,
    class_weights,
    step_imbalance,
    undersample_indices,
)
from course_utils.lessons.common import load_split
from course_utils.models import CifarResNet, simple_net
from course_utils.profiles import choose, seeds
from course_utils.training import fit, set_seed

ARMS = ("as it is", "oversampling", "weighted loss", "undersampling")


@dataclass(frozen=True)
class Settings:
    """What a profile decides.

    Attributes:
        largest: images of each majority class.
        smallest: images of each minority class.
        minority: positions of the minority classes.
        budgets: name -> optimizer steps of a training.
        lrs: budget's name -> arm -> learning rate; "balanced" is the arm without imbalance. Prior
            correction changes the logits of "as it is", and was best at the same rates.
    """

    model: Callable[[], nn.Module]
    optimizer: Callable[..., torch.optim.Optimizer]
    pool: int
    sizes: tuple[int, int]
    largest: int
    smallest: int
    minority: tuple[int, ...]
    batch_size: int
    augment: Augment | None
    budgets: Mapping[str, int]
    lrs: Mapping[str, Mapping[str, float]]
    seeds: tuple[int, ...]

    def load(self) -> tuple[ImageDataset, ImageDataset, ImageDataset]:
        """Load images to draw training sets from, for validation and for the test, all balanced."""
        return load_split(self.pool, self.sizes)

    def step_set(self, source: ImageDataset, seed: int) -> ImageDataset:
        """Draw the training set with step imbalance; each seed draws other images."""
        sizes = {"largest": self.largest, "smallest": self.smallest}
        return step_imbalance(source, **sizes, minority=self.minority, seed=seed)

    def balanced_set(self, source: ImageDataset, seed: int) -> ImageDataset:
        """Draw a balanced training set with as many images in all as that with step imbalance."""
        classes, few = len(source.class_names), len(self.minority)
        each = (few * self.smallest + (classes - few) * self.largest) // classes
        return step_imbalance(source, largest=each, smallest=each, minority=(), seed=seed)

    def train(
        self,
        arm: str,
        images: ImageDataset,
        *,
        steps: int,
        lr: float,
        seed: int,
        device: torch.device | str,
    ) -> nn.Module:
        """Train a fresh model in one of the ways of `ARMS`.

        Args:
            arm: one of `ARMS`.
            images: the training set.
            steps: optimizer steps; epochs are repeated until they are taken.
            lr: learning rate of the first step; from there it falls in a straight line to zero.
            seed: of initial weights, order and sampling.
            device: where to train.
        """
        order, loss_function = {"shuffle": True}, F.cross_entropy
        if arm == "oversampling":
            order = {"sampler": OversamplingSampler(images.labels, seed=seed)}
        if arm == "undersampling":
            images = images.subset(undersample_indices(images.labels, seed=seed))
        if arm == "weighted loss":
            weights = class_weights(class_counts(images)).to(device)
            loss_function = partial(F.cross_entropy, weight=weights)
        common = {"batch_size": self.batch_size, "augment": self.augment, "seed": seed}
        loader = DeviceLoader(images, device=device, **common, **order)
        set_seed(seed)
        model = self.model().to(device)
        optimizer = self.optimizer(model.parameters(), lr=lr)
        fit(
            model,
            optimizer,
            Repeated(loader, steps),
            epochs=1,
            schedule=LambdaLR(optimizer, lambda step: 1 - step / steps),
            loss_function=loss_function,
        )
        return model


class Repeated:
    """Batches of as many epochs as it takes to give `steps` of them, as one epoch."""

    def __init__(self, loader: Iterable[tuple[Tensor, Tensor]], steps: int):
        self.loader, self.steps = loader, steps

    def __len__(self) -> int:
        """Return the number of batches."""
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        given = 0
        while given < self.steps:
            for batch in self.loader:
                yield batch
                given += 1
                if given == self.steps:
                    return


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(quick=_quick, full=_full, smoke=_smoke)()


def _quick() -> Settings:
    """Plain SGD and the source text's perceptron, on Fashion-MNIST pooled to 14 x 14 pixels."""
    return Settings(
        model=partial(simple_net, 14 * 14),
        optimizer=torch.optim.SGD,
        pool=2,
        sizes=(50_000, 10_000),
        largest=1000,
        smallest=50,
        minority=(0, 1, 2, 3, 4),
        batch_size=64,
        augment=None,
        budgets={"short": 400, "long": 2000},
        lrs={"short": _lrs(0.4, 0.8, 0.4, 0.2, 0.4), "long": _lrs(0.4, 0.4, 0.1, 0.1, 0.1)},
        seeds=seeds(5),
    )


def _lrs(*rates: float) -> dict[str, float]:
    """Name the learning rates of a budget, chosen by `tune_01`."""
    return dict(zip(("balanced", *ARMS), rates, strict=True))


def _full() -> Settings:
    """ResNet-20 on CIFAR-10 with its usual learning rate for all arms, which was not tuned."""
    return Settings(
        model=partial(CifarResNet, 20),
        optimizer=partial(torch.optim.SGD, momentum=0.9, weight_decay=1e-4),
        pool=1,
        sizes=(45_000, 5_000),
        largest=4500,
        smallest=225,
        minority=(0, 1, 2, 3, 4),
        batch_size=128,
        augment=Augment(flip=True, pad=4),
        budgets={"short": 2_000, "long": 20_000},
        lrs={budget: dict.fromkeys(("balanced", *ARMS), 0.1) for budget in ("short", "long")},
        seeds=seeds(5),
    )


def _smoke() -> Settings:
    return replace(
        _full(),
        model=partial(CifarResNet, 8),
        sizes=(120, 40),
        largest=8,
        smallest=6,
        batch_size=16,
        budgets={"short": 2, "long": 4},
        seeds=seeds(3),
    )
