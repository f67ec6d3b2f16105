"""Lesson NN, TITLE: its settings in each profile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from torch import nn

from course_utils.models import CifarResNet, simple_net
from course_utils.profiles import choose, seeds


@dataclass(frozen=True)
class Settings:
    """What a profile decides: model, sizes of the training and validation part, epochs, seeds."""

    model: Callable[[], nn.Module]
    split: tuple[int, int]
    epochs: int
    batch_size: int = 64
    seeds: tuple[int, ...] = field(default_factory=partial(seeds, 3))


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(
        quick=Settings(simple_net, (5_000, 5_000), epochs=1),
        full=Settings(partial(CifarResNet, 20), (45_000, 5_000), epochs=10),
        smoke=Settings(partial(CifarResNet, 8), (96, 32), epochs=1, batch_size=16),
    )
