import math

import numpy as np
import pytest
import torch

from course_utils.teaching.compare_values import describe, first_difference

NAN = math.nan


@pytest.mark.parametrize(
    "expected, got",
    [
        (1.0, 1.00001),
        (3, torch.tensor(3.0)),
        (NAN, NAN),
        (math.inf, np.float32(math.inf)),
        ([1, 2], (1.0, 2.0)),
        (torch.tensor([0.5, 1.0], requires_grad=True), np.array([0.5, 1.0])),
        (torch.ones(2, 2, dtype=torch.bfloat16), [[1, 1], [1, 1]]),
        ([0.5, torch.ones(3)], (0.5, [1, 1, 1])),
        ({"lr": 0.1, "losses": [1, 2]}, {"lr": 0.1, "losses": torch.tensor([1, 2])}),
        ("valley", "valley"),
        (None, None),
        ([], []),
        ([0, 1, 2], range(3)),
    ],
)
def test_agreement(expected, got):
    """Do values agree that hold the same numbers, whatever they are kept in?"""
    assert first_difference(expected, got) is None


@pytest.mark.parametrize(
    "expected, got, words",
    [
        (0.5, 0.25, "expected 0.5, got 0.25"),
        (0.5, NAN, "expected 0.5, got nan"),
        (NAN, 0.5, "expected nan, got 0.5"),
        (math.inf, -math.inf, "expected inf, got -inf"),
        (1.0, "1.0", "expected 1, got '1.0'"),
        (0.5, None, "expected 0.5, got None"),
        (0.5, [0.5], "expected 0.5, got [0.5]"),
        ([0.5], 0.5, "expected [0.5], got 0.5"),
        (0.5, print, "expected 0.5, got a builtin_function_or_method"),
        ([1], (number for number in [1]), "expected [1], got a generator"),
        ([1, 2, 3], [1, 2], "expected 3 values, got 2"),
        ([1, 2, 3], [1, 3, 3], "expected [1, 2, 3], got [1, 3, 3]"),
        (list(range(9)), [0, 1, 2, 9, *range(4, 9)], "at [3]: expected 3, got 9"),
        (torch.zeros(2, 3), torch.zeros(3, 2), "expected the shape (2, 3), got the shape (3, 2)"),
        (torch.zeros(2, 3), torch.ones(2, 3), "at [0][0]: expected 0, got 1"),
        (torch.zeros(3), torch.zeros(3, 1), "expected the shape (3,), got the shape (3, 1)"),
        ([0.5, [1, 2]], [0.5, [1, 5]], "at [1][1]: expected 2, got 5"),
        ({"lr": 1}, {"LR": 1}, "expected the keys lr, got the keys LR"),
        ({"lr": 1}, {}, "expected the keys lr, got the keys none"),
        ({"lr": [1, 2]}, {"lr": [1, 3]}, "at ['lr'][1]: expected 2, got 3"),
        ({"lr": 1}, 3, "expected a dict, got 3"),
        (True, None, "expected True, got None"),
    ],
)
def test_difference(expected, got, words):
    """Is the first difference said in words, with its position where the whole is long?"""
    assert first_difference(expected, got) == words


def test_tolerances():
    """Do the tolerances decide, and shows a difference beyond the sixth digit?"""
    assert first_difference(1.0, 1.01, rtol=0.1) is None
    assert first_difference(0.0, 0.01, atol=0.1) is None
    words = first_difference(1.0, 1.00000001, rtol=0, atol=0)
    assert words == "expected 1.0, got 1.00000001"


@pytest.mark.parametrize(
    "value, words",
    [
        (0.123456789, "0.123457"),
        (torch.ones(10), "10 values"),
        (torch.ones(10, 2), "values of shape (10, 2)"),
        ([[1], 2], "2 values"),
        (OSError(), "an OSError"),
    ],
)
def test_description(value, words):
    """Is a value described in a few words without an address or a run-dependent part?"""
    assert describe(value) == words
