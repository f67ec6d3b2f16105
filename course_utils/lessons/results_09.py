"""Results of lesson 09 that `experiments.tune_09` stored: more seeds, more arms, real harbours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean

from matplotlib.axes import Axes

from course_utils.lessons import stored_results
from course_utils.plotting import COLOURS
from course_utils.teaching import format_interval, mean_interval

MEASURES = {
    "false_alarms": "false alarms",
    "average_precision": "AP",
    "f2": "F2",
}
LEAST = 1e-3  # false alarms per empty image: fewer are taken as this many where factors are formed


def stored(name: str = "tune_09") -> list[dict]:
    """Return one entry a seed, as `tune_09` makes it: of "tune_09" or "harbours_09"."""
    return stored_results(name)["seeds"]


def values(entries: Sequence[dict], name: str, measure: str = "false_alarms") -> list[float]:
    """Return one value a seed, as `values(stored(), "mined", "recall")`."""
    return [entry["arms"][name][measure] for entry in entries]


def table(entries: Sequence[dict], names: Sequence[str]) -> str:
    """Lay out the means over the seeds with their 95 % intervals, a row a training.

    The last row is the F2 of finding nothing in any image.
    """
    lines = [f"{'':22}" + "".join(f"{words:>17}" for words in MEASURES.values())]
    for name in names:
        cells = [
            format_interval(*mean_interval(values(entries, name, measure))) for measure in MEASURES
        ]
        lines.append(f"{name:22}" + "".join(f"{cell:>17}" for cell in cells))
    nothing = format_interval(*mean_interval([entry["finding nothing"] for entry in entries]))
    lines.append(f"{'finding nothing':22}" + f"{nothing:>{17 * len(MEASURES)}}")
    return "\n".join(lines)


def logs_of_factors(more: Sequence[float], fewer: Sequence[float]) -> list[float]:
    """Return, a seed each, by what factor one training has more false alarms, as log10."""
    pairs = zip(more, fewer, strict=True)
    return [math.log10(max(one, LEAST) / max(other, LEAST)) for one, other in pairs]


def factors(
    entries: Sequence[dict],
    names: Sequence[str],
    base: str = "mined",
    measure: str = "false_alarms",
) -> str:
    """Lay out how many times as many false alarms trainings have as one, paired by seed."""
    lines = []
    for name in names:
        logs = logs_of_factors(values(entries, name, measure), values(entries, base, measure))
        middle, half = mean_interval(logs)
        low, factor, high = (10**x for x in (middle - half, middle, middle + half))
        lines.append(f"{name:22} {factor:5.2f} times ({low:.2f} to {high:.2f}) those of {base}")
    return "\n".join(lines)


def plot_arms(ax: Axes, arms: Mapping[str, Sequence[float]]) -> Axes:
    """Draw the false alarms of each training: a dot a seed, and their mean.

    Args:
        ax: where to draw.
        arms: name -> false alarms per empty image, one a seed.
    """
    for row, (name, numbers) in enumerate(arms.items()):
        colour = COLOURS.get(name, "0.4")
        ax.plot(numbers, [row] * len(numbers), "o", color=colour, alpha=0.45, ms=5)
        ax.plot(mean(numbers), row, "|", color=colour, ms=22, mew=2.5)
        words = f"{mean(numbers):.3f}"
        ax.annotate(words, (max(numbers), row), (8, -4), textcoords="offset points")
    ax.set_yticks(range(len(arms)), list(arms))
    ax.set_ylim(len(arms) - 0.4, -0.6)
    highest = max(max(numbers) for numbers in arms.values())
    ax.set(xlabel="false alarms per empty image, at equal recall", xlim=(0, 1.2 * highest))
    return ax
