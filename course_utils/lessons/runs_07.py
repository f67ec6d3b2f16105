"""The runs of lesson 07's gallery: small trainings, right and wrong, and the curves they show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from course_utils.augment import Augment
from course_utils.batches import DeviceBatches
from course_utils.device import set_seed
from course_utils.evaluation import evaluate
from course_utils.history import History
from course_utils.image_set import ImageSet, split_images
from course_utils.training import fit


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
        dropout: the share of the last layer's inputs that are put to zero at random in training.
        decay: the share of the steps after which the learning rate falls to a hundredth, or None.
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
        self, images: ImageSet, valid_images: ImageSet, seed: int
    ) -> tuple[ImageSet, ImageSet]:
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
        self, images: ImageSet, seed: int, device: torch.device
    ) -> tuple[nn.Module, DeviceBatches, torch.optim.Optimizer]:
        """Build what `fit` takes: a fresh model, its training batches and its optimizer."""
        set_seed(seed)
        model = self.model()
        if self.dropout:
            layers = model if isinstance(model, nn.Sequential) else model.head
            layers[-1] = nn.Sequential(nn.Dropout(self.dropout), layers[-1])
        model.to(device)
        settings = {"batch_size": self.batch_size, "augment": self.augment, "seed": seed}
        batches = DeviceBatches(images, device=device, shuffle=True, **settings)
        optimizer = torch.optim.SGD(model.parameters(), lr=self.lr, momentum=self.momentum)
        return model, batches, optimizer

    def train(
        self, images: ImageSet, valid_images: ImageSet, seed: int, *, device: torch.device
    ) -> Curves:
        """Carry the run out; the seed decides its images, weights and order."""
        seen, shown = self.draw(images, valid_images, seed)
        model, batches, optimizer = self.build(seen, seed, device)
        schedule = None
        if self.decay is not None:
            first = self.decay * self.epochs * len(batches)
            schedule = LambdaLR(optimizer, lambda step: 1.0 if step < first else 0.01)
        evaluated = partial(DeviceBatches, batch_size=1000, device=device)
        unseen, true_valid = evaluated(valid_images), []
        history = fit(
            model,
            batches,
            optimizer,
            epochs=self.epochs,
            schedule=schedule,
            valid_batches=evaluated(shown),
            watchers=[lambda history: true_valid.append(evaluate(model, unseen)[0])],
        )
        train = plain_means(history) if self.plain_mean else history.train_loss
        return Curves(train, history.valid_loss, history.train_loss, true_valid)


def shuffle_labels(images: ImageSet, seed: int) -> ImageSet:
    """Shuffle a set's labels, so that they say nothing about its images."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return replace(images, labels=images.labels[order])


def plain_means(history: History) -> list[float]:
    """Average each epoch's losses as if its batches were all of one size: a planted mistake."""
    steps = len(history.step_loss) // history.epochs
    firsts = range(0, len(history.step_loss), steps)
    return [sum(history.step_loss[first : first + steps]) / steps for first in firsts]
