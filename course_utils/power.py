"""The power of an experiment: how many seeds it takes to see an effect of a given size."""

from __future__ import annotations

import math
from statistics import NormalDist

from course_utils.claims import CONFIDENCE
from course_utils.limits import check_number

POWER = 0.8


def seeds_needed(effect: float, spread: float) -> int:
    """Estimate how many paired seeds show an effect in 80 % of the experiments that look for it.

    To show it means: the 95 % t-interval of the mean difference excludes zero. The estimate is that
    of Guenther (1981, "Sample size formulas for normal theory t tests"): the formula for a known
    spread, plus half the squared normal quantile, as the spread is estimated too. It agrees with
    the exact calculation (by the noncentral t distribution) to one seed.

    Args:
        effect: the true mean of the paired differences, of either sign.
        spread: their standard deviation from seed to seed, in the same unit.

    Returns:
        Number of pairs, at least 2; each of them costs two trainings.

    Raises:
        ValueError: the effect is zero or not finite, the spread is not positive and finite, or the
            effect is too small for it.
    """
    check_number("effect", effect, hint="give the smallest difference that you want to see")
    if effect == 0:
        raise ValueError("effect is 0, which no number of seeds shows: give one that is not.")
    check_number(
        "spread", spread, above=0, hint="give the standard deviation of the paired differences"
    )
    sure = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    seen = NormalDist().inv_cdf(POWER)
    try:
        return max(2, math.ceil(((sure + seen) * spread / effect) ** 2 + sure**2 / 2))
    except OverflowError as error:
        raise ValueError(
            f"effect is {effect} and spread {spread}, so far apart that no number of seeds shows "
            "it: give both in the same unit."
        ) from error
