"""Claims of a lesson, each decided by code over several seeds; how many seeds that takes."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from course_utils._validate import check_number, check_type, shown

CONFIDENCE = 0.95
POWER = 0.8
VERDICTS = ("holds", "does not hold", "within noise")
_CLAIM_WIDTH = 40


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the half-width of its 95 % t-interval.

    The interval is for values that scatter normally and independently (Student 1908). At 3 values
    the half-width is 2.5 standard deviations, at 5 it is 1.2, at 10 it is 0.7.

    Args:
        values: one number a seed, at least two.

    Raises:
        TypeError: the values are no iterable.
        ValueError: fewer than two values, or one that is no finite number.
    """
    check_type("values", values, Iterable)
    numbers = np.array([_number(value) for value in values])
    if len(numbers) < 2:
        raise ValueError(
            f"An interval needs at least 2 values, but got {len(numbers)}: run more seeds."
        )
    if not np.isfinite(numbers).all():
        index = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise ValueError(
            f"Value {index + 1} of {len(numbers)} is {numbers[index]}: "
            "look why this seed's run ended without a finite result."
        )
    if np.ptp(numbers) == 0:  # the formula would give rounding errors instead of zero
        return float(numbers[0]), 0.0
    from scipy.special import stdtrit  # a fifth of a second, for claims alone

    quantile = stdtrit(len(numbers) - 1, (1 + CONFIDENCE) / 2)
    return float(numbers.mean()), float(quantile * numbers.std(ddof=1) / math.sqrt(len(numbers)))


@dataclass(frozen=True)
class Claim:
    """One statement about an effect, with what was measured and the bound that decides it.

    Args:
        text: the claim in words, the same on every machine (no measured number in it).
        effects: one paired difference (or ratio) a seed, at least three; both arms of a pair share
            the seed, so that what the seed does to both cancels.
        at_least: the claim is that the effect exceeds this bound.
        at_most: the claim is that the effect stays below this bound; for what cannot be negative.
        within: the claim is equivalence: the effect, whatever its sign, stays below this margin.
        unit: of the effects, for the table.
        base: with unit="times" alone: the effects are logarithms of factors to this base. The
            bound is given, and all is shown, as plain factors; within=1.5 means 1/1.5 to 1.5.

    Raises:
        ValueError: fewer than three effects, one that is not finite, other than one bound, or a
            base without unit="times".
    """

    text: str
    effects: Sequence[float]
    at_least: float | None = field(default=None, kw_only=True)
    at_most: float | None = field(default=None, kw_only=True)
    within: float | None = field(default=None, kw_only=True)
    unit: str = field(default="points", kw_only=True)
    base: float | None = field(default=None, kw_only=True)

    def __post_init__(self):
        """Check the bounds and the effects, and keep the effects as plain numbers."""
        name = f"Claim {self.text!r}"
        bounds = {key: getattr(self, key) for key in ("at_least", "at_most", "within")}
        given = {key: bound for key, bound in bounds.items() if bound is not None}
        if len(given) != 1:
            raise ValueError(f"{name}: give exactly one of at_least, at_most and within.")
        if (self.unit == "times") != (self.base is not None):
            raise ValueError(f'{name}: unit="times" and base go together: give both or neither.')
        if self.base is not None:
            check_number(f"{name}: base", self.base, above=1)
        smallest = {} if self.base is None else {"at_least": 0, "at_most": 0}
        smallest["within"] = 0 if self.base is None else 1
        for key, bound in given.items():
            check_number(f"{name}: {key}", bound, above=smallest.get(key))
        if len(self.effects) < 3:
            raise ValueError(
                f"Claim {self.text!r} has {len(self.effects)} effects, "
                "but a claim needs at least 3: run more seeds."
            )
        try:
            object.__setattr__(self, "effects", tuple(map(_number, self.effects)))
            self.interval  # noqa: B018 (its check of the numbers is wanted)
        except ValueError as error:
            raise ValueError(f"Claim {self.text!r}: {error}") from error

    @property
    def interval(self) -> tuple[float, float]:
        """The mean effect and the half-width of its 95 % interval."""
        return mean_interval(self.effects)

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`: the whole interval fulfils the claim, contradicts it, or neither."""
        mean, half_width = self.interval
        low, high = mean - half_width, mean + half_width
        if self.at_least is not None:
            bound = self._on_scale(self.at_least)
            holds, fails = low > bound, high <= bound
        elif self.at_most is not None:
            bound = self._on_scale(self.at_most)
            holds, fails = high < bound, low >= bound
        else:
            bound = self._on_scale(self.within)
            holds, fails = abs(mean) + half_width < bound, abs(mean) - half_width >= bound
        return "holds" if holds else "does not hold" if fails else "within noise"

    @property
    def bound(self) -> str:
        """The bound as a relation that the effect is to fulfil."""
        times = "" if self.base is None else " times"
        if self.at_least is not None:
            return f"> {self.at_least:g}{times}"
        if self.at_most is not None:
            return f"< {self.at_most:g}{times}"
        low = -self.within if self.base is None else 1 / self.within
        return f"{low:.3g} to {self.within:g}{times}"

    @property
    def measured(self) -> str:
        """The measured effect in words, rounded to two digits of its half-width."""
        if self.base is None:
            words = f"{format_interval(*self.interval)} {self.unit}".rstrip()
        else:
            words = _format_factor(*self.interval, self.base)
        return f"{words}, {len(self.effects)} seeds"

    def _on_scale(self, bound: float) -> float:
        """Return a bound on the scale of the effects, which may be logarithms."""
        return bound if self.base is None else math.log(bound, self.base)


def _number(value) -> float:
    """Return a number of Python, NumPy or PyTorch as a float."""
    if isinstance(value, str) or not hasattr(value, "__float__"):
        raise ValueError(f"A value is {shown(value)}, but must be a number.")
    return float(value)


def format_interval(mean: float, half_width: float) -> str:
    """Write `mean ± half-width` to two digits of the half-width, never with an exponent.

    Raises:
        ValueError: one of them is not finite, or the half-width negative.
    """
    check_number("mean", mean)
    check_number("half_width", half_width, least=0)
    half_width = float(f"{half_width:.1e}")
    decimals = 1 - math.floor(math.log10(half_width)) if half_width else 2
    decimals = min(decimals, 6)
    shown = [round(number, decimals) + 0.0 for number in (mean, half_width)]  # + 0.0: no "-0"
    return " ± ".join(f"{number:.{max(decimals, 0)}f}" for number in shown)


def _format_factor(mean: float, half_width: float, base: float) -> str:
    """Write logarithms as `factor times (low to high)`, to two digits of the lower distance."""
    with np.errstate(over="ignore"):  # an interval of few seeds may reach very far
        factor, low, high = base ** np.array([mean, mean - half_width, mean + half_width])
    distance = factor - low
    decimals = min(1 - math.floor(math.log10(distance)), 6) if distance > 0 else 2
    numbers = [round(float(number), decimals) for number in (factor, low, high)]
    words = [f"{n:.{max(decimals, 0)}f}" if n < 1e6 else f"{n:.1e}" for n in numbers]
    return f"{words[0]} times ({words[1]} to {words[2]})"


def claims_table(claims: Sequence[Claim]) -> str:
    """Lay claims out as a plain-text table: number, claim, bound, verdict, measured effect.

    Measured numbers stand in the last column and change no column's width, so that the table is the
    same on every machine but for `x ± y` and `x times (y to z)`, which the notebooks' test
    sanitizes.

    Raises:
        ValueError: there is no claim.
    """
    if not claims:
        raise ValueError("There is no claim for the table: give at least one.")
    texts = [textwrap.wrap(claim.text, _CLAIM_WIDTH) for claim in claims]
    widths = (
        2,
        max(len(line) for lines in [["claim"], *texts] for line in lines),
        max(len(bound) for bound in ["bound", *(claim.bound for claim in claims)]),
        max(len(verdict) for verdict in VERDICTS),
    )

    def row(*cells: str) -> str:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
        return "  ".join([*padded, *cells[len(widths) :]]).rstrip()

    last = "measured, 95 % interval"
    rows = [
        row("no", "claim", "bound", "verdict", last),
        row(*("-" * width for width in widths), "-" * len(last)),
    ]
    for number, (claim, (first, *rest)) in enumerate(zip(claims, texts, strict=True), start=1):
        rows.append(row(f"{number:2}", first, claim.bound, claim.verdict, claim.measured))
        rows += [row("", line) for line in rest]
    return "\n".join(rows)


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
