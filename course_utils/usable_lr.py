"""How high a learning rate a loss-LR curve allows, and the rule that reads a setting from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from course_utils.limits import check_number
from course_utils.lr_curve import LRCurve
from course_utils.smoothing import smooth_centred

TOLERANCE = 0.1
SHARE = 0.5


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
    usable_lrs: Mapping[float, float], *, share: float = SHARE
) -> float:
    """Return the largest setting, say of the weight decay, that still allows a high learning rate.

    The rule of Smith (2018, arXiv:1803.09820, section 4.4) as the course's source text gives it;
    neither says how high is high.

    Args:
        usable_lrs: setting -> its largest usable learning rate.
        share: high means at least this share of the highest of them; a half, since repeated sweeps
            often scatter by a factor of two.

    Raises:
        ValueError: there is no setting, a learning rate is not finite, or the share lies outside
            (0, 1].
    """
    if not usable_lrs:
        raise ValueError("There is no setting to choose from: give at least one.")
    check_number("share", share, above=0, most=1, hint="0.5 is usual")
    for setting, lr in usable_lrs.items():
        check_number(f"The usable learning rate of {setting}", lr)
    high = share * max(usable_lrs.values())
    return max(setting for setting, lr in usable_lrs.items() if lr >= high)
