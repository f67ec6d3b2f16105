"""A net with all that a training may change, and what changes it."""

import random

import numpy as np
import torch
from torch import nn


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
