"""Lesson 07, plot the losses: the settings of its gallery in each profile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from torch import nn

from course_utils.augment import Augment
from course_utils.data import load_images
from course_utils.image_set import ImageSet, pool_images, split_images
from course_utils.lessons.runs_07 import Run
from course_utils.models import CifarResNet, simple_net
from course_utils.settings import choose, seeds


@dataclass(frozen=True)
class Settings:
    """What a profile decides.

    Attributes:
        runs: diagnosis -> the run that shows it; "healthy" is the first.
        seeds: one run of each is shown, with the first seed.
        pool: factor by which the images are shrunk.
        valid_images: how many images to validate on.
    """

    runs: dict[str, Run]
    seeds: tuple[int, ...]
    pool: int
    valid_images: int

    def load(self) -> tuple[ImageSet, ImageSet]:
        """Load the images to train on and those to validate on; they are disjoint."""
        images, _ = load_images()
        if self.pool > 1:
            images = pool_images(images, self.pool)
        most = max(run.images for run in self.runs.values())
        return split_images(images, (most, self.valid_images), seed=0)


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(quick=_quick, full=_full, smoke=_smoke)()


def _quick() -> Settings:
    healthy = Run(
        partial(simple_net, inputs=14 * 14), images=10_000, epochs=15, lr=0.01, batch_size=100
    )
    few = replace(healthy, images=500, epochs=60, lr=0.02, batch_size=25)
    runs = {
        "healthy": healthy,
        "under-fitted": replace(healthy, model=_short_sighted_net),
        "over-fitted": few,
        "learning rate too high": replace(healthy, lr=0.3),
        "learning rate too low": replace(healthy, lr=1e-4),
        "decayed too early": replace(healthy, lr=1e-3, decay=0.2),
        "validation leak": replace(few, copies=4, epochs=30),
        "labels shuffled": replace(healthy, images=2_000, epochs=40, shuffled=True),
        "dropout": replace(healthy, dropout=0.6),
        # four batches an epoch, the last of a single image
        "averaged wrongly": replace(
            healthy,
            images=1_501,
            epochs=40,
            lr=0.015,
            batch_size=500,
            momentum=0.0,
            plain_mean=True,
        ),
    }
    return Settings(runs, seeds(5), pool=2, valid_images=2_000)


def _full() -> Settings:
    healthy = Run(
        partial(CifarResNet, 20),
        images=45_000,
        epochs=30,
        lr=0.1,
        batch_size=128,
        augment=Augment(flip=True, pad=4),
    )
    few = replace(healthy, images=5_000, epochs=60, lr=0.05, augment=None)
    runs = {
        "healthy": healthy,
        "under-fitted": replace(healthy, model=partial(_short_sighted_net, 3), lr=0.01),
        "over-fitted": few,
        "learning rate too high": replace(healthy, lr=5.0),
        "learning rate too low": replace(healthy, lr=1e-4),
        "decayed too early": replace(healthy, lr=0.01, decay=0.1),
        "validation leak": replace(few, copies=4, epochs=30),
        "labels shuffled": replace(few, shuffled=True),
        "dropout": replace(healthy, dropout=0.6),
        # No batch normalization: it would learn its statistics from the single image as well.
        "averaged wrongly": replace(
            few,
            model=partial(simple_net, inputs=3 * 32 * 32),
            images=1_501,
            lr=0.02,
            batch_size=500,
            momentum=0.0,
            plain_mean=True,
        ),
    }
    return Settings(runs, seeds(3), pool=1, valid_images=5_000)


def _smoke() -> Settings:
    full = _full()
    runs = {
        name: replace(
            run,
            model=partial(CifarResNet, 8) if run.images > 1_501 else run.model,
            images=33,
            epochs=3,
            lr=run.lr / 100,
            batch_size=16,
        )
        for name, run in full.runs.items()
    }
    return replace(full, runs=runs, valid_images=32)


def _short_sighted_net(channels: int = 1) -> nn.Sequential:
    """Build a net that sees each image as 2 x 2 pixels."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), simple_net(inputs=4 * channels))
