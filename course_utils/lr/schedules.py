"""A schedule as a curve in phases: learning rate and momentum as pure functions of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import compress, pairwise
from numbers import Real

from course_utils._validate import check_number, check_whole

Pair = tuple[float, float]
SHAPES = ("linear", "cosine")


@dataclass(frozen=True)
class Phase:
    """One stretch of a curve, from the end of the stretch before it.

    Attributes:
        end: the step at which it ends; it may lie between two steps.
        lr: learning rate at its start and at its end.
        momentum: likewise, or None to leave the optimizer's alone.
        shape: "linear" or "cosine" (half a period).
        part: the part of the shape that is run through: all of it, unless an extension cut it.

    Raises:
        ValueError: the end or a learning rate is negative or not finite, a momentum lies outside
            [0, 1), or the shape is unknown.
    """

    end: float
    lr: Pair
    momentum: Pair | None = None
    shape: str = "linear"
    part: Pair = (0.0, 1.0)

    def __post_init__(self):
        check_number("The end of a phase", self.end, least=0)
        for lr in self.lr:
            check_number("The LR of a phase", lr, least=0)
        check_momentum(self.momentum)
        if self.shape not in SHAPES:
            raise ValueError(f"shape is {self.shape!r}, but must be one of {', '.join(SHAPES)}.")

    def progress(self, step: float, start: float) -> float:
        """Return how much of the shape is done at a step, from 0 to 1, in time."""
        first, last = self.part
        return first + (last - first) * (step - start) / (self.end - start)

    def between(self, pair: Pair, progress: float) -> float:
        """Return the value on the way from one to the other; both ends are hit exactly."""
        weight = progress if self.shape == "linear" else (1 - math.cos(math.pi * progress)) / 2
        return pair[1] if weight >= 1 else pair[0] + (pair[1] - pair[0]) * weight


@dataclass(frozen=True)
class PhasedCurve:
    """Learning rate and momentum at each step of a training; needs no optimizer.

    Attributes:
        total_steps: optimizer steps in the whole training; they are numbered from 0.
        phases: the stretches, in order.

    Raises:
        ValueError: there is no step, or the phases do not fill the steps.
    """

    total_steps: int
    phases: tuple[Phase, ...]

    def __post_init__(self):
        check_whole("total_steps", self.total_steps, 1)
        ends = [phase.end for phase in self.phases]
        if any(end <= start for start, end in zip([0.0, *ends], ends, strict=False)):
            raise ValueError(f"The phases end at steps {ends}, but must end one after another.")
        if not ends or ends[-1] < self.total_steps - 1:
            raise ValueError(
                f"The phases end at steps {ends}, before the last of {self.total_steps} steps: "
                "add a phase or take fewer steps."
            )

    def lr(self, step: int) -> float:
        """Return the learning rate of the optimizer step with this number."""
        return self.at(step)[0]

    def momentum(self, step: int) -> float | None:
        """Return the momentum of this step, None where it is not scheduled."""
        return self.at(step)[1]

    def at(self, step: int) -> tuple[float, float | None]:
        """Return (learning rate, momentum) of a step.

        Raises:
            ValueError: the training has no such step.
        """
        check_number("step", step)
        if not 0 <= step < self.total_steps:
            raise ValueError(
                f"There is no step {step}: the curve has the steps 0 to {self.total_steps - 1}."
            )
        start = 0.0
        for phase in self.phases:
            if step <= phase.end:
                break
            start = phase.end
        progress = phase.progress(step, start)
        momentum = phase.momentum
        return (
            float(phase.between(phase.lr, progress)),
            None if momentum is None else float(phase.between(momentum, progress)),
        )

    def lrs(self) -> list[float]:
        """Return the learning rates of all steps."""
        return [self.lr(step) for step in range(self.total_steps)]

    def momenta(self) -> list[float | None]:
        """Return the momenta of all steps."""
        return [self.momentum(step) for step in range(self.total_steps)]

    def preview(self) -> tuple[list[float], list[float | None]]:
        """Return (learning rates, momenta) of all steps, as `plots.plot_schedule` takes them."""
        return self.lrs(), self.momenta()

    @property
    def max_lr(self) -> float:
        """The highest learning rate at the end of any phase; the steps may just miss it."""
        return max(lr for phase in self.phases for lr in phase.lr)

    def plain_phases(self) -> list[list]:
        """Return each phase as [shape, end, part, LRs, momenta] in one list, to store and compare.

        Every entry but the shape is a float.
        """
        return [
            [p.shape, *map(float, (p.end, *p.part, *p.lr, *(p.momentum or ())))]
            for p in self.phases
        ]

    def extended(self, step: int, extra_steps: int) -> PhasedCurve:
        """Return a curve with more steps, that is the same up to `step` and stretched after it.

        All that lies ahead is stretched evenly: the LR of `step` itself stays, and that of no
        later step is above what the old curve had still to come. Where nothing lies ahead, the
        last values go on.

        Raises:
            ValueError: `extra_steps` is not a positive whole number.
        """
        check_whole("extra_steps", extra_steps, 1)
        last = self.phases[-1]
        if step < last.end:
            phases = self._stretched(step, last.end + extra_steps)
        else:
            momentum = None if last.momentum is None else (last.momentum[1],) * 2
            phases = [*self.phases, Phase(last.end + extra_steps, (last.lr[1],) * 2, momentum)]
        return replace(self, total_steps=self.total_steps + extra_steps, phases=tuple(phases))

    def _stretched(self, step: int, new_end: float) -> list[Phase]:
        factor = (new_end - step) / (self.phases[-1].end - step)
        phases, start = [], 0.0
        for phase in self.phases:
            end = phase.end
            if end > step:
                if start < step:
                    cut = phase.progress(step, start)
                    phases.append(replace(phase, end=step, part=(phase.part[0], cut)))
                    phase = replace(phase, part=(cut, phase.part[1]))
                phase = replace(phase, end=step + (end - step) * factor)
            phases.append(phase)
            start = end
        phases[-1] = replace(phases[-1], end=new_end)  # without a rounding error
        return phases


def check_momentum(momentum: Pair | None) -> None:
    """Raise a sentence unless the momentum is a pair of numbers in [0, 1), or None.

    Raises:
        ValueError: it is something else.
    """
    pair = momentum if isinstance(momentum, tuple | list) else ()
    inside = [value for value in pair if isinstance(value, Real) and 0 <= value < 1]
    if momentum is not None and not len(pair) == len(inside) == 2:
        raise ValueError(
            f"The momentum is {momentum}, but must be two numbers in [0, 1), or None to leave the "
            "optimizer's alone."
        )


# The run of the source text: two legs of 41 epochs in 95.
TAIL = 13 / 95


class OneCycleCurve(PhasedCurve):
    """A 1cycle schedule before any training: `OneCycleCurve.gugger(624, 0.8).preview()`.

    Each form is a constructor. All raise a `ValueError` that names the setting out of its range.
    `one_cycle.OneCycle` sets an optimizer by such a curve.
    """

    @classmethod
    def gugger(
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
            total_steps: optimizer steps in the whole training. One or two leave no room for a
                cycle: they get the low LR, and the final one.
            max_lr: learning rate at the peak, which may fall between two steps.
            div: the low LR, at both ends of the cycle, is max_lr / div.
            tail: the tail's fraction of the training; 0 for none. The default is that of a run of
                41 + 41 of 95 epochs; 22.5 + 22.5 of 50 epochs is .1.
            final_div: the tail ends at the low LR / final_div.
            momentum: (at the low LR, at the peak); (.85, .95) turns the momentum's cycle upside
                down, None leaves the optimizer's own alone.
        """
        low, leg, last = _legs(total_steps, max_lr, div, tail, final_div, momentum)
        if total_steps < 3:
            return cls(total_steps, _too_short(low, low / final_div, momentum))
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
        """A second leg that goes on towards zero, and a constant tail; arguments as in `gugger`."""
        low, leg, last = _legs(total_steps, max_lr, div, tail, final_div, momentum)
        floor = low / final_div
        if total_steps < 3:
            return cls(total_steps, _too_short(low, floor, momentum))
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
        """Two half cosines, in fastai's terms; the other arguments are as in `gugger`.

        Args:
            total_steps: as in `gugger`.
            max_lr: as in `gugger`.
            div: as in `gugger`.
            pct_start: fraction of the steps before the peak.
            div_final: the curve ends at max_lr / div_final (not: the low LR / final_div).
            momentum: as in `gugger`.
        """
        _check(total_steps, max_lr, momentum, div=div, div_final=div_final)
        if total_steps < 3:
            return cls(total_steps, _too_short(max_lr / div, max_lr / div_final, momentum))
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

        The arguments are as in `gugger`; `pct_start` is the fraction of the steps that ends with
        the peak, at most .5 with `three_phase`.
        """
        _check(total_steps, max_lr, momentum, div=div, final_div=final_div)
        if total_steps < 3:
            return cls(total_steps, _too_short(max_lr / div, max_lr / div / final_div, momentum))
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


def _too_short(low: float, final: float, momentum: Pair | None) -> tuple[Phase]:
    return (Phase(1.0, (low, final), _mix(momentum, 0, 0)),)


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
    check_whole("total_steps", total_steps, 1)
    check_number("max_lr", max_lr, above=0)
    check_momentum(momentum)
    for name, value in divisors.items():
        check_number(name, value, least=1)


def _fraction(name: str, value: float, *, or_zero: bool = False) -> float:
    check_number(name, value, **{"least" if or_zero else "above": 0}, below=1)
    return value
