"""Results of lesson 09 that its command `tune_09` stored: more seeds, arms, and what goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from matplotlib.axes import Axes

from course_utils.lessons import stored_results
from course_utils.plotting import COLOURS
from course_utils.teaching import format_interval, mean_interval

MEASURES = {
    "false_positives": "false positives",
    "recall": "recall",
    "average_precision": "AP",
    "f2": "F2",
}


def stored() -> list[dict]:
    """Return one entry a seed, as `tune_09.run_seed` makes it."""
    return stored_results("tune_09")["seeds"]


def values(entries: Sequence[dict], part: str, name: str, measure: str) -> list[float]:
    """Return one value a seed, as `values(stored(), "arms", "mined", "recall")`."""
    return [entry[part][name][measure] for entry in entries]


def table(entries: Sequence[dict], part: str, names: Sequence[str]) -> str:
    """Lay out the means over the seeds with their 95 % intervals, a row a training."""
    lines = [f"{'':24}" + "".join(f"{words:>18}" for words in MEASURES.values())]
    for name in names:
        cells = [
            format_interval(*mean_interval(values(entries, part, name, measure)))
            for measure in MEASURES
        ]
        lines.append(f"{name:24}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def ratio(entries: Sequence[dict], part: str, more: str, fewer: str) -> float:
    """Return how many times as many false positives one training has, mean over mean."""
    over, under = (mean(values(entries, part, name, "false_positives")) for name in (more, fewer))
    return over / under


def plot_how_many(ax: Axes, entries: Sequence[dict], *, usual: int) -> Axes:
    """Draw the false alarms over how many images were mined: each seed, and the mean.

    Args:
        ax: where to draw.
        entries: see `stored`.
        usual: how many the arm "mined" has.
    """
    counts = sorted([usual, *map(int, entries[0]["mined"])])
    rows = [
        values(entries, "arms", "mined", "false_positives")
        if count == usual
        else values(entries, "mined", str(count), "false_positives")
        for count in counts
    ]
    colour = COLOURS["mined"]
    ax.plot(counts, rows, color=colour, alpha=0.25, lw=0.8)
    ax.plot(counts, [mean(row) for row in rows], "o-", color=colour, label="mean of the seeds")
    whole = mean(values(entries, "arms", "whole pool, half", "false_positives"))
    ax.axhline(whole, color=COLOURS["natural mix"], ls="--", label="the whole pool")
    first = mean(values(entries, "arms", "before", "false_positives"))
    ax.axhline(first, color=COLOURS["before"], ls=":", label="before mining")
    ax.set(xscale="log", xlabel="images mined (log scale)", ylabel="false alarms per empty image")
    ax.set_ylim(0)
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
    ax.legend(fontsize=8)
    return ax


def plot_rounds(ax: Axes, entries: Sequence[dict]) -> Axes:
    """Draw the false alarms before mining, after one round, trained on, and after two rounds."""
    steps = {
        "before": ("arms", "before"),
        "one round": ("arms", "mined"),
        "one round,\ntrained on": ("rounds", "one round, trained on"),
        "two rounds": ("rounds", "two rounds"),
    }
    for row, (part, name) in enumerate(steps.values()):
        numbers = values(entries, part, name, "false_positives")
        colour = COLOURS["before" if name == "before" else "mined"]
        ax.plot([row] * len(numbers), numbers, "o", color=colour, alpha=0.4, ms=4)
        ax.plot(row, mean(numbers), "_", color=colour, ms=24, mew=2)
    ax.set_xticks(range(len(steps)), list(steps), fontsize=8)
    ax.set(ylabel="false alarms per empty image", ylim=(0, None))
    return ax
