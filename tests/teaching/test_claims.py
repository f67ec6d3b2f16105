import re

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import nctdtr, stdtrit

from course_utils.teaching.claims import (
    Claim,
    claims_table,
    format_interval,
    mean_interval,
    seeds_needed,
)

MEASURED = re.compile(r"[+-]?\d+(\.\d+)? ± \d+(\.\d+)?")  # as in tests/nbval_sanitize.cfg


def test_interval_is_student_s():
    """Is the interval the 95 % t-interval of SciPy?"""
    values = [1.0, 2.5, 2.0, 4.0]
    mean, half_width = mean_interval(values)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (mean - half_width, mean + half_width) == pytest.approx((low, high))


def test_interval_of_equal_values():
    """Have equal values, whose rounding errors could add up, an interval of width zero?"""
    assert mean_interval([0.1] * 7) == (0.1, 0.0)


@pytest.mark.parametrize(
    "effects, bound, verdict",
    [
        ([5.0, 6.0, 5.5], {"at_least": 2}, "holds"),
        ([5.0, 6.0, 5.5], {"at_least": 10}, "does not hold"),
        ([5.0, 6.0, 5.5], {"at_least": 5.2}, "within noise"),
        ([-1.0, 3.0, 2.0], {"at_least": 0}, "within noise"),
        ([0.0, 0.0, 0.0], {"at_least": 0}, "does not hold"),
        ([0.1, -0.1, 0.05], {"within": 0.5}, "holds"),
        ([0.9, 1.0, 1.1], {"within": 0.5}, "does not hold"),
        ([-0.9, -1.0, -1.1], {"within": 0.5}, "does not hold"),
        ([0.1, -0.4, 0.3], {"within": 0.5}, "within noise"),
        ([1.0, 1.1, 0.9], {"at_most": 2}, "holds"),
        ([2.0, 2.0, 2.0], {"at_most": 2}, "does not hold"),
        ([1.0, 2.0, 3.0], {"at_most": 2}, "within noise"),
        ([1.1, 1.2, 1.15], {"at_least": 10, "unit": "times", "base": 10}, "holds"),
        ([0.9, 0.8, 0.85], {"at_least": 10, "unit": "times", "base": 10}, "does not hold"),
        ([1.1, 1.2, 1.15], {"at_most": 4, "unit": "times", "base": 2}, "holds"),
        ([0.1, -0.1, 0.05], {"within": 1.5, "unit": "times", "base": 2}, "holds"),
        ([-1.1, -1.2, -1.15], {"within": 1.5, "unit": "times", "base": 2}, "does not hold"),
    ],
)
def test_verdict(effects, bound, verdict):
    """Does the whole interval decide, and does an interval around the bound say 'within noise'?"""
    assert Claim("text", effects, **bound).verdict == verdict


@pytest.mark.parametrize("seeds", [3, 4, 5, 10])
def test_every_seed_far_beyond(seeds):
    """Does a claim hold whose every seed is further beyond the bound than the seeds differ?"""
    generator = np.random.default_rng(seeds)
    for _ in range(200):
        effects = generator.uniform(size=seeds) ** generator.choice([0.1, 1, 10])
        bound = effects.min() - 1.2 * np.ptp(effects)
        assert Claim("text", effects, at_least=bound).verdict == "holds"


@pytest.mark.parametrize(
    "effects, given, bound, measured",
    [
        ([1.9, 1.96, 2.02], {"at_least": 10}, "> 10 times", "91 times (65 to 129), 3 seeds"),
        ([0.36, 0.36, 0.36], {"at_most": 2.5}, "< 2.5 times", "2.29 times (2.29 to 2.29), 3 seeds"),
        ([0.0, 0.1, -0.1], {"within": 2}, "0.5 to 2 times", "1.00 times (0.56 to 1.77), 3 seeds"),
        ([0, 0, 900], {"at_least": 1}, "> 1 times", "1.0e+300 times (0 to inf), 3 seeds"),
    ],
)
def test_factors(effects, given, bound, measured):
    """Does a claim on logarithms speak of factors, even where the seeds differ beyond measure?"""
    claim = Claim("text", effects, unit="times", base=10, **given)
    assert (claim.bound, claim.measured) == (bound, measured)


def test_effects_of_a_tensor():
    """May the effects be a tensor, and are they kept as plain numbers?"""
    claim = Claim("text", torch.tensor([1.0, 2.0, 3.0]), at_least=0)
    assert claim.effects == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    "interval, text",
    [
        ((27.123, 1.234), "27.1 ± 1.2"),
        ((0.4567, 0.0123), "0.457 ± 0.012"),
        ((27.123, 9.96), "27 ± 10"),
        ((1234.5, 345.6), "1230 ± 350"),
        ((-0.001, 0.5), "0.00 ± 0.50"),
        ((-2.0, 0.0), "-2.00 ± 0.00"),
        ((1.0, 1e-9), "1.000000 ± 0.000000"),
    ],
)
def test_rounding(interval, text):
    """Are both numbers rounded to two digits of the half-width, in the form that is sanitized?"""
    assert format_interval(*interval) == text
    assert MEASURED.fullmatch(text)


def _table(scale):
    text = "The pick beats a hundredth of it by far, whatever the seed of the run"
    return claims_table(
        [
            Claim(text, [20 * scale, 21 * scale, 23 * scale], at_least=5),
            Claim("Both are equal", [0.01, 0.02 * scale, -0.01], within=0.5, unit="nats"),
        ]
    )


def test_table_is_the_same_on_every_machine():
    """Do tables of other measurements but equal verdicts agree once `x ± y` is sanitized?"""
    one, other = _table(1.0), _table(7.1)
    assert one != other
    assert MEASURED.sub("X", one) == MEASURED.sub("X", other)


def test_table_shows_a_changed_verdict():
    """Does a claim that ceases to hold change the sanitized table?"""
    assert MEASURED.sub("X", _table(1.0)) != MEASURED.sub("X", _table(0.1))


def test_table_layout():
    """Has the table numbered claims, wrapped texts, bounds, verdicts and seeds?"""
    lines = _table(1.0).splitlines()
    cells = re.split(r"  +", lines[2].strip())
    text = "The pick beats a hundredth of it by far,"
    assert cells == ["1", text, "> 5", "holds", "21.3 ± 3.8 points, 3 seeds"]
    assert lines[3].strip() == "whatever the seed of the run"
    cells = re.split(r"  +", lines[4].strip())
    assert cells == ["2", "Both are equal", "-0.5 to 0.5", "holds", "0.007 ± 0.038 nats, 3 seeds"]
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("effect, number", [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10), (5.0, 3)])
def test_known_values(effect, number):
    """Are the numbers those of the tables for a paired t-test, two-sided, 5 %, power .8?"""
    assert seeds_needed(effect, 1.0) == number


@pytest.mark.parametrize("effect", np.geomspace(0.05, 3, 25))
def test_agrees_with_the_exact_calculation(effect):
    """Is the first number whose exact power is .8 reached, or missed by no more than one?"""

    def power(number):
        quantile, shift = stdtrit(number - 1, 0.975), effect * number**0.5
        return 1 - nctdtr(number - 1, shift, quantile) + nctdtr(number - 1, shift, -quantile)

    exact = next(number for number in range(2, 10_000) if power(number) >= 0.8)
    assert abs(seeds_needed(effect, 1.0) - exact) <= 1


def test_agrees_with_the_verdicts_of_claims():
    """Does a claim hold in about 80 % of experiments with so many seeds, and less with half?"""
    generator = np.random.default_rng(0)
    number = seeds_needed(0.4, 0.5)

    def fraction(seeds):
        draws = generator.normal(0.4, 0.5, size=(1000, seeds))
        return np.mean([Claim("text", draw, at_least=0).verdict == "holds" for draw in draws])

    assert fraction(number) == pytest.approx(0.8, abs=0.05)
    assert fraction(number // 2) < 0.6


def test_only_the_ratio_counts():
    """Is the number the same in percent and in fractions, and for an effect of either sign?"""
    assert seeds_needed(0.06, 0.3) == seeds_needed(0.0006, 0.003) == seeds_needed(-0.06, 0.3)


def test_at_least_two():
    """Does even a huge effect need the two seeds without which there is no interval?"""
    assert seeds_needed(1000.0, 1.0) == 2
