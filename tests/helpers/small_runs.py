"""The small model, data and comparison that the tests of training share."""

import torch
from torch import nn

BATCH_SIZES = [4, 4, 2]


def make_data(n=10):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, 6, generator=generator), torch.randint(3, (n,), generator=generator)


def make_batches(sizes=BATCH_SIZES):
    inputs, targets = make_data(sum(sizes))
    return list(zip(inputs.split(sizes), targets.split(sizes), strict=True))


def make_model(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)


def lr_of(optimizer):
    return optimizer.param_groups[0]["lr"]


def same(a, b):
    if torch.is_tensor(a):
        return torch.is_tensor(b) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b
