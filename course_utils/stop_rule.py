"""The finder's stop rule: end the sweep when the smoothed loss explodes or is no number."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_utils.limits import check_number
from course_utils.lr_curve import LRCurve
from course_utils.smoothing import MovingAverage


class StopRule:
    """Reads the losses of a sweep in their order and says when it is over.

    Args:
        beta: smoothing of the losses, see `smoothing.MovingAverage`.
        stop_ratio: how many times its lowest value the smoothed loss may reach.

    Raises:
        ValueError: beta lies outside [0, 1), or stop_ratio is not above 1.
    """

    def __init__(self, beta: float, stop_ratio: float):
        check_number("stop_ratio", stop_ratio, above=1, hint="4 is usual")
        self.average, self.stop_ratio = MovingAverage(beta), stop_ratio
        self.losses: list[float] = []
        self.smoothed: list[float] = []
        self.stop_reason: str | None = None
        self._best = math.inf

    def read(self, losses: list[Tensor]) -> bool:
        """Take the waiting losses over, in one transfer, and say whether the sweep is over."""
        values = torch.stack(losses).tolist() if losses else []
        losses.clear()
        for value in values:
            self._look_at(value)
            if self.stop_reason:
                break
        return self.stop_reason is not None

    def curve(self, lrs: list[float]) -> LRCurve:
        """Return the losses read as the curve over `lrs`.

        Raises:
            ValueError: not even the first loss was finite.
        """
        if not self.losses:
            raise ValueError(
                f"The first loss, at LR {lrs[0]:.2g}, is not finite: "
                "look for NaN in the data and in the model's initial weights."
            )
        return LRCurve(
            lrs=tuple(lrs[: len(self.losses)]),
            losses=tuple(self.losses),
            smoothed=tuple(self.smoothed),
            beta=self.average.beta,
            stop_reason=self.stop_reason or "end",
        )

    def _look_at(self, loss: float) -> None:
        if not math.isfinite(loss):
            self.stop_reason = "non-finite"
            return
        smoothed = self.average.update(loss)
        # For losses above zero this is `smoothed > stop_ratio * best`; others it serves as well.
        if smoothed > self._best + (self.stop_ratio - 1) * abs(self._best):
            self.stop_reason = "diverged"
            return
        self.losses.append(loss)
        self.smoothed.append(smoothed)
        self._best = min(self._best, smoothed)
