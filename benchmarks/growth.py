"""How the time of a function grows with the size of its input."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np

# A call shorter than this is repeated, for the clock and the interpreter's noise.
LEAST_SECONDS = 0.02


def best_time(function: Callable[[], object], *, repeats: int = 3) -> float:
    """Return the seconds of one call, the least of several measurements."""
    seconds = _timed(function, 1)  # warms up as well
    calls = max(1, math.ceil(LEAST_SECONDS / max(seconds, 1e-9)))
    return min(_timed(function, min(calls, 10_000)) for _ in range(repeats))


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Fit b of seconds = a * size**b by least squares of the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def _timed(function: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls
