"""Limits of what a function takes: each check raises one sentence that names what was given."""

from __future__ import annotations

import math
from numbers import Integral, Number, Real


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


def shown(value) -> str:
    """Write a value for a sentence: numbers and short texts as they are, others by their type."""
    if value is None or isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:60]}...")
    return f"of type {type(value).__name__}"


def _is_number(value, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
