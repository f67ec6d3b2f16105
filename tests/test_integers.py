import numpy as np
import pytest
import torch

from course_utils.integers import as_integers, check_span


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
