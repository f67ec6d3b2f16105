"""1cycle: how far each schedule is from its own definition, at every step.

python -m benchmarks.one_cycle [FILE.json]
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import OneCycleLR

from benchmarks.clocked import ClockedLoader
from benchmarks.pairing import OURS, compare, take_turns
from benchmarks.report import Table, run_row
from course_utils.lr.one_cycle import OneCycle
from course_utils.lr.schedules import TAIL

MAX_LR = 0.8
HIGH, LOW = 0.95, 0.85  # momentum
SETTING = (
    "Learning rate and momentum that an optimizer has in each step of a training, beside the "
    "schedule's definition written out anew in float64: the largest deviation over all steps, "
    "the last included, relative to the definition, over trainings of {lengths} steps. Then the "
    "last step's learning rate over the final one that the definition names, and the highest "
    "over the peak, in the longest; and what happens in one step more."
)
READING = (
    "fastai puts step i of T at i / T, so that its last step falls short of the end that "
    "`div_final` names, and it computes the curve's parts in float32. Ours lets the peak fall "
    "between two steps, so that the highest step may lie just below it, by design; OneCycleLR's "
    "peak falls between two steps likewise."
)
TIME_SETTING = "The time of one call of `step()`, with the optimizer's own step left out."
TIME_READING = (
    "Both compute the curve in Python. fastai's is a callback of its training loop and cannot be "
    "timed apart."
)

EXACT = ("LR off by", "momentum off by")


def ours(steps: int) -> tuple[list[tuple[float, float]], str]:
    return _with_scheduler(partial(OneCycle, total_steps=steps, max_lr=MAX_LR), steps)


def one_cycle_lr(steps: int) -> tuple[list[tuple[float, float]], str]:
    return _with_scheduler(partial(OneCycleLR, total_steps=steps, max_lr=MAX_LR), steps)


def fastai(steps: int) -> tuple[list[tuple[float, float]], str]:
    import fastai.callback.progress  # noqa: F401 - adds no_bar
    from fastai.callback import schedule  # noqa: F401 - adds fit_one_cycle
    from fastai.callback.core import CancelValidException
    from fastai.data.core import DataLoaders
    from fastai.learner import Callback, Learner
    from fastai.optimizer import OptimWrapper

    class Watch(Callback):
        order = 100  # after the schedule

        def before_validate(self):
            raise CancelValidException

        def before_batch(self):
            if self.training:
                seen.append((float(self.opt.hypers[-1]["lr"]), float(self.opt.hypers[-1]["mom"])))

    seen: list[tuple[float, float]] = []
    loader = ClockedLoader([(torch.ones(1, 1), torch.ones(1, 1))] * steps)
    optimizer = partial(OptimWrapper, opt=partial(SGD, momentum=HIGH))
    learner = Learner(
        DataLoaders(loader, loader),
        nn.Linear(1, 1),
        loss_func=lambda prediction, target: prediction.sum() * 0,
        opt_func=optimizer,
        cbs=Watch(),
    )
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(1, MAX_LR)
    return seen, "cannot happen"


def ours_defined(step: int, steps: int) -> tuple[float, float]:
    """Two equal linear legs and a linear tail to a hundredth of the low learning rate."""
    last, low = steps - 1, MAX_LR / 10
    leg = (1 - TAIL) / 2 * last
    if step > 2 * leg:
        return low + (low / 100 - low) * (step - 2 * leg) / (last - 2 * leg), HIGH
    height = 1 - abs(step - leg) / leg
    return low + (MAX_LR - low) * height, HIGH + (LOW - HIGH) * height


def one_cycle_lr_defined(step: int, steps: int) -> tuple[float, float]:
    """Two half cosines; the peak at step .3 T - 1, the end in the last step."""
    peak, low = 0.3 * steps - 1, MAX_LR / 25
    return _two_cosines(step, peak, steps - 1, low, low / 1e4)


def fastai_defined(step: int, steps: int) -> tuple[float, float]:
    """Two half cosines over step / T; the peak at a quarter."""
    return _two_cosines(step, 0.25 * steps, steps, MAX_LR / 25, MAX_LR / 1e5)


SCHEDULES = {
    OURS: (ours, ours_defined, MAX_LR / 1000),
    "OneCycleLR": (one_cycle_lr, one_cycle_lr_defined, MAX_LR / 25e4),
    "fastai": (fastai, fastai_defined, MAX_LR / 1e5),
}


def measure(schedules=SCHEDULES, *, lengths=(10, 95, 1000), rounds: int = 9) -> list[Table]:
    rows = []
    for name, (run, defined, final) in schedules.items():
        deviations = []
        for steps in lengths:
            seen, beyond = run(steps)
            wanted = [defined(step, steps) for step in range(steps)]
            pairs = zip(seen, wanted, strict=True)
            deviations += [[abs(a / b - 1) for a, b in zip(*pair, strict=True)] for pair in pairs]
        lr_deviation, momentum_deviation = map(max, zip(*deviations, strict=True))
        rows.append(
            {
                "": name,
                "LR off by": lr_deviation,
                "momentum off by": momentum_deviation,
                "last LR / its final LR": seen[-1][0] / final,
                "highest LR / peak": max(lr for lr, _ in seen) / MAX_LR,
                "one step more": beyond,
            }
        )
    setting = SETTING.format(lengths=", ".join(map(str, lengths)))
    runs = {
        OURS: partial(_seconds_a_step, OneCycle, lengths[-1]),
        "OneCycleLR": partial(_seconds_a_step, OneCycleLR, lengths[-1]),
    }
    times = compare(take_turns(runs, rounds=rounds), "us a step", scale=1e6)
    return [
        Table("1cycle: deviation from its own definition", setting, rows, READING, EXACT),
        Table("1cycle: time of a step", TIME_SETTING, times, TIME_READING),
    ]


def _optimizer() -> SGD:
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=1.0, momentum=HIGH)
    optimizer.param_groups[0]["params"][0].grad = torch.zeros(1)
    return optimizer


def _with_scheduler(build: Callable, steps: int) -> tuple[list[tuple[float, float]], str]:
    optimizer = _optimizer()
    schedule, seen = build(optimizer), []
    for step in range(steps):
        group = optimizer.param_groups[0]
        seen.append((group["lr"], group["momentum"]))
        optimizer.step()
        if step < steps - 1:
            schedule.step()
    try:
        for _ in range(2):  # the first ends the last step, the second goes beyond
            schedule.step()
            optimizer.step()
    except (RuntimeError, ValueError) as error:
        return seen, f"raises {type(error).__name__}"
    return seen, "goes on"


def _seconds_a_step(build: Callable, steps: int) -> float:
    optimizer = _optimizer()
    schedule, seconds = build(optimizer, total_steps=steps, max_lr=MAX_LR), 0.0
    for _ in range(steps - 1):
        optimizer.step()
        start = time.perf_counter()
        schedule.step()
        seconds += time.perf_counter() - start
    return seconds / (steps - 1)


def _two_cosines(step, peak, end, low, final) -> tuple[float, float]:
    if step <= peak:
        share = (1 - math.cos(math.pi * step / peak)) / 2
        return low + (MAX_LR - low) * share, HIGH + (LOW - HIGH) * share
    share = (1 - math.cos(math.pi * (step - peak) / (end - peak))) / 2
    return MAX_LR + (final - MAX_LR) * share, LOW + (HIGH - LOW) * share


if __name__ == "__main__":
    run_row(measure)
