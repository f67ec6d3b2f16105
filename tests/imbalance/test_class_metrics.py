import numpy as np
import pytest
import torch
from torch import nn

from course_utils.imbalance.class_metrics import (
    balanced_accuracy,
    class_recalls,
    collect_logits,
    confusion_matrix,
)

LABELS = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
GUESSES = torch.tensor([0, 0, 0, 1, 1, 0, 2, 2])
MATRIX = [[3, 1, 0], [1, 1, 0], [0, 0, 2]]


def as_logits(guesses, classes=3):
    return nn.functional.one_hot(guesses, classes) * 4.0 - 7


@pytest.mark.parametrize("predictions", [GUESSES, as_logits(GUESSES), as_logits(GUESSES).half()])
def test_confusion_matrix(predictions):
    """Are rows true and columns predicted classes, from classes and from logits alike?"""
    classes = 3 if predictions.ndim == 1 else None
    matrix = confusion_matrix(predictions, LABELS, classes=classes)
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
    """Is a recall the share of a class's samples that was recognised?"""
    recalls = class_recalls(torch.tensor(MATRIX))
    assert recalls.dtype == torch.float64
    assert recalls.tolist() == [0.75, 0.5, 1.0]


def test_balanced_accuracy():
    """Is it the mean recall, and unmoved where a class is repeated?"""
    assert balanced_accuracy(GUESSES, LABELS, classes=3) == 0.75
    often = torch.cat([torch.arange(8), torch.arange(4).repeat(50)])
    assert balanced_accuracy(as_logits(GUESSES[often]), LABELS[often]) == 0.75


@pytest.mark.parametrize("seed", range(5))
def test_against_plain_counting(seed):
    """Do matrix and balanced accuracy agree with a count sample by sample?"""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(5), rng.integers(0, 5, 60)])
    guesses = rng.integers(0, 5, 65)
    expected = np.zeros((5, 5), dtype=int)
    for label, guess in zip(labels, guesses, strict=True):
        expected[label, guess] += 1
    tensors = torch.tensor(guesses), torch.tensor(labels)
    assert confusion_matrix(*tensors, classes=5).tolist() == expected.tolist()
    recalls = [np.mean(guesses[labels == c] == c) for c in range(5)]
    assert balanced_accuracy(*tensors, classes=5) == pytest.approx(np.mean(recalls))


def test_class_without_a_sample():
    """Does a class that the labels lack raise a sentence that names it?"""
    with pytest.raises(ValueError, match=r"classes \[1, 3\] have no sample among the labels"):
        balanced_accuracy(torch.tensor([0, 2]), torch.tensor([0, 2]), classes=4)


@pytest.mark.parametrize(
    "predictions, labels, classes, words",
    [
        (GUESSES, LABELS, None, "The number of classes is unknown"),
        (as_logits(GUESSES), LABELS, 4, "classes is 4, but the logits have 3 columns"),
        (GUESSES[1:], LABELS, 3, r"int64 \(7,\) and the labels torch.int64 \(8,\)"),
        (GUESSES[:0], LABELS[:0], 3, "with n of 1 or more"),
        (GUESSES.float(), LABELS, 3, "must be logits"),
        (GUESSES, LABELS.float(), 3, "labels torch.float32"),
        (GUESSES, LABELS, 2, "The labels go from 0 to 2, but must go from 0 to 1"),
        (GUESSES - 1, LABELS, 3, "The predictions go from -1 to 1"),
        (as_logits(GUESSES) * torch.nan, LABELS, None, "Some logits are NaN"),
    ],
)
def test_bad_input(predictions, labels, classes, words):
    """Does what does not fit raise a sentence with what was given?"""
    with pytest.raises(ValueError, match=words):
        confusion_matrix(predictions, labels, classes=classes)


def test_collect_logits():
    """Are the logits of all batches returned in order, made in evaluation mode, with no graph?"""
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))
    inputs = torch.arange(14.0).view(7, 2)
    batches = list(zip(inputs.split(3), torch.arange(7).split(3), strict=True))
    logits, labels = collect_logits(model, batches)
    torch.testing.assert_close(logits, model[0](inputs).detach())
    assert labels.tolist() == list(range(7))
    assert model.training and not logits.requires_grad


def test_inputs_go_to_the_device():
    """Is each input sent to where the model is, and nowhere else?"""

    class Inputs:
        def to(self, device):
            self.device = device
            return torch.ones(2, 2)

    inputs = Inputs()
    collect_logits(nn.Linear(2, 3), [(inputs, torch.zeros(2))])
    assert inputs.device == torch.device("cpu")


def test_no_batches():
    """Do empty batches raise a sentence?"""
    with pytest.raises(ValueError, match="batches to predict on are empty"):
        collect_logits(nn.Linear(2, 3), [])
