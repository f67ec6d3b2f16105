"""The evaluation of a model: mean loss and accuracy over a set."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import islice
from operator import mul

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils._validate import check_type
from course_utils.training.distributed import summed
from course_utils.training.preserve_state import eval_mode
from course_utils.training.step import check_pair, loss_of


def evaluate(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    *,
    loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
) -> tuple[float, float]:
    """Measure a model in evaluation mode; its modes and statistics stay as they are.

    Where several ranks run, each gives its own part of the batches and gets the result of all.

    Args:
        model: the network, on its device.
        loader: yields (inputs, targets), on any device.
        loss_function: maps (prediction, target) to the mean loss over a batch, a 0-d tensor.

    Returns:
        Mean loss over all samples, and accuracy from 0 to 1; the accuracy is NaN where predictions
        (n, classes) and targets (n,) are no classification.

    Raises:
        TypeError: the model is no `nn.Module`, or a batch no pair of tensors.
        ValueError: the batches are empty, or the loss function refuses the targets.
    """
    losses, correct, sizes = measure(model, loader, loss_function)
    return overall(*to_floats(losses, correct), sizes)


@torch.no_grad()
def measure(model, loader, loss_function) -> tuple[list[Tensor], list[Tensor], list[int]]:
    """Return each batch's mean loss and number of right answers, on the device, and its size."""
    check_type("model", model, nn.Module)
    device = next(model.parameters()).device
    losses, correct, sizes, empty = [], [], [], True
    with eval_mode(model):
        for batch in loader:
            check_pair(batch)
            (inputs, targets), empty = batch, False
            if not len(targets):  # a rank's part of a batch that is smaller than the ranks are many
                continue
            targets = targets.to(device)
            predictions = model(inputs.to(device))
            losses.append(loss_of(loss_function, predictions, targets))
            correct.append(_number_correct(predictions, targets))
            sizes.append(len(targets))
    if empty:
        raise ValueError("The batches to evaluate on are empty: give at least one.")
    return losses, correct, sizes


def _number_correct(predictions: Tensor, targets: Tensor) -> Tensor:
    if predictions.dim() != 2 or targets.dim() != 1 or targets.is_floating_point():
        return torch.full((), math.nan, device=targets.device)
    return (predictions.argmax(1) == targets).sum(dtype=torch.float32)


def to_floats(*groups: list[Tensor]) -> list[list[float]]:
    """Bring groups of 0-d tensors to the host, all in one transfer."""
    values = [value for group in groups for value in group]
    numbers = iter(torch.stack(values).tolist() if values else [])
    return [list(islice(numbers, len(group))) for group in groups]


def overall(losses: list[float], correct: list[float], sizes: list[int]) -> tuple[float, float]:
    """Return mean loss and accuracy over the batches that `measure` saw, on all ranks together."""
    loss, right, size = summed([sum(map(mul, losses, sizes)), sum(correct), sum(sizes)])
    return loss / size, right / size


def weighted_mean(values: list[float], weights: list[int]) -> float:
    """Return the mean of the batches' means, weighted by their sizes."""
    return sum(map(mul, values, weights)) / sum(weights)
