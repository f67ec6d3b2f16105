"""Overfit a few samples first, and with it the checks that catch what overfitting cannot see."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from course_utils._validate import check_parts, check_whole
from course_utils.diagnostics.data_checks import (
    FEWEST,
    check_batch,
    check_loader,
    check_meaning,
    fraction_right,
)
from course_utils.diagnostics.finding import Finding
from course_utils.diagnostics.model_checks import Loss, check_first_loss, check_model
from course_utils.diagnostics.step_checks import (
    Step,
    check_arrival,
    check_repeats,
    watched_gradients,
)
from course_utils.training.preserve_state import preserved
from course_utils.training.step import TrainStep

TARGET = 1e-3  # nats
NEARLY = 0.1  # nats: below, a loss that still falls is only slow
MAX_OTHERS = 960  # further samples that are looked at


@dataclass(frozen=True)
class OverfitReport:
    """What `overfit_check` saw.

    Attributes:
        findings: what looks wrong; empty for a set-up that passes.
        losses: of each step on the few samples, in nats.
        steps: after how many of them the loss was below the target and all samples right; None
            where that did not happen.
        remarks: what is no fault, but good to know, such as what could not be checked.
    """

    findings: tuple[Finding, ...]
    losses: tuple[float, ...] = ()
    steps: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """How the overfitting itself went: "learned", "too slow" (still falling) or "caught".

        "not tried" where the labels did not allow it.
        """
        if any(finding.name == "overfit" for finding in self.findings):
            return "caught"
        return "learned" if self.steps is not None else "too slow" if self.losses else "not tried"

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __str__(self) -> str:
        lines = [f"- {finding}" for finding in self.findings] or ["Nothing wrong was found."]
        if self.steps is not None:
            lines.append(f"The few samples were learned in {self.steps} steps.")
        return "\n".join([*lines, *self.remarks])


def overfit_check(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loader: Iterable,
    *,
    loss_function: Loss = F.cross_entropy,
    step: Step | None = None,
    samples: int = 64,
    max_steps: int = 2000,
) -> OverfitReport:
    """Train on a few samples until they are known by heart, and check what that cannot show.

    Meanwhile dropout layers and weight decay are off, but no augmentation or label smoothing;
    switch these off yourself. Afterwards model, optimizer, loader and the
    random generators are as they were. The recipe is an old one; see Karpathy, "A recipe for
    training neural networks" (2019), for most of the checks.

    Args:
        model: a classifier, from inputs (n, ...) to logits or log-probabilities (n, classes).
        optimizer: over the model's parameters, with the learning rate to be used.
        loader: iterable of (inputs, labels). With 300 samples more than are learned by heart, it is
            also checked whether what is learned from some holds for others.
        loss_function: maps (output, labels) to the mean loss over a batch, in nats.
        step: your own training step, `loss = step((inputs, labels))` with this model and this
            optimizer; by default the course's own.
        samples: how many to learn by heart.
        max_steps: after how many steps to give up. A net of many layers may need more.

    Raises:
        TypeError: model, optimizer or loader is of another type.
        ValueError: the loader is a one-shot iterator or yields fewer than 2 samples, labels are not
            integers of shape (n,), the output is not of shape (n, classes) of 2 classes or more, or
            a number is out of its range.
    """
    check_parts(model, optimizer, loader)
    check_whole("samples", samples, 2)
    check_whole("max_steps", max_steps, 1)
    step = step or TrainStep(model, optimizer, loss_function=loss_function)
    with preserved(model, optimizer, loaders=(loader,)), _no_regularisation(model, optimizer):
        few, others = _collect(loader, samples, next(model.parameters()).device)
        model.train()
        classes = _count_classes(model, few[0])
        findings = [*check_loader(loader, samples), *check_batch(model, *few, classes)]
        if any(finding.name == "labels" for finding in findings):
            return OverfitReport(tuple(findings), remarks=("Nothing more was checked.",))
        with preserved(model, optimizer):
            findings += check_model(model, loss_function, *few)
            findings += check_repeats(optimizer, step, few)
        with preserved(model, optimizer), watched_gradients(optimizer) as arrived:
            losses, steps = _overfit(model, step, few, max_steps)
        findings += check_first_loss(losses[0], len(few[1]), classes)
        findings += check_arrival(model, arrived) if arrived else []
        trouble, remarks = _judge(losses, steps, few[1], loss_function)
        findings += trouble
        if not trouble and len(others[1]) >= FEWEST:
            findings += check_meaning(model, step, *others)
        elif not trouble:
            remarks.append(f"Whether labels mean something needs {FEWEST} samples more.")
    return OverfitReport(tuple(findings), tuple(losses), steps, tuple(remarks))


def _overfit(
    model: nn.Module, step: Step, batch: tuple[Tensor, Tensor], max_steps: int
) -> tuple[list[float], int | None]:
    """Step on one batch until it is known by heart; return the losses and how many steps."""
    losses = []
    for count in range(1, max_steps + 1):
        losses.append(float(step(batch)))
        if not math.isfinite(losses[-1]) or losses[-1] < -1:
            return losses, None
        if 0 <= losses[-1] < TARGET and fraction_right(model, *batch) == 1:
            return losses, count
    return losses, None


def _judge(
    losses: list[float], steps: int | None, labels: Tensor, loss_function: Loss
) -> tuple[list[Finding], list[str]]:
    """Say how the loss went that did not reach the target: a finding, or a remark if it is slow."""
    if steps is not None:
        return [], []
    first, last, count = losses[0], losses[-1], len(losses)
    start = f"the loss on the few samples went from {first:.3g} to {last:.3g} nats in {count} steps"
    if 0 <= last < NEARLY and last < 0.9 * losses[count // 2]:
        return [], [f"Slow: {start}, and still falls: raise the learning rate, or max_steps."]
    shares = labels.bincount() / len(labels)
    blind = float(torch.special.entr(shares).sum())
    smoothing = getattr(loss_function, "label_smoothing", 0)
    if smoothing:
        why = f"label smoothing of {smoothing:g} alone keeps it from zero: switch it off."
    elif last < 0:
        why = "a cross-entropy is never negative: log_softmax is missing before the loss."
    elif not last < 1.2 * first:  # NaN included
        why = "it explodes: lower the learning rate (lesson 02), and look at the inputs' scale."
    elif sum(b < a for a, b in pairwise(losses)) > 0.95 * count:
        why = "it falls in each step, but slowly: raise the learning rate, or max_steps."
    elif abs(last - blind) < 0.02 * blind:
        why = (
            "the labels' frequencies alone allow as much: the net finds nothing in the inputs "
            "(zeroed, detached, all units dead), or the labels change from step to step."
        )
    elif last > 0.9 * first:
        why = "it hardly moves: LR far too high, or gradients or labels without meaning."
    else:
        why = "it is stuck: something keeps it from zero."
    return [Finding("overfit", f"{start}; {why}")], []


def _collect(loader, samples: int, device: torch.device) -> tuple[tuple, tuple]:
    """Take the few samples from the loader, and up to `MAX_OTHERS` others."""
    inputs, labels, count = [], [], 0
    for images, targets in loader:
        inputs.append(images)
        labels.append(targets)
        count += len(targets)
        if count >= samples + MAX_OTHERS:
            break
    if count < 2:
        raise ValueError(f"The loader yields {count} samples: give one with 2 or more.")
    images, targets = torch.cat(inputs).to(device), torch.cat(labels).to(device)
    if targets.shape != images.shape[:1] or targets.dtype.is_floating_point:
        raise ValueError(
            f"The labels have shape {tuple(targets.shape)} and type {targets.dtype}, but must be "
            f"integers of shape ({len(images)},): overfit_check takes classifiers with one label a "
            "sample."
        )
    end = samples + MAX_OTHERS
    return (images[:samples], targets[:samples]), (images[samples:end], targets[samples:end])


def _count_classes(model: nn.Module, images: Tensor) -> int:
    with torch.no_grad():
        shape = tuple(model(images).shape)
    if len(shape) != 2 or shape[0] != len(images) or shape[1] < 2:
        raise ValueError(
            f"The model makes {shape} of {len(images)} samples, but must give (n, classes), and 2 "
            "classes at the least."
        )
    return shape[1]


@contextmanager
def _no_regularisation(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Switch dropout layers and weight decay off for a block."""
    layers = [(m, m.p) for m in model.modules() if isinstance(m, _DropoutNd)]
    decays = [group.get("weight_decay", 0) for group in optimizer.param_groups]
    try:
        for layer, _ in layers:
            layer.p = 0.0
        for group in optimizer.param_groups:
            group["weight_decay"] = 0
        yield
    finally:
        for layer, p in layers:
            layer.p = p
        for group, decay in zip(optimizer.param_groups, decays, strict=True):
            group["weight_decay"] = decay
