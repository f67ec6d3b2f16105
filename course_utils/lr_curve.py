"""The loss-LR curve that a learning-rate finder draws, how it is smoothed, and where to pick."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from statistics import median

import numpy as np

from course_utils.smoothing import smooth_centred

METHODS = ("steepest", "valley", "minimum/10")
# Half the reach of the centred smoothing, in decades of the learning rate, at most.
MAX_REACH = 0.25
# A suggestion keeps this factor away from the learning rate at which the loss was not finite.
SAFETY_FACTOR = 3.0


@dataclass(frozen=True)
class LRCurve:
    """What one sweep over learning rates measured.

    Attributes:
        lrs: the learning rates, rising; one an optimizer step.
        losses: the raw loss at each.
        smoothed: the losses smoothed by `smoothing.smooth`, which the stop rule looked at.
        beta: the smoothing.
        stop_reason: "end", "diverged" or "non-finite".
    """

    lrs: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    beta: float
    stop_reason: str

    @property
    def is_constant(self) -> bool:
        """Say whether every loss is the same: the sweep then changed nothing."""
        return min(self.losses) == max(self.losses)

    def suggestion(self, method: str = "steepest") -> float:
        """Suggest a learning rate, corrected for the lag of the smoothing.

        Args:
            method: "steepest": where the loss falls most a decade of the learning rate; "valley":
                the middle of the longest falling stretch; "minimum/10": a tenth of the learning
                rate at the lowest loss. All but the last lie well before the minimum on a curve
                that falls slowly.

        Raises:
            ValueError: the method is unknown, or the curve is constant, never falls, or has fewer
                than five points.
        """
        check_method(method)
        if len(self.lrs) < 5:
            raise ValueError(
                f"The curve has {len(self.lrs)} points, too few for a suggestion: "
                "start at a lower learning rate or take more steps."
            )
        if self.is_constant:
            raise ValueError(
                f"The loss is constant ({self.losses[0]:.6g}) at every learning rate: "
                "check that the optimizer holds the model's parameters and that they are trainable."
            )
        losses = self._centred()
        lowest = self._lowest(losses)
        if method == "minimum/10":
            return self.lrs[lowest] / 10
        falling = _longest_fall(losses) if method == "valley" else _steepest(self.lrs, losses)
        index = falling[falling <= lowest]
        if lowest == 0 or not len(index):
            raise ValueError(
                f"The loss never falls between LR {self.lrs[0]:.2g} and {self.lrs[-1]:.2g}: "
                "start the sweep at a lower learning rate."
            )
        return self.lrs[index[0] if method == "steepest" else index[len(index) // 2]]

    def minimum(self) -> float:
        """Return the learning rate at the lowest loss, corrected for the lag of the smoothing."""
        return self.lrs[self._lowest(self._centred())]

    def plot(self, ax, *, label: str = "smoothed loss", method: str = "steepest"):
        """Draw the raw and smoothed losses over the learning rate, with the suggestion marked."""
        from course_utils.plots import plot_lr_curve

        return plot_lr_curve(ax, self, label=label, method=method)

    def _centred(self) -> np.ndarray:
        """Smooth without lag over at most `MAX_REACH` decades, with the explosion's spikes cut off.

        One loss of the divergence outweighs all others near it, so that losses above the level of
        the start are cut to it: where they are, nothing is suggested anyway.
        """
        before_minimum = self.smoothed[: int(np.argmin(self.smoothed)) + 1]
        capped = np.minimum(self.losses, max(before_minimum))
        steps_a_decade = (len(self.lrs) - 1) / math.log10(self.lrs[-1] / self.lrs[0])
        reach = min(1 / (1 - self.beta), max(1.0, MAX_REACH * steps_a_decade))
        return smooth_centred(capped, 1 - 1 / reach)

    def _lowest(self, losses: np.ndarray) -> int:
        """Find the lowest loss, at a safe distance from a non-finite one."""
        usable = len(losses)
        if self.stop_reason == "non-finite":
            usable = max(1, int(np.searchsorted(self.lrs, self.lrs[-1] / SAFETY_FACTOR)))
        return int(np.argmin(losses[:usable]))


@dataclass(frozen=True)
class LRRepeats:
    """Several sweeps that differ in nothing but their seed, and the range of what they suggest.

    Raises:
        ValueError: there is no curve.
    """

    curves: tuple[LRCurve, ...]

    def __post_init__(self):
        if not self.curves:
            raise ValueError("There are no curves to combine: give at least one seed.")

    def suggestion(self, method: str = "steepest") -> tuple[float, float, float]:
        """Return (median, lowest, highest) of the curves' suggestions."""
        picks = [curve.suggestion(method) for curve in self.curves]
        return median(picks), min(picks), max(picks)


def check_method(method: str) -> None:
    """Raise a sentence unless there is such a way to make a suggestion.

    Raises:
        ValueError: the method is none of `METHODS`.
    """
    if method not in METHODS:
        raise ValueError(f"The method is {method!r}, but must be one of {', '.join(METHODS)}.")


def _steepest(lrs, losses: np.ndarray) -> np.ndarray:
    """Order the indices of falling points by slope, steepest first."""
    slope = np.gradient(losses, np.log10(lrs))
    order = np.argsort(slope, kind="stable")
    return order[slope[order] < 0]


def _longest_fall(losses: np.ndarray) -> np.ndarray:
    """Return the indices of the longest falling subsequence: of several, the one that ends first.

    By patience sorting (Fredman 1975), in n log n steps: a level holds the points whose own longest
    fall is equally long. Along a level the losses never fall, so that both searches are bisections.
    """
    levels: list[tuple[list[float], list[int]]] = []
    highest: list[float] = []  # loss of each level, negated, so that it rises from level to level
    previous = np.full(len(losses), -1)
    for index, loss in enumerate(losses.tolist()):
        level = bisect_left(highest, -loss)
        if level:
            heights, indices = levels[level - 1]
            previous[index] = indices[bisect_right(heights, loss)]
        if level == len(levels):
            levels.append(([], []))
        levels[level][0].append(loss)
        levels[level][1].append(index)
        highest[level : level + 1] = [-loss]
    chain = [levels[-1][1][0]]
    while previous[chain[-1]] >= 0:
        chain.append(previous[chain[-1]])
    return np.array(chain[::-1])
