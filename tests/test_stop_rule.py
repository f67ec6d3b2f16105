import math

import pytest
import torch

from course_utils.stop_rule import StopRule


def feed(values, *, beta=0.0, stop_ratio=4.0, at_once=1):
    rule = StopRule(beta, stop_ratio)
    for start in range(0, len(values), at_once):
        if rule.read([torch.tensor(v) for v in values[start : start + at_once]]):
            break
    return rule


def test_divergence():
    """Does the first loss above four times the lowest end the sweep and stay out of the curve?"""
    rule = feed([2.0, 1.0, 4.0, 4.1, 9.0])
    assert rule.stop_reason == "diverged"
    assert rule.losses == [2.0, 1.0, 4.0]


def test_smoothed_loss_decides():
    """Is it the smoothed loss that decides, so that one high loss is forgiven?"""
    assert feed([1.0] * 50 + [9.0] + [1.0] * 5, beta=0.98).stop_reason is None


def test_negative_losses():
    """Does a loss below zero that goes on falling, as a log-likelihood may, not end the sweep?"""
    assert feed([-1.0, -2.0, -3.0]).stop_reason is None
    assert feed([-1.0, -2.0, 10.0]).stop_reason == "diverged"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite(bad):
    """Does the first loss that is not finite end the sweep and stay out of the curve?"""
    rule = feed([2.0, 1.0, bad, 1.0])
    assert rule.stop_reason == "non-finite"
    assert rule.curve([1, 2, 3, 4]).losses == (2.0, 1.0)


@pytest.mark.parametrize("at_once", [2, 3, 7])
@pytest.mark.parametrize(
    "values", [[2.0, 1.0, 4.1, 9.0, 9.0], [2.0, math.nan, 1.0, 1.0], [1.0] * 9]
)
def test_looking_seldom(values, at_once):
    """Does looking at several losses at once give the same curve as looking at each?"""
    lrs = list(range(len(values)))
    assert feed(values, at_once=at_once).curve(lrs) == feed(values).curve(lrs)


def test_nothing_finite():
    """Does a sweep whose very first loss is no number raise a sentence with its learning rate?"""
    with pytest.raises(ValueError, match="first loss, at LR 1e-08, is not finite"):
        feed([math.nan]).curve([1e-8])


@pytest.mark.parametrize("ratio", [1.0, 0.5, math.nan])
def test_bad_ratio(ratio):
    """Does a stop ratio that would end every sweep at once raise a sentence?"""
    with pytest.raises(ValueError, match=f"stop_ratio is {ratio}"):
        StopRule(0.98, ratio)


def test_small_ratio():
    """May the ratio be anything above 1?"""
    assert feed([1.0, 1.25, 1.75], stop_ratio=1.5).losses == [1.0, 1.25]
