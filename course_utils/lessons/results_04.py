"""Results of lesson 04: what its tuning command stored, what was published, and its claims."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from course_utils.claims import Claim, format_interval, mean_interval

TUNING_FILE = Path(__file__).with_name("tuning_04.json")


def tuned(entry: str) -> dict:
    """Return what `python -m course_utils.lessons.tune_04` stored under a name.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: it holds no such entry.
    """
    entries = _stored()
    if entry not in entries:
        raise ValueError(f"{TUNING_FILE.name} has no entry {entry!r}, only {sorted(entries)}.")
    return entries[entry]


def stored_table(part: str) -> str:
    """Lay out the stored test accuracies of the arms whose name contains `part`."""
    lines = [
        f"{'net, batch, schedule':36} {'steps':>5}  {'LR':>5}  test accuracy (%), 95 % interval"
    ]
    for name, entry in _stored().items():
        if part in name:
            interval = format_interval(*mean_interval(entry["test"]))
            arm = name.rsplit(",", 1)[0]
            lines.append(f"{arm:36} {entry['steps']:5}  {entry['lr']:5g}  {interval}")
    return "\n".join(lines)


def accuracy_by_steps(schedule: str) -> dict[int, list[float]]:
    """Return steps -> stored test accuracies (%) of the small net with this schedule, batch 128."""
    arms = {
        entry["steps"]: entry["test"]
        for name, entry in _stored().items()
        if name.startswith(f"small_cnn, batch 128, {schedule},")
    }
    return dict(sorted(arms.items()))


def steps_to_accuracy(schedule: str, target: float) -> tuple[float, float, float]:
    """Estimate how many steps a schedule needs to reach an accuracy, with its uncertainty.

    The mean accuracy over the seeds is interpolated between the stored lengths, over the logarithm
    of the steps; the seeds are resampled 1,000 times (bootstrap; Efron 1979).

    Args:
        schedule: as in `accuracy_by_steps`.
        target: test accuracy in %.

    Returns:
        Median and the ends of the 95 % interval; infinite where the longest run does not reach it.
    """
    arms = accuracy_by_steps(schedule)
    values = np.array(list(arms.values()))  # (lengths, seeds)
    picks = np.random.default_rng(0).integers(values.shape[1], size=(1000, values.shape[1]))
    steps = [_crossing(list(arms), values[:, pick].mean(axis=1), target) for pick in picks]
    low, middle, high = np.quantile(steps, [0.025, 0.5, 0.975], method="nearest")
    return float(middle), float(low), float(high)


def _crossing(steps: Sequence[int], means: np.ndarray, target: float) -> float:
    """Return where the accuracy first reaches the target; the shortest length at the least."""
    reached = np.flatnonzero(means >= target)
    if not len(reached):
        return np.inf
    after = reached[0]
    if after == 0:
        return float(steps[0])
    before, logs = after - 1, np.log(steps)
    share = (target - means[before]) / (means[after] - means[before])
    return float(np.exp(logs[before] + share * (logs[after] - logs[before])))


def claims(arms: Mapping, lead: Callable[..., Sequence[float]]) -> list[Claim]:
    """State the claims about the schedules that have been run.

    Args:
        arms: the arms run, as (schedule, epochs).
        lead: maps two arms to the accuracy of the first minus that of the second, seed by seed.
    """
    cycle = ("1cycle", 8)
    step_decay, constant, linear = ("step decay", 12), ("constant", 8), ("linear decay", 8)
    rivals = (
        ("1cycle equals a step decay of half as many steps again", step_decay, {"within": 1}),
        ("1cycle equals the plain linear decay in as many steps", linear, {"within": 1}),
        ("1cycle beats the best constant LR in as many steps", constant, {"at_least": 0}),
    )
    return [
        Claim(text, lead(cycle, rival), **bound)
        for text, rival, bound in rivals
        if cycle in arms and rival in arms
    ]


def _stored() -> dict[str, dict]:
    if not TUNING_FILE.exists():
        raise FileNotFoundError(
            f"{TUNING_FILE.name} is missing: restore it with git, or tune again with "
            "`python -m course_utils.lessons.tune_04`."
        )
    return json.loads(TUNING_FILE.read_text(encoding="utf-8"))["entries"]
