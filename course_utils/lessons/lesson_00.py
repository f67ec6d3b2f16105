"""Lesson 00, start here: its settings in each profile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from course_utils.models import CifarResNet, simple_net
from course_utils.profiles import choose


@dataclass(frozen=True)
class Settings:
    """What a profile decides about the first training."""

    model: Callable[[], nn.Module]
    epochs: int
    batch_size: int


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(
        quick=Settings(simple_net, epochs=5, batch_size=64),
        full=Settings(partial(CifarResNet, 20), epochs=10, batch_size=128),
        smoke=Settings(partial(CifarResNet, 8), epochs=1, batch_size=32),
    )
