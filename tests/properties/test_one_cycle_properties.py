"""What holds for every 1cycle schedule that sets an optimizer, whatever its form and settings."""

import pytest
import torch
from curve_strategies import PLANS
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from course_utils.lr.one_cycle import OneCycle
from course_utils.lr.schedules import OneCycleCurve


def optimizer(kind):
    """Return an optimizer of one weight with a gradient."""
    parameter = nn.Parameter(torch.ones(1))
    parameter.grad = torch.zeros(1)
    if kind is torch.optim.SGD:
        return kind([parameter], lr=0.1, momentum=0.9)
    return kind([parameter], lr=0.1)


def settings_of(group):
    """Return the LR and the momentum of a parameter group."""
    return group["lr"], group["betas"][0] if "betas" in group else group["momentum"]


def train(optimizer, schedule, steps):
    """Take steps and return the LR and momentum that each was taken with."""
    used = []
    for _ in range(steps):
        used.append(settings_of(optimizer.param_groups[0]))
        optimizer.step()
        schedule.step()
    return used


@given(
    st.integers(5, 40),
    st.floats(0.35, 0.5),
    st.floats(1, 100),
    st.floats(1, 1e5),
    st.booleans(),
)
def test_equals_torchs_one_cycle(total, pct_start, div, final_div, three_phase):
    """Is torch's form the curve that its OneCycleLR takes, step by step?"""
    theirs = optimizer(torch.optim.SGD)
    schedule = OneCycleLR(
        theirs,
        0.5,
        total,
        pct_start=pct_start,
        div_factor=div,
        final_div_factor=final_div,
        three_phase=three_phase,
    )
    curve = OneCycleCurve.torch(
        total, 0.5, div=div, pct_start=pct_start, final_div=final_div, three_phase=three_phase
    )
    for step in range(total):
        lr, momentum = settings_of(theirs.param_groups[0])
        assert curve.at(step) == (pytest.approx(lr, rel=1e-6, abs=1e-12), pytest.approx(momentum))
        theirs.step()
        if step < total - 1:
            schedule.step()


@given(PLANS, st.sampled_from([torch.optim.SGD, torch.optim.AdamW]))
def test_preview_equals_training(plan, kind):
    """Is each step taken with the preview's very values, and does a step more raise?"""
    form, total, peak, others = plan
    taker = optimizer(kind)
    schedule = OneCycle(taker, peak, total, curve=form, **others)
    lrs, momenta = form(total, peak, **others).preview()
    usual = 0.9  # of both optimizers, where the schedule leaves it alone
    expected = [(lr, usual if m is None else m) for lr, m in zip(lrs, momenta, strict=True)]
    assert train(taker, schedule, total) == expected
    taker.step()
    with pytest.raises(RuntimeError, match="has ended"):
        schedule.step()
    assert schedule.get_last_lr() == lrs[-1:]


@given(PLANS, st.data())
def test_resume_equals_the_uninterrupted(plan, data):
    """Is a run that is resumed at any step, extended before and after or not, the same run?"""
    form, total, peak, others = plan
    extra = data.draw(st.lists(st.tuples(st.integers(0, total), st.integers(1, 20)), max_size=2))
    stop = data.draw(st.integers(0, total + sum(steps for _, steps in extra)))

    def run(stop_at):
        taker, used = optimizer(torch.optim.SGD), []
        schedule = OneCycle(taker, peak, total, curve=form, **others)
        extensions = sorted(extra, reverse=True)
        while not schedule.finished or extensions:
            if schedule.steps_done == stop_at:
                state, stop_at = schedule.state_dict(), None
                taker = optimizer(torch.optim.SGD)
                schedule = OneCycle(taker, peak, total, curve=form, **others)
                schedule.load_state_dict(state)
            while extensions and extensions[-1][0] == schedule.steps_done:
                schedule.extend(extensions.pop()[1])
            used += train(taker, schedule, 1)
        return used

    assert run(stop) == run(None)
