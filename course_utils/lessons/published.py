"""The published figures of lessons 04 and 05 beside what has been measured at full size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean

from course_utils.lessons import stored_results
from course_utils.lessons.lesson_04 import Run
from course_utils.lessons.lesson_05 import ARMS
from course_utils.teaching import format_interval, mean_interval

# Test accuracy in % of ResNet-56 on CIFAR-10, from the source text and from He et al. (2016), and
# the experiment that repeats it.
PUBLISHED = (
    ("1cycle, LR .08 to .8, 95 epochs", None, "resnet56-1cycle-95"),
    ("1cycle, LR .15 to 3, 50 epochs", 92.3, "resnet56-1cycle-50"),
    ("1cycle, 70 epochs, LR not stated", 93.0, "resnet56-1cycle-70"),
    ("step decay, 64,000 steps, some 360 epochs", 93.03, "resnet56-step-decay"),
)
NOT_YET = "not yet measured"


def schedule_table(accuracy: Mapping[Run, list[float]]) -> str:
    """Lay out the published figures of lesson 04 beside those measured at full size and now.

    Args:
        accuracy: arm -> test accuracies in % measured now, one a seed.
    """
    results = stored_results("full_size")
    lines = [f"{'ResNet-56 on CIFAR-10, test accuracy (%)':42}  {'published':>12}  at full size"]
    for title, value, experiment in PUBLISHED:
        ours = _interval([run["accuracy"] for run in results.get(experiment, {}).values()])
        lines.append(f"{title:42}  {'not reported' if value is None else value:>12}  {ours}")
    lines += [_origin(results, "resnet56"), "", "measured now, in this profile"]
    for run, values in accuracy.items():
        title = f"{run.schedule}, LR {run.lr:g}, {run.epochs} epochs"
        lines.append(f"{title:42}  {'':12}  {mean(values):.1f}")
    return "\n".join(lines)


def momentum_table() -> str:
    """Lay out lesson 05's arms as measured at full size, each at its best peak."""
    results = stored_results("full_size")
    lines = [f"{'ResNet-20 on CIFAR-10':24}  {'peak':>5}  test accuracy (%)"]
    for arm in ARMS:
        by_peak: dict[str, list[float]] = {}
        for name, run in results.get(momentum_experiment(arm), {}).items():
            part, peak, _ = name.split(", ")
            if part == "test":
                by_peak.setdefault(peak.removeprefix("peak "), []).append(run["accuracy"])
        # With more seeds another peak may have been chosen: the one that most seeds tested counts.
        peak = max(by_peak, key=lambda peak: len(by_peak[peak]), default="")
        lines.append(f"{arm:24}  {peak:>5}  {_interval(by_peak.get(peak, []))}")
    return "\n".join([*lines, _origin(results, "resnet20")])


def momentum_experiment(arm: str) -> str:
    """Return the name of the experiment that measures one of lesson 05's arms."""
    return f"resnet20-momentum-{arm.replace(' ', '-')}"


def _interval(values: Sequence[float]) -> str:
    if len(values) < 3:  # too few for an interval
        return ", ".join(f"{value:.1f}" for value in values) or NOT_YET
    return f"{format_interval(*mean_interval(values))} ({len(values)} seeds)"


def _origin(results: Mapping[str, Mapping[str, dict]], beginning: str) -> str:
    """Say where and when the runs were made of the experiments whose names begin so."""
    runs = [r for name in results if name.startswith(beginning) for r in results[name].values()]
    command = f"python -m experiments.reproduce {beginning}"
    if not runs:
        return f"To measure at full size, on a GPU: {command}"
    places = sorted({f"{run['device']}, {run['date']}" for run in runs})
    return f"At full size: {'; '.join(places)}; {command}"
