"""Smoothing of a noisy series of losses, with the lag that it causes and without."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from course_utils._validate import check_number


class MovingAverage:
    """Exponential moving average with bias correction (Kingma and Ba 2015, section 3).

    beta * average + (1 - beta) * value, divided by 1 - beta**t. Written as a step towards each new
    value, it gives a constant series back exactly. It lags by up to 1 / (1 - beta) steps.

    Raises:
        ValueError: beta lies outside [0, 1).
    """

    def __init__(self, beta: float):
        check_number("beta", beta, least=0, below=1, hint="0 is no smoothing, 0.98 is usual")
        self.beta, self.count, self.value = beta, 0, 0.0

    def update(self, value: float) -> float:
        """Take in the next value and return the average."""
        self.count += 1
        weight = (1 - self.beta) / (1 - self.beta**self.count)
        # A weight of 1 is taken apart: value + (x - value) may differ from x by rounding.
        self.value = value if weight == 1 else self.value + weight * (value - self.value)
        return self.value


def smooth(values: Iterable[float], beta: float) -> list[float]:
    """Smooth a series by `MovingAverage`.

    Raises:
        ValueError: beta lies outside [0, 1).
    """
    average = MovingAverage(beta)
    return [average.update(value) for value in values]


def smooth_centred(losses, beta: float) -> np.ndarray:
    """Smooth a series by weights beta**|distance| on both sides of each point: without lag.

    Raises:
        ValueError: beta lies outside [0, 1).
    """
    check_number("beta", beta, least=0, below=1)
    losses = np.asarray(losses, dtype=float)

    def sums(values: np.ndarray) -> np.ndarray:
        total, result = 0.0, np.empty(len(values))
        for index, value in enumerate(values):
            total = beta * total + value
            result[index] = total
        return result

    def both_sides(values: np.ndarray) -> np.ndarray:
        return sums(values) + sums(values[::-1])[::-1] - values

    return both_sides(losses) / both_sides(np.ones(len(losses)))
