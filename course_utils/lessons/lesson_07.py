"""Lesson 07, plot the losses: the runs of its gallery, what gives each away, its settings."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from course_utils.data import Augment, DeviceLoader, ImageDataset, split_images
from course_utils.lessons.common import load_split
from course_utils.models import CifarResNet, simple_net
from course_utils.plotting import plot_losses
from course_utils.profiles import choose, seeds
from course_utils.training import History, NonFiniteLoss, TrainStep, evaluate, fit, set_seed


@dataclass(frozen=True)
class Curves:
    """What a run shows, and what is true; one value an epoch, in nats.

    Attributes:
        train: the training loss that the run reports.
        valid: the validation loss that the run reports.
        true_train: the training loss with each batch weighted by its size.
        true_valid: the loss on validation images that were not trained on.
        accuracy: on the validation images that the run reports, 0 to 1.
    """

    train: list[float]
    valid: list[float]
    true_train: list[float]
    true_valid: list[float]
    accuracy: list[float]


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
        schedule: makes a learning-rate schedule of (optimizer, steps in all), or None.
        loss_function: maps (logits, labels) to the mean loss.
        bad_batch: in which epoch one batch comes many times too bright, or None.
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
    schedule: Callable[[Optimizer, int], LRScheduler] | None = None
    loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy
    bad_batch: int | None = None
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
    ) -> tuple[nn.Module, Optimizer, DeviceLoader]:
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
        """Carry the run out; the seed decides its images, weights and order.

        A run whose loss becomes NaN ends there.
        """
        seen, shown = self.draw(images, valid_images, seed)
        model, optimizer, loader = self.build(seen, seed, device)
        evaluated = partial(DeviceLoader, batch_size=1000, device=device)
        unseen, true_valid = evaluated(valid_images), []
        settings = {"loss_function": self.loss_function}
        if self.bad_batch is not None:
            settings["step"] = _step_with_a_bad_batch(
                model, optimizer, (self.bad_batch - 1) * len(loader)
            )
        if self.schedule is not None:
            settings["schedule"] = self.schedule(optimizer, self.epochs * len(loader))
        try:
            history = fit(
                model,
                optimizer,
                loader,
                epochs=self.epochs,
                valid_loader=evaluated(shown),
                callbacks=[lambda history: true_valid.append(evaluate(model, unseen)[0])],
                **settings,
            )
        except NonFiniteLoss as error:
            history = error.history
        train = plain_means(history) if self.plain_mean else history.train_loss
        return Curves(
            train, history.valid_loss, history.train_loss, true_valid, history.valid_accuracy
        )


def shuffle_labels(images: ImageDataset, seed: int) -> ImageDataset:
    """Shuffle a set's labels, so that they say nothing about its images."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return replace(images, labels=images.labels[order])


def plain_means(history: History) -> list[float]:
    """Average each epoch's losses as if its batches were all of one size: a planted mistake."""
    return np.reshape(history.step_loss, (history.epochs, -1)).mean(axis=1).tolist()


def log_of_softmax(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy as beginners write it: infinite once a probability rounds to 0."""
    return F.nll_loss(logits.softmax(1).log(), labels)


def falls(optimizer: Optimizer, steps: int, *, at: float, to: float) -> LRScheduler:
    """Lower the learning rate to its `to`-fold once, after the fraction `at` of the steps."""
    return LambdaLR(optimizer, lambda step: 1.0 if step < at * steps else to)


def one_cycle(optimizer: Optimizer, steps: int) -> LRScheduler:
    """Take the optimizer's learning rate for the peak of a cycle."""
    return OneCycleLR(optimizer, max_lr=optimizer.param_groups[0]["lr"], total_steps=steps)


def _step_with_a_bad_batch(model: nn.Module, optimizer: Optimizer, bad: int) -> Callable:
    step, counts = TrainStep(model, optimizer), itertools.count()

    def take(batch: tuple[Tensor, Tensor]) -> Tensor:
        images, labels = batch
        return step((60 * images if next(counts) == bad else images, labels))

    return take


@dataclass(frozen=True)
class Diagnosis:
    """Where to look for a diagnosis, what one sees there (neither names it), and what to do."""

    look: str
    clue: str
    remedy: str


_ENDS = "How do the two curves lie to each other in the last epochs?"
_SHAPE = "Is there one epoch in which everything changes?"
_SMOOTH = "Which of the two curves is smooth, and which is not?"
_FALL = "Does the loss come down, how fast, and has it levelled off?"
DIAGNOSES = {
    "healthy": Diagnosis(
        _ENDS,
        "Both curves fall fast, then ever more slowly; at the end they lie close together and low.",
        "Nothing, or train a little longer with a falling learning rate.",
    ),
    "under-fitted": Diagnosis(
        _FALL,
        "Both curves bend smoothly and level off together, but high: even the training images are "
        "not learnt.",
        "A larger net, better inputs, less regularisation.",
    ),
    "over-fitted": Diagnosis(
        _ENDS,
        "The validation curve turns and rises while the training curve goes on towards zero.",
        "More images or augmentation, regularisation, or stop where the validation loss is lowest.",
    ),
    "learning rate too high": Diagnosis(
        _SMOOTH,
        "The curves jump up and down from the first epochs to the last, the validation curve most, "
        "and get no lower.",
        "Run the learning-rate finder, and take less.",
    ),
    "learning rate too low": Diagnosis(
        _FALL,
        "Both curves lie on each other, and in the last epoch still fall almost as fast as before.",
        "Run the learning-rate finder, and take more.",
    ),
    "decayed too early": Diagnosis(
        _SHAPE,
        "A steep fall breaks off at a kink, from one epoch to the next; then both lines are flat.",
        "Lower the learning rate later: when the loss has levelled off by itself.",
    ),
    "decayed on the plateau": Diagnosis(
        _SHAPE,
        "Both curves waver and hardly get lower, then drop within an epoch, and are smooth.",
        "Nothing: this is a step decay. Later steps gain less.",
    ),
    "1cycle": Diagnosis(
        _SMOOTH,
        "In the middle both curves are wild and no lower than early on; towards the end they calm "
        "down, fall, and reach their lowest in the last epochs.",
        "Nothing: the learning rate rose and fell again. Do not stop such a run in its middle.",
    ),
    "validation leak": Diagnosis(
        _ENDS,
        "The training curve goes to zero, and the validation curve goes with it: too good to be "
        "true.",
        "Look for images that are in both sets: remove copies before you split, then split.",
    ),
    "labels shuffled": Diagnosis(
        "How do the curves lie to the dotted line of guessing?",
        "The validation curve never gets below the dotted line of guessing, while the training "
        "curve slowly does: it learns by heart.",
        "Look at a batch as the net sees it, each image with its label.",
    ),
    "dropout": Diagnosis(
        _ENDS,
        "The training curve lies above the validation curve to the end, both low and smooth: the "
        "net is handicapped while it trains.",
        "Nothing: compare with the training images in evaluation mode.",
    ),
    "averaged wrongly": Diagnosis(
        _SMOOTH,
        "The training curve jitters around a validation curve that is much smoother: the net is "
        "steady, only the number is not.",
        "Weight each batch's mean by its size; `fit` does.",
    ),
    "one bad batch": Diagnosis(
        _SHAPE,
        "A single epoch's training loss stands out; an epoch later the curves go on as if nothing "
        "had been.",
        "Look at the data of that epoch; clip the gradient's norm, so that no batch can do more.",
    ),
    "NaN": Diagnosis(
        "Do the curves reach the right edge of the panel?",
        "The curves look ordinary, and end long before the last epoch: there is no number to draw.",
        "Take the log of the softmax in one function (`log_softmax`), lower the learning rate; "
        "look which step was the first without a number.",
    ),
}
PANELS = {
    "A": "dropout",
    "B": "learning rate too low",
    "C": "over-fitted",
    "D": "averaged wrongly",
    "E": "healthy",
    "F": "NaN",
    "G": "decayed too early",
    "H": "1cycle",
    "I": "under-fitted",
    "J": "labels shuffled",
    "K": "one bad batch",
    "L": "learning rate too high",
    "M": "validation leak",
    "N": "decayed on the plateau",
}


class Judge:
    """Says of guesses whether they are right; a wrong one gets a hint, a second one more of it."""

    def __init__(self):
        self._wrong: dict[str, set[str]] = {panel: set() for panel in PANELS}

    def __call__(self, guesses: Mapping[str, str | None]) -> None:
        """Print for each panel whether the guess is right.

        Args:
            guesses: panel -> one of `DIAGNOSES`, or None while there is no guess.
        """
        right = 0
        for panel, truth in PANELS.items():
            guess, diagnosis = guesses.get(panel), DIAGNOSES[truth]
            if guess is None:
                words = "no diagnosis yet."
            elif guess not in DIAGNOSES:
                names = ", ".join(DIAGNOSES)
                words = f"{guess!r} is none of the {len(DIAGNOSES)}: take one of {names}."
            elif guess == truth:
                words = f"right, {truth}. {diagnosis.clue}"
                right += 1
            else:
                self._wrong[panel].add(guess)
                first = len(self._wrong[panel]) == 1
                words = f"not {guess}. {diagnosis.look if first else diagnosis.clue}"
            _print(f"{panel}  {words}")
        print(f"{right} of {len(PANELS)} right.")


def reveal() -> None:
    """Print what each panel shows, what gives it away, and what to do."""
    for panel, name in PANELS.items():
        diagnosis = DIAGNOSES[name]
        _print(f"{panel}  {name.upper()}. {diagnosis.clue} What to do: {diagnosis.remedy}")


def draw_gallery(
    gallery: Mapping[str, Curves], epochs: Mapping[str, int], *, chance: float, names: bool
) -> Figure:
    """Draw one panel a run, in the order of `PANELS`.

    Args:
        gallery: diagnosis -> what its run shows.
        epochs: diagnosis -> how many epochs its run was to have.
        chance: the loss of guessing, in nats.
        names: whether the panels have their diagnoses for titles; then, dashed over paler curves,
            the true losses are drawn as well in the two panels that hide them.
    """
    figure, axes = plt.subplots(4, 4, figsize=(11, 10), sharey=True)
    for ax, (panel, name) in zip(axes.flat, PANELS.items(), strict=False):
        run = gallery[name]
        hidden = names and name in ("validation leak", "averaged wrongly")
        plot_losses(ax, run.train, run.valid, chance=chance, alpha=0.3 if hidden else 1)
        if hidden:
            plot_losses(ax, run.true_train, run.true_valid, chance=chance, style="--")
        ax.set_xlim(0, epochs[name] + 1)
        ax.set_title(name if names else panel)
    for ax in axes.flat[len(PANELS) :]:
        ax.axis("off")
    handles = axes.flat[0].get_legend_handles_labels()
    axes.flat[len(PANELS)].legend(*handles, loc="center")
    figure.supxlabel("epoch")
    figure.supylabel("mean loss (nats)")
    return figure


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
        most = max(run.images for run in self.runs.values())
        return load_split(self.pool, (most, self.valid_images))[:2]


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
        "decayed too early": replace(healthy, lr=1e-3, schedule=partial(falls, at=0.2, to=0.01)),
        "decayed on the plateau": replace(
            healthy, lr=0.2, epochs=25, schedule=partial(falls, at=0.6, to=0.05)
        ),
        "1cycle": replace(healthy, lr=0.4, epochs=25, schedule=one_cycle),
        "validation leak": replace(few, copies=4, epochs=30),
        "labels shuffled": replace(healthy, images=2_000, epochs=40, shuffled=True),
        "dropout": replace(healthy, dropout=0.6),
        # the last batch of an epoch has one image, and a quarter of the weight
        "averaged wrongly": replace(
            healthy,
            images=1_501,
            epochs=150,
            lr=0.015,
            batch_size=500,
            momentum=0.0,
            plain_mean=True,
        ),
        "one bad batch": replace(healthy, bad_batch=8),
        "NaN": replace(healthy, lr=0.2, loss_function=log_of_softmax),
    }
    return Settings(runs, seeds(8), pool=2, valid_images=2_000)


def _full() -> Settings:
    healthy = Run(
        partial(CifarResNet, 20),
        images=45_000,
        epochs=30,
        lr=0.1,
        batch_size=128,
        augment=Augment(flip=True, pad=4),
    )
    few = replace(healthy, images=5_000, epochs=60, lr=0.05, batch_size=125, augment=None)
    perceptron = partial(simple_net, inputs=3 * 32 * 32)  # no batch norm, which tames the last two
    runs = {
        "healthy": healthy,
        "under-fitted": replace(healthy, model=partial(_short_sighted_net, 3), lr=0.01),
        "over-fitted": few,
        "learning rate too high": replace(healthy, lr=5.0),
        "learning rate too low": replace(healthy, lr=1e-4),
        "decayed too early": replace(healthy, lr=0.01, schedule=partial(falls, at=0.1, to=0.01)),
        "decayed on the plateau": replace(healthy, schedule=partial(falls, at=0.6, to=0.05)),
        "1cycle": replace(healthy, lr=1.0, schedule=one_cycle),
        "validation leak": replace(few, copies=4, epochs=30),
        "labels shuffled": replace(few, shuffled=True),
        "dropout": replace(healthy, dropout=0.6),
        # No batch normalization: it would learn its statistics from the single image as well.
        "averaged wrongly": replace(
            few,
            model=perceptron,
            images=1_501,
            lr=0.02,
            batch_size=500,
            momentum=0.0,
            plain_mean=True,
        ),
        "one bad batch": replace(healthy, model=perceptron, lr=0.01, bad_batch=16),
        "NaN": replace(healthy, model=perceptron, lr=0.1, loss_function=log_of_softmax),
    }
    return Settings(runs, seeds(4), pool=1, valid_images=5_000)


def _smoke() -> Settings:
    full = _full()
    perceptron = partial(simple_net, inputs=3 * 16 * 16)
    runs = {
        name: replace(
            run,
            model=partial(CifarResNet, 8) if run.images > 1_501 else perceptron,
            images=33,
            epochs=3,
            lr=run.lr / 100,
            batch_size=16 if run.plain_mean else 11,
        )
        for name, run in full.runs.items()
    }
    return replace(full, runs=runs, pool=2, valid_images=32)


def _short_sighted_net(channels: int = 1) -> nn.Sequential:
    """Build a net that sees each image as 2 x 2 pixels."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), simple_net(inputs=4 * channels))
