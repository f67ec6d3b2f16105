"""Runs that take turns, so that a machine whose speed drifts slows all of them alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from statistics import median, quantiles

OURS = "course_utils"


def take_turns(
    runs: Mapping[str, Callable[[], float]], *, rounds: int, seed: int = 0
) -> dict[str, list[float]]:
    """Call each run once a round, in an order drawn anew; a round that warms up is dropped.

    Args:
        runs: name -> a function that returns what it measured, such as seconds a step.
        rounds: how many are kept, at least 2.
        seed: of the order.

    Returns:
        name -> one value a round; values of the same round are a pair.
    """
    order, rng = list(runs), random.Random(seed)
    values: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        rng.shuffle(order)
        for name in order:
            value = runs[name]()
            if number:
                values[name].append(value)
    return values


def compare(
    values: Mapping[str, Sequence[float]], unit: str, *, scale: float = 1.0, ours: str = OURS
) -> list[dict]:
    """Summarise values of `take_turns`: a row a run, with the ratio to ours of the same round.

    Args:
        values: name -> one value a round.
        unit: heads the column of medians, as "us a step".
        scale: what the values are multiplied by to be in that unit.
        ours: the run that the others are divided by.
    """
    rows = []
    for name, series in values.items():
        low, high = _quartiles([scale * value for value in series])
        ratios = [value / own for value, own in zip(series, values[ours], strict=True)]
        rows.append({"": name, unit: scale * median(series), "quartiles": [low, high]})
        if name != ours:
            rows[-1] |= {"ratio to ours": median(ratios), "its quartiles": _quartiles(ratios)}
    return rows


def _quartiles(values: Sequence[float]) -> list[float]:
    low, _, high = quantiles(values, n=4, method="inclusive")
    return [low, high]
