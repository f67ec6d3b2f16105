import math

import numpy as np
import pytest

from course_utils.lr_curve import LRCurve
from course_utils.smoothing import smooth
from course_utils.usable_lr import end_of_bottom, largest_setting_with_high_lr, largest_usable_lr

LRS = [0.001, 0.01, 0.1, 0.2, 0.4, 0.8]


def curve_of(losses, beta, stop_reason="end"):
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
    found = largest_usable_lr(curve_of(bowl(edge), beta))
    assert edge / 2 < found < edge * 1.2


def test_one_wild_loss_beyond_the_edge():
    """Does the height of the explosion leave the edge where it is?"""
    mild, wild = bowl(0.5), bowl(0.5)
    wild[-20:] = [loss * 1000 for loss in wild[-20:]]
    edges = [largest_usable_lr(curve_of(losses, 0.9)) for losses in (mild, wild)]
    assert edges[0] == edges[1]


def test_tolerance_of_a_curve():
    """Does a larger tolerance let the rate go further?"""
    curve = curve_of(bowl(0.5), 0.9)
    assert largest_usable_lr(curve, tolerance=0.5) > largest_usable_lr(curve, tolerance=0.05)


@pytest.mark.parametrize("share, expected", [(0.9, 1e-3), (0.5, 1e-2), (0.1, 1e-1)])
def test_largest_setting(share, expected):
    """Is the largest setting chosen among those that allow a high rate, whatever their order?"""
    usable = {1e-1: 0.1, 0.0: 0.35, 1e-2: 0.2, 1e-3: 0.4}
    assert largest_setting_with_high_lr(usable, share=share) == expected


@pytest.mark.parametrize(
    "usable, share, words",
    [({}, 0.5, "no setting"), ({1: 0.1}, 0.0, "share is 0"), ({1: 0.1}, 1.5, "share is 1.5")],
)
def test_errors_of_the_rule(usable, share, words):
    """Does each bad input raise a sentence that names it?"""
    with pytest.raises(ValueError, match=words):
        largest_setting_with_high_lr(usable, share=share)
