"""What holds for every split by group, and for every interval of measured effects."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from course_utils.data.splits import split_by_group
from course_utils.imbalance.class_metrics import balanced_accuracy, class_recalls, confusion_matrix
from course_utils.teaching.claims import Claim, format_interval, mean_interval, seeds_needed

# Sizes of two groups or more
SIZES = st.lists(st.integers(1, 12), min_size=2, max_size=8)
SHARE, SEED = st.floats(0.01, 0.99), st.integers(0, 2**32)
EFFECTS = st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), min_size=3, max_size=12)


def names_of(sizes):
    """Name the members of each group."""
    return [f"g{number}_{k}" for number, size in enumerate(sizes) for k in range(size)]


def group_of(name):
    """Return the group that is the first part of a name."""
    return name.partition("_")[0]


def held_out(names, fraction, seed):
    """Return the groups of the second side."""
    return {group_of(names[i]) for i in split_by_group(names, group_of, fraction, seed)[1]}


@given(SIZES, SHARE, SEED, st.randoms(use_true_random=False))
def test_no_group_on_both_sides(sizes, fraction, seed, random):
    """Is every name on one side, no group on both, and neither side empty?"""
    names = names_of(sizes)
    random.shuffle(names)
    first, second = split_by_group(names, group_of, fraction, seed)
    assert sorted(first + second) == list(range(len(names)))
    sides = [{group_of(names[i]) for i in side} for side in (first, second)]
    assert all(sides) and not sides[0] & sides[1]
    assert held_out(sorted(names), fraction, seed) == sides[1]


@given(SIZES, SHARE, SEED)
def test_share(sizes, fraction, seed):
    """Is the fraction met to half the largest group, but where a side would be left empty?"""
    second = split_by_group(names_of(sizes), group_of, fraction, seed)[1]
    wanted = fraction * sum(sizes)
    alone = len(second) in (min(sizes), sum(sizes) - min(sizes))
    assert abs(len(second) - wanted) <= max(sizes) / 2 + 1e-9 or alone


@given(EFFECTS)
def test_interval_is_students(values):
    """Is the interval the one that SciPy computes from Student's t?"""
    assume(np.ptp(values) > 0)
    mean, half_width = mean_interval(values)
    low, high = stats.t.interval(
        0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values)
    )
    scale = 1e-9 * max(map(abs, values))
    assert mean - half_width == pytest.approx(low, abs=scale)
    assert mean + half_width == pytest.approx(high, abs=scale)


@given(EFFECTS, st.floats(-10, 10), st.floats(-100, 100))
def test_interval_moves_with_the_values(values, factor, shift):
    """Do a factor and a shift of the values change the interval as they must?"""
    mean, half_width = mean_interval(values)
    moved = mean_interval([factor * value + shift for value in values])
    assert moved[0] == pytest.approx(factor * mean + shift, abs=1e-7)
    assert moved[1] == pytest.approx(abs(factor) * half_width, abs=1e-7)


@given(EFFECTS, st.integers(-1000, 1000))
def test_verdicts(values, bound):
    """Does a claim never hold together with its opposite, and hold where the interval says so?"""
    claim = Claim("more", values, at_least=bound)
    opposite = Claim("less", [-value for value in values], at_least=-bound)
    mean, half_width = claim.interval
    assert (claim.verdict == "holds") == (mean - half_width > bound)
    assert not claim.verdict == opposite.verdict == "holds"
    if claim.verdict == "holds":
        assert opposite.verdict == "does not hold"


@given(EFFECTS, st.integers(1, 1000), st.integers(0, 1000))
def test_wider_margins(values, margin, more):
    """Does equivalence within a margin hold within every wider one, whatever the sign?"""
    verdicts = [Claim("same", values, within=m).verdict for m in (margin, margin + more)]
    assert verdicts[0] != "holds" or verdicts[1] == "holds"
    assert verdicts[1] != "does not hold" or verdicts[0] == "does not hold"
    mirrored = Claim("same", [-value for value in values], within=margin)
    assert mirrored.verdict == verdicts[0]


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_format_interval(mean, half_width):
    """Does the text hold both numbers to two digits of the half-width, without an exponent?"""
    text = format_interval(mean, half_width)
    shown = [float(word) for word in text.split(" ± ")]
    assert "e" not in text and "-0 " not in text
    rounded = float(f"{half_width:.1e}")
    digit = 10.0 ** max(math.floor(math.log10(rounded)) - 1, -6) if rounded else 0.01
    for number, exact in zip(shown, (mean, half_width), strict=True):
        assert abs(number - exact) <= 0.501 * digit


@given(st.floats(1e-3, 1e3), st.floats(1e-2, 1e2), st.floats(1, 10))
def test_seeds_needed(effect, spread, factor):
    """Does a smaller effect or a wider spread never need fewer seeds, and the sign not matter?"""
    count = seeds_needed(effect, spread)
    assert count >= 2 and count == seeds_needed(-effect, spread)
    assert seeds_needed(effect / factor, spread) >= count
    assert seeds_needed(effect, spread * factor) >= count
    assert seeds_needed(effect * factor, spread * factor) == pytest.approx(count, abs=1)


PREDICTED = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)


@given(PREDICTED)
def test_confusion_matrix(pairs):
    """Is each entry the number of its pairs, and the same from logits?"""
    predictions, labels = torch.tensor(pairs).T
    matrix = confusion_matrix(predictions, labels, classes=5)
    expected = [[pairs.count((column, row)) for column in range(5)] for row in range(5)]
    assert matrix.tolist() == expected
    logits = torch.nn.functional.one_hot(predictions, 5).float()
    assert torch.equal(confusion_matrix(logits, labels), matrix)


@given(PREDICTED, st.integers(0, 4), st.integers(2, 5))
def test_balanced_accuracy(pairs, label, times):
    """Does it stay as it is where one class becomes more frequent, and equal the mean recall?"""
    pairs = [*pairs, *((0, each) for each in range(5))]  # no class is missing
    predictions, labels = torch.tensor(pairs).T
    value = balanced_accuracy(predictions, labels, classes=5)
    recalls = [
        sum(p == t == each for p, t in pairs) / sum(t == each for _, t in pairs)
        for each in range(5)
    ]
    assert class_recalls(confusion_matrix(predictions, labels, classes=5)).tolist() == recalls
    assert value == pytest.approx(np.mean(recalls))
    more = pairs + (times - 1) * [pair for pair in pairs if pair[1] == label]
    predictions, labels = torch.tensor(more).T
    assert balanced_accuracy(predictions, labels, classes=5) == pytest.approx(value)
