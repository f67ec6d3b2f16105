"""Lesson 04, 1cycle: its schedules, its settings in each profile, and its stored results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, MultiStepLR

from course_utils.data import Augment, DeviceLoader, ImageDataset
from course_utils.lessons import stored_results
from course_utils.lessons.common import load_split, training_loader
from course_utils.lr import OneCycle
from course_utils.lr.schedules import TAIL
from course_utils.models import CifarResNet, small_cnn
from course_utils.profiles import choose
from course_utils.teaching import format_interval, mean_interval
from course_utils.training import History, fit, set_seed

COOLDOWN = 0.2  # the part of the steps in which "constant + cooldown" falls to zero
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


@dataclass(frozen=True)
class Run:
    """One arm of the comparison: a schedule with its highest learning rate and its length."""

    schedule: str
    epochs: int
    lr: float
    batch_size: int
    tail: float = TAIL
    div: float = 10.0

    def attach(self, optimizer: torch.optim.Optimizer, total_steps: int):
        """Build the schedule over an optimizer whose learning rate is `lr`."""
        cycle = partial(OneCycle, optimizer, self.lr, total_steps, div=self.div)
        half, three_quarters = total_steps // 2, total_steps * 3 // 4
        scaled = partial(LambdaLR, optimizer)
        return {
            "1cycle": lambda: cycle(tail=self.tail),
            "1cycle with constant momentum": lambda: cycle(tail=self.tail, momentum=None),
            "1cycle with a tail of 50 %": lambda: cycle(tail=0.5),
            "step decay": lambda: MultiStepLR(optimizer, [half, three_quarters], gamma=0.1),
            "linear decay": lambda: scaled(lambda step: 1 - step / total_steps),
            "constant": lambda: scaled(lambda step: 1.0),
            "constant + cooldown": lambda: scaled(
                lambda step: min(1.0, (total_steps - step) / (COOLDOWN * total_steps))
            ),
        }[self.schedule]()

    def batches(
        self, settings: Settings, images: ImageDataset, seed: int, device: torch.device
    ) -> DeviceLoader:
        """Build the training batches of this arm."""
        return training_loader(images, self.batch_size, seed, device, settings.augment)

    def train(
        self,
        settings: Settings,
        images: ImageDataset,
        seed: int,
        *,
        device: torch.device,
        **fit_settings,
    ) -> tuple[nn.Module, History]:
        """Train a fresh model by this schedule; the seed decides weights and order.

        Further settings are those of `fit`.
        """
        model, optimizer = settings.build(seed, self.lr, device)
        loader = self.batches(settings, images, seed, device)
        schedule = self.attach(optimizer, self.epochs * len(loader))
        history = fit(
            model, optimizer, loader, epochs=self.epochs, schedule=schedule, **fit_settings
        )
        return model, history


@dataclass(frozen=True)
class Settings:
    """What a profile decides for the commands that train whole arms; `runs` are the published."""

    model: Callable[[], nn.Module]
    runs: tuple[Run, ...]
    pool: int
    sizes: tuple[int, int]
    augment: Augment | None
    weight_decay: float

    def build(
        self, seed: int, lr: float, device: torch.device
    ) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Build a fresh model and its optimizer: SGD with momentum .9 and weight decay."""
        set_seed(seed)
        model = self.model().to(device)
        optimizer = torch.optim.SGD(
            model.parameters(), lr=lr, momentum=0.9, weight_decay=self.weight_decay
        )
        return model, optimizer

    def load(self) -> tuple[ImageDataset, ImageDataset, ImageDataset]:
        """Load training, validation and test images; the first two are disjoint."""
        return load_split(self.pool, self.sizes)


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(quick=lambda: quick_settings(small_cnn), full=_full, smoke=_smoke)()


def quick_settings(model: Callable[[], nn.Module]) -> Settings:
    """Return the quick profile's settings for a model: Fashion-MNIST, pooled to 14 x 14 pixels."""
    return Settings(
        model=model, runs=(), pool=2, sizes=(10_000, 5_000), augment=None, weight_decay=5e-4
    )


def _full() -> Settings:
    published = (  # Gugger (2018)
        Run("1cycle", 95, lr=0.8, batch_size=512),
        Run("1cycle", 50, lr=3.0, batch_size=512, tail=0.1, div=20.0),
        Run("1cycle", 70, lr=3.0, batch_size=512, tail=0.1, div=20.0),
    )
    return Settings(
        model=partial(CifarResNet, 56),
        runs=published,
        pool=1,
        sizes=(45_000, 5_000),
        augment=Augment(flip=True, pad=4),
        weight_decay=1e-4,
    )


def _smoke() -> Settings:
    full = _full()
    runs = [
        replace(run, epochs=epochs, batch_size=16, lr=run.lr / 10)
        for epochs, run in enumerate(full.runs, start=1)
    ]
    return replace(full, model=partial(CifarResNet, 8), runs=tuple(runs), pool=2, sizes=(64, 32))


def stored_arm(schedule: str, epochs: int, batch_size: int = 128, net: str = "small_cnn") -> dict:
    """Return what `python -m experiments.tune_04` stored about an arm.

    It has "validation" (learning rate -> accuracies in %), the chosen "lr", its "test" accuracies,
    one a seed, in some arms "confirm", those of further seeds, and the number of "steps".
    """
    return _stored()[f"{net}, batch {batch_size}, {schedule}, {epochs} epochs"]


def stored_table(arms: Sequence[tuple]) -> str:
    """Lay out stored arms, each given by the arguments of `stored_arm`; the last against the first.

    That comparison is paired by seed.
    """
    lines = [
        f"{'schedule':26} {'batch':>5} {'epochs':>6} {'steps':>5} {'LR':>5}  test accuracy (%)"
    ]
    for arm in arms:
        entry = stored_arm(*arm)
        schedule, epochs, batch_size = (*arm, 128)[:3]
        start = f"{schedule:26} {batch_size:5} {epochs:6} {entry['steps']:5} {entry['lr']:5g}"
        lines.append(f"{start}  {format_interval(*mean_interval(entry['test']))}")
    first, last = (stored_arm(*arm)["test"] for arm in (arms[0], arms[-1]))
    mean, half = mean_interval([b - a for a, b in zip(first, last, strict=True)])
    verdict = "within noise" if abs(mean) <= half else "ahead" if mean > 0 else "behind"
    lines.append(f"last row minus first: {format_interval(mean, half)} points, {verdict}")
    return "\n".join(lines)


def accuracy_by_steps(schedule: str, part: str = "test") -> dict[int, list[float]]:
    """Return steps -> stored accuracies (%) of the small net with this schedule, batch 128.

    Args:
        schedule: as in `Run`.
        part: "test", or "confirm" for the seeds on which not even a claim was chosen.
    """
    arms = {
        entry["steps"]: entry[part]
        for name, entry in _stored().items()
        if name.startswith(f"small_cnn, batch 128, {schedule},") and part in entry
    }
    return dict(sorted(arms.items()))


def lead(schedule: str, rival: str, part: str = "test") -> dict[int, list[float]]:
    """Return steps -> accuracy of a schedule minus that of a rival, in points, seed by seed."""
    own, other = accuracy_by_steps(schedule, part), accuracy_by_steps(rival, part)
    return {
        steps: [a - b for a, b in zip(own[steps], other[steps], strict=True)]
        for steps in own
        if steps in other
    }


def lead_table(schedule: str, rivals: Sequence[tuple[str, str]]) -> str:
    """Lay out a schedule's leads, a row a length, a column for each pair (rival, part)."""
    titles = [f"{rival} ({part})" for rival, part in rivals]
    lines = ["  ".join(["steps", *titles])]
    leads = [lead(schedule, *pair) for pair in rivals]
    for steps in leads[0]:
        cells = [format_interval(*mean_interval(one[steps])) for one in leads]
        padded = [cell.rjust(len(title)) for cell, title in zip(cells, titles, strict=True)]
        lines.append("  ".join([f"{steps:5}", *padded]))
    return "\n".join(lines)


def steps_table(schedules: Sequence[str], targets: Sequence[float]) -> str:
    """Lay out the steps that each schedule needs to each accuracy in %; see `steps_to_accuracy`."""
    lines = [f"{'steps to':20}" + "".join(f"{f'{target:g} %':>20}" for target in targets)]
    for schedule in schedules:
        cells = []
        for target in targets:
            steps = steps_to_accuracy(schedule, target)
            middle, low, high = (f"{n:.0f}" if np.isfinite(n) else "never" for n in steps)
            cells.append(middle if low == "never" else f"{middle} ({low} to {high})")
        lines.append(f"{schedule:20}" + "".join(f"{cell:>20}" for cell in cells))
    return "\n".join(lines)


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
    way = (target - means[before]) / (means[after] - means[before])
    return float(np.exp(logs[before] + way * (logs[after] - logs[before])))


def published_table() -> str:
    """Lay out the published figures, then beside them those measured at full size.

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


def _interval(values: Sequence[float]) -> str:
    if len(values) < 3:  # too few for an interval
        return ", ".join(f"{value:.1f}" for value in values)
    return f"{format_interval(*mean_interval(values))} ({len(values)} seeds)"


def _stored() -> dict[str, dict]:
    return stored_results("tune_04")["entries"]
