"""Loss surfaces over two weights, and the path that an optimizer takes down one of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import torch
from torch import Tensor

from course_utils.limits import check_whole


@dataclass(frozen=True)
class Surface:
    """A loss over two weights that can be drawn as a map.

    Attributes:
        name: as it stands over a figure.
        loss: maps weights (2, ...) to losses (...); torch functions only, so that it has gradients.
        start: where a walk begins, unless told otherwise.
        minima: the points of lowest loss.
        xlim: the stretch of the first weight that is drawn.
        ylim: the stretch of the second weight that is drawn.
    """

    name: str
    loss: Callable[[Tensor], Tensor]
    start: tuple[float, float]
    minima: tuple[tuple[float, float], ...]
    xlim: tuple[float, float]
    ylim: tuple[float, float]

    def gradient(self, weights: Tensor) -> Tensor:
        """Return the gradient of the loss, (2,), at weights (2,)."""
        weights = weights.detach().requires_grad_()
        return torch.autograd.grad(self.loss(weights), weights)[0]


def _ravine(weights: Tensor) -> Tensor:
    x, y = weights
    return (x**2 + 25 * y**2) / 2


def _saddle(weights: Tensor) -> Tensor:
    x, y = weights
    return (y**2 - x**2) / 2 + x**4 / 4


# 25 times as steep across as along: plain SGD bounces between the walls above a learning rate of
# 1/25, and leaves the ravine above 2/25.
RAVINE = Surface("ravine", _ravine, (-3.0, 0.6), ((0.0, 0.0),), (-3.5, 1.5), (-1.0, 1.0))
# Flat at the origin, which lies higher than what is left and right of it. The start lies almost
# exactly on the line that leads to the origin.
SADDLE = Surface(
    "saddle", _saddle, (0.01, 1.2), ((-1.0, 0.0), (1.0, 0.0)), (-1.8, 1.8), (-1.2, 1.5)
)


def descend(
    surface: Surface,
    optimizer_factory: Callable[[list[Tensor]], torch.optim.Optimizer],
    start: Sequence[float] | None = None,
    *,
    steps: int,
) -> np.ndarray:
    """Walk down a surface with an optimizer of PyTorch, in double precision.

    Args:
        surface: where to walk.
        optimizer_factory: builds the optimizer from a list of parameters, with its learning rate,
            as `partial(torch.optim.SGD, lr=0.1)` does.
        start: two weights; by default the surface's own.
        steps: how many updates.

    Returns:
        The weights before the first and after each update, float64 (steps + 1, 2). A walk that
        runs away may end in values that are not finite.

    Raises:
        ValueError: the start is not two finite numbers, or there are fewer than 1 steps.
    """
    start = surface.start if start is None else tuple(start)
    numbers = [value for value in start if isinstance(value, Real) and math.isfinite(value)]
    if len(start) != 2 or len(numbers) != 2:
        raise ValueError(f"The start is {start}, but must be two finite numbers: the two weights.")
    check_whole("steps", steps, 1)
    weights = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = optimizer_factory([weights])
    path = [weights.detach().numpy().copy()]
    for _ in range(steps):
        weights.grad = surface.gradient(weights)
        optimizer.step()
        path.append(weights.detach().numpy().copy())
    return np.stack(path)
