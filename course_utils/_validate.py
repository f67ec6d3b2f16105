"""Guards of public entry points: each raises one sentence that names what was given."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Number, Real

import torch
from torch import Tensor, nn


def check_whole(name: str, value, least: int = 0) -> None:
    """Raise a sentence unless the value is an integer, of Python or NumPy, from `least` on.

    Args:
        name: of the argument, with which the sentence begins.
        value: to judge; neither a bool nor 3.0 is one.
        least: the smallest one that is allowed.

    Raises:
        ValueError: the value is no such integer.
    """
    if not _is_number(value, Integral) or value < least:
        raise ValueError(f"{name} is {shown(value)}, but must be an integer of at least {least}.")


def check_number(
    name: str,
    value,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    hint: str = "",
) -> None:
    """Raise a sentence unless the value is a finite number, of Python or NumPy, within bounds.

    Args:
        name: of the argument, with which the sentence begins.
        value: to judge; a bool is no number.
        least: the smallest one that is allowed.
        above: all that are allowed are larger.
        most: the largest one that is allowed.
        below: all that are allowed are smaller.
        hint: what else to do, the end of the sentence.

    Raises:
        ValueError: the value is no such number.
    """
    if (
        _is_number(value, Real)
        and math.isfinite(value)
        and (least is None or value >= least)
        and (above is None or value > above)
        and (most is None or value <= most)
        and (below is None or value < below)
    ):
        return
    bounds = {"at least": least, "above": above, "at most": most, "below": below}
    limits = " and ".join(f"{words} {n}" for words, n in bounds.items() if n is not None)
    sentence = f"{name} is {shown(value)}, but must be a finite number"
    raise ValueError(sentence + (limits and f", {limits}") + (hint and f": {hint}") + ".")


def check_type(name: str, value, *types: type) -> None:
    """Raise a sentence unless the value is of one of the types.

    Args:
        name: of the argument, with which the sentence begins.
        value: to judge.
        types: classes, abstract ones as well.

    Raises:
        TypeError: the value is of none of them.
    """
    if not isinstance(value, types):
        names = " or ".join(f"{kind.__module__}.{kind.__qualname__}" for kind in types)
        raise TypeError(f"{name} is {shown(value)}, but must be of type {names}.")


def check_parts(model, optimizer, loader: Iterable = ()) -> None:
    """Raise a sentence unless a training's parts are what they should be, in this order.

    Raises:
        TypeError: one is not; where two are swapped, the sentence says which.
    """
    kinds = {
        "model": (model, nn.Module),
        "optimizer": (optimizer, torch.optim.Optimizer),
        "loader": (loader, Iterable),
    }
    for name, (value, kind) in kinds.items():
        for other, (swapped, other_kind) in kinds.items():
            taken_for_other = not isinstance(value, kind) and isinstance(value, other_kind)
            if taken_for_other and isinstance(swapped, kind):
                raise TypeError(
                    f"{name} and {other} are swapped: give model, optimizer and loader, in this "
                    "order."
                )
    for name, (value, kind) in kinds.items():
        check_type(name, value, kind)


def shown(value) -> str:
    """Write a value for a sentence: numbers and short texts as they are, others by their type."""
    if value is None or isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:60]}...")
    return f"of type {type(value).__name__}"


def _is_number(value, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


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
