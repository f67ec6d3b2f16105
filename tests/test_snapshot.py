import random

import numpy as np
import pytest
import torch
from small_runs import same
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from course_utils.snapshot import eval_mode, preserved


class Net(nn.Module):
    """A net with all that may change: batch norm, dropout, hidden buffers, a frozen layer."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3))
        self.register_buffer("hidden", torch.zeros(()), persistent=False)
        self.body[0].bias.requires_grad_(False)
        self.body[2].eval()

    def forward(self, inputs):
        self.hidden = self.hidden + 1  # binds a new tensor instead of changing the old one
        return self.body(inputs)


def state_of(model, optimizer):
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    values = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    grads = {n: None if p.grad is None else p.grad.clone() for n, p in model.named_parameters()}
    flags = [p.requires_grad for p in model.parameters()]
    modes = [m.training for m in model.modules()]
    momenta = {
        f"{i}.{name}": value.clone() if torch.is_tensor(value) else value
        for i, p in enumerate(model.parameters())
        for name, value in optimizer.state.get(p, {}).items()
    }
    groups = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
    draws = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    return values, grads, flags, modes, momenta, groups, draws


def step(model, optimizer):
    loss = model(torch.randn(6, 4)).square().mean()
    loss.backward()
    optimizer.step()


def disturb(model, optimizer):
    model.train()
    model.requires_grad_(True)
    optimizer.param_groups[0]["lr"] = 7.0
    for _ in range(3):
        optimizer.zero_grad()
        step(model, optimizer)
    random.random(), np.random.random()


OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.1, amsgrad=True),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.1, momentum=0.9, centered=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("steps_before", [0, 2])
@pytest.mark.parametrize("error", [None, RuntimeError("model"), KeyboardInterrupt()])
def test_everything_comes_back(name, steps_before, error):
    """Is the state bit-equal after success, an exception and Ctrl-C, before and in training?"""
    torch.manual_seed(0)
    model = Net()
    optimizer = OPTIMIZERS[name](model.parameters())
    for _ in range(steps_before):
        step(model, optimizer)
    before = state_of(model, optimizer)
    if error is None:
        with preserved(model, optimizer):
            disturb(model, optimizer)
            assert not same(state_of(model, optimizer), before)
    else:
        with pytest.raises(type(error)), preserved(model, optimizer):
            disturb(model, optimizer)
            raise error
    assert same(state_of(model, optimizer), before)


def test_tensors_keep_their_identity():
    """Do references to parameters, buffers and a tensor learning rate stay valid?"""
    model = Net()
    rate = torch.tensor(0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, capturable=False, foreach=False)
    kept = [*model.parameters(), *model.buffers()]
    with preserved(model, optimizer):
        rate.fill_(5.0)
        step(model, optimizer)
    assert all(a is b for a, b in zip(kept, [*model.parameters(), *model.buffers()], strict=True))
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate == torch.tensor(0.1)


def test_scaler():
    """Does the gradient scaler get back its scale and its growth counter?"""
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    scaler.scale(torch.ones(()))  # the scale exists from the first use on
    before = scaler.state_dict()
    with preserved(model, optimizer, scaler=scaler):
        scaler.scale(model(torch.full((1, 2), float("inf"))).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        assert scaler.get_scale() == 4.0
    assert scaler.state_dict() == before


@pytest.mark.parametrize("own", ["loader", "sampler", "global"])
def test_loader_order(own):
    """Does a DataLoader shuffle next as it would have, whoever owns its generator?"""
    data, generator = TensorDataset(torch.arange(20)), torch.Generator().manual_seed(1)
    loader = {
        "loader": lambda: DataLoader(data, shuffle=True, generator=generator),
        "sampler": lambda: DataLoader(data, sampler=RandomSampler(data, generator=generator)),
        "global": lambda: DataLoader(data, shuffle=True),
    }[own]()
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def orders():
        return [int(batch) for _ in range(2) for (batch,) in loader]

    torch.manual_seed(0)
    expected = orders()
    torch.manual_seed(0)
    generator.manual_seed(1)
    with preserved(model, optimizer, loaders=(loader,)):
        orders()
    assert orders() == expected


def test_eval_mode():
    """Is the model in evaluation mode inside, and each module in its own after an error?"""
    model = Net()
    modes = [m.training for m in model.modules()]
    with pytest.raises(RuntimeError), eval_mode(model):
        assert not any(m.training for m in model.modules())
        raise RuntimeError
    assert [m.training for m in model.modules()] == modes
    assert any(modes) and not all(modes)
