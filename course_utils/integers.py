"""Integers in tensors: the classes of samples, and positions in a set."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.limits import shown


def as_integers(name: str, values, hint: str) -> Tensor:
    """Return integers in one dimension as a tensor, or raise a sentence.

    Args:
        name: what they are, a plural: "labels".
        values: a tensor, an array or a sequence of integers or bools.
        hint: what each of them is, the end of the sentence.

    Raises:
        ValueError: there are none, or they are something else.
    """
    try:
        tensor = torch.as_tensor(values)
    except (RuntimeError, TypeError, ValueError) as error:
        given = f"{shown(values)}, no tensor ({str(error).partition(chr(10))[0]})"
        raise ValueError(f"The {name} are {given}: give integers, {hint}.") from error
    if not tensor.numel():
        raise ValueError(f"There are no {name}: give at least one.")
    if tensor.ndim != 1 or tensor.is_floating_point() or tensor.is_complex():
        raise ValueError(
            f"The {name} have type {tensor.dtype} and shape {tuple(tensor.shape)}, but must be "
            f"integers in one dimension, {hint}."
        )
    return tensor


def check_span(name: str, values: Tensor, count: int, hint: str) -> None:
    """Raise a sentence unless integers lie from 0 to `count` - 1.

    Args:
        name: what they are, a plural, with which the sentence begins.
        values: at least one integer, of any shape.
        count: how many classes or positions there are.
        hint: what else to do, the end of the sentence.

    Raises:
        ValueError: one lies outside.
    """
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= count:
        raise ValueError(
            f"{name} go from {low} to {high}, but must go from 0 to {count - 1}: {hint}."
        )
