"""Lesson 07, plot the losses: the runs of its gallery, what gives each away, its settings."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from course_utils.data import (
    Augment,
    DeviceLoader,
    ImageDataset,
    load_images,
    pool_images,
    split_images,
)
from course_utils.models import CifarResNet, simple_net
from course_utils.profiles import choose, seeds
from course_utils.training import History, evaluate, fit, set_seed


@dataclass(frozen=True)
class Curves:
    """What a run shows, and what is true; one value an epoch, in nats.

    Attributes:
        train: the training loss that the run reports.
        valid: the validation loss that the run reports.
        true_train: the training loss with each batch weighted by its size.
        true_valid: the loss on validation images that were not trained on.
    """

    train: list[float]
    valid: list[float]
    true_train: list[float]
    true_valid: list[float]


@dataclass(frozen=True)
class Run:
    """A way to train, right or wrong.

    Attributes:
        model: builds the net.
        images: how many images to train on.
        epochs: how many passes over them.
        lr: learning rate of SGD.
        batch_size: images a step; the last step of an epoch may have fewer.
        momentum: of SGD.
        augment: random changes of the training images.
        dropout: fraction of the last layer's inputs that are put to zero at random in training.
        decay: fraction of the steps after which the learning rate falls to a hundredth, or None.
        copies: how often each image stands in the set from which training and validation images
            are then drawn; with more than one, there are copies of one image in both.
        shuffled: whether images and labels were shuffled apart.
        plain_mean: whether an epoch's training loss is reported as the plain mean over its
            batches, whatever their sizes.
    """

    model: Callable[[], nn.Module]
    images: int
    epochs: int
    lr: float
    batch_size: int
    momentum: float = 0.9
    augment: Augment | None = None
    dropout: float = 0.0
    decay: float | None = None
    copies: int = 1
    shuffled: bool = False
    plain_mean: bool = False

    def draw(
        self, images: ImageDataset, valid_images: ImageDataset, seed: int
    ) -> tuple[ImageDataset, ImageDataset]:
        """Return the images that this run trains on and those that it validates on."""
        images, *_ = split_images(images, (self.images,), seed)
        if self.copies > 1:
            images = images.subset(torch.arange(len(images)).repeat(self.copies))
            fifth = len(images) // 5
            images, valid_images = split_images(images, (len(images) - fifth, fifth), seed)
        if self.shuffled:
            return shuffle_labels(images, seed), shuffle_labels(valid_images, seed)
        return images, valid_images

    def build(
        self, images: ImageDataset, seed: int, device: torch.device
    ) -> tuple[nn.Module, torch.optim.Optimizer, DeviceLoader]:
        """Build what `fit` takes: a fresh model, its optimizer and its training batches."""
        set_seed(seed)
        model = self.model()
        if self.dropout:
            layers = model if isinstance(model, nn.Sequential) else model.head
            layers[-1] = nn.Sequential(nn.Dropout(self.dropout), layers[-1])
        model.to(device)
        settings = {"batch_size": self.batch_size, "augment": self.augment, "seed": seed}
        loader = DeviceLoader(images, device=device, shuffle=True, **settings)
        optimizer = torch.optim.SGD(model.parameters(), lr=self.lr, momentum=self.momentum)
        return model, optimizer, loader

    def train(
        self, images: ImageDataset, valid_images: ImageDataset, seed: int, *, device: torch.device
    ) -> Curves:
        """Carry the run out; the seed decides its images, weights and order."""
        seen, shown = self.draw(images, valid_images, seed)
        model, optimizer, loader = self.build(seen, seed, device)
        schedule = None
        if self.decay is not None:
            first = self.decay * self.epochs * len(loader)
            schedule = LambdaLR(optimizer, lambda step: 1.0 if step < first else 0.01)
        evaluated = partial(DeviceLoader, batch_size=1000, device=device)
        unseen, true_valid = evaluated(valid_images), []
        history = fit(
            model,
            optimizer,
            loader,
            epochs=self.epochs,
            schedule=schedule,
            valid_loader=evaluated(shown),
            callbacks=[lambda history: true_valid.append(evaluate(model, unseen)[0])],
        )
        train = plain_means(history) if self.plain_mean else history.train_loss
        return Curves(train, history.valid_loss, history.train_loss, true_valid)


def shuffle_labels(images: ImageDataset, seed: int) -> ImageDataset:
    """Shuffle a set's labels, so that they say nothing about its images."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return replace(images, labels=images.labels[order])


def plain_means(history: History) -> list[float]:
    """Average each epoch's losses as if its batches were all of one size: a planted mistake."""
    steps = len(history.step_loss) // history.epochs
    firsts = range(0, len(history.step_loss), steps)
    return [sum(history.step_loss[first : first + steps]) / steps for first in firsts]


@dataclass(frozen=True)
class Diagnosis:
    """What gives a diagnosis away in the curves (without naming it), and what to do about it."""

    clue: str
    remedy: str


DIAGNOSES = {
    "healthy": Diagnosis(
        "Both curves fall fast, then ever more slowly; at the end they lie close together and low.",
        "Nothing, or train a little longer with a falling learning rate.",
    ),
    "under-fitted": Diagnosis(
        "Both curves bend smoothly and level off together, but high: even the training images are "
        "not learnt.",
        "A larger net, better inputs, less regularisation.",
    ),
    "over-fitted": Diagnosis(
        "The validation curve turns and rises while the training curve goes on towards zero.",
        "More images or augmentation, regularisation, or stop where the validation loss is lowest.",
    ),
    "learning rate too high": Diagnosis(
        "The curves jump up and down from the first epochs on, the validation curve most, and get "
        "no lower.",
        "Run the learning-rate finder, and take less.",
    ),
    "learning rate too low": Diagnosis(
        "Both curves lie on each other, and in the last epoch still fall almost as fast as before.",
        "Run the learning-rate finder, and take more.",
    ),
    "decayed too early": Diagnosis(
        "A steep fall breaks off at a kink, from one epoch to the next; then both lines are flat.",
        "Lower the learning rate later: when the loss has levelled off by itself.",
    ),
    "validation leak": Diagnosis(
        "The training curve goes to zero, and the validation curve goes with it: too good to be "
        "true.",
        "Look for images that are in both sets: remove copies before you split, then split.",
    ),
    "labels shuffled": Diagnosis(
        "The validation curve never gets below the dotted line of guessing, while the training "
        "curve slowly does: it learns by heart.",
        "Look at a batch as the net sees it, each image with its label.",
    ),
    "dropout": Diagnosis(
        "The training curve lies above the validation curve to the end, both low and smooth: the "
        "net is handicapped while it trains.",
        "Nothing: compare with the training images in evaluation mode.",
    ),
    "averaged wrongly": Diagnosis(
        "The training curve jitters around a validation curve that is smooth: the net is steady, "
        "only the number is not.",
        "Weight each batch's mean by its size; `fit` does.",
    ),
}
PANELS = {
    "A": "dropout",
    "B": "learning rate too low",
    "C": "over-fitted",
    "D": "averaged wrongly",
    "E": "healthy",
    "F": "validation leak",
    "G": "decayed too early",
    "H": "learning rate too high",
    "I": "under-fitted",
    "J": "labels shuffled",
}


def judge(guesses: Mapping[str, str | None]) -> None:
    """Print for each panel whether the guess is right, and what gives it away once there is one.

    Args:
        guesses: panel -> one of `DIAGNOSES`, or None while there is no guess.
    """
    right = 0
    for panel, truth in PANELS.items():
        guess = guesses.get(panel)
        clue = DIAGNOSES[truth].clue
        if guess is None:
            words = "no diagnosis yet."
        elif guess not in DIAGNOSES:
            words = f"{guess!r} is none of the ten: take one of {', '.join(DIAGNOSES)}."
        elif guess == truth:
            words = f"right, {truth}. {clue}"
            right += 1
        else:
            words = f"not {guess}. Look again: {clue}"
        _print(f"{panel}  {words}")
    print(f"{right} of {len(PANELS)} right.")


def reveal() -> None:
    """Print what each panel shows, what gives it away, and what to do."""
    for panel, name in PANELS.items():
        diagnosis = DIAGNOSES[name]
        _print(f"{panel}  {name.upper()}. {diagnosis.clue} What to do: {diagnosis.remedy}")


def _print(text: str) -> None:
    print(textwrap.fill(text, width=88, subsequent_indent="   ", break_on_hyphens=False))


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

    def load(self) -> tuple[ImageDataset, ImageDataset]:
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
