"""The loss-LR curve of a learning-rate finder: where to pick, and how high a rate it allows."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from course_utils._validate import check_number
from course_utils.lr.smoothing import smooth_centred

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
        """Draw the raw and smoothed losses over the learning rate, with the suggestion marked.

        The suggestion is left out, with a remark in the legend, where the curve allows none.

        Args:
            ax: matplotlib axes, which are returned.
            label: of the smoothed losses.
            method: how the suggestion is made, see `suggestion`.

        Raises:
            ValueError: the method is unknown.
        """
        check_method(method)
        ax.plot(self.lrs, self.losses, color="C0", alpha=0.25, lw=0.8, label="raw loss")
        ax.plot(self.lrs, self.smoothed, color="C0", label=label)
        try:
            pick = self.suggestion(method)
            ax.axvline(pick, color="C3", ls="--", label=f"{method}: {pick:.2g}")
        except ValueError:
            ax.plot([], [], " ", label=f"{method}: no suggestion")
        ax.set_ylim(*self.loss_range())
        return finish_lr_axis(ax)

    def loss_range(self) -> tuple[float, float]:
        """Return the vertical range that shows the fall of the losses, without the explosion."""
        low, start = min(self.smoothed), max(self.smoothed[: int(np.argmin(self.smoothed)) + 1])
        span = max(start - low, 1e-3)
        return low - 0.1 * span, start + 0.5 * span

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


def finish_lr_axis(ax):
    """Label an axis of learning rates, and show the legend."""
    ax.set_xscale("log")
    ax.set(xlabel="learning rate (log scale)", ylabel="training loss (nats)")
    ax.legend()
    return ax


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


TOLERANCE = 0.1
FRACTION = 0.5


def end_of_bottom(
    lrs: Sequence[float], losses: Sequence[float], *, tolerance: float = TOLERANCE
) -> float:
    """Return the last learning rate before a smoothed curve leaves its bottom.

    From the lowest loss to the right, up to the first loss that lies above the lowest by more than
    `tolerance` times the whole fall (first loss minus lowest). One that is not finite lies above.

    Args:
        lrs: learning rates, rising.
        losses: the smoothed loss at each, in nats; the first one is finite.
        tolerance: a fraction of the fall, from 0.

    Raises:
        ValueError: the lists differ in length or are empty, the first loss is not finite, or the
            tolerance is negative.
    """
    if len(lrs) != len(losses) or not len(lrs):
        raise ValueError(
            f"There are {len(lrs)} learning rates and {len(losses)} losses, but a curve needs "
            "equally many, at least one."
        )
    if not math.isfinite(losses[0]):
        raise ValueError(
            f"The first loss is {losses[0]}, not finite: start the sweep at a lower learning rate."
        )
    check_number("tolerance", tolerance, least=0, hint="0.1 is usual")
    heights = np.where(np.isfinite(losses), losses, np.inf)
    lowest = int(np.argmin(heights))
    limit = heights[lowest] + tolerance * (heights[0] - heights[lowest])
    above = np.flatnonzero(heights[lowest:] > limit)
    return float(lrs[lowest + above[0] - 1 if len(above) else -1])


def largest_usable_lr(curve: LRCurve, *, tolerance: float = TOLERANCE) -> float:
    """Return the last learning rate of a finder's curve before it leaves its bottom.

    The raw losses are smoothed over both sides of each point, so that the answer does not come late
    by the lag of the curve's own smoothing; what lies above the start is cut to its level first, or
    one loss of the explosion would outweigh all others near it. It is the edge, not a pick: train
    below it.

    Args:
        curve: of `find_lr`; its `beta` sets the smoothing.
        tolerance: see `end_of_bottom`.

    Raises:
        ValueError: the tolerance is negative.
    """
    start = max(curve.smoothed[: int(np.argmin(curve.smoothed)) + 1])
    capped = np.minimum(curve.losses, start)
    return end_of_bottom(curve.lrs, smooth_centred(capped, curve.beta), tolerance=tolerance)


def largest_setting_with_high_lr(
    usable_lrs: Mapping[float, float], *, fraction: float = FRACTION
) -> float:
    """Return the largest setting, say of the weight decay, that still allows a high learning rate.

    The rule of Smith (2018, arXiv:1803.09820, section 4.4) as the course's source text gives it;
    neither says how high is high.

    Args:
        usable_lrs: setting -> its largest usable learning rate.
        fraction: high means at least this fraction of the highest of them; a half, since repeated
            sweeps often scatter by a factor of two.

    Raises:
        ValueError: there is no setting, a learning rate is not finite, or the fraction lies outside
            (0, 1].
    """
    if not usable_lrs:
        raise ValueError("There is no setting to choose from: give at least one.")
    check_number("fraction", fraction, above=0, most=1, hint="0.5 is usual")
    for setting, lr in usable_lrs.items():
        check_number(f"The usable learning rate of {setting}", lr)
    high = fraction * max(usable_lrs.values())
    return max(setting for setting, lr in usable_lrs.items() if lr >= high)
