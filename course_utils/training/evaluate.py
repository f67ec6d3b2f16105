"""The evaluation of a model: mean loss, accuracy and other metrics over a set."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from operator import mul
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils._validate import check_type
from course_utils.training.distributed import refuse_ranks, summed
from course_utils.training.loss import batch_weight, check_pair, loss_of
from course_utils.training.preserve_state import eval_mode

Metrics = Mapping[str, Callable[[Any, Tensor], Any]]


def evaluate(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    *,
    loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    metrics: Metrics | None = None,
) -> tuple[float, float] | tuple[float, float, dict[str, float]]:
    """Measure a model in evaluation mode; its modes and statistics stay as they are.

    Where several ranks run, each gives its own part of the batches and gets the result of all.

    Args:
        model: the network, on its device.
        loader: yields (inputs, targets), on any device.
        loss_function: maps (prediction, target) to the mean loss over a batch, a 0-d tensor. Means
            of batches are weighted as `loss.batch_weight` says.
        metrics: further measures by name: objects with `update(predictions, targets)`, `compute()`
            and `reset()`, as torchmetrics has them, or functions of (predictions, targets) whose
            values are averaged over the samples. In one process only.

    Returns:
        Mean loss over all samples, and accuracy from 0 to 1: for classes (n, c), for one logit a
        sample, (n,) or (n, 1), with integer targets; else the accuracy is NaN. With `metrics` also
        their values by name.

    Raises:
        TypeError: the model is no `nn.Module`, a batch no pair of tensors, or its loss no 0-d
            tensor.
        ValueError: the batches are empty, or there are metrics and several ranks.
    """
    result = measure(model, loader, loss_function, metrics or {})
    loss, accuracy = result.overall(*to_floats(*result.on_device()))
    return (loss, accuracy) if metrics is None else (loss, accuracy, result.metrics)


class Measures:
    """What was measured on the batches of a set, the losses still on the device.

    Attributes:
        losses: mean loss of each batch.
        weights: what each of these means was divided by.
        correct: number of right answers in each batch.
        sizes: number of samples in each batch.
        metrics: values of the further metrics, by name.
    """

    def __init__(self):
        self.losses: list[Tensor] = []
        self.weights: list[Tensor | int] = []
        self.correct: list[Tensor] = []
        self.sizes: list[int] = []
        self.metrics: dict[str, float] = {}

    def on_device(self) -> tuple[list, list, list]:
        """Return losses, weights and right answers, for `to_floats`."""
        return self.losses, self.weights, self.correct

    def overall(self, losses, weights, correct) -> tuple[float, float]:
        """Return mean loss and accuracy, on all ranks together, given the numbers on the host."""
        # A batch of ignored targets alone has weight 0, and a mean that is no number.
        total = sum(loss * weight for loss, weight in zip(losses, weights, strict=True) if weight)
        total, weight, right, size = summed([total, sum(weights), sum(correct), sum(self.sizes)])
        return total / weight if weight else math.nan, right / size


@torch.no_grad()
def measure(model, loader, loss_function, metrics: Metrics) -> Measures:
    """Measure each batch in evaluation mode; nothing waits for the device but the metrics do."""
    check_type("model", model, nn.Module)
    if metrics:
        refuse_ranks("A metric")
    device, result, empty = device_of(model), Measures(), True
    averages: dict[str, list[tuple[Any, int]]] = {name: [] for name in metrics}
    for metric in metrics.values():
        if hasattr(metric, "reset"):
            metric.reset()
    with eval_mode(model):
        for batch in loader:
            check_pair(batch)
            (inputs, targets), empty = batch, False
            if not len(targets):  # a rank's part of a batch that is smaller than the ranks are many
                continue
            targets = targets.to(device)
            predictions = model(inputs.to(device))
            result.losses.append(loss_of(loss_function, predictions, targets))
            result.weights.append(batch_weight(loss_function, targets))
            result.correct.append(_number_correct(predictions, targets))
            result.sizes.append(len(targets))
            for name, metric in metrics.items():
                if hasattr(metric, "update"):
                    metric.update(predictions, targets)
                else:
                    averages[name].append((metric(predictions, targets), len(targets)))
    if empty:
        raise ValueError("The batches to evaluate on are empty: give at least one.")
    for name, metric in metrics.items():
        values = averages[name]
        mean = sum(float(value) * size for value, size in values) / max(1, sum(result.sizes))
        result.metrics[name] = float(metric.compute()) if hasattr(metric, "update") else mean
    return result


def device_of(model: nn.Module) -> torch.device:
    """Return the device of a model's parameters or buffers; of one without any, the CPU."""
    tensors = (*model.parameters(), *model.buffers())
    return tensors[0].device if tensors else torch.device("cpu")


def _number_correct(predictions, targets: Tensor) -> Tensor:
    whole = isinstance(predictions, Tensor) and not targets.is_floating_point()
    if whole and predictions.numel() == targets.numel() == len(targets):
        right = (predictions.flatten() > 0) == targets.flatten().bool()  # one logit a sample
    elif whole and predictions.ndim == 2 and targets.ndim == 1:
        right = predictions.argmax(1) == targets
    else:
        return torch.full((), math.nan, device=targets.device)
    return right.sum(dtype=torch.float32)


def to_floats(*groups: list[Tensor | float]) -> list[list[float]]:
    """Bring groups of 0-d tensors, or numbers, to the host, in one transfer from each device."""
    values = [value for group in groups for value in group]
    waiting: dict[torch.device, list[Tensor]] = {}
    for value in values:
        if isinstance(value, Tensor):
            waiting.setdefault(value.device, []).append(value)
    arrived = {device: iter(torch.stack(tensors).tolist()) for device, tensors in waiting.items()}
    numbers = iter(
        [next(arrived[value.device]) if isinstance(value, Tensor) else value for value in values]
    )
    return [list(islice(numbers, len(group))) for group in groups]


def weighted_mean(values: list[float], weights: list[float]) -> float:
    """Return the mean of the batches' means, weighted by what each was divided by."""
    return sum(map(mul, values, weights)) / sum(weights)
