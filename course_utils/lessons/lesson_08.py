"""Lesson 08, overfit a tiny set: healthy set-ups, bugs planted into them, its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.data import DeviceLoader, ImageDataset, load_images, pool_images
from course_utils.models import CifarResNet, simple_net, small_cnn
from course_utils.profiles import choose, seeds
from course_utils.training import TrainStep, set_seed

Batch = tuple[Tensor, Tensor]


@dataclass
class SetUp:
    """All that a training needs: a model, a loss, the data, an optimizer and the step.

    Attributes:
        model: from images to logits or log-probabilities.
        loss_function: maps (output, labels) to the loss.
        images: (n, channels, height, width).
        labels: (n,).
        lr: learning rate of SGD.
        momentum: of SGD.
        held: the parameters that the optimizer holds; None for all.
        make_step: builds the training step from model, optimizer and loss function.
    """

    model: nn.Module
    loss_function: Callable[[Tensor, Tensor], Tensor]
    images: Tensor
    labels: Tensor
    lr: float = 0.1
    momentum: float = 0.9
    held: Callable[[nn.Module], list] | None = None
    make_step: Callable[..., Callable[[Batch], Tensor]] = TrainStep

    def build(self) -> tuple[torch.optim.Optimizer, Callable[[Batch], Tensor]]:
        """Build the optimizer, and the step that uses it."""
        held = self.model.parameters() if self.held is None else self.held(self.model)
        optimizer = torch.optim.SGD(held, lr=self.lr, momentum=self.momentum)
        return optimizer, self.make_step(self.model, optimizer, loss_function=self.loss_function)

    def loader(self, batch_size: int = 64) -> list[Batch]:
        """Cut the data into batches."""
        return list(zip(self.images.split(batch_size), self.labels.split(batch_size), strict=True))


@dataclass(frozen=True)
class Bug:
    """A bug: where it sits, what was done, in words and as a change of a healthy set-up."""

    place: str
    words: str
    plant: Callable[[SetUp], SetUp]


class _AlwaysDrops(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return F.dropout(features, 0.2)  # training=True is the default


class _ForgottenLayers(nn.Module):
    """Keeps its layers in a plain list, where `parameters()` does not look."""

    def __init__(self, net: nn.Sequential):
        super().__init__()
        self.layers = list(net[:-1])
        self.last = net[-1]

    def forward(self, features: Tensor) -> Tensor:
        for layer in self.layers:
            features = layer(features)
        return self.last(features)


def _ends_with(layer: nn.Module, loss: Callable = F.cross_entropy) -> Callable[[SetUp], SetUp]:
    def plant(set_up: SetUp) -> SetUp:
        return replace(set_up, model=nn.Sequential(*set_up.model, layer), loss_function=loss)

    return plant


def _drops(set_up: SetUp) -> SetUp:
    *first, last = set_up.model
    return replace(set_up, model=nn.Sequential(*first, _AlwaysDrops(), last))


def _freezes(set_up: SetUp) -> SetUp:
    next(set_up.model.parameters()).requires_grad_(False)
    return set_up


def _scrambles(set_up: SetUp) -> SetUp:
    pixels = set_up.images.flatten(2)
    order = torch.randperm(pixels.shape[-1], generator=torch.Generator().manual_seed(1))
    return replace(set_up, images=pixels[..., order].view_as(set_up.images))


def _normalises_rows(set_up: SetUp) -> SetUp:
    centred = set_up.images - set_up.images.mean(-1, keepdim=True)
    return replace(set_up, images=centred / (centred.std(-1, keepdim=True) + 0.1))


def _raw(set_up: SetUp) -> SetUp:
    low, high = set_up.images.min(), set_up.images.max()
    return replace(set_up, images=255 * (set_up.images - low) / (high - low))


def _shuffles_once(set_up: SetUp) -> SetUp:
    order = torch.randperm(len(set_up.labels), generator=torch.Generator().manual_seed(1))
    return replace(set_up, labels=set_up.labels[order])


def _step(*, clears: bool = True, shuffles: bool = False) -> Callable[[SetUp], SetUp]:
    """Plant a training step that forgets to clear the gradients, or shuffles the labels."""

    def make_step(model, optimizer, *, loss_function):
        def step(batch: Batch) -> Tensor:
            images, labels = batch
            if shuffles:
                labels = labels[torch.randperm(len(labels))]
            if clears:
                optimizer.zero_grad()
            loss = loss_function(model(images), labels)
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step

    return lambda set_up: replace(set_up, make_step=make_step)


BUGS = {
    "softmax twice": Bug(
        "model",
        "the net ends in a softmax, and the loss applies another",
        _ends_with(nn.Softmax(1)),
    ),
    "softmax over the batch": Bug(
        "model", "log-softmax over axis 0, the samples", _ends_with(nn.LogSoftmax(0), F.nll_loss)
    ),
    "softmax missing": Bug(
        "model",
        "F.nll_loss is given logits instead of log-probabilities",
        lambda set_up: replace(set_up, loss_function=F.nll_loss),
    ),
    "ReLU on the logits": Bug("model", "a ReLU after the last layer", _ends_with(nn.ReLU())),
    "dropout left on": Bug("model", "F.dropout without training=self.training", _drops),
    "layer frozen": Bug("model", "the first weights have requires_grad False", _freezes),
    "layers in a list": Bug(
        "model",
        "layers in a plain list, unseen by model.parameters()",
        lambda set_up: replace(set_up, model=_ForgottenLayers(set_up.model)),
    ),
    "summed loss": Bug(
        "loss",
        "the loss is the sum over the batch, not the mean",
        lambda set_up: replace(set_up, loss_function=nn.CrossEntropyLoss(reduction="sum")),
    ),
    "raw pixels": Bug("data", "pixels from 0 to 255, not normalised", _raw),
    "pixels scrambled": Bug(
        "data", "all images' pixels permuted in one and the same way", _scrambles
    ),
    "rows normalised": Bug("data", "normalised along the wrong axis: row by row", _normalises_rows),
    "labels shuffled once": Bug("data", "the labels were shuffled before training", _shuffles_once),
    "labels misaligned": Bug(
        "data",
        "each image has the label of the one before",
        lambda set_up: replace(set_up, labels=set_up.labels.roll(1)),
    ),
    "labels reshuffled": Bug(
        "loop", "the labels are shuffled anew in each step", _step(shuffles=True)
    ),
    "no zero_grad": Bug("loop", "gradients add up from step to step", _step(clears=False)),
    "no zero_grad, plain SGD": Bug(
        "loop",
        "the same without momentum",
        lambda set_up: replace(_step(clears=False)(set_up), momentum=0.0),
    ),
    "LR far too small": Bug("loop", "learning rate / 10,000", lambda s: replace(s, lr=s.lr / 1e4)),
    "LR far too large": Bug("loop", "learning rate x 300", lambda s: replace(s, lr=s.lr * 300)),
    "optimizer holds one layer": Bug(
        "loop",
        "the optimizer was given the last layer only",
        lambda set_up: replace(set_up, held=lambda model: list(model[-1].parameters())),
    ),
}

# Looks like a bug, and is none: a log-softmax of a log-softmax is the same log-softmax.
HARMLESS = Bug(
    "model",
    "the net ends in a log-softmax, and the loss applies another",
    _ends_with(nn.LogSoftmax(1)),
)


@dataclass(frozen=True)
class Settings:
    """What a profile decides.

    Attributes:
        models: name -> builds a healthy net; the first one gets the bugs planted.
        pool: side of the squares of pixels that are averaged into one.
        few: how many images are to be learned by heart.
        images: how many a set-up has in all.
        max_steps: after how many steps the test gives up.
        seeds: of images and weights.
    """

    models: Mapping[str, Callable[[], nn.Module]]
    pool: int
    few: int
    images: int
    max_steps: int
    seeds: tuple[int, ...]

    def load(self) -> ImageDataset:
        """Load the training images."""
        images, _ = load_images()
        return pool_images(images, self.pool) if self.pool > 1 else images

    def set_up(self, images: ImageDataset, seed: int, *, device: torch.device, model: str) -> SetUp:
        """Build a healthy set-up; the seed draws its images and its weights."""
        set_seed(seed)
        loader = DeviceLoader(
            images, batch_size=self.images, device=device, shuffle=True, seed=seed
        )
        return SetUp(self.models[model]().to(device), F.cross_entropy, *next(iter(loader)))


def settings() -> Settings:
    """Return the settings of the running profile."""
    quick = Settings(_models(1, 14, 8), pool=2, few=64, images=1024, max_steps=600, seeds=seeds(3))
    full = Settings(_models(3, 32, 20), pool=1, few=64, images=1024, max_steps=600, seeds=seeds(5))
    smoke = Settings(_models(3, 32, 8), pool=1, few=16, images=48, max_steps=8, seeds=seeds(3))
    return choose(quick=quick, full=full, smoke=smoke)


def _models(channels: int, size: int, depth: int) -> dict[str, Callable[[], nn.Module]]:
    return {
        "MLP": partial(simple_net, channels * size**2),
        "small CNN": partial(small_cnn, channels=channels, size=size),
        f"ResNet-{depth}": partial(CifarResNet, depth, channels=channels),
    }
