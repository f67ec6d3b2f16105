"""The first difference between an expected value and the one that came, in words."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping


def first_difference(expected, got, *, rtol: float = 1e-4, atol: float = 1e-7) -> str | None:
    """Return the first difference as "expected …, got …", or None where the values agree.

    Numbers agree within `atol + rtol * |expected|`, NaN with NaN. Lists, tuples, arrays and tensors
    are compared by their elements, whichever of these they are; their shapes must be the same.

    Args:
        expected: a number, text, None, or a list, tuple, dict, array or tensor of these.
        got: the value to judge; it may be anything.
        rtol: relative tolerance.
        atol: absolute tolerance.
    """
    expected, got = _plain(expected), _plain(got)
    words = _difference(expected, got, rtol, atol)
    if words and _is_short(expected) and _is_short(got) and len(expected) == len(got):
        return _phrase(expected, got)  # the position says less than the whole
    return words


def describe(value) -> str:
    """Write a value in a few words: numbers to six digits, long lists by their size alone."""
    value = _plain(value)
    if isinstance(value, bool | str | None):
        return repr(value)
    if isinstance(value, numbers.Real):
        return f"{value:.6g}"
    if _is_short(value):
        return f"[{', '.join(describe(item) for item in value)}]"
    if isinstance(value, list):
        shape = _shape(value)
        return f"values of shape {shape}" if len(shape) > 1 else f"{shape[0]} values"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _difference(expected, got, rtol: float, atol: float, position: str = "") -> str | None:
    """Compare plain values depth first; `position` is that of `expected` in the whole."""
    if isinstance(expected, dict) and isinstance(got, dict):
        if expected.keys() != got.keys():
            names = [", ".join(map(str, value)) or "none" for value in (expected, got)]
            return f"{position}expected the keys {names[0]}, got the keys {names[1]}"
        pairs = [(key, expected[key], got[key]) for key in expected]
    elif isinstance(expected, list) and isinstance(got, list):
        if _shape(expected) != _shape(got):
            return position + _phrase_of_shapes(_shape(expected), _shape(got))
        pairs = [(index, *pair) for index, pair in enumerate(zip(expected, got, strict=True))]
    else:
        same = _same(expected, got, rtol, atol)
        return None if same else position + _phrase(expected, got)
    for key, one, other in pairs:
        place = f"{position.removesuffix(': ') or 'at '}[{key!r}]: "
        words = _difference(one, other, rtol, atol, place)
        if words:
            return words
    return None


def _same(expected, got, rtol: float, atol: float) -> bool:
    if isinstance(expected, numbers.Real) and isinstance(got, numbers.Real):
        if math.isnan(expected) or math.isinf(expected):
            return expected == got or (math.isnan(expected) and math.isnan(got))
        return abs(got - expected) <= atol + rtol * abs(expected)  # False for NaN
    return type(expected) is type(got) and bool(expected == got)


def _phrase(expected, got) -> str:
    texts = [describe(expected), describe(got)]
    if texts[0] == texts[1]:  # they differ beyond the sixth digit
        texts = [repr(expected), repr(got)]
    return f"expected {texts[0]}, got {texts[1]}"


def _phrase_of_shapes(expected: tuple[int, ...], got: tuple[int, ...]) -> str:
    if len(expected) == len(got) == 1:
        return f"expected {expected[0]} values, got {got[0]}"
    return f"expected the shape {expected}, got the shape {got}"


def _plain(value):
    """Turn arrays, tensors, their scalars, tuples and ranges into lists and numbers of Python."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _shape(value) -> tuple[int, ...]:
    """Return the shape of nested lists, as deep as all elements of a level agree."""
    if not isinstance(value, list):
        return ()
    shapes = {_shape(item) for item in value}
    return (len(value), *(shapes.pop() if len(shapes) == 1 else ()))


def _is_short(value) -> bool:
    """Say whether a value is a list, of few numbers or words, that is best shown whole."""
    return (
        isinstance(value, list)
        and len(value) <= 6
        and not any(isinstance(item, list | dict) for item in value)
    )
