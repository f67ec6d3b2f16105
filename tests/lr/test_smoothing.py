import numpy as np
import pytest

from course_utils.lr.smoothing import MovingAverage, smooth, smooth_centred


def seed_formula(losses, beta):
    """Return the smoothing as the course's source text writes it."""
    average, result = 0.0, []
    for t, loss in enumerate(losses, start=1):
        average = beta * average + (1 - beta) * loss
        result.append(average / (1 - beta**t))
    return result


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.98])
def test_equals_seed_formula(beta):
    """Does the step-wise form equal the average that is divided by 1 - beta**t?"""
    losses = np.random.default_rng(0).normal(size=300)
    np.testing.assert_allclose(smooth(losses, beta), seed_formula(losses, beta), rtol=1e-9)


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.98])
def test_constant_stays_constant(beta):
    """Does a constant series come back bit-equal from the first step on?"""
    assert set(smooth([2.302585] * 500, beta)) == {2.302585}


def test_no_smoothing():
    """Does beta 0 give the series itself?"""
    values = [0.1, 1e9, 0.3]
    assert smooth(values, 0) == values
    assert smooth_centred(values, 0).tolist() == values


def test_centred_has_no_lag():
    """Does the centred average leave a step where it is, while the trailing one moves it?"""
    values = np.repeat([0.0, 1.0], 200)
    centred, trailing = smooth_centred(values, 0.95), smooth(values, 0.95)
    assert np.argmax(centred > 0.5) == 200
    assert np.argmax(np.array(trailing) > 0.5) > 205
    np.testing.assert_allclose(centred, 1 - centred[::-1])


def test_centred_weights():
    """Are the centred weights beta**|distance|, normalised at the borders as well?"""
    values, beta = np.random.default_rng(1).normal(size=30), 0.8
    weights = beta ** np.abs(np.subtract.outer(np.arange(30), np.arange(30)))
    expected = weights @ values / weights.sum(axis=1)
    np.testing.assert_allclose(smooth_centred(values, beta), expected)


@pytest.mark.parametrize("beta", [-0.1, 1.0, float("nan")])
def test_bad_beta(beta):
    """Does a beta outside [0, 1) raise a sentence that names it?"""
    with pytest.raises(ValueError, match=f"beta is {beta}"):
        MovingAverage(beta)
