import re
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.training.loss import batch_weight, check_pair, loss_of

INPUTS, LABELS = torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])


@pytest.mark.parametrize("batch", [(INPUTS, LABELS), [INPUTS, LABELS]])
def test_pair(batch):
    """Is a pair of tensors taken, in a tuple or in a list, as loaders give it?"""
    assert check_pair(batch) is None


@pytest.mark.parametrize(
    "batch, given",
    [
        (INPUTS, "of type Tensor"),
        (None, "None"),
        ((INPUTS,), "tuple of 1"),
        ([INPUTS, LABELS, LABELS], "list of 3"),
        ((INPUTS, [0, 1, 2, 0]), "tuple of 2"),
    ],
)
def test_no_pair(batch, given):
    """Does anything else raise a sentence that says what came?"""
    words = f"^A batch is {given}, but must be a pair of inputs and targets, both tensors"
    with pytest.raises(TypeError, match=words):
        check_pair(batch)


def test_loss():
    """Is the loss that of the function, with its graph?"""
    predictions = INPUTS.clone().requires_grad_()
    loss = loss_of(F.cross_entropy, predictions, LABELS)
    assert torch.equal(loss, F.cross_entropy(predictions, LABELS)) and loss.requires_grad


@pytest.mark.parametrize(
    "targets, words",
    [
        (LABELS + 1, r"\(4, 3\) .* torch.int64 \(4,\)"),
        (LABELS[:2], r"\(4, 3\) .* torch.int64 \(2,\)"),
        (LABELS.float(), r"\(4, 3\) .* torch.float32 \(4,\)"),
    ],
)
def test_refused(targets, words):
    """Do targets that PyTorch's loss refuses raise its own error, with a note on what came?"""
    with pytest.raises((IndexError, RuntimeError, ValueError)) as caught:
        loss_of(F.cross_entropy, INPUTS, targets)
    (note,) = getattr(caught.value, "__notes__", [str(caught.value)])
    assert re.search(words, note) and note.endswith(".")


def test_errors_of_other_losses():
    """Is an error of the user's own loss left as it is?"""

    def own(predictions, targets):
        raise KeyError("alpha")

    with pytest.raises(KeyError, match="alpha") as caught:
        loss_of(own, INPUTS, LABELS)
    assert not hasattr(caught.value, "__notes__")


def test_out_of_memory():
    """Does a device without memory raise PyTorch's own class, for callers that try less?"""

    def too_large(predictions, targets):
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        loss_of(too_large, INPUTS, LABELS)


WEIGHT = torch.tensor([1.0, 10.0, 100.0])


class Masked:
    def __call__(self, predictions, targets):
        return (predictions[targets > 0, 0]).mean()

    def batch_weight(self, targets):
        return (targets > 0).sum()


@pytest.mark.parametrize(
    "loss_function, weight",
    [
        (F.cross_entropy, 3),
        (F.mse_loss, 4),
        (nn.CrossEntropyLoss(weight=WEIGHT), 1 + 10 + 100),
        (nn.NLLLoss(ignore_index=0), 3),
        (partial(F.cross_entropy, weight=WEIGHT), 1 + 10 + 100),
        (partial(F.cross_entropy, label_smoothing=0.1), 3),
        (Masked(), 2),
        (lambda predictions, targets: predictions.mean(), 4),
    ],
)
def test_batch_weight(loss_function, weight):
    """Is it what the mean was divided by: samples, weights of classes, targets not ignored?"""
    assert batch_weight(loss_function, torch.tensor([0, 1, 2, -100])) == weight


@pytest.mark.parametrize("ignored, weight", [(-100, 3), (1, 2)])
def test_batch_weight_of_pixels(ignored, weight):
    """Does each pixel that has a class count, where an image has one for each?"""
    loss_function = nn.CrossEntropyLoss(ignore_index=ignored)
    targets = torch.tensor([[[0, 1], [1, -100]]])
    assert batch_weight(loss_function, targets) == weight


@pytest.mark.parametrize(
    "loss, given",
    [
        (torch.ones(1, requires_grad=True), "a tensor of shape (1,)"),
        (torch.ones(3, requires_grad=True), "a tensor of shape (3,)"),
        (torch.ones(()), "a tensor without a graph"),
        (0.5, "0.5"),
        (None, "None"),
        ({"loss": 1}, "of type dict"),
    ],
)
def test_no_loss(loss, given):
    """Does a loss that cannot be trained on raise one sentence that says what came?"""
    with pytest.raises(TypeError) as caught:
        loss_of(lambda predictions, targets: loss, INPUTS, LABELS)
    assert str(caught.value).startswith(f"The loss is {given}, but must be a 0-d tensor")
