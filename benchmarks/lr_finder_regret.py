"""What each finder's suggestion costs when training is really done: the stored result of a command.

python -m benchmarks.lr_finder_regret [FILE.json]

`python -m experiments.regret` measures it, in hours; this row reads what it has stored.
"""

from __future__ import annotations

from benchmarks.report import Table, run_row
from course_utils.lr.curve import PEAK_FACTOR
from experiments.regret import HALVES, MODES, RESULTS, score

OURS = "suggestion, fine sweep"
NAMES = {
    OURS: "course_utils, suggestion",
    "steepest, fine sweep": "course_utils, steepest",
    "blind": "0.01 without looking",
    "one grid search": "best of a grid by one seed",
}
SETTING = (
    "Stored, measured by `python -m experiments.regret`: points of test accuracy lost against the "
    "best learning rate of a grid in quarter decades, mean and worst over tasks of four nets, four "
    "optimizers, two batch sizes, two budgets and two data sets; three sweeps a finder, two "
    "trainings a learning rate, on the confirming tasks six, each judged at the point that the "
    "others choose, so that the luck of a grid's best is nobody's loss; at a constant learning "
    "rate and as the peak of 1cycle. Each finder sweeps with its own defaults."
)
READINGS = {
    "confirm": "No rule was chosen on these tasks. Ours is level with fastai's `steep` and "
    "ignite's at a constant learning rate, and loses about half of it as a peak, which a "
    "peer's suggestion is without a factor; its worst task costs least. A grid searched with one "
    "seed loses half of what ours loses or less, at many times the price.",
    "choose": "Our rule was chosen on these tasks, so that its own row says nothing; the peers' "
    "were not, and here their suggestions end some trainings altogether.",
}
COLUMNS = tuple(f"{mode}, {what}" for mode in MODES for what in ("mean", "worst"))


def measure() -> list[Table]:
    results = RESULTS.read()["tasks"]
    peers = next(iter(results.values()))["peers"]
    tables = []
    for half in reversed(HALVES):
        rows = [row(results, half, rule) for rule in (OURS, *peers, *list(NAMES)[1:])]
        title = {"confirm": "confirming", "choose": "other"}[half]
        count = sum(result["half"] == half for result in results.values())
        lower = COLUMNS if half == "confirm" else ()
        title = f"LR finder: regret on {count} {title} tasks"
        tables.append(Table(title, SETTING, rows, READINGS[half], lower))
    return tables


def row(results: dict, half: str, rule: str) -> dict:
    found = {"": NAMES.get(rule, rule)}
    for mode, peak in zip(MODES, (1, PEAK_FACTOR), strict=True):
        factor = peak if rule == OURS else 1
        mean, worst, _ = score(results, half, mode, rule, factor)
        found |= {f"{mode}, mean": mean, f"{mode}, worst": worst}
    return found


if __name__ == "__main__":
    run_row(measure)
