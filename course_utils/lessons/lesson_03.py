"""Lesson 03, the variants of SGD: the optimizers that it compares, and its images."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch

from course_utils.data import ImageDataset
from course_utils.lessons.common import load_split
from course_utils.profiles import choose

OPTIMIZERS = ("SGD", "momentum SGD", "Nesterov", "RMSprop", "Adam")
WITHOUT_MOMENTUM = ("SGD", "RMSprop")


def optimizer_factory(
    name: str, *, lr: float, momentum: float = 0.9
) -> Callable[[Iterable], torch.optim.Optimizer]:
    """Return a function that builds an optimizer of PyTorch over the parameters it is given.

    Args:
        name: one of `OPTIMIZERS`, or "Muon".
        lr: learning rate.
        momentum: of momentum SGD and Nesterov, and beta1 of Adam; SGD and RMSprop have none, and
            Muon keeps its own.
    """
    sgd = partial(torch.optim.SGD, lr=lr)
    return {
        "SGD": sgd,
        "momentum SGD": partial(sgd, momentum=momentum),
        # PyTorch refuses Nesterov's form without momentum, where it is plain SGD anyway.
        "Nesterov": partial(sgd, momentum=momentum, nesterov=momentum > 0),
        "RMSprop": partial(torch.optim.RMSprop, lr=lr),
        "Adam": partial(torch.optim.Adam, lr=lr, betas=(momentum, 0.999)),
        "Muon": partial(muon, lr=lr),
    }[name]


def muon(parameters: Iterable[torch.Tensor], lr: float) -> torch.optim.Muon:
    """Build Muon (Jordan 2024) over the matrices among the parameters; the others stay as they are.

    Its steps get the length of Adam's, so that the two have learning rates of one size.
    """
    matrices = [weights for weights in parameters if weights.ndim == 2]
    return torch.optim.Muon(matrices, lr=lr, weight_decay=0, adjust_lr_fn="match_rms_adamw")


def load() -> tuple[ImageDataset, ImageDataset, ImageDataset]:
    """Load training, validation and test images of the profile; the first two are disjoint."""
    half_size = partial(load_split, 2, (10_000, 5_000))
    full_size = partial(load_split, 1, (45_000, 5_000))
    return choose(quick=half_size, full=full_size, smoke=partial(load_split, 2, (48, 32)))()
