import math

import numpy as np
import pytest
import torch

from course_utils.lr.curve import (
    LRCurve,
    LRRepeats,
    end_of_bottom,
    largest_setting_with_high_lr,
    largest_usable_lr,
)
from course_utils.lr.finder import STOP_RISE, StopRule
from course_utils.lr.smoothing import smooth


def sigmoid_curve(*, steps=781, width=0.3, beta=0.98, noise=0.0, seed=0, centre=-1.5):
    """Sweep a loss that falls as a sigmoid of log LR, then explodes: (curve, steepest LR)."""

    def loss(x):
        return 2.3 - 1.5 / (1 + np.exp((centre - x) / width)) + 10 ** (2 * x)

    lrs = np.geomspace(1e-8, 10, steps)
    fine = np.linspace(-8, 1, 100_001)
    steepest = 10 ** fine[np.argmin(np.gradient(loss(fine), fine))]
    losses = loss(np.log10(lrs)) + noise * np.random.default_rng(seed).normal(size=steps)
    rule = StopRule(beta, STOP_RISE, steps)
    for value in losses:
        if rule.read([torch.tensor(value)]):
            break
    return rule.curve(lrs.tolist()), steepest


def curve_of(losses, *, lrs=None, stop_reason="end", beta=0.0):
    lrs = np.geomspace(1e-4, 1, len(losses)) if lrs is None else lrs
    return LRCurve(tuple(lrs), tuple(losses), tuple(losses), beta, stop_reason)


@pytest.mark.parametrize("steps", [100, 300, 781, 2000])
@pytest.mark.parametrize("width", [0.15, 0.3, 0.6])
@pytest.mark.parametrize("beta", [0.0, 0.9, 0.98])
def test_steepest_is_where_it_is(steps, width, beta):
    """Is it within 25 % of the known steepest point at heavy smoothing as at none?"""
    curve, steepest = sigmoid_curve(steps=steps, width=width, beta=beta)
    assert curve.stop_reason == "diverged"
    assert curve.steepest() == pytest.approx(steepest, rel=0.25)


@pytest.mark.parametrize("seed", range(5))
def test_noise(seed):
    """Does smoothing keep it within 25 % where the losses are noisy?"""
    curve, steepest = sigmoid_curve(width=0.15, noise=0.05, seed=seed)
    assert curve.steepest() == pytest.approx(steepest, rel=0.25)


def test_trailing_smoothing_would_lag():
    """Is the trailing average's steepest point off by 2 or more, so that correcting pays?"""
    curve, steepest = sigmoid_curve(steps=200, width=0.15)
    lagging = curve.lrs[int(np.argmin(np.gradient(curve.smoothed, np.log10(curve.lrs))))]
    assert lagging > 2 * steepest


def test_minimum_without_lag():
    """Is the minimum the curve's own, not the later one of the trailing average?"""
    curve, _ = sigmoid_curve()
    lowest = curve.lrs[int(np.argmin(curve.losses))]
    assert curve.minimum() == pytest.approx(lowest, rel=0.25)
    assert curve.lrs[int(np.argmin(curve.smoothed))] > 1.5 * lowest


def straight_fall(*, edge=math.inf, floor=math.inf, steps=701):
    """Fall by a half a decade from 1e-6 to the LR `floor`, then level; 9 beyond `edge`."""
    lrs = np.geomspace(1e-6, 10, steps)
    losses = 4 - 0.5 * np.log10(np.minimum(lrs, floor) / 1e-6)
    return curve_of(np.where(lrs > edge, 9.0, losses), lrs=lrs)


def test_suggestion_is_where_the_fall_is_done():
    """Is it the first LR with 99 % of the fall done, and twice that for the peak of a cycle?"""
    curve = straight_fall(floor=1e-2)  # 99 % of four decades are 3.96
    done = 1e-6 * 10**3.96
    assert curve.suggestion() == curve.fall_done() == pytest.approx(done, rel=0.01)
    assert curve.suggestion(peak=True) == 2 * curve.suggestion()
    assert curve.fall_done(0.5) == pytest.approx(1e-4, rel=0.02)
    assert curve.fall_done(1) == pytest.approx(1e-2, rel=0.02)


def test_suggestion_keeps_away_from_the_edge():
    """Is it an eighth of the largest usable LR where the loss falls until just before it?"""
    curve = straight_fall(edge=1.0)
    assert largest_usable_lr(curve) == pytest.approx(1.0, rel=0.02)
    assert curve.fall_done() > 0.5
    assert curve.suggestion() == largest_usable_lr(curve) / 8
    assert curve.suggestion(peak=True) == largest_usable_lr(curve) / 4


def test_a_long_bottom_does_not_move_the_suggestion():
    """Is it the bottom's begin, though the lowest loss of all stands at its end?"""
    curve = straight_fall(floor=1e-2)
    later = curve_of([*curve.losses[:-1], curve.losses[-1] - 1e-3], lrs=curve.lrs)
    assert later.minimum() == 10
    assert later.suggestion() == pytest.approx(curve.suggestion(), rel=0.05)


def test_never_near_a_non_finite_loss():
    """Does a curve that falls fastest right before NaN suggest a point well before it?"""
    losses = 2.0 - np.geomspace(1e-3, 1.5, 200)
    curve = curve_of(losses, stop_reason="non-finite")
    for pick in (curve.steepest(), curve.minimum(), curve.suggestion(peak=True)):
        assert pick < curve.lrs[-1] / 3
    assert curve_of(losses).steepest() == curve.lrs[-1]


def test_constant_loss():
    """Is a constant loss reported as constant, with the likely cause?"""
    curve = curve_of([2.3] * 50)
    assert curve.is_constant
    with pytest.raises(ValueError, match="constant .2.3.*optimizer holds the model's parameters"):
        curve.suggestion()


def test_rising_loss():
    """Does a loss that only rises raise a sentence that says to start lower?"""
    with pytest.raises(ValueError, match="never falls.*start the sweep at a lower"):
        curve_of(np.linspace(1, 3, 50)).suggestion()


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_fall(seed):
    """Is nothing suggested where the loss is noise around one value, and the noise named?"""
    losses = 2.3 + 0.07 * np.random.default_rng(seed).normal(size=200)
    with pytest.raises(ValueError, match="The loss (falls by .*not above its noise|never falls)"):
        curve_of(losses, beta=0.98).suggestion()


def test_too_short():
    """Does a curve of four points raise a sentence with their number?"""
    with pytest.raises(ValueError, match="4 points, too few"):
        curve_of([4.0, 3.0, 2.0, 1.0]).suggestion()


def test_repeats_give_a_range():
    """Do repeats give the median of the suggestions and their range?"""
    curves = [straight_fall(floor=floor) for floor in (1e-3, 1e-2, 3e-3)]
    middle, low, high = LRRepeats(tuple(curves)).suggestion()
    assert (low, middle, high) == tuple(sorted(c.suggestion() for c in curves))
    assert LRRepeats(tuple(curves)).suggestion(peak=True) == (2 * middle, 2 * low, 2 * high)
    assert math.log10(high / low) == pytest.approx(1.0, abs=0.1)


def test_no_repeats():
    """Do no curves at all raise a sentence?"""
    with pytest.raises(ValueError, match="no curves"):
        LRRepeats(())


def test_picks_by_hand():
    """Are the picks those that one counts out on a curve of nine points?"""
    curve = curve_of([5.0, 6.0, 4.0, 4.5, 3.0, 2.0, 2.5, 1.0, 9.0], lrs=np.geomspace(1e-8, 1, 9))
    assert curve.minimum() == curve.fall_done() == curve.lrs[7]
    assert curve.steepest() == curve.lrs[4]  # between 4.5 and 2
    assert curve.fall_done(0.75) == curve.lrs[5]  # 2.25 or less: 6 is the highest before the lowest
    assert curve.suggestion() == curve.lrs[7] / 8


def test_distance_from_a_non_finite_loss():
    """Is the lowest loss looked for below a third of the last LR, and the first always left?"""
    settings = {"lrs": [1.0, 2.0, 3.0, 4.0, 6.0, 9.0], "stop_reason": "non-finite"}
    assert curve_of([9.0, 8.0, 7.0, 6.0, 5.0, 4.0], **settings).minimum() == 2.0
    assert curve_of([9.0, 8.0], lrs=[1.0, 2.0], stop_reason="non-finite").minimum() == 1.0


@pytest.mark.parametrize("beta, steps, used", [(0.98, 401, 0.96), (0.9, 401, 0.9), (0.98, 9, 0.0)])
def test_reach_of_the_smoothing(monkeypatch, beta, steps, used):
    """Is it smoothed over 1 / (1 - beta) points, but a quarter of a decade at most?"""
    betas = []

    def record(losses, beta):
        betas.append(beta)
        return losses

    monkeypatch.setattr("course_utils.lr.curve.smooth_centred", record)
    curve_of(np.linspace(3, 1, steps), beta=beta).minimum()  # over four decades
    assert betas == [pytest.approx(used)]


def test_explosion_is_cut():
    """Are losses above the highest before the minimum cut to it, lest one spike moves the pick?"""
    curve = curve_of([2.0, 3.0, 2.0, 1.0, 1.5, 1e6], beta=0.0)
    assert curve._centred().tolist() == [2.0, 3.0, 2.0, 1.0, 1.5, 3.0]


def test_lowest_at_the_start():
    """Is there no pick where the first loss is the lowest, though it falls later?"""
    with pytest.raises(ValueError, match="never falls between LR 0.0001 and 1:"):
        curve_of([1.0, 3.0, 2.5, 2.0, 1.5]).suggestion()
    assert curve_of([1.0, 3.0, 2.5, 2.0, 1.5]).minimum() == 1e-4


LRS = [0.001, 0.01, 0.1, 0.2, 0.4, 0.8]


def curve_of_usable_lr(losses, beta, stop_reason="end"):
    lrs = np.geomspace(1e-4, 10, len(losses)).tolist()
    return LRCurve(tuple(lrs), tuple(losses), tuple(smooth(losses, beta)), beta, stop_reason)


def bowl(edge, steps=200):
    """Fall from 2.3 to 0.3 around LR 0.01, and explode from `edge` on."""
    lrs = np.geomspace(1e-4, 10, steps)
    return (0.3 + 2 / (1 + (lrs / 0.01) ** 2) + np.maximum(0, np.log10(lrs / edge)) * 8).tolist()


@pytest.mark.parametrize(
    "losses, tolerance, expected",
    [
        ([2.4, 1.4, 0.4, 0.5, 0.58, 3.0], 0.1, 0.4),
        ([2.4, 1.4, 0.4, 0.5, 0.62, 3.0], 0.1, 0.2),
        ([2.4, 1.4, 0.4, 0.5, 0.62, 3.0], 0.0, 0.1),
        ([2.4, 1.4, 0.4, 0.5, 1.62, 3.0], 0.7, 0.4),
        ([2.4, 2.2, 2.0, 1.4, 1.0, 0.9], 0.1, 0.8),
        ([2.4, 1.4, 0.4, 3.0, 0.5, 3.0], 0.1, 0.1),
        ([2.4, 1.4, 0.4, 0.5, math.nan, math.nan], 0.1, 0.2),
        ([2.4, 1.4, 0.4, math.inf, 0.4, 0.4], 0.1, 0.1),
        ([2.4, 2.5, 2.6, 2.7, 2.8, 3.0], 0.1, 0.001),
    ],
)
def test_end_of_bottom(losses, tolerance, expected):
    """Is it the last rate before the loss first leaves its bottom, explosions and NaN included?"""
    assert end_of_bottom(LRS, losses, tolerance=tolerance) == expected


@pytest.mark.parametrize("number", [-3.0, 0.0, 100.0])
def test_level_of_the_loss_does_not_matter(number):
    """Does a constant that is added to every loss change nothing, as a weight decay's may?"""
    losses = [loss + number for loss in (2.4, 1.4, 0.4, 0.5, 0.55, 3.0)]
    assert end_of_bottom(LRS, losses) == 0.4


@pytest.mark.parametrize(
    "losses, tolerance, words",
    [
        ([1.0], 0.1, "6 learning rates and 1 losses"),
        ([math.nan] * 6, 0.1, "first loss is nan"),
        ([1.0] * 6, -0.1, "tolerance is -0.1"),
    ],
)
def test_errors_of_end_of_bottom(losses, tolerance, words):
    """Does each bad input raise a sentence that names it?"""
    with pytest.raises(ValueError, match=words):
        end_of_bottom(LRS, losses, tolerance=tolerance)


def test_empty_curve():
    """Does a curve without points raise a sentence?"""
    with pytest.raises(ValueError, match="0 learning rates"):
        end_of_bottom([], [])


@pytest.mark.parametrize("edge", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("beta", [0.8, 0.9])
def test_edge_of_a_known_curve(edge, beta):
    """Is the edge of a curve found within a factor of 2, early rather than late?"""
    found = largest_usable_lr(curve_of_usable_lr(bowl(edge), beta))
    assert edge / 2 < found < edge * 1.2


def test_one_wild_loss_beyond_the_edge():
    """Does the height of the explosion leave the edge where it is?"""
    mild, wild = bowl(0.5), bowl(0.5)
    wild[-20:] = [loss * 1000 for loss in wild[-20:]]
    edges = [largest_usable_lr(curve_of_usable_lr(losses, 0.9)) for losses in (mild, wild)]
    assert edges[0] == edges[1]


def test_tolerance_of_a_curve():
    """Does a larger tolerance let the rate go further?"""
    curve = curve_of_usable_lr(bowl(0.5), 0.9)
    assert largest_usable_lr(curve, tolerance=0.5) > largest_usable_lr(curve, tolerance=0.05)


@pytest.mark.parametrize("share, expected", [(0.9, 1e-3), (0.5, 1e-2), (0.1, 1e-1)])
def test_largest_setting(share, expected):
    """Is the largest setting chosen among those that allow a high rate, whatever their order?"""
    usable = {1e-1: 0.1, 0.0: 0.35, 1e-2: 0.2, 1e-3: 0.4}
    assert largest_setting_with_high_lr(usable, fraction=share) == expected


@pytest.mark.parametrize(
    "usable, share, words",
    [({}, 0.5, "no setting"), ({1: 0.1}, 0.0, "fraction is 0"), ({1: 0.1}, 1.5, "fraction is 1.5")],
)
def test_errors_of_the_rule(usable, share, words):
    """Does each bad input raise a sentence that names it?"""
    with pytest.raises(ValueError, match=words):
        largest_setting_with_high_lr(usable, fraction=share)
