"""Lesson 04, 1cycle: its schedules, its settings in each profile, and its stored results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from course_utils.profiles import choose, seeds
from course_utils.teaching import Claim, format_interval, mean_interval
from course_utils.training import History, fit, set_seed

COOLDOWN = 0.2  # the part of the steps in which "constant + cooldown" falls to zero


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
    """What a profile decides."""

    model: Callable[[], nn.Module]
    runs: tuple[Run, ...]
    seeds: tuple[int, ...]
    pool: int
    sizes: tuple[int, int]
    augment: Augment | None
    weight_decay: float
    short_cycle: Run
    tail_images: int
    long_tail: Run

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
    return choose(quick=_quick, full=_full, smoke=_smoke)()


def _tuned_run(schedule: str, epochs: int) -> Run:
    best = tuned(f"small_cnn, batch 128, {schedule}, {epochs} epochs")["lr"]
    return Run(schedule, epochs, best, batch_size=128)


def quick_settings(model: Callable[[], nn.Module]) -> Settings:
    """Return the quick profile's settings for a model, without runs.

    The images are those of Fashion-MNIST, pooled to 14 x 14 pixels.
    """
    return Settings(
        model=model,
        runs=(),
        seeds=seeds(5),
        pool=2,
        sizes=(10_000, 5_000),
        augment=None,
        weight_decay=5e-4,
        short_cycle=Run("1cycle", 2, lr=0.4, batch_size=128),
        tail_images=2_000,
        # a cycle of 9 epochs, then a tail of 31
        long_tail=Run("1cycle", 40, lr=0.2, batch_size=128, tail=31 / 40),
    )


def _quick() -> Settings:
    arms = (("1cycle", 8), ("linear decay", 8), ("step decay", 12), ("constant", 8))
    runs = tuple(_tuned_run(*arm) for arm in arms)
    return replace(quick_settings(small_cnn), runs=runs)


def _full() -> Settings:
    published = (
        Run("1cycle", 95, lr=0.8, batch_size=512),
        Run("1cycle", 50, lr=3.0, batch_size=512, tail=0.1, div=20.0),
        # The source states no LR for 70 epochs; taken here are those of its 50 epochs.
        Run("1cycle", 70, lr=3.0, batch_size=512, tail=0.1, div=20.0),
    )
    return Settings(
        model=partial(CifarResNet, 56),
        runs=published,
        seeds=seeds(3),
        pool=1,
        sizes=(45_000, 5_000),
        augment=Augment(flip=True, pad=4),
        weight_decay=1e-4,
        short_cycle=Run("1cycle", 10, lr=0.8, batch_size=512),
        tail_images=45_000,
        long_tail=Run("1cycle", 95, lr=0.8, batch_size=512, tail=1 - 42 / 95),
    )


def _smoke() -> Settings:
    full = _full()

    def cut(run: Run, epochs: int) -> Run:
        return replace(run, epochs=epochs, batch_size=16, lr=run.lr / 10)

    return replace(
        full,
        model=partial(CifarResNet, 8),
        runs=tuple(cut(run, epochs) for epochs, run in enumerate(full.runs, start=1)),
        sizes=(64, 32),
        short_cycle=cut(full.short_cycle, 2),
        tail_images=64,
        long_tail=cut(full.long_tail, 4),
    )


def tuned(entry: str) -> dict:
    """Return what `python -m experiments.tune_04` stored under a name."""
    return _stored()[entry]


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
    way = (target - means[before]) / (means[after] - means[before])
    return float(np.exp(logs[before] + way * (logs[after] - logs[before])))


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
    return stored_results("tune_04")["entries"]
