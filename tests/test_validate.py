from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pytest
import torch

from course_utils._validate import (
    as_integers,
    check_number,
    check_span,
    check_type,
    check_whole,
    shown,
)


@pytest.mark.parametrize("value", [0, 7, np.int64(3), np.uint8(0)])
def test_whole_numbers(value):
    """Is an integer of Python or NumPy taken as it is?"""
    assert check_whole("count", value) is None


@pytest.mark.parametrize("value", [-1, True, np.True_, 1.0, np.float32(2), "1", None])
def test_no_whole_number(value):
    """Does what is no integer, or too small, raise a sentence with name, value and limit?"""
    with pytest.raises(ValueError) as caught:
        check_whole("count", value)
    assert str(caught.value) == f"count is {shown(value)}, but must be an integer of at least 0."


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.25), np.int64(0), Fraction(1, 3)])
def test_numbers(value):
    """Is a number within its bounds taken, the closed end included?"""
    assert check_number("share", value, least=0, below=1) is None


@pytest.mark.parametrize(
    "value", [-1e-9, 1, float("nan"), float("inf"), True, "0.5", None, 1j, torch.tensor(0.5)]
)
def test_no_number(value):
    """Does what is no number, or beyond a bound, raise a sentence with all bounds and the hint?"""
    with pytest.raises(ValueError) as caught:
        check_number("share", value, least=0, below=1, hint="0.5 is usual")
    words = "but must be a finite number, at least 0 and below 1: 0.5 is usual."
    assert str(caught.value) == f"share is {shown(value)}, {words}"


def test_bounds():
    """Is each kind of bound kept, and a number without bounds only asked to be finite?"""
    check_number("x", -1e300)
    check_number("x", 2, most=2, above=1)
    for value in (1, 3):
        with pytest.raises(ValueError, match=rf"^x is {value}, .*, above 1 and at most 2\.$"):
            check_number("x", value, above=1, most=2)
    with pytest.raises(ValueError, match=r"^x is inf, but must be a finite number\.$"):
        check_number("x", float("inf"))


def test_type():
    """Does a value of another type raise a sentence with what it is and what it must be?"""
    check_type("batches", [], Iterable)
    check_type("net", None, torch.nn.Module, type(None))
    words = r"^net is 'relu', but must be of type torch\.nn\.modules\.module\.Module or .*int\.$"
    with pytest.raises(TypeError, match=words):
        check_type("net", "relu", torch.nn.Module, int)


@pytest.mark.parametrize(
    "value, words",
    [
        (None, "None"),
        (2.0, "2.0"),
        (np.float64(0.1), "0.1"),
        ("a\nb", r"'a\nb'"),
        ("x" * 61, f"'{'x' * 60}...'"),
        (torch.ones(99), "of type Tensor"),
        ([1], "of type list"),
    ],
)
def test_shown(value, words):
    """Is a value written in one short line, whatever it is?"""
    assert shown(value) == words


def test_span():
    """Do classes on both ends pass, and one outside raise a sentence with the span?"""
    check_span("The labels", torch.tensor([[0, 2], [1, 1]]), 3, "look")
    for low, high in ((-1, 2), (0, 3)):
        words = rf"^The labels go from {low} to {high}, but must go from 0 to 2: look\.$"
        with pytest.raises(ValueError, match=words):
            check_span("The labels", torch.tensor([low, high]), 3, "look")


@pytest.mark.parametrize("values", [[0, 2], np.array([0, 2]), torch.tensor([0, 2]), range(0, 3, 2)])
def test_integers(values):
    """Do integers come back as a tensor, whatever they were given as?"""
    assert as_integers("labels", values, "the class of each sample").tolist() == [0, 2]


@pytest.mark.parametrize(
    "values, words",
    [
        ([], "There are no labels: give at least one"),
        ([0.5], r"float32 and shape \(1,\), but must be integers in one dimension, the class"),
        ([[0, 1]], r"int64 and shape \(1, 2\)"),
        (["cat"], r"The labels are of type list, no tensor \(.*\): give integers, the class"),
        (None, r"The labels are None, no tensor"),
    ],
)
def test_no_integers(values, words):
    """Does anything else raise one sentence that says what it is?"""
    with pytest.raises(ValueError, match=words) as caught:
        as_integers("labels", values, "the class of each sample")
    assert "\n" not in str(caught.value)
