"""Checks of a training step: does each step start from clean gradients, and do they arrive?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from course_utils.diagnostics.finding import Finding

Step = Callable[[tuple[Tensor, Tensor]], Tensor]


def check_repeats(
    optimizer: torch.optim.Optimizer, step: Step, batch: tuple[Tensor, Tensor]
) -> list[Finding]:
    """Take two steps of learning rate 0 on one batch: their gradients and losses must agree.

    Gradients are taken where the optimizer reads them, so that a step may clear them before or
    after. The caller keeps and restores the state.
    """
    optimizer.zero_grad()
    seen: list[Tensor] = []
    rates = [group["lr"] for group in optimizer.param_groups]
    hook = optimizer.register_step_pre_hook(lambda *_: seen.append(_flat_gradient(optimizer)))
    try:
        for group in optimizer.param_groups:
            group["lr"] = 0.0
        losses = [float(step(batch)) for _ in range(2)]
    finally:
        hook.remove()
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
    if len(seen) < 2:
        words = "optimizer.step() was not called: without it the weights stay as they are."
        return [Finding("clean gradients", words)]
    size = float(seen[0].norm()) + 1e-12
    if float((seen[1] - 2 * seen[0]).norm()) < 1e-2 * size:
        words = (
            "the second step on a batch sees twice the gradient of the first: gradients add up; "
            "call optimizer.zero_grad() in each step."
        )
        return [Finding("clean gradients", words)]
    if abs(losses[1] - losses[0]) > 1e-3 * abs(losses[0]):
        words = (
            f"the same batch and weights cost {losses[0]:.3f}, then {losses[1]:.3f} nats: the step "
            "draws something at random (labels, images, dropout); switch that off."
        )
        return [Finding("same step twice", words)]
    return []


@contextmanager
def watched_gradients(optimizer: torch.optim.Optimizer) -> Iterator[dict[int, bool]]:
    """Note, for ten steps of a block, which parameters ever get a gradient other than zero.

    Yields:
        id of the parameter -> whether one came.
    """
    arrived: dict[int, bool] = {}
    left = 10

    def note(*_) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    came = parameter.grad is not None and bool(parameter.grad.any())
                    arrived[id(parameter)] = arrived.get(id(parameter), False) or came

    hook = optimizer.register_step_pre_hook(note)
    try:
        yield arrived
    finally:
        hook.remove()


def check_arrival(model: nn.Module, arrived: dict[int, bool]) -> list[Finding]:
    """Name the parameters that the optimizer does not hold, or that no gradient has reached."""
    groups = {"frozen": [], "forgotten": [], "cut off": []}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            groups["frozen"].append(name)
        elif id(parameter) not in arrived:
            groups["forgotten"].append(name)
        elif not arrived[id(parameter)]:
            groups["cut off"].append(name)
    words = {
        "frozen": "cannot be trained (requires_grad is False): unfreeze, unless on purpose.",
        "forgotten": "is not in the optimizer: build it from model.parameters().",
        "cut off": "got no gradient: the graph is cut (detach, no_grad, .item()) or all its units "
        "are dead.",
    }
    return [
        Finding("gradients everywhere", f"{_some(names)} {words[kind]}")
        for kind, names in groups.items()
        if names
    ]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _flat_gradient(optimizer: torch.optim.Optimizer) -> Tensor:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters]
    return torch.cat([gradient.flatten() for gradient in gradients])
