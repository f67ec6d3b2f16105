"""A schedule as a curve in phases: learning rate and momentum as pure functions of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Real

from course_utils.limits import check_number, check_whole

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

    @property
    def boundaries(self) -> list[float]:
        """The steps, whole or not, at which one phase passes into the next."""
        return [phase.end for phase in self.phases[:-1]]

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
