"""Lesson 06, all other hyperparameters: its nets and its settings in each profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import mean

import torch
from torch import nn

from course_utils.data import DeviceLoader, ImageDataset
from course_utils.lessons.common import accuracy_after, load_split, training_loader
from course_utils.lr import OneCycle
from course_utils.models import CifarResNet, simple_net, small_cnn
from course_utils.profiles import choose, seeds
from course_utils.training import set_seed


@dataclass(frozen=True)
class Setup:
    """One choice of every hyperparameter but the learning rate."""

    batch_size: int = 64
    weight_decay: float = 0.0
    dropout: float = 0.0


@dataclass(frozen=True)
class Net:
    """A net and the momentum of its SGD; `model` maps the rate of dropout to a fresh net."""

    model: Callable[[float], nn.Module]
    momentum: float

    def builder(
        self, images: ImageDataset, setup: Setup, device: torch.device, lr: float = 0.1
    ) -> Callable[[int], tuple]:
        """Return a function from a seed to (model, optimizer, loader), as the finder takes it."""

        def build(seed: int) -> tuple:
            set_seed(seed)
            model = self.model(setup.dropout).to(device)
            optimizer = torch.optim.SGD(
                model.parameters(),
                lr=lr,
                momentum=self.momentum,
                weight_decay=setup.weight_decay,
            )
            return model, optimizer, training_loader(images, setup.batch_size, seed, device)

        return build

    def accuracy(
        self,
        images: ImageDataset,
        measured: DeviceLoader,
        setup: Setup,
        *,
        lr: float,
        epochs: int,
        seed: int,
        one_cycle: bool = True,
    ) -> float:
        """Train a fresh net, with `lr` as the peak of 1cycle or constant; see `accuracy_after`."""
        device = measured.dataset.images.device
        parts = _, optimizer, loader = self.builder(images, setup, device, lr)(seed)
        schedule = OneCycle(optimizer, lr, epochs * len(loader)) if one_cycle else None
        return accuracy_after(*parts, measured, epochs=epochs, schedule=schedule)


@dataclass(frozen=True)
class Settings:
    """What a profile decides; `is_stored` tells that tune_06.json is about its nets."""

    nets: Mapping[str, Net]
    pool: int
    sizes: tuple[int, int]
    base: Setup
    batch_sizes: tuple[int, ...]
    weight_decays: tuple[float, ...]
    dropouts: tuple[float, ...]
    epochs: int
    sweep_steps: int
    finder_seeds: tuple[int, ...]
    training_seeds: tuple[int, ...]
    is_stored: bool = False

    def load(self) -> tuple[ImageDataset, ImageDataset, ImageDataset]:
        """Load training, validation and test images; the first two are disjoint."""
        return load_split(self.pool, self.sizes)


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(quick=quick_settings, full=_full, smoke=_smoke)()


def best_lr(validation: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """Return the learning rate with the highest mean accuracy, and that accuracy (%).

    Args:
        validation: learning rate -> one accuracy a seed.
    """
    lr = max(validation, key=lambda lr: mean(validation[lr]))
    return float(lr), mean(validation[lr])


def perceptron(dropout: float, *, inputs: int) -> nn.Sequential:
    """Build the source text's 100 hidden units, with dropout behind them."""
    model = simple_net(inputs)
    model.insert(len(model) - 1, nn.Dropout(dropout))
    return model


def convolutional(dropout: float) -> nn.Sequential:
    """Build the small net with batch normalization, with dropout before its last layer."""
    model = small_cnn(width=8)
    model.insert(len(model) - 1, nn.Dropout(dropout))
    return model


def resnet(dropout: float, *, depth: int, channels: int = 3) -> CifarResNet:
    """Build a residual net, with dropout before its last layer."""
    model = CifarResNet(depth, channels=channels)
    model.head.insert(len(model.head) - 1, nn.Dropout(dropout))
    return model


def quick_settings() -> Settings:
    """Return the quick profile's settings: two small nets on 14 x 14 images."""
    return Settings(
        nets={
            "perceptron": Net(partial(perceptron, inputs=14 * 14), momentum=0.0),
            "convolutional": Net(convolutional, momentum=0.9),
        },
        pool=2,
        sizes=(10_000, 5_000),
        base=Setup(),
        batch_sizes=(16, 64, 256, 1024),
        weight_decays=(0.0, 1e-4, 1e-3, 1e-2, 1e-1),
        dropouts=(0.0, 0.5, 0.75),
        epochs=3,
        sweep_steps=156,
        finder_seeds=seeds(5),
        training_seeds=seeds(5, first=10),
        is_stored=True,
    )


def _full() -> Settings:
    return Settings(
        nets={
            "perceptron": Net(partial(perceptron, inputs=3 * 32 * 32), momentum=0.0),
            "convolutional": Net(partial(resnet, depth=56), momentum=0.9),
        },
        pool=1,
        sizes=(45_000, 5_000),
        base=Setup(batch_size=128),
        batch_sizes=(32, 128, 512, 2048),
        weight_decays=(0.0, 1e-5, 1e-4, 1e-3, 1e-2),
        dropouts=(0.0, 0.5, 0.75),
        epochs=10,
        sweep_steps=351,
        finder_seeds=seeds(5),
        training_seeds=seeds(3, first=10),
    )


def _smoke() -> Settings:
    full = _full()
    convolutional = Net(partial(resnet, depth=8), momentum=0.9)
    return replace(
        full,
        nets={"perceptron": full.nets["perceptron"], "convolutional": convolutional},
        sizes=(96, 32),
        base=Setup(batch_size=8),
        batch_sizes=(4, 8, 16, 24),
        dropouts=(0.0, 0.5),
        epochs=1,
        sweep_steps=20,
    )
