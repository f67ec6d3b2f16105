from __future__ import annotations

import math

import pytest

from course_utils.phased_curve import Phase, PhasedCurve


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
    assert curve.boundaries == [1.5]


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
