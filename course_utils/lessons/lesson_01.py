"""Lesson 01, imbalanced data: its images and learning rates in each profile.

Net, batch size, optimizer and budgets stand in the notebook.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from course_utils.data import ImageDataset
from course_utils.imbalance import step_imbalance
from course_utils.lessons.common import load_split
from course_utils.profiles import choose, seeds

ARMS = ("balanced", "as it is", "oversampling", "weighted loss", "undersampling")


@dataclass(frozen=True)
class Settings:
    """What a profile decides.

    Attributes:
        pool: factor by which the images are shrunk.
        sizes: how many images to draw training sets from, and how many to validate on.
        largest: images of each majority class.
        smallest: images of each minority class.
        minority: positions of the minority classes.
        lrs: budget's name -> arm -> learning rate; "balanced" is the arm without imbalance. Prior
            correction changes the logits of "as it is".
        tuned: learning rate, batch size and label smoothing of "as it is, tuned", short training.
        seeds: of the comparison.
    """

    pool: int
    sizes: tuple[int, int]
    largest: int
    smallest: int
    minority: tuple[int, ...]
    lrs: Mapping[str, Mapping[str, float]]
    tuned: Mapping[str, float]
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


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(quick=quick_settings, full=_full, smoke=_smoke)()


def quick_settings() -> Settings:
    """Fashion-MNIST pooled to 14 x 14 pixels, with the rates that `experiments.tune_01` chose."""
    return Settings(
        pool=2,
        sizes=(50_000, 10_000),
        largest=1000,
        smallest=50,
        minority=(0, 1, 2, 3, 4),
        lrs={
            "short": _lrs(0.8, 0.8, 0.4, 0.2, 0.4),
            "long": _lrs(0.4, 0.8, 0.2, 0.2, 0.4),
        },
        tuned={"lr": 0.4, "batch_size": 16, "label_smoothing": 0.0},
        seeds=seeds(3),
    )


def _lrs(*rates: float) -> dict[str, float]:
    return dict(zip(ARMS, rates, strict=True))


def _full() -> Settings:
    """CIFAR-10 with ResNet-20's usual learning rate for all arms, which was not tuned."""
    return replace(
        quick_settings(),
        pool=1,
        sizes=(45_000, 5_000),
        largest=4500,
        smallest=225,
        lrs={budget: dict.fromkeys(ARMS, 0.1) for budget in ("short", "long")},
    )


def _smoke() -> Settings:
    return replace(_full(), sizes=(120, 40), largest=8, smallest=6)
