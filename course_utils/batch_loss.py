"""The loss of one batch, with a sentence for what is no batch and for labels that do not fit."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.limits import shown


def check_pair(batch) -> None:
    """Raise a sentence unless a batch is a pair of inputs and targets.

    Raises:
        TypeError: it is something else.
    """
    is_sequence = isinstance(batch, tuple | list)
    if not is_sequence or len(batch) != 2 or not all(hasattr(part, "to") for part in batch):
        given = f"{type(batch).__name__} of {len(batch)}" if is_sequence else shown(batch)
        raise TypeError(
            f"A batch is {given}, but must be a pair of inputs and targets, both tensors."
        )


def loss_of(
    loss_function: Callable[[Tensor, Tensor], Tensor], predictions: Tensor, targets: Tensor
) -> Tensor:
    """Return the loss; where the loss function refuses its arguments, say what they were.

    Raises:
        ValueError: the loss function does not take these predictions with these targets: labels out
            of range, of another length or type. On cuda the range of labels is not noticed here.
    """
    try:
        return loss_function(predictions, targets)
    except torch.OutOfMemoryError:  # the targets are not to blame, and callers look for this class
        raise
    except (IndexError, RuntimeError, ValueError) as error:
        words = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(
            f"The loss of predictions {predictions.dtype} {tuple(predictions.shape)} with targets "
            f"{targets.dtype} {tuple(targets.shape)} cannot be computed ({words}): give "
            "classes as integers (n,) from 0, fewer than the model's outputs, or the loss function "
            "that belongs to these targets."
        ) from error
