"""Which traces a learning-rate finder leaves: after success, and after an exception in mid-sweep.

python -m benchmarks.lr_finder_traces [FILE.json]
"""

from __future__ import annotations

import contextlib
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.lr_finder_peers import FINDERS, NotOfferedError, Sweep
from benchmarks.report import Table, run_row
from course_utils.models import small_cnn
from course_utils.profiles import rng_state, set_seed
from course_utils.training.step import TrainStep

STEPS = 40
STOP_AT = 20
RATIO = 10.0
SETTING = (
    "A sweep in the middle of a training: a small CNN with batch normalization, one layer of "
    "which is frozen in evaluation mode, and dropout; SGD with momentum and two parameter "
    "groups; a DataLoader that shuffles with a generator of its own; a loss that draws from "
    "Python's and NumPy's generators, as an augmentation does. Each part is compared bit by bit "
    "with what it was."
)
READING = (
    "The peers promise weights and optimizer, and keep that after success; of gradients, "
    "generators and the loader's order they promise nothing. fastai's `fit` sets the learning "
    "rates and the modes anew at each call, so that it misses neither. torch-lr-finder restores "
    "in `reset()`, ignite at the end of its `with` block and fastai after the fit, all of which "
    "an exception skips; torch-lr-finder's user can still call `reset()` then."
)
RATIO_SETTING = (
    "The ratio of the two groups' learning rates in the middle of the sweep, where the optimizer "
    f"has {RATIO:.0f}: given one range, and given a range for each group with that ratio, where "
    "the finder takes such (fastai as arrays; as lists, it fails)."
)

RATIO_READING = (
    "Ours keeps the optimizer's own ratio and takes one range only, so that ranges in another "
    "ratio cannot be asked for; ignite and fastai take a range a group, and lose the ratio where "
    "they are given one range."
)


class Interrupted(Exception):
    """What the loss function raises in mid-sweep."""


def measure(finders=FINDERS) -> list[Table]:
    parts = {fault: [] for fault in ("success", f"an exception in step {STOP_AT}")}
    for name, find in finders.items():
        for fault, rows in parts.items():
            rows.append({"": name} | traces(find, stop_at=None if fault == "success" else STOP_AT))
    tables = [
        Table(f"LR finder: what is restored after {fault}", SETTING, rows, READING)
        for fault, rows in parts.items()
    ]
    ratios = [
        {
            "": name,
            "one range": group_ratio(find, None),
            "a range a group": group_ratio(find, (1.0, 1 / RATIO)),
        }
        for name, find in finders.items()
    ]
    return [*tables, Table("LR finder: parameter groups", RATIO_SETTING, ratios, RATIO_READING)]


def traces(find, *, stop_at: int | None) -> dict[str, bool]:
    """Sweep once; say for each part of a training's state whether it is as before."""
    count = 0

    def loss_function(prediction, target):
        nonlocal count
        count += 1
        if count == stop_at:
            raise Interrupted
        drawn = random.random() + np.random.rand()
        return F.cross_entropy(prediction, target) * (1 + 1e-9 * drawn)

    model, optimizer, loader = _training()
    before = _state(model, optimizer, loader)
    with contextlib.suppress(Interrupted):
        find(Sweep(model, optimizer, loader, loss_function, STEPS))
    after = _state(model, optimizer, loader)
    return {part: _same(before[part], after[part]) for part in before}


def group_ratio(find, spread: tuple[float, ...] | None) -> float | str:
    """Return the ratio of the groups' learning rates in mid-sweep, or why there is none."""
    model, optimizer, loader = _training()
    ratios = []

    def loss_function(prediction, target):
        first, second = (float(group["lr"]) for group in optimizer.param_groups)
        ratios.append(first / second)
        return F.cross_entropy(prediction, target)

    try:
        find(Sweep(model, optimizer, loader, loss_function, STEPS, spread))
    except NotOfferedError:
        return "not offered"
    return ratios[len(ratios) // 2]


def _training():
    """Return a model, its optimizer and a loader in the middle of a training."""
    set_seed(0)
    model = nn.Sequential(small_cnn(), nn.Dropout(0.1))
    convolutions, head = model[0][:2], model[0][3]
    groups = [{"params": convolutions.parameters()}, {"params": head.parameters(), "lr": 0.01}]
    optimizer = torch.optim.SGD(groups, lr=0.01 * RATIO, momentum=0.9)
    data = TensorDataset(torch.randn(64 * 50, 1, 14, 14), torch.randint(10, (64 * 50,)))
    generator = torch.Generator().manual_seed(1)
    loader = DataLoader(data, batch_size=64, shuffle=True, generator=generator)
    step = TrainStep(model, optimizer)
    for _, batch in zip(range(5), loader, strict=False):
        step(batch)
    model[0][0][1].eval()
    return model, optimizer, loader


def _state(model, optimizer, loader) -> dict[str, object]:
    state = optimizer.state_dict()
    return {
        "weights": [p.detach().clone() for p in model.parameters()],
        "gradients": [p.grad is not None and p.grad.clone() for p in model.parameters()],
        "buffers": [buffer.clone() for buffer in model.buffers()],
        "modes": [module.training for module in model.modules()],
        "optimizer's state": [s["momentum_buffer"].clone() for s in state["state"].values()],
        "its settings": [(group["lr"], group["momentum"]) for group in state["param_groups"]],
        "generators": rng_state(),
        "loader's order": loader.generator.get_state(),
    }


def _same(one, other) -> bool:
    """Say whether two nested values agree bit by bit."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other


if __name__ == "__main__":
    run_row(measure)
