"""Checks of a classifier and its loss that need no training."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_utils.diagnostics.finding import Finding
from course_utils.training.preserve_state import eval_mode

Loss = Callable[[Tensor, Tensor], Tensor]


def check_model(
    model: nn.Module, loss_function: Loss, images: Tensor, labels: Tensor
) -> list[Finding]:
    """Check the output of a model at its start, the loss of that output, and hidden layers."""
    with torch.no_grad(), eval_mode(model):
        outputs = model(images)
        findings = _check_hidden_layers(model)
        findings += _check_same_output(model, images, outputs) or _check_own_sample(
            model, images, outputs
        )
    return findings + _check_output(outputs, loss_function, labels)


def _check_same_output(model: nn.Module, images: Tensor, outputs: Tensor) -> list[Finding]:
    if _agree(model(images), outputs):
        return []
    words = (
        "two passes over the same images differ in evaluation mode: something random stays on, "
        "most often F.dropout without training=self.training; use nn.Dropout."
    )
    return [Finding("same output twice", words)]


def _check_own_sample(model: nn.Module, images: Tensor, outputs: Tensor) -> list[Finding]:
    why = (
        "samples are mixed (softmax or normalisation over axis 0, or a wrong reshape); keep axis 0 "
        "apart."
    )
    try:
        alone = torch.cat([model(image.unsqueeze(0)) for image in images[:4]])
    except (RuntimeError, ValueError) as error:
        words = f"the model fails on a single image ({str(error).splitlines()[0]}): {why}"
        return [Finding("own sample only", words)]
    if _agree(alone, outputs[: len(alone)]):
        return []
    words = f"an image alone gets another output than the same image in a batch: {why}"
    return [Finding("own sample only", words)]


def _agree(one: Tensor, other: Tensor) -> bool:
    """Say whether two outputs are the same up to the rounding of another batch size."""
    return bool((one - other).abs().max() <= 1e-3 * (float(other.abs().max()) + 1e-12))


def check_first_loss(loss: float, images: int, classes: int) -> list[Finding]:
    """Compare the loss before the first step with the cost of guessing, ln(classes) nats."""
    guess = math.log(classes)
    if 0.5 * guess < loss < 2 * guess:
        return []
    seen = (
        f"{loss:.3g} nats before training, but guessing among {classes} classes costs {guess:.2f}"
    )
    if 0.5 < loss / (images * guess) < 2 and images > 4:
        why = f"it is {images} times as much, one for each image: summed? Take the mean."
    elif loss < 0.5 * guess:
        why = "no honest loss is lower: log_softmax is missing, or the label leaks into the input."
    else:
        why = "outputs that large come from inputs that are not normalised, or a poor first draw."
    return [Finding("loss at start", f"{seen}; {why}")]


def _check_output(outputs: Tensor, loss_function: Loss, labels: Tensor) -> list[Finding]:
    if (outputs >= 0).all() and (outputs == 0).any():
        words = (
            "no output is negative and some are exactly 0: a ReLU after the last layer cuts off "
            "half of the logits; remove it."
        )
        return [Finding("output", words)]
    sums = outputs.sum(1)
    if (outputs < 0).any() or not torch.allclose(sums, torch.ones_like(sums), atol=1e-3):
        return []
    # Probabilities are right for a loss that expects them: what would a sure, right answer cost?
    sure = nn.functional.one_hot(labels, outputs.shape[1]).to(outputs.dtype)
    floor = float(loss_function(sure, labels))
    if abs(floor) < 0.1:
        return []
    words = (
        f"the model returns probabilities, and a sure, right answer still costs {floor:.2f} nats: "
        "the loss applies softmax once more; return the logits."
    )
    return [Finding("output", words)]


def _check_hidden_layers(model: nn.Module) -> list[Finding]:
    """Find layers in plain lists or dicts, which PyTorch does not see."""
    known = set(model.modules())
    for module in known:
        for name, value in vars(module).items():
            if name.startswith("_"):
                continue
            items = value.values() if isinstance(value, dict) else value
            if isinstance(value, list | tuple | dict) and any(
                isinstance(item, nn.Module) and item not in known for item in items
            ):
                words = (
                    f"{type(module).__name__}.{name} holds layers in a plain {type(value).__name__}"
                    ", which model.parameters() does not see: use nn.ModuleList or nn.Sequential."
                )
                return [Finding("hidden layers", words)]
    return []
