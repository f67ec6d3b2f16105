"""Bad inputs of schedules: 1cycle, its curves, and phases."""

import math

from small_runs import make_model, sgd

from course_utils.lr.one_cycle import OneCycle
from course_utils.lr.schedules import OneCycleCurve, Phase, PhasedCurve

SHAPE = {"peak": 0.8, "div": 10, "tail": 0.1, "rise": 0.3, "momentum": (0.85, 0.95)}


def schedule(optimizer=None, total_steps=5, **settings):
    optimizer = sgd(make_model()) if optimizer is None else optimizer
    return OneCycle(optimizer, total_steps=total_steps, **{"max_lr": 0.1} | settings)


def schedule_with(*arguments, **settings):
    return lambda _: schedule(*arguments, **settings)


def past_its_end(_):
    one_cycle = schedule(total_steps=3)
    for _ in range(4):
        one_cycle.optimizer.step()
        one_cycle.step()


def with_more_groups(_):
    one_cycle = schedule()
    one_cycle.optimizer.add_param_group({"params": make_model().parameters()})
    one_cycle.optimizer.step()
    one_cycle.step()


def detached(_):
    one_cycle = schedule()
    one_cycle.detach()
    one_cycle.step()


def loads(**changes):
    return lambda load: load(schedule(), schedule().state_dict() | changes)


ROWS = {
    "too few steps": (OneCycle, schedule_with(total_steps=0), ValueError, "total_steps is 0", "1"),
    "steps as a bool": (
        OneCycle, schedule_with(total_steps=True), ValueError, "total_steps is True",
    ),
    "steps as a float": (
        OneCycle, schedule_with(total_steps=9.0), ValueError, "total_steps is 9.0",
    ),
    "steps as a text": (OneCycle, schedule_with(total_steps="9"), ValueError, "total_steps is '9'"),
    "LR of 0": (OneCycle, schedule_with(max_lr=0), ValueError, "max_lr is 0", "above 0"),
    "LR below 0": (OneCycle, schedule_with(max_lr=-0.1), ValueError, "max_lr is -0.1", "above 0"),
    "LR NaN": (OneCycle, schedule_with(max_lr=math.nan), ValueError, "max_lr is nan", "finite"),
    "LR as a bool": (OneCycle, schedule_with(max_lr=True), ValueError, "max_lr is True"),
    "LR as a text": (OneCycle, schedule_with(max_lr="0.1"), ValueError, "max_lr is '0.1'"),
    "LR None": (OneCycle, schedule_with(max_lr=None), ValueError, "max_lr is None"),
    "more LRs than groups": (
        OneCycle, schedule_with(max_lr=[0.1, 0.2]), ValueError, "2 values for 1", "one for each",
    ),
    "no optimizer": (OneCycle, schedule_with("sgd"), TypeError, "optimizer is 'sgd'", "Optimizer"),
    "model for the optimizer": (
        OneCycle, schedule_with(make_model()), TypeError, "Sequential", "Optimizer",
    ),
    "divisor below 1": (OneCycle, schedule_with(div=0.5), ValueError, "div is 0.5", "at least 1"),
    "tail as long as all": (
        OneCycle, schedule_with(tail=1.0), ValueError, "tail is 1.0", "below 1",
    ),
    "momentum of 1": (
        OneCycle, schedule_with(momentum=(1.0, 0.85)), ValueError, "(1.0, 0.85)", "[0, 1)",
    ),
    "momentum as one number": (
        OneCycle, schedule_with(momentum=0.9), ValueError, "momentum is 0.9", "two numbers",
    ),
    "momentum as a text": (
        OneCycle, schedule_with(momentum=("a", "b")), ValueError, "('a', 'b')", "two numbers",
    ),
    "a step past the end": (OneCycle.step, past_its_end, RuntimeError, "of 3 steps", "extend("),
    "a group too many": (OneCycle.step, with_more_groups, RuntimeError, "2 parameter groups", "1:"),
    "a step when detached": (OneCycle.step, detached, RuntimeError, "detached", "new one"),
    "extension by 0": (
        OneCycle.extend, lambda extend: extend(schedule(), 0), ValueError, "extra_steps is 0",
    ),
    "extension by half a step": (
        OneCycle.extend, lambda extend: extend(schedule(), 0.5), ValueError, "extra_steps is 0.5",
    ),
    "state of something else": (
        OneCycle.load_state_dict, lambda load: load(schedule(), {"last_epoch": 3}),
        ValueError, "no state of a OneCycle", "state_dict()",
    ),
    "state of other steps": (
        OneCycle.load_state_dict, loads(total_steps=9), ValueError, "total_steps is 9", "is 5",
    ),
    "divisor NaN": (
        OneCycleCurve, lambda curve: curve.gugger(9, 0.1, final_div=math.nan),
        ValueError, "final_div",
    ),
    "smith's tail below 0": (
        OneCycleCurve, lambda curve: curve.smith(9, 0.1, tail=-0.1), ValueError, "tail is -0.1",
    ),
    "peak at the very start": (
        OneCycleCurve, lambda curve: curve.fastai(9, 0.1, pct_start=0),
        ValueError, "pct_start is 0",
    ),
    "no step before the peak": (
        OneCycleCurve, lambda curve: curve.torch(3, 0.1, pct_start=0.3),
        ValueError, "0.3 of 3 steps",
    ),
    "third phase without room": (
        OneCycleCurve, lambda curve: curve.torch(9, 0.1, pct_start=0.6, three_phase=True),
        ValueError, "pct_start is 0.6", "at most 0.5",
    ),
    "a step before the first": (
        PhasedCurve.at, lambda at: at(OneCycleCurve.gugger(9, 0.1), -1),
        ValueError, "no step -1", "8",
    ),
    "a step after the last": (
        PhasedCurve.at, lambda at: at(OneCycleCurve.gugger(9, 0.1), 9),
        ValueError, "no step 9", "8",
    ),
    "a step as a text": (
        PhasedCurve.at, lambda at: at(OneCycleCurve.gugger(9, 0.1), "3"), ValueError, "step is '3'",
    ),
    "no phases": (PhasedCurve, lambda curve: curve(9, ()), ValueError, "before the last of 9"),
    "phases that go back": (
        PhasedCurve, lambda curve: curve(9, (Phase(5, (0, 1)), Phase(4, (1, 0)))),
        ValueError, "[5, 4]", "one after another",
    ),
    "LR of a phase below 0": (
        Phase, lambda phase: phase(5, (0, -1)), ValueError, "phase is -1", "least 0",
    ),
    "LR of a phase infinite": (
        Phase, lambda phase: phase(5, (0, math.inf)), ValueError, "phase is inf", "finite",
    ),
    "end of a phase NaN": (
        Phase, lambda phase: phase(math.nan, (0, 1)), ValueError, "end of a phase is nan",
    ),
    "unknown shape": (
        Phase, lambda phase: phase(5, (0, 1), shape="cubic"),
        ValueError, "'cubic'", "linear, cosine",
    ),
}  # fmt: skip
