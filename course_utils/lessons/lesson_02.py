"""Lesson 02, the LR finder: its settings in each profile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch

from course_utils.data import DeviceLoader
from course_utils.models import CifarResNet, simple_net
from course_utils.profiles import choose, seeds


@dataclass(frozen=True)
class Settings:
    """What a profile decides: model, optimizer, images and how many repeats."""

    model: Callable[[], torch.nn.Module]
    optimizer: Callable[..., torch.optim.Optimizer]
    split: tuple[int, int]
    batches: Callable[..., DeviceLoader]
    finder_seeds: tuple[int, ...] = field(default_factory=partial(seeds, 5))
    training_seeds: tuple[int, ...] = field(default_factory=partial(seeds, 5, first=10))


def settings() -> Settings:
    """Return the settings of the running profile; the quick ones are the source text's own."""
    momentum = partial(torch.optim.SGD, momentum=0.9)
    quick = Settings(simple_net, torch.optim.SGD, (50_000, 10_000), _batches(64))
    full = Settings(partial(CifarResNet, 56), momentum, (45_000, 5_000), _batches(128))
    smoke = Settings(partial(CifarResNet, 8), momentum, (96, 32), _batches(16))
    return choose(quick=quick, full=full, smoke=smoke)


def _batches(batch_size: int) -> Callable[..., DeviceLoader]:
    return partial(DeviceLoader, batch_size=batch_size)
