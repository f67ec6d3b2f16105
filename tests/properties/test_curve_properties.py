"""What holds for every 1cycle curve, whatever its form and its settings."""

import math
from itertools import pairwise

import pytest
from curve_strategies import CURVES, LEGS, MOMENTA, PEAKS, SEED_CURVES, STEPS
from hypothesis import given
from hypothesis import strategies as st

from course_utils.lr.schedules import OneCycleCurve


@given(CURVES)
def test_range(curve):
    """Is each LR above 0 and at most the peak, and each momentum between the two given?"""
    lrs, momenta = curve.preview()
    assert len(lrs) == len(momenta) == curve.total_steps
    assert all(0 < lr <= curve.max_lr for lr in lrs)
    given_momenta = [value for phase in curve.phases for value in phase.momentum or ()]
    for value in momenta:
        if given_momenta:
            assert min(given_momenta) - 1e-12 <= value <= max(given_momenta) + 1e-12
        else:
            assert value is None


@given(CURVES)
def test_continuous(curve):
    """Does each phase begin where the one before ended, and does the curve hit that value?"""
    for phase, following in pairwise(curve.phases):
        assert phase.lr[1] == following.lr[0]
        if phase.momentum is not None:
            assert phase.momentum[1] == pytest.approx(following.momentum[0], abs=1e-12)
        if phase.end <= curve.total_steps - 1:
            assert curve.lr(phase.end) == phase.lr[1]


@given(CURVES)
def test_steps_beyond_the_ends(curve):
    """Is there no step before the first and none after the last?"""
    for step in (-1, curve.total_steps):
        with pytest.raises(ValueError, match="There is no step"):
            curve.at(step)


@given(STEPS, PEAKS, st.fixed_dictionaries(LEGS))
def test_ends_of_the_legs(total, peak, plan):
    """Has Gugger's form the low LR, the peak, the low LR and the final LR where it says so?"""
    curve = OneCycleCurve.gugger(total, peak, **plan)
    low, leg = peak / plan["div"], (1 - plan["tail"]) / 2 * (total - 1)
    assert curve.lr(0) == low
    assert curve.lr(leg) == curve.max_lr == peak
    assert curve.lr(total - 1) == (low / plan["final_div"] if plan["tail"] else low)
    if plan["tail"]:
        assert curve.lr(2 * leg) == pytest.approx(low)


@given(SEED_CURVES, st.floats(0, 1))
def test_legs_are_equal(curve, fraction):
    """Is the second leg the mirror image of the first, in LR and in momentum?"""
    leg = curve.phases[0].end
    up, down = curve.at(leg * (1 - fraction)), curve.at(leg * (1 + fraction))
    assert down == (
        pytest.approx(up[0]),
        None if up[1] is None else pytest.approx(up[1], abs=1e-12),
    )


@given(st.builds(OneCycleCurve.gugger, STEPS, PEAKS, **{**LEGS, "momentum": MOMENTA}))
def test_momentum_mirrors_the_lr(curve):
    """Has the momentum gone as far from one end to the other as the LR, and does it then stay?"""
    (low, high), (at_low, at_peak) = curve.phases[0].lr, curve.phases[0].momentum
    for step in range(curve.total_steps):
        lr, momentum = curve.at(step)
        if step <= curve.phases[1].end:
            way = (momentum - at_low) * (high - low)
            assert way == pytest.approx((lr - low) * (at_peak - at_low), abs=1e-9 * high)
        else:
            assert momentum == at_low


@given(STEPS, PEAKS, st.fixed_dictionaries({**LEGS, "momentum": st.just((0.95, 0.85))}))
def test_smiths_logs(total, peak, plan):
    """Does Smith's form fall to a floor, never rise after the peak, and stay on the floor?"""
    curve = OneCycleCurve.smith(total, peak, **plan)
    floor, leg = peak / plan["div"] / plan["final_div"], curve.phases[0].end
    for step, (lr, following) in enumerate(pairwise(curve.lrs())):
        assert following <= lr or step < leg
    last = curve.lr(total - 1)
    assert last == pytest.approx(floor)
    assert all(lr >= last for lr in curve.lrs())


@given(STEPS, st.floats(0.05, 0.95), st.floats(1, 100), st.floats(1, 1e5))
def test_equals_fastais_formula(total, pct_start, div, div_final):
    """Is fastai's form `combined_cos` of its source, at step / total?"""
    curve = OneCycleCurve.fastai(total, 1.0, pct_start=pct_start, div=div, div_final=div_final)
    for step, lr in enumerate(curve.lrs()):
        place = step / total
        start, end, done = (
            (1 / div, 1.0, place / pct_start)
            if place < pct_start
            else (1.0, 1 / div_final, (place - pct_start) / (1 - pct_start))
        )
        expected = start + (1 + math.cos(math.pi * (1 - done))) * (end - start) / 2
        assert lr == pytest.approx(expected, abs=1e-9)


@given(CURVES, st.integers(1, 60), st.data())
def test_extension(curve, extra, data):
    """Is the past kept, the next LR the same, no later one above what lay ahead, the end kept?"""
    step = data.draw(st.integers(0, curve.total_steps))
    longer = curve.extended(step, extra)
    assert longer.total_steps == curve.total_steps + extra
    assert longer.lrs()[:step] == pytest.approx(curve.lrs()[:step], rel=1e-9)
    if step < curve.phases[-1].end:
        assert longer.lr(step) == pytest.approx(curve.lr(step), rel=1e-9)
        ahead = [curve.lr(step)] + [lr for phase in curve.phases for lr in phase.lr]
        assert all(lr <= max(ahead) for lr in longer.lrs()[step:])
        assert longer.phases[-1].lr[1] == curve.phases[-1].lr[1]
    else:
        assert set(longer.lrs()[step:]) == {curve.phases[-1].lr[1]}
