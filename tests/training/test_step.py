import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.training.callbacks import gradient_norm
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


def test_clipped(setup):
    """Is a gradient that is too long scaled down to the norm, and a shorter one left alone?"""
    model, optimizer = setup
    TrainStep(model, optimizer, clip_norm=1e-3)(batch(5))
    assert torch.isclose(gradient_norm(optimizer), torch.tensor(1e-3).double(), rtol=1e-3)
    TrainStep(model, optimizer)(batch(5))
    free = gradient_norm(optimizer)
    optimizer.zero_grad()
    TrainStep(model, optimizer, clip_norm=1e3)(batch(5))
    assert gradient_norm(optimizer) > 1e-2 and free > 1e-2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_weighted_loss_accumulates(dtype):
    """Do parts of a batch give its gradient where the loss weighs classes or ignores targets?"""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(40, 4, generator=generator, dtype=dtype)
    targets = torch.randint(3, (40,), generator=generator)
    targets[::7] = -100
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 10, 100], dtype=dtype))
    gradients = []
    for size in (40, 7):
        torch.manual_seed(0)
        model = nn.Linear(4, 3, dtype=dtype)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        parts = zip(inputs.split(size), targets.split(size), strict=True)
        TrainStep(model, optimizer, loss_function=loss)(*parts)
        gradients.append(model.weight.grad)
    assert torch.allclose(*gradients, rtol=1e-5 if dtype == torch.float32 else 1e-12)
