"""The 1cycle policy as a curve, in four forms.

Smith and Topin (2017, arXiv:1708.07120) and Smith (2018, arXiv:1803.09820): one cycle of the
learning rate, shorter than the training, then a learning rate several orders of magnitude below
the first. How it is carried out differs:

seed    The default, and the form of the course's source text (as in Gugger 2018, "The 1cycle
        policy"). Two equal linear legs, low LR -> max_lr -> low LR, then a linear tail to a
        hundredth of the low LR, reached at the last step. Momentum .95 -> .85 -> .95 -> .95.
smith   Smith's own logs (lnsmith54/hyperParam1 on GitHub). The second leg does not stop at the low
        LR but goes on towards zero in the same time; the tail is constant, at a thousandth of the
        low LR. Momentum falls again in the tail, half as steeply as in the first leg.
fastai  `fit_one_cycle` of fastai 2. Two half cosines: up in a quarter of the steps, then down to
        max_lr / 100,000. Step i of T lies at i / T, so that the last one falls just short.
torch   `OneCycleLR` by default. Two half cosines; the peak lies at step .3 T - 1, and the last
        step has the final LR, max_lr / 250,000. With `three_phase` the way down stops at the low LR
        after as many steps as the way up took, and a third half cosine ends at the final LR.
"""

from __future__ import annotations

from itertools import compress, pairwise

from course_utils.limits import check_number, check_whole
from course_utils.phased_curve import Pair, Phase, PhasedCurve, check_momentum

# The run of the source text: two legs of 41 epochs in 95.
TAIL = 13 / 95


class OneCycleCurve(PhasedCurve):
    """A 1cycle schedule before any training: `OneCycleCurve.seed(624, 0.8).preview()`.

    Each form is a constructor. All raise a `ValueError` that names the setting out of its range.
    `one_cycle.OneCycle` sets an optimizer by such a curve.
    """

    @classmethod
    def seed(
        cls,
        total_steps: int,
        max_lr: float,
        *,
        div: float = 10.0,
        tail: float = TAIL,
        final_div: float = 100.0,
        momentum: Pair | None = (0.95, 0.85),
    ) -> OneCycleCurve:
        """Two equal linear legs and a linear tail.

        Args:
            total_steps: optimizer steps in the whole training, at least 3.
            max_lr: learning rate at the peak, which may fall between two steps.
            div: the low LR, at both ends of the cycle, is max_lr / div.
            tail: the tail's fraction of the training; 0 for none. The default is that of a run of
                41 + 41 of 95 epochs; 22.5 + 22.5 of 50 epochs is .1.
            final_div: the tail ends at the low LR / final_div.
            momentum: (at the low LR, at the peak); (.85, .95) turns the momentum's cycle upside
                down, None leaves the optimizer's own alone.
        """
        low, leg, last = _legs(total_steps, max_lr, div, tail, final_div, momentum)
        down = Phase(2 * leg if tail else last, (max_lr, low), _mix(momentum, 1, 0))
        phases = (Phase(leg, (low, max_lr), momentum), down)
        if tail:
            phases += (Phase(last, (low, low / final_div), _mix(momentum, 0, 0)),)
        return cls(total_steps, phases)

    @classmethod
    def smith(
        cls,
        total_steps: int,
        max_lr: float,
        *,
        div: float = 10.0,
        tail: float = TAIL,
        final_div: float = 1000.0,
        momentum: Pair | None = (0.95, 0.85),
    ) -> OneCycleCurve:
        """A second leg that goes on towards zero, and a constant tail; arguments as in `seed`."""
        low, leg, last = _legs(total_steps, max_lr, div, tail, final_div, momentum)
        floor = low / final_div
        rest = floor / max_lr  # of the second leg, when the floor is reached
        phases = (
            Phase(leg, (low, max_lr), momentum),
            Phase((2 - rest) * leg, (max_lr, floor), _mix(momentum, 1, rest)),
            Phase(2 * leg if tail else last, (floor, floor), _mix(momentum, rest, 0)),
        )
        if tail:
            again = min(1.0, (last - 2 * leg) / (2 * leg))  # a long tail stops at the peak's value
            phases += (Phase(last, (floor, floor), _mix(momentum, 0, again)),)
        # Divisions by 1 leave the way to the floor no length, huge ones leave none to what follows.
        rising = [phase.end > before.end for before, phase in pairwise(phases)]
        return cls(total_steps, (phases[0], *compress(phases[1:], rising)))

    @classmethod
    def fastai(
        cls,
        total_steps: int,
        max_lr: float,
        *,
        div: float = 25.0,
        pct_start: float = 0.25,
        div_final: float = 1e5,
        momentum: Pair | None = (0.95, 0.85),
    ) -> OneCycleCurve:
        """Two half cosines, in fastai's terms; the other arguments are as in `seed`.

        Args:
            total_steps: as in `seed`.
            max_lr: as in `seed`.
            div: as in `seed`.
            pct_start: fraction of the steps before the peak.
            div_final: the curve ends at max_lr / div_final (not: the low LR / final_div).
            momentum: as in `seed`.
        """
        _check(total_steps, max_lr, momentum, div=div, div_final=div_final)
        peak = _fraction("pct_start", pct_start) * total_steps
        lrs = max_lr / div, max_lr, max_lr / div_final
        return cls(total_steps, _two_cosines(peak, float(total_steps), lrs, momentum))

    @classmethod
    def torch(
        cls,
        total_steps: int,
        max_lr: float,
        *,
        div: float = 25.0,
        pct_start: float = 0.3,
        final_div: float = 1e4,
        momentum: Pair | None = (0.95, 0.85),
        three_phase: bool = False,
    ) -> OneCycleCurve:
        """Two or three half cosines, timed as by torch's `OneCycleLR`.

        The arguments are as in `seed`; `pct_start` is the fraction of the steps that ends with the
        peak, at most .5 with `three_phase`.
        """
        _check(total_steps, max_lr, momentum, div=div, final_div=final_div)
        peak = _fraction("pct_start", pct_start) * total_steps - 1
        if peak <= 0:
            raise ValueError(
                f"pct_start is {pct_start} of {total_steps} steps, which leaves no step before the "
                "peak: raise one of them."
            )
        if three_phase and pct_start > 0.5:
            raise ValueError(
                f"pct_start is {pct_start}, but with three_phase it must be at most 0.5: the way "
                "down takes as many steps as the way up."
            )
        low, last = max_lr / div, total_steps - 1.0
        if not three_phase:
            lrs = low, max_lr, low / final_div
            return cls(total_steps, _two_cosines(peak, last, lrs, momentum))
        cycle = _two_cosines(peak, 2 * peak, (low, max_lr, low), momentum)
        tail = Phase(last, (low, low / final_div), _mix(momentum, 0, 0), "cosine")
        return cls(total_steps, (*cycle, tail))


def _legs(total_steps, max_lr, div, tail, final_div, momentum) -> tuple[float, float, float]:
    """Return the low LR, the length of a leg in steps, and the last step."""
    _check(total_steps, max_lr, momentum, div=div, final_div=final_div)
    last = total_steps - 1.0
    return max_lr / div, (1 - _fraction("tail", tail, or_zero=True)) / 2 * last, last


def _two_cosines(peak, end, lrs, momentum) -> tuple[Phase, Phase]:
    low, high, final = lrs
    return (
        Phase(peak, (low, high), momentum, "cosine"),
        Phase(end, (high, final), _mix(momentum, 1, 0), "cosine"),
    )


def _mix(momentum: Pair | None, *weights: float) -> Pair | None:
    """Return the momenta with these weights of the peak's value, the rest that at the low LR."""
    if momentum is None:
        return None
    at_low, at_peak = momentum
    return tuple(at_low * (1 - weight) + at_peak * weight for weight in weights)


def _check(total_steps: int, max_lr: float, momentum: Pair | None, **divisors: float) -> None:
    check_whole("total_steps", total_steps, 3)
    check_number("max_lr", max_lr, above=0)
    check_momentum(momentum)
    for name, value in divisors.items():
        check_number(name, value, least=1)


def _fraction(name: str, value: float, *, or_zero: bool = False) -> float:
    check_number(name, value, **{"least" if or_zero else "above": 0}, below=1)
    return value
