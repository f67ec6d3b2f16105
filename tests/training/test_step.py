import copy
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.training.loss import check_pair, loss_of
from course_utils.training.step import TrainStep


@pytest.fixture
def setup():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).double()
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def batch(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(n, 4, generator=generator, dtype=torch.double),
        torch.randint(3, (n,), generator=generator),
    )


def test_equals_blackboard(setup):
    """Do two steps equal predict, loss, backward, step, zero_grad written by hand?"""
    model, optimizer = setup
    twin = copy.deepcopy(model)
    by_hand = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9)
    step = TrainStep(model, optimizer)
    for seed in (1, 2):
        inputs, targets = batch(5, seed)
        loss = F.cross_entropy(twin(inputs), targets)
        loss.backward()
        by_hand.step()
        by_hand.zero_grad()
        ours = step((inputs, targets))
        assert torch.equal(ours, loss.detach())
        assert not ours.requires_grad
    assert all(map(torch.equal, model.parameters(), twin.parameters()))


def test_accumulation_equals_one_batch(setup):
    """Do batches of unequal size together give the step of the one large batch?"""
    model, optimizer = setup
    twin = copy.deepcopy(model)
    whole = TrainStep(twin, torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9))
    inputs, targets = batch(12)
    parts = zip(inputs.split([5, 5, 2]), targets.split([5, 5, 2]), strict=True)
    loss = TrainStep(model, optimizer)(*parts)
    assert torch.allclose(loss, whole((inputs, targets)), rtol=1e-12)
    for ours, reference in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours, reference, rtol=1e-12)


def test_amp_on_cpu():
    """Does autocast run the forward pass in bfloat16, and is it off on a CPU unless asked for?"""
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    types = []
    model.register_forward_hook(lambda module, inputs, output: types.append(output.dtype))
    inputs, targets = batch(5)
    for amp in (None, False, True):
        TrainStep(model, optimizer, amp=amp)((inputs.float(), targets))
    assert types == [torch.float32, torch.float32, torch.bfloat16]


def test_scaler_skips_infinite_gradients(setup):
    """Does a step with a gradient scaler scale, unscale, and skip a gradient that overflowed?"""
    model, optimizer = setup
    step = TrainStep(model, optimizer)
    step.scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    twin = copy.deepcopy(model)
    plain = TrainStep(twin, torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9))
    step(batch(5)), plain(batch(5))
    for ours, reference in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours, reference, rtol=1e-12)
    before = [p.detach().clone() for p in model.parameters()]
    step((batch(5)[0] * float("inf"), batch(5)[1]))
    assert all(map(torch.equal, model.parameters(), before))


def test_frozen_model(setup):
    """Does a model without trainable parameters raise a sentence that names it?"""
    model, optimizer = setup
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="Sequential has no trainable parameter"):
        TrainStep(model, optimizer)


def test_foreign_optimizer(setup):
    """Does an optimizer of another model's parameters raise a sentence?"""
    with pytest.raises(ValueError, match="SGD holds no trainable parameter of this model"):
        TrainStep(nn.Linear(4, 3), setup[1])


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
