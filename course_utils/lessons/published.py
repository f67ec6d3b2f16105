"""The published figures of lesson 04 beside what has been measured at full size."""

from __future__ import annotations

from collections.abc import Sequence

from course_utils.lessons import stored_results
from course_utils.teaching import format_interval, mean_interval

# ResNet-56 on CIFAR-10, one run each: settings, test accuracy in %, the experiment that repeats it.
# He et al. (2016), and Gugger (2018), whose momentum goes from .95 to .85 and back unless it says
# otherwise, and whose batches hold 512 images.
PUBLISHED = (
    ("1cycle, 95 epochs, LR .08 to .8, tail 13.7 %", 93.53, "resnet56-1cycle-95"),
    ("1cycle, 50 epochs, LR .15 to 3, tail 10 %", 92.31, "resnet56-1cycle-50"),
    ("1cycle, 70 epochs, LR .15 to 3, tail 10 %", 93.08, "resnet56-1cycle-70"),
    ("step decay from .1, 164 epochs, batch 128", 93.03, "resnet56-step-decay"),
)
# Gugger's variants of the first two, which the course does not repeat.
VARIANTS = (
    ("1cycle, 95 epochs, tail 50 %", 92.58),
    ("1cycle, 95 epochs, momentum constant at .9", 93.39),
    ("1cycle, 50 epochs, momentum constant at .9", 92.25),
)


def schedule_table() -> str:
    """Lay out the published figures of lesson 04, then beside them those measured at full size.

    Only what has been measured stands in the second table. Where three seeds or more have, it says
    whether a single run such as the published one is likely among runs like these: whether it lies
    within the range in which 95 % of single runs are expected (Student 1908, for one new value).
    """
    results = stored_results("full_size")
    lines = [f"{'published, ResNet-56 on CIFAR-10':46}  test accuracy (%)"]
    lines += [f"{title:46}  {value:.2f}" for title, value, *_ in (*PUBLISHED, *VARIANTS)]
    lines += ["", f"{'trained again (stored)':46}  published  here"]
    for title, value, experiment in PUBLISHED:
        ours = [run["accuracy"] for run in results.get(experiment, {}).values()]
        if ours:
            lines.append(f"{title:46}  {value:9.2f}  {_interval(ours)}{_verdict(value, ours)}")
    runs = [run for _, _, name in PUBLISHED for run in results.get(name, {}).values()]
    places = sorted({f"{run['device']}, {run['date']}" for run in runs})
    lines.append(f"{'; '.join(places)}; python -m experiments.reproduce resnet56")
    return "\n".join(lines)


def _verdict(published: float, ours: Sequence[float]) -> str:
    """Say whether a single published run fits among ours, if there are enough of them."""
    if len(ours) < 3:
        return ""
    mean, half_width = mean_interval(ours)
    reach = half_width * (len(ours) + 1) ** 0.5  # of one new run, not of the mean
    if abs(published - mean) <= reach:
        return ": fits among single runs"
    return f": {'above' if published > mean else 'below'} what single runs give"


def momentum_experiment(arm: str) -> str:
    """Return the name of the experiment that measures one of lesson 05's arms."""
    return f"resnet20-momentum-{arm.replace(' ', '-')}"


def _interval(values: Sequence[float]) -> str:
    if len(values) < 3:  # too few for an interval
        return ", ".join(f"{value:.1f}" for value in values)
    return f"{format_interval(*mean_interval(values))} ({len(values)} seeds)"
