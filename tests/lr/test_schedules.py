from __future__ import annotations

import math

import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR

from course_utils.lr.schedules import OneCycleCurve, Phase, PhasedCurve


def two_phases(total_steps: int = 11, shape: str = "linear") -> PhasedCurve:
    """Build the curve that rises from 1 to 2 until step 4 and falls to .5 until the last."""
    up = Phase(4, (1.0, 2.0), (0.9, 0.8), shape)
    return PhasedCurve(total_steps, (up, Phase(total_steps - 1, (2.0, 0.5), (0.8, 0.9), shape)))


def test_linear_phases_are_straight_lines_through_their_ends():
    """Does a linear phase go in equal steps, and does each end have exactly its value?"""
    curve = two_phases()
    assert curve.lrs() == pytest.approx([1, 1.25, 1.5, 1.75, 2, 1.75, 1.5, 1.25, 1, 0.75, 0.5])
    assert [curve.lr(step) for step in (0, 4, 10)] == [1.0, 2.0, 0.5]
    assert [curve.momentum(step) for step in (0, 4, 10)] == [0.9, 0.8, 0.9]


def test_cosine_phases_are_half_periods():
    """Does a cosine phase start and end flat, with its middle half-way?"""
    curve = two_phases(shape="cosine")
    assert [curve.lr(step) for step in (0, 2, 4, 7, 10)] == pytest.approx([1, 1.5, 2, 1.25, 0.5])
    assert curve.lr(1) == pytest.approx(1.5 - math.sqrt(0.5) / 2)


def test_a_phase_may_end_between_two_steps():
    """Is the peak where the phase ends, even if no step falls on it?"""
    curve = PhasedCurve(4, (Phase(1.5, (0.0, 3.0)), Phase(3, (3.0, 0.0))))
    assert curve.lrs() == pytest.approx([0, 2, 2, 0])
    assert curve.max_lr == 3.0
    assert [phase.end for phase in curve.phases] == [1.5, 3]


def test_a_constant_stays_the_very_same_number():
    """Does a constant momentum or LR come out bit-equal at every step?"""
    curve = PhasedCurve(
        100, (Phase(33.3, (8e-5, 8e-5), (0.9, 0.9), "cosine"), Phase(99, (8e-5,) * 2))
    )
    assert set(curve.lrs()) == {8e-5}
    assert set(curve.momenta()[:34]) == {0.9}


def test_without_momentum_there_is_none():
    """Is None returned where the phases leave momentum alone?"""
    curve = PhasedCurve(3, (Phase(2, (1.0, 0.0)),))
    assert curve.preview() == ([1.0, 0.5, 0.0], [None, None, None])


@pytest.mark.parametrize("step", [-1, 11, 1000])
def test_steps_outside_raise(step):
    """Does a step before the first or after the last raise a sentence with the range?"""
    with pytest.raises(ValueError, match=f"no step {step}: the curve has the steps 0 to 10"):
        two_phases().lr(step)


@pytest.mark.parametrize("shape", ["linear", "cosine"])
@pytest.mark.parametrize("step", [0, 1, 3, 4, 7, 9])
def test_extension_keeps_the_past_and_stretches_the_rest(shape, step):
    """Is the curve unchanged up to the step, and run through more slowly after it?"""
    curve = two_phases(shape=shape)
    longer = curve.extended(step, 10 - step)  # the rest takes twice as long
    assert longer.total_steps == 21 - step
    assert longer.lrs()[: step + 1] == pytest.approx(curve.lrs()[: step + 1], abs=1e-15)
    assert longer.lrs()[step::2] == pytest.approx(curve.lrs()[step:], abs=1e-12)
    assert longer.momenta()[step::2] == pytest.approx(curve.momenta()[step:], abs=1e-12)
    assert longer.lr(longer.total_steps - 1) == 0.5


def test_extensions_add_up():
    """Can a curve that was extended within a phase be extended again, within the same one?"""
    curve = two_phases(shape="cosine")
    once = curve.extended(5, 5)  # 5 steps become 10
    longer = once.extended(7, 8)  # and of these, 8 become 16
    assert longer.lrs()[:8] == pytest.approx(once.lrs()[:8], abs=1e-12)
    assert longer.total_steps == 24
    assert longer.lr(7) == pytest.approx(curve.lr(6), abs=1e-12)
    assert longer.lrs()[7::4] == pytest.approx(curve.lrs()[6:], abs=1e-12)


@pytest.mark.parametrize("step", [10, 11])
def test_extension_at_the_end_goes_on_with_the_last_values(step):
    """Do LR and momentum stay as they are when nothing is left to stretch?"""
    longer = two_phases().extended(step, 3)
    assert longer.preview()[0][10:] == [0.5] * 4
    assert longer.preview()[1][10:] == [0.9] * 4
    assert PhasedCurve(2, (Phase(1, (1.0, 0.5)),)).extended(2, 1).momenta() == [None] * 3


@pytest.mark.parametrize("extra_steps", [0, -3, 2.0, None])
def test_extension_by_no_whole_number_raises(extra_steps):
    """Does an extension by nothing, or by a fraction, raise a sentence?"""
    with pytest.raises(ValueError, match="extra_steps is .* integer of at least 1"):
        two_phases().extended(3, extra_steps)


@pytest.mark.parametrize("lr", [(-0.1, 1.0), (1.0, math.nan), (math.inf, 1.0)])
def test_impossible_learning_rates_raise(lr):
    """Does a negative or non-finite LR raise?"""
    with pytest.raises(ValueError, match="must be a finite number, at least 0"):
        Phase(1, lr)


@pytest.mark.parametrize("momentum", [(1.0, 0.5), (0.5, -0.1), (math.nan, 0.9)])
def test_impossible_momenta_raise(momentum):
    """Does a momentum outside [0, 1) raise?"""
    with pytest.raises(ValueError, match=r"momentum is .* two numbers in \[0, 1\)"):
        Phase(1, (1.0, 1.0), momentum)


def test_unknown_shape_raises():
    """Are the known shapes named when another one is asked for?"""
    with pytest.raises(ValueError, match="'cubic', but must be one of linear, cosine"):
        Phase(1, (1.0, 1.0), shape="cubic")


@pytest.mark.parametrize("ends", [(0.0, 9), (5, 5), (6, 4, 9)])
def test_phases_out_of_order_raise(ends):
    """Do phases without length, or in the wrong order, raise?"""
    with pytest.raises(ValueError, match="must end one after another"):
        PhasedCurve(10, tuple(Phase(end, (1.0, 1.0)) for end in ends))


@pytest.mark.parametrize("ends", [(), (4, 8.5)])
def test_phases_that_end_too_early_raise(ends):
    """Do phases that leave steps without a value raise?"""
    with pytest.raises(ValueError, match="before the last of 10 steps"):
        PhasedCurve(10, tuple(Phase(end, (1.0, 1.0)) for end in ends))


FORMS = [OneCycleCurve.gugger, OneCycleCurve.smith, OneCycleCurve.fastai, OneCycleCurve.torch]
SIZES = [4, 5, 10, 97, 624, 1001]


def torch_schedule(total_steps: int, **settings) -> tuple[list[float], list[float]]:
    """Run torch's OneCycleLR and return the LR and the momentum that each step was taken with."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    schedule = OneCycleLR(optimizer, total_steps=total_steps, **settings)
    group, lrs, momenta = optimizer.param_groups[0], [], []
    for step in range(total_steps):
        lrs.append(group["lr"])
        momenta.append(group["momentum"])
        optimizer.step()
        if step < total_steps - 1:
            schedule.step()
    return lrs, momenta


@pytest.mark.parametrize("total_steps", [3, *SIZES])
@pytest.mark.parametrize("tail", [0.05, 13 / 95, 0.5])
def test_seed_equals_torch_with_three_linear_phases(total_steps, tail):
    """Is each step's LR and momentum that of OneCycleLR where both can express the curve?"""
    leg = (1 - tail) / 2 * (total_steps - 1)  # not a whole number in general
    lrs, momenta = torch_schedule(
        total_steps,
        max_lr=0.8,
        three_phase=True,
        anneal_strategy="linear",
        pct_start=(leg + 1) / total_steps,
        div_factor=10.0,
        final_div_factor=100.0,
    )
    curve = OneCycleCurve.gugger(total_steps, 0.8, tail=tail)
    assert curve.lrs() == pytest.approx(lrs, rel=1e-9, abs=1e-13)
    assert curve.momenta() == pytest.approx(momenta, rel=1e-12)


@pytest.mark.parametrize("total_steps", SIZES)
@pytest.mark.parametrize("settings", [{}, {"pct_start": 0.45}])
def test_torch_form_equals_torch(total_steps, settings):
    """Is the form `torch` OneCycleLR's default, step by step?"""
    lrs, momenta = torch_schedule(total_steps, max_lr=0.8, **settings)
    curve = OneCycleCurve.torch(total_steps, 0.8, **settings)
    assert curve.lrs() == pytest.approx(lrs, rel=1e-9, abs=1e-15)
    assert curve.momenta() == pytest.approx(momenta, rel=1e-12)


@pytest.mark.parametrize("total_steps", SIZES[1:])
@pytest.mark.parametrize("pct_start", [0.45, 0.5])
def test_torch_form_equals_torch_with_three_phases(total_steps, pct_start):
    """Is it OneCycleLR's with `three_phase`, step by step?"""
    settings = {"max_lr": 0.8, "pct_start": pct_start, "three_phase": True}
    lrs, momenta = torch_schedule(total_steps, **settings)
    curve = OneCycleCurve.torch(total_steps, **settings)
    assert curve.lrs() == pytest.approx(lrs, rel=1e-9, abs=1e-15)
    assert curve.momenta() == pytest.approx(momenta, rel=1e-12)


def test_three_phases_of_torch_need_room():
    """Is a peak refused that leaves no room for a way down as long as the way up?"""
    with pytest.raises(ValueError, match="with three_phase it must be at most 0.5"):
        OneCycleCurve.torch(100, 0.8, pct_start=0.6, three_phase=True)


def fastai_combined_cos(pct: float, start: float, middle: float, end: float, pos: float) -> float:
    """Compute fastai's `combined_cos` of `sched_cos` at a position, from its definition."""
    first, last, pos = (
        (start, middle, pos / pct) if pos < pct else (middle, end, (pos - pct) / (1 - pct))
    )
    return first + (1 + math.cos(math.pi * (1 - pos))) * (last - first) / 2


@pytest.mark.parametrize("total_steps", [3, *SIZES])
def test_fastai_form_equals_fastai(total_steps):
    """Is the form `fastai` the curve of `fit_one_cycle`, whose step i lies at i / T?"""
    curve = OneCycleCurve.fastai(total_steps, 0.01)
    positions = [step / total_steps for step in range(total_steps)]
    lrs = [fastai_combined_cos(0.25, 0.01 / 25, 0.01, 1e-7, pos) for pos in positions]
    momenta = [fastai_combined_cos(0.25, 0.95, 0.85, 0.95, pos) for pos in positions]
    assert curve.lrs() == pytest.approx(lrs, rel=1e-9)
    assert curve.momenta() == pytest.approx(momenta, rel=1e-12)


def test_smith_form_equals_smiths_logs():
    """Are LR and momentum those that Smith's own runs printed (lnsmith54/hyperParam1)?"""
    run = OneCycleCurve.smith(9277, 0.8, tail=1 - 2 * 4003 / 9276)  # ResNet-56, 41 + 41 of 95
    logged = {3200: 0.655568, 4000: 0.79946, 4200: 0.76063, 6400: 0.320959, 7800: 0.0411692}
    assert [run.lr(step) for step in logged] == pytest.approx(list(logged.values()), rel=2e-6)
    assert run.lr(8000) == pytest.approx(0.00119905, rel=1e-4)  # he computed in 32 bits
    assert [run.lr(step) for step in (8200, 9276)] == [8e-5, 8e-5]
    wide = OneCycleCurve.smith(4882, 1.0, tail=1 - 2 * 2246 / 4881)  # with cyclical momentum
    momenta = {200: 0.941095, 2400: 0.856857, 4400: 0.945904, 4600: 0.947596, 4800: 0.943143}
    assert [wide.momentum(step) for step in momenta] == pytest.approx(
        list(momenta.values()), abs=1e-6
    )
    assert [wide.lr(step) for step in (4400, 4600)] == pytest.approx([0.0409617, 0.0001], rel=2e-6)


def test_smiths_momentum_does_not_fall_below_the_peaks_in_a_long_tail():
    """Does the momentum of a long tail stop at its value at the peak?"""
    momenta = OneCycleCurve.smith(1000, 1.0, tail=0.9).momenta()
    assert min(momenta) == momenta[-1] == 0.85


def test_seed_form_is_that_of_the_source_text():
    """Does the default run .08 -> .8 -> .08 in 41 + 41 of 95 epochs, then to a hundredth?"""
    curve = OneCycleCurve.gugger(96, 0.8)  # step k is the end of epoch k
    assert [phase.end for phase in curve.phases[:2]] == pytest.approx([41, 82])
    assert [curve.lr(step) for step in (0, 41, 82, 95)] == pytest.approx([0.08, 0.8, 0.08, 8e-4])
    assert [curve.momentum(step) for step in (0, 41, 82, 95)] == pytest.approx(
        [0.95, 0.85, 0.95, 0.95]
    )
    other = OneCycleCurve.gugger(101, 3.0, div=20, tail=0.1)  # 22.5 + 22.5 of 50 epochs
    assert [phase.end for phase in other.phases[:2]] == pytest.approx([45, 90])
    assert [other.lr(step) for step in (0, 45, 90, 100)] == pytest.approx([0.15, 3, 0.15, 0.0015])


@pytest.mark.parametrize("total_steps", [3, 4, 5, 10, 100, 2499])
@pytest.mark.parametrize("final_div", [1, 100, 1e7])
def test_the_last_step_is_the_lowest_and_exact(total_steps, final_div):
    """Is the LR exactly low / final_div at the last step, above it before, never over max_lr?"""
    lrs = OneCycleCurve.gugger(total_steps, 0.7, final_div=final_div).lrs()
    assert lrs[-1] == min(lrs) == 0.7 / 10 / final_div
    assert max(lrs) <= 0.7


@pytest.mark.parametrize("total_steps", [4, 7, 101, 5000])
@pytest.mark.parametrize("form", FORMS)
def test_no_form_leaves_its_range(form, total_steps):
    """Is every LR positive, at least the final one and at most max_lr, in every form?"""
    curve = form(total_steps, 0.3)
    final = curve.phases[-1].lr[1]
    assert all(0 < final <= lr <= 0.3 for lr in curve.lrs())
    assert all(0.85 <= momentum <= 0.95 for momentum in curve.momenta())


@pytest.mark.parametrize("form", [OneCycleCurve.gugger, OneCycleCurve.smith])
def test_without_a_tail_the_cycle_fills_the_training(form):
    """Does tail=0 end with the second leg, at the leg's own end?"""
    curve = form(101, 1.0, tail=0)
    assert curve.phases[0].end == 50
    assert curve.lr(50) == 1.0
    assert curve.lr(100) == (0.1 if form == OneCycleCurve.gugger else 0.0001)
    assert curve.momentum(100) == 0.95


def test_momentum_can_be_inverted_constant_or_left_alone():
    """Can the momentum's cycle be turned upside down, held, or left out?"""
    inverted = OneCycleCurve.gugger(101, 1.0, tail=0, momentum=(0.85, 0.95)).momenta()
    assert [inverted[step] for step in (0, 50, 100)] == [0.85, 0.95, 0.85]
    assert set(OneCycleCurve.gugger(50, 1.0, momentum=(0.9, 0.9)).momenta()) == {0.9}
    for form in FORMS:
        assert set(form(50, 1.0, momentum=None).momenta()) == {None}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "total_steps", [60, 96]
)  # 96: the legs end at whole steps, but for rounding
def test_an_extended_curve_never_jumps_up(form, total_steps):
    """Does an extension anywhere keep the next LR, and never go above what was still to come?"""
    curve = form(total_steps, 1.0)
    peak = curve.phases[0].end
    for step in range(total_steps + 1):
        lrs = curve.extended(step, 25).lrs()
        assert lrs[: step + 1] == pytest.approx([*curve.lrs(), curve.phases[-1].lr[1]][: step + 1])
        assert step <= peak or lrs[step:] == sorted(lrs[step:], reverse=True)
        assert curve.phases[-1].lr[1] <= min(lrs) and max(lrs) <= 1.0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("total_steps", [0, -5, 100.0, "100", None])
def test_bad_totals_raise(form, total_steps):
    """Does a total that is too small, or no whole number, raise a sentence?"""
    with pytest.raises(ValueError, match="total_steps is .* integer of at least 1"):
        form(total_steps, 0.1)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("max_lr", [0.0, -0.1, math.nan, math.inf])
def test_bad_max_lr_raises(form, max_lr):
    """Does an LR that is not positive and finite raise a sentence?"""
    with pytest.raises(ValueError, match="max_lr is .* finite number, above 0"):
        form(100, max_lr)


@pytest.mark.parametrize(
    ("form", "settings"),
    [
        (OneCycleCurve.gugger, {"div": 0.5}),
        (OneCycleCurve.smith, {"div": math.inf}),
        (OneCycleCurve.fastai, {"div": math.nan}),
        (OneCycleCurve.gugger, {"final_div": 0.0}),
        (OneCycleCurve.torch, {"final_div": 0.9}),
        (OneCycleCurve.fastai, {"div_final": -1.0}),
    ],
)
def test_bad_divisors_raise(form, settings):
    """Does a divisor below 1, or not finite, raise a sentence that names it?"""
    (name,) = settings
    with pytest.raises(ValueError, match=f"^{name} is .* finite number, at least 1"):
        form(100, 0.1, **settings)


@pytest.mark.parametrize("tail", [-0.1, 1.0, math.nan])
def test_bad_tail_raises(tail):
    """Does a tail that is no fraction, or the whole training, raise?"""
    with pytest.raises(ValueError, match="tail is .* finite number, at least 0 and below 1"):
        OneCycleCurve.gugger(100, 0.1, tail=tail)


@pytest.mark.parametrize("form", [OneCycleCurve.fastai, OneCycleCurve.torch])
@pytest.mark.parametrize("pct_start", [0.0, 1.0, -0.3, math.nan])
def test_bad_pct_start_raises(form, pct_start):
    """Does a warm-up of nothing, or of everything, raise?"""
    with pytest.raises(ValueError, match="pct_start is .* finite number, above 0 and below 1"):
        form(100, 0.1, pct_start=pct_start)


def test_a_warm_up_too_short_for_torchs_timing_raises():
    """Does the form `torch` refuse a total that puts the peak before the first step?"""
    with pytest.raises(ValueError, match="pct_start is 0.3 of 3 steps, .* raise one of them"):
        OneCycleCurve.torch(3, 0.1)


@pytest.mark.parametrize("momentum", [(0.95, 1.0), (-0.1, 0.9)])
def test_bad_momentum_raises(momentum):
    """Does a momentum outside [0, 1) raise a sentence in a form as well?"""
    with pytest.raises(ValueError, match=r"two numbers in \[0, 1\)"):
        OneCycleCurve.gugger(100, 0.1, momentum=momentum)


@pytest.mark.parametrize(("div", "final_div", "last"), [(1, 1, 0.8), (1e10, 1e10, 0.8e-20)])
def test_smiths_logs_with_extreme_divisions(div, final_div, last):
    """Does a way to the floor without length, or one that fills the leg, make a curve as well?"""
    for tail in (0.0, 0.2):
        curve = OneCycleCurve.smith(20, 0.8, div=div, final_div=final_div, tail=tail)
        assert curve.lr(19) == pytest.approx(last)
        assert len(curve.phases) == (3 if tail else 2)
