"""What holds for every series of losses that is smoothed, and for what is read from it."""

import itertools
import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.lr.finder import FIRST, STOP_RISE, StopRule
from course_utils.lr.smoothing import smooth, smooth_centred

BETA = st.floats(0, 0.995)
SERIES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
LOSS = st.floats(1e-3, 50)
# Losses as they are measured: now and then without an end or no number.
MEASURED = st.lists(LOSS | st.sampled_from([math.inf, math.nan, 1e30]), min_size=2, max_size=60)


def close(one, other, *, scale):
    """Compare two series to the rounding errors of numbers of this size."""
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9 * (1 + scale))


@given(st.floats(-1e300, 1e300), st.integers(1, 200), BETA)
def test_a_constant_comes_back(value, length, beta):
    """Is a constant series the very same number from the first step on (bias correction)?"""
    assert set(smooth([value] * length, beta)) == {value}


@given(SERIES)
def test_no_smoothing(values):
    """Is the series itself what beta 0 gives, with lag and without?"""
    assert smooth(values, 0.0) == values
    assert smooth_centred(values, 0.0).tolist() == values


@given(SERIES, BETA)
def test_equals_the_corrected_average(values, beta):
    """Is it the average of Kingma and Ba, divided by 1 - beta**t?"""
    average, expected = 0.0, []
    for t, value in enumerate(values, start=1):
        average = beta * average + (1 - beta) * value
        expected.append(average / (1 - beta**t))
    close(smooth(values, beta), expected, scale=max(map(abs, values)))


@given(SERIES, BETA)
def test_bounded(values, beta):
    """Does it stay between the lowest and the highest value seen so far, or of all?"""
    slack = 1e-9 * max(map(abs, values))
    for seen, average in enumerate(smooth(values, beta), start=1):
        assert min(values[:seen]) - slack <= average <= max(values[:seen]) + slack
    centred = smooth_centred(values, beta)
    assert min(values) - slack <= centred.min() and centred.max() <= max(values) + slack


@given(SERIES, BETA, st.floats(-100, 100), st.floats(-1e3, 1e3))
def test_linear(values, beta, factor, shift):
    """Is the smoothed a * x + b the smoothed x, times a, plus b?"""
    changed = [factor * value + shift for value in values]
    scale = 100 * max(map(abs, values)) + 1e3
    for function in (smooth, smooth_centred):
        expected = factor * np.array(function(values, beta)) + shift
        close(function(changed, beta), expected, scale=scale)


@given(SERIES, BETA, st.integers(0, 60))
def test_the_past_stays(values, beta, end):
    """Does a value change nothing that was smoothed before it?"""
    assert smooth(values[:end], beta) == smooth(values, beta)[:end]


@given(SERIES, BETA)
def test_centred_has_no_direction(values, beta):
    """Is the series backwards smoothed to the same, backwards?"""
    there, back = smooth_centred(values, beta), smooth_centred(values[::-1], beta)
    close(there, back[::-1], scale=max(map(abs, values)))


def read(losses, beta, cuts):
    """Read losses in portions that end at the cuts, until the rule says that the sweep is over."""
    rule = StopRule(beta, STOP_RISE, len(losses))
    ends = [0, *sorted(cuts), len(losses)]
    for start, end in itertools.pairwise(ends):
        if rule.read([torch.tensor(loss, dtype=torch.float64) for loss in losses[start:end]]):
            break
    return rule


@given(MEASURED, BETA, st.lists(st.integers(0, 60), max_size=4))
def test_how_often_one_looks(losses, beta, cuts):
    """Is the outcome of a sweep the same however many losses are looked at together?"""
    cuts = [min(cut, len(losses)) for cut in cuts]
    rules = [read(losses, beta, cut) for cut in (cuts, range(len(losses)))]
    assert rules[0].losses == rules[1].losses and rules[0].smoothed == rules[1].smoothed
    assert rules[0].stop_reason == rules[1].stop_reason


@given(MEASURED, BETA)
def test_stop_rule(losses, beta):
    """Does a sweep end at a loss that is no number, or twice the fall above its lowest?"""
    rule = read(losses, beta, [])
    kept = len(rule.losses)
    assert all(map(math.isfinite, rule.losses))

    def limit(end):
        lowest = int(np.argmin(rule.smoothed[:end]))
        highest = max(rule.losses[: max(FIRST, lowest + 1)])
        return rule.smoothed[lowest] + STOP_RISE * (highest - rule.smoothed[lowest])

    slack = 1e-9 * (1 + max(rule.losses, default=0))
    assert all(
        rule.smoothed[end] <= limit(end) + slack for end in range(len(losses) // 2, kept) if end
    )
    if rule.stop_reason is None:
        assert kept == len(losses)
    elif rule.stop_reason == "non-finite":
        assert not math.isfinite(losses[kept])
    else:
        following = smooth([*rule.losses, losses[kept]], beta)[-1]
        assert kept >= len(losses) // 2 and following > limit(kept) - slack


@given(st.lists(st.integers(0, 2**20), min_size=2, max_size=80), st.integers(-(2**30), 2**30))
def test_level_of_the_loss(losses, level):
    """Does a constant that is added to every loss change neither the sweep's end nor any pick?"""
    # Whole numbers and no smoothing: nothing is rounded, so that no tie is broken.
    curves = [read([loss + shift for loss in losses], 0.0, []) for shift in (0, level)]
    assert len(curves[0].losses) == len(curves[1].losses)
    assert curves[0].stop_reason == curves[1].stop_reason
    lrs = np.geomspace(1e-6, 1, len(losses)).tolist()
    assert picks_of(curves[0].curve(lrs)) == picks_of(curves[1].curve(lrs))


@given(st.lists(LOSS, min_size=5, max_size=80), BETA, st.floats(0.1, 10))
def test_suggestions(losses, beta, factor):
    """Lies each pick inside the sweep, at most at the minimum's LR, whatever the loss's unit?"""
    lrs = np.geomspace(1e-6, 1, len(losses)).tolist()
    curves = [
        read([loss * scale for loss in losses], beta, []).curve(lrs)
        for scale in (1.0, 2.0 ** round(math.log2(factor)))  # a power of 2 changes no rounding
    ]
    picks = picks_of(curves[0])
    if picks is not None:
        suggestion, peak, steepest, done = picks
        assert lrs[0] / 8 <= suggestion <= done <= curves[0].minimum()
        assert peak == 2 * suggestion and done in lrs
        assert steepest in lrs and steepest <= curves[0].minimum()
    assert picks_of(curves[1]) == picks


def picks_of(curve):
    """Return what a curve suggests in each way, or None with one of the sentences."""
    try:
        return curve.suggestion(), curve.suggestion(peak=True), curve.steepest(), curve.fall_done()
    except ValueError as error:
        assert str(error).startswith(("The curve has", "The loss "))
        return None
