"""The loss of a batch: the check of what comes out, and its weight in a mean of batches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils._validate import shown

# Their mean divides by the sum of the targets' weights, those of ignored targets left out.
CLASS_LOSSES = (F.cross_entropy, F.nll_loss)
IGNORED = -100  # PyTorch's default


def check_pair(batch) -> None:
    """Raise a sentence unless a batch is a pair of inputs and targets.

    Raises:
        TypeError: it is something else.
    """
    is_sequence = isinstance(batch, tuple | list)
    if not is_sequence or len(batch) != 2 or not all(hasattr(part, "to") for part in batch):
        given = f"{type(batch).__name__} of {len(batch)}" if is_sequence else shown(batch)
        raise TypeError(
            f"A batch is {given}, but must be a pair of inputs and targets, both tensors: give "
            "step=..., a function that takes one optimizer step on such a batch and returns its "
            "loss."
        )


def loss_of(loss_function: Callable[..., Tensor], predictions, targets: Tensor) -> Tensor:
    """Return the loss of a batch, a 0-d tensor with a graph where gradients are on.

    Raises:
        TypeError: the loss function returns something else.
        Exception: what the loss function raises; to an error of PyTorch's own losses a note is
            added that says what they were given.
    """
    try:
        loss = loss_function(predictions, targets)
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        _explain(error, loss_function, predictions, targets)
        raise
    if not isinstance(loss, Tensor) or loss.ndim or loss.requires_grad < torch.is_grad_enabled():
        raise TypeError(_no_loss(loss))
    return loss


def batch_weight(loss_function: Callable[..., Tensor], targets: Tensor) -> Tensor | int:
    """Return what the mean loss over a batch was divided by, to weigh it among other batches.

    It is what the loss function's own method `batch_weight(targets)` returns, where there is one.
    PyTorch's `cross_entropy` and `nll_loss`, as functions, modules or partials, divide by the
    weights of the targets' classes and leave out ignored targets. All others count as means over
    the samples: for another weighted or masked loss, give it that method.
    """
    if hasattr(loss_function, "batch_weight"):
        return loss_function.batch_weight(targets)
    weight, ignored = _class_settings(loss_function)
    if ignored is None or targets.is_floating_point():
        return len(targets)
    if weight is None and targets.ndim == 1 and targets.device.type == "cpu":
        return len(targets) - targets.tolist().count(ignored)  # two tensor operations take longer
    counted = targets != ignored
    if weight is None:
        return counted.count_nonzero()
    return (weight.to(targets.device)[targets.where(counted, 0)] * counted).sum()


def _class_settings(loss_function) -> tuple[Tensor | None, int | None]:
    """Return (class weights, ignored target) of PyTorch's losses of classes; else (None, None)."""
    if isinstance(loss_function, nn.CrossEntropyLoss | nn.NLLLoss):
        return loss_function.weight, loss_function.ignore_index
    if isinstance(loss_function, partial) and loss_function.func in CLASS_LOSSES:
        settings = loss_function.keywords
        return settings.get("weight"), settings.get("ignore_index", IGNORED)
    return (None, IGNORED) if loss_function in CLASS_LOSSES else (None, None)


def _explain(error: Exception, loss_function, predictions, targets) -> None:
    """Add to an error of PyTorch's own losses what they were given; others are the user's own."""
    function = loss_function.func if isinstance(loss_function, partial) else loss_function
    is_torchs = getattr(function, "__module__", "").startswith("torch.nn")
    if not is_torchs or not isinstance(predictions, Tensor):
        return
    # The targets are not to blame, and callers look for this class.
    if isinstance(error, torch.OutOfMemoryError):
        return
    note = (
        f"The loss was given predictions {predictions.dtype} {tuple(predictions.shape)} with "
        f"targets {targets.dtype} {tuple(targets.shape)}: give classes as integers (n,) from 0, "
        "fewer than the model's outputs, or the loss function that belongs to these targets."
    )
    if hasattr(error, "add_note"):  # Python 3.11
        error.add_note(note)
    else:
        error.args = (f"{error}\n{note}", *error.args[1:])


def _no_loss(loss) -> str:
    if not isinstance(loss, Tensor):
        given, remedy = shown(loss), "return a tensor that was computed from the predictions"
    elif loss.ndim:
        given = f"a tensor of shape {tuple(loss.shape)}"
        remedy = 'take its mean, as reduction="mean" does'
    else:
        given, remedy = "a tensor without a graph", "compute it from the predictions, undetached"
    return f"The loss is {given}, but must be a 0-d tensor with a graph: {remedy}."
