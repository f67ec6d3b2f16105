"""Lesson 05, cyclical momentum: its momentum schedules, its settings and its stored results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import nn

from course_utils.data import Augment, DeviceLoader, ImageDataset
from course_utils.lessons import stored_results
from course_utils.lessons.common import accuracy_after, load_split, training_loader
from course_utils.lr import OneCycle, OneCycleCurve
from course_utils.models import CifarResNet, simple_net
from course_utils.plotting import colour_of
from course_utils.profiles import choose, seeds
from course_utils.teaching import format_interval, mean_interval
from course_utils.training import set_seed

# name -> momentum at the low LR, and at the peak
ARMS = {
    "cyclical": (0.95, 0.85),
    "reversed": (0.85, 0.95),
    "constant 0.85": (0.85, 0.85),
    "constant 0.90": (0.90, 0.90),
    "constant 0.95": (0.95, 0.95),
}


@dataclass(frozen=True)
class Settings:
    """What a profile decides; the peaks that are tried stand in rising order.

    `is_stored` tells that tune_05.json is about its net.
    """

    model: Callable[[], nn.Module]
    peaks: tuple[float, ...]
    epochs: int
    batch_size: int
    sizes: tuple[int, int]
    pool: int
    augment: Augment | None
    weight_decay: float
    sweep_seeds: tuple[int, ...]
    test_seeds: tuple[int, ...]
    is_stored: bool = False

    def load(self) -> tuple[ImageDataset, ImageDataset, ImageDataset]:
        """Load training, validation and test images; the first two are disjoint."""
        return load_split(self.pool, self.sizes)

    def accuracy(
        self,
        images: ImageDataset,
        measured: DeviceLoader,
        *,
        arm: str,
        peak: float,
        seed: int,
        device: torch.device,
    ) -> float:
        """Train a fresh model in one cycle, with the momenta of an arm; see `accuracy_after`."""
        set_seed(seed)
        model = self.model().to(device)
        loader = training_loader(images, self.batch_size, seed, device, self.augment)
        optimizer = torch.optim.SGD(
            model.parameters(), lr=peak, momentum=0.9, weight_decay=self.weight_decay
        )
        steps = self.epochs * len(loader)
        schedule = OneCycle(optimizer, peak, steps, momentum=ARMS[arm])
        run = {"epochs": self.epochs, "schedule": schedule}
        return accuracy_after(model, optimizer, loader, measured, **run)


def best_peak(accuracy: Mapping[float, Sequence[float]]) -> float:
    """Return the peak whose accuracies, one a seed, have the highest mean."""
    return max(accuracy, key=lambda peak: mean(accuracy[peak]))


def mean_effective_lr(arm: str, peak: float) -> float:
    """Average lr / (1 - momentum) over the steps of a cycle."""
    curve = OneCycleCurve.gugger(1000, peak, momentum=ARMS[arm])
    return mean(lr / (1 - momentum) for lr, momentum in map(curve.at, range(curve.total_steps)))


def chosen_peaks(settings: Settings) -> dict[str, float]:
    """Return each arm's peak: as tuned by tune_05 in the quick profile.

    Elsewhere all arms get the mean effective LR of the constant 0.90 at the middle peak.
    """
    if settings.is_stored:
        return {arm: entry["peak"] for arm, entry in stored("simple_net").items()}
    middle = settings.peaks[len(settings.peaks) // 2]
    wanted = mean_effective_lr("constant 0.90", middle)
    return {arm: wanted / mean_effective_lr(arm, 1.0) for arm in ARMS}


def plot_peaks(axes: Sequence[Axes], results: Mapping[str, Mapping]) -> None:
    """Draw validation accuracies over the peak LR, and over the cycle's mean effective LR.

    Args:
        axes: two axes that share their vertical axis.
        results: as `stored` returns them.
    """
    highest = max(mean(v) for entry in results.values() for v in entry["validation"].values())
    for arm, entry in results.items():
        points = {float(lr): mean_interval(values) for lr, values in entry["validation"].items()}
        for ax, factor in zip(axes, (1, mean_effective_lr(arm, 1.0)), strict=True):
            lrs = [factor * lr for lr in points]
            means = [value for value, _ in points.values()]
            ax.plot(lrs, means, "o-", ms=4, color=colour_of(arm), label=arm)
            for lr, (value, width) in zip(lrs, points.values(), strict=True):
                if value > highest - 6:  # the bars of runs that collapsed would cross the panel
                    ax.errorbar(lr, value, yerr=width, capsize=3, color=colour_of(arm))
    axes[0].set(ylim=(highest - 6, highest + 0.7), ylabel="validation accuracy (%)")
    for ax, words in zip(axes, ("LR at the peak", "mean effective LR, lr / (1 - m)"), strict=True):
        ax.set(xscale="log", xlabel=f"{words} (log scale)")
        ax.xaxis.set_major_locator(plt.LogLocator(subs=(1, 3)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(plt.NullFormatter())
    axes[0].legend(fontsize="small", loc="lower center")


def arms_table(peaks: Mapping[str, float], accuracy: Mapping[str, Sequence[float]]) -> str:
    """Lay out each arm's peak, its mean effective LR, its accuracy, and the cycle's lead over it.

    Args:
        peaks: arm -> its peak LR.
        accuracy: arm -> test accuracies (%), one a seed, on seeds that the arms share.
    """
    lines = [f"{'arm':14} {'peak':>6} {'mean eff. LR':>13}  {'accuracy (%)':15}  lead of the cycle"]
    for arm, values in accuracy.items():
        effective = mean_effective_lr(arm, peaks[arm])
        leads = [x - y for x, y in zip(accuracy["cyclical"], values, strict=True)]
        lead = "" if arm == "cyclical" else format_interval(*mean_interval(leads))
        words = format_interval(*mean_interval(values))
        lines.append(f"{arm:14} {peaks[arm]:6.2g} {effective:13.2g}  {words:15}  {lead}".rstrip())
    return "\n".join(lines)


def stored(net: str) -> dict[str, dict]:
    """Return what `python -m experiments.tune_05` stored about a net, arm by arm.

    An arm has "validation" (peak -> accuracies in %), the chosen "peak", and its "test" accuracies.
    """
    return stored_results("tune_05")["nets"][net]


def quick_settings(model: Callable[[], nn.Module], peaks: tuple[float, ...]) -> Settings:
    """Return the quick profile's settings: Fashion-MNIST, pooled to 14 x 14 pixels."""
    return Settings(
        model=model,
        peaks=peaks,
        epochs=5,
        batch_size=128,
        sizes=(10_000, 5_000),
        pool=2,
        augment=None,
        weight_decay=5e-4,
        sweep_seeds=seeds(5),
        test_seeds=seeds(15, first=10),
        is_stored=True,
    )


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(quick=_quick, full=_full, smoke=_smoke)()


def _quick() -> Settings:
    return quick_settings(partial(simple_net, 14 * 14), (0.025, 0.05, 0.1, 0.2, 0.4))


def _full() -> Settings:
    return Settings(
        model=partial(CifarResNet, 20),
        peaks=(0.1, 0.2, 0.4, 0.8, 1.6, 3.2),
        epochs=15,
        batch_size=512,
        sizes=(45_000, 5_000),
        pool=1,
        augment=Augment(flip=True, pad=4),
        weight_decay=1e-4,
        sweep_seeds=seeds(5),
        test_seeds=seeds(10, first=10),
    )


def _smoke() -> Settings:
    return Settings(
        model=partial(CifarResNet, 8),
        peaks=(0.05, 0.1),
        epochs=1,
        batch_size=16,
        sizes=(64, 32),
        pool=2,
        augment=Augment(flip=True, pad=4),
        weight_decay=1e-4,
        sweep_seeds=seeds(3),
        test_seeds=seeds(3, first=10),
    )
