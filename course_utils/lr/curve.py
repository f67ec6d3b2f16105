"""The loss-LR curve of a learning-rate finder: where to pick, and how high a rate it allows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from course_utils._validate import check_number
from course_utils.lr.smoothing import smooth_centred

# The rule of `LRCurve.suggestion`, chosen on 27 real tasks and confirmed on 18 others: the share of
# the fall that is done, the distance from the largest usable LR, and a cycle's peak over the rest.
FALL_DONE = 0.99
BELOW_USABLE = 8.0
PEAK_FACTOR = 2.0
# Half the reach of the centred smoothing, in decades of the learning rate, at most.
MAX_REACH = 0.25
# In standard deviations of one loss: real falls are above 5, pure noise seems to fall by 1.2.
LEAST_FALL = 2.0
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

    def suggestion(self, *, peak: bool = False) -> float:
        """Suggest a learning rate to train at, or the peak of a cycle.

        The first learning rate at which 99 % of the fall of the loss is done, the smoothing's lag
        taken out, but at most an eighth of the largest usable one; for the peak of a cycle, which
        is held for a few steps only, twice that. Chosen for sweeps of `find_lr`'s defaults by the
        accuracy after training: `experiments/regret.py`.

        Args:
            peak: as the peak of 1cycle, not as a constant learning rate.

        Raises:
            ValueError: the curve is constant, never falls by more than its noise, or has fewer than
                five points.
        """
        pick = min(self.fall_done(), largest_usable_lr(self) / BELOW_USABLE)
        return PEAK_FACTOR * pick if peak else pick

    def fall_done(self, fraction: float = FALL_DONE) -> float:
        """Return the first learning rate at which so much of the fall is done, the lag taken out.

        On a curve that falls and rises it lies just before the minimum. Where the sweep has learnt
        the training set by heart, so that the loss stays at zero however high the learning rate,
        the minimum lies anywhere, and this is still where the bottom begins.

        Args:
            fraction: of the fall, from the highest loss before the minimum down to the minimum;
                above 0, at most 1.

        Raises:
            ValueError: the fraction lies outside (0, 1], or as `suggestion`.
        """
        check_number("fraction", fraction, above=0, most=1, hint="0.99 is usual")
        losses, lowest = self._fall()
        limit = losses[lowest] + (1 - fraction) * (losses[: lowest + 1].max() - losses[lowest])
        return self.lrs[int(np.flatnonzero(losses <= limit)[0])]

    def steepest(self) -> float:
        """Return the learning rate at which the loss falls most a decade, the lag taken out.

        Usual elsewhere; trained at, it costs more than `suggestion` on most tasks.

        Raises:
            ValueError: as `suggestion`.
        """
        losses, lowest = self._fall()
        slopes = np.gradient(losses, np.log10(self.lrs))
        return self.lrs[int(np.argmin(slopes[: lowest + 1]))]

    def minimum(self) -> float:
        """Return the learning rate at the lowest loss, the lag of the smoothing taken out."""
        return self.lrs[self._lowest(self._centred())]

    def plot(self, ax, *, label: str = "smoothed loss", peak: bool = False):
        """Draw the raw and smoothed losses over the learning rate, with the suggestion marked.

        The suggestion is left out, with a remark in the legend, where the curve allows none.

        Args:
            ax: matplotlib axes, which are returned.
            label: of the smoothed losses.
            peak: mark the suggestion for the peak of a cycle.
        """
        ax.plot(self.lrs, self.losses, color="C0", alpha=0.25, lw=0.8, label="raw loss")
        ax.plot(self.lrs, self.smoothed, color="C0", label=label)
        name = "suggested peak" if peak else "suggestion"
        try:
            pick = self.suggestion(peak=peak)
            ax.axvline(pick, color="C3", ls="--", label=f"{name}: {pick:.2g}")
        except ValueError:
            ax.plot([], [], " ", label=f"no {name}")
        ax.set_ylim(*self.loss_range())
        return finish_lr_axis(ax)

    def loss_range(self) -> tuple[float, float]:
        """Return the vertical range that shows the fall of the losses, without the explosion."""
        low, start = min(self.smoothed), self._start()
        span = max(start - low, 1e-3)
        return low - 0.1 * span, start + 0.5 * span

    def _fall(self) -> tuple[np.ndarray, int]:
        """Return the losses without lag and the place of the lowest, if the loss falls at all."""
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
        if lowest == 0:
            raise ValueError(
                f"The loss never falls between LR {self.lrs[0]:.2g} and {self.lrs[-1]:.2g}: "
                "start the sweep at a lower learning rate."
            )
        fall = losses[: lowest + 1].max() - losses[lowest]
        noise = np.std(self.losses[: lowest + 1] - losses[: lowest + 1])
        if fall < LEAST_FALL * noise:
            raise ValueError(
                f"The loss falls by {fall:.2g} up to LR {self.lrs[-1]:.2g}, "
                f"not above its noise of {noise:.2g}: sweep to a higher learning rate."
            )
        return losses, lowest

    def _centred(self) -> np.ndarray:
        """Smooth without lag over at most `MAX_REACH` decades, without the explosion's spikes."""
        steps_a_decade = (len(self.lrs) - 1) / math.log10(self.lrs[-1] / self.lrs[0])
        reach = min(1 / (1 - self.beta), max(1.0, MAX_REACH * steps_a_decade))
        return smooth_centred(self.capped(), 1 - 1 / reach)

    def capped(self) -> np.ndarray:
        """Return the raw losses with those above the level of the start cut to it.

        One loss of the explosion would outweigh all others near it in a smoothing.
        """
        return np.minimum(self.losses, self._start())

    def _start(self) -> float:
        """Return the level from which the smoothed loss falls to its minimum."""
        return max(self.smoothed[: int(np.argmin(self.smoothed)) + 1])

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

    def suggestion(self, *, peak: bool = False) -> tuple[float, float, float]:
        """Return (median, lowest, highest) of the curves' suggestions."""
        picks = [curve.suggestion(peak=peak) for curve in self.curves]
        return median(picks), min(picks), max(picks)


def finish_lr_axis(ax):
    """Label an axis of learning rates, and show the legend."""
    ax.set_xscale("log")
    ax.set(xlabel="learning rate (log scale)", ylabel="training loss (nats)")
    ax.legend()
    return ax


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
    by the lag of the curve's own smoothing. It is the edge, not a pick: train below it.

    Args:
        curve: of `find_lr`; its `beta` sets the smoothing.
        tolerance: see `end_of_bottom`.

    Raises:
        ValueError: the tolerance is negative.
    """
    losses = smooth_centred(curve.capped(), curve.beta)
    return end_of_bottom(curve.lrs, losses, tolerance=tolerance)


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
