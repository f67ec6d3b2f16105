import numpy as np
import pytest
from scipy.special import nctdtr, stdtrit

from course_utils.claims import Claim
from course_utils.power import seeds_needed


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

    def share(seeds):
        draws = generator.normal(0.4, 0.5, size=(1000, seeds))
        return np.mean([Claim("text", draw, at_least=0).verdict == "holds" for draw in draws])

    assert share(number) == pytest.approx(0.8, abs=0.05)
    assert share(number // 2) < 0.6


def test_only_the_ratio_counts():
    """Is the number the same in percent and in fractions, and for an effect of either sign?"""
    assert seeds_needed(0.06, 0.3) == seeds_needed(0.0006, 0.003) == seeds_needed(-0.06, 0.3)


def test_at_least_two():
    """Does even a huge effect need the two seeds without which there is no interval?"""
    assert seeds_needed(1000.0, 1.0) == 2


@pytest.mark.parametrize(
    "effect, spread, words",
    [
        (0, 1.0, "effect is 0, which no number of seeds shows"),
        (float("nan"), 1.0, "effect is nan"),
        (float("inf"), 1.0, "effect is inf"),
        (0.1, 0.0, "spread is 0.0, but must be a finite number, above 0: give the standard"),
        (0.1, -1.0, "spread is -1.0"),
        (0.1, float("nan"), "spread is nan"),
        (0.1, float("inf"), "spread is inf"),
    ],
)
def test_bad_arguments(effect, spread, words):
    """Do an effect of nothing and a spread that is none raise a sentence that says what to give?"""
    with pytest.raises(ValueError, match=words):
        seeds_needed(effect, spread)
