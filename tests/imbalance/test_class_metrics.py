import pytest
import torch
from torch import nn

from course_utils.imbalance.class_metrics import (
    balanced_accuracy,
    class_recalls,
    confusion_matrix,
)

LABELS = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
GUESSES = torch.tensor([0, 0, 0, 1, 1, 0, 2, 2])
MATRIX = [[3, 1, 0], [1, 1, 0], [0, 0, 2]]


def as_logits(guesses, classes=3):
    return nn.functional.one_hot(guesses, classes) * 4.0 - 7


@pytest.mark.parametrize(
    "predictions", [GUESSES, GUESSES.tolist(), as_logits(GUESSES), as_logits(GUESSES).half()]
)
@pytest.mark.parametrize("kind", [torch.tensor, list, lambda x: torch.tensor(x).byte()])
def test_confusion_matrix(predictions, kind):
    """Are rows true and columns predicted classes, from classes and from logits alike?"""
    matrix = confusion_matrix(predictions, kind(LABELS.tolist()), classes=3)
    assert matrix.dtype == torch.int64
    assert matrix.tolist() == MATRIX


def test_classes_that_are_absent():
    """Does the matrix keep rows and columns of classes that nobody has or predicts?"""
    matrix = confusion_matrix(torch.tensor([1]), torch.tensor([0]), classes=3)
    assert matrix.tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_one_class():
    """Is a single class counted, too?"""
    zeros = torch.zeros(3, dtype=torch.int64)
    assert confusion_matrix(zeros, zeros, classes=1).tolist() == [[3]]


def test_recalls():
    """Is a recall the fraction of a class's samples that was recognised, and their mean ours?"""
    recalls = class_recalls(torch.tensor(MATRIX))
    assert recalls.dtype == torch.float64
    assert recalls.tolist() == [0.75, 0.5, 1.0]
    assert balanced_accuracy(as_logits(GUESSES), LABELS) == 0.75
