import pytest
import torch
import torch.nn.functional as F

from course_utils.batch_loss import check_pair, loss_of

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
        (LABELS + 1, r"\(4, 3\) .* torch.int64 \(4,\) .*Target 3 is out of bounds"),
        (LABELS[:2], r"\(4, 3\) .* torch.int64 \(2,\)"),
        (LABELS.float(), r"\(4, 3\) .* torch.float32 \(4,\)"),
    ],
)
def test_refused(targets, words):
    """Do targets that the loss function refuses raise one sentence, with its own reason?"""
    with pytest.raises(ValueError, match=words) as caught:
        loss_of(F.cross_entropy, INPUTS, targets)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    assert isinstance(caught.value.__cause__, IndexError | RuntimeError | ValueError)


def test_out_of_memory():
    """Does a device without memory raise PyTorch's own class, for callers that try less?"""

    def too_large(predictions, targets):
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        loss_of(too_large, INPUTS, LABELS)
