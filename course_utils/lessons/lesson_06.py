"""Lesson 06, all other hyperparameters: its nets and its settings in each profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import mean, median

import numpy as np
import torch
from ipywidgets import FloatSlider
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from course_utils.data import DeviceLoader, ImageDataset
from course_utils.lessons import stored_results
from course_utils.lessons.common import accuracy_after, load_split, training_loader
from course_utils.lr import LRRepeats, OneCycle, largest_usable_lr, smooth_centred
from course_utils.models import CifarResNet, simple_net, small_cnn
from course_utils.plotting import SERIES
from course_utils.plotting.widgets import Sketch, show_widget
from course_utils.profiles import choose, seeds
from course_utils.training import set_seed


@dataclass(frozen=True)
class Setup:
    """One choice of every hyperparameter but the learning rate."""

    batch_size: int = 64
    weight_decay: float = 0.0
    dropout: float = 0.0


@dataclass(frozen=True)
class Net:
    """A net and the momentum of its SGD; `plain` builds it without dropout."""

    plain: Callable[[], nn.Module]
    momentum: float

    def model(self, dropout: float = 0.0) -> nn.Module:
        """Build a fresh net, with dropout before its last layer."""
        model = self.plain()
        layers = model if isinstance(model, nn.Sequential) else model.head
        layers.insert(len(layers) - 1, nn.Dropout(dropout))
        return model

    def builder(
        self, images: ImageDataset, setup: Setup, device: torch.device, lr: float = 0.1
    ) -> Callable[[int], tuple]:
        """Return a function from a seed to (model, optimizer, loader), as the finder takes it."""

        def build(seed: int) -> tuple:
            set_seed(seed)
            model = self.model(setup.dropout).to(device)
            optimizer = torch.optim.SGD(
                model.parameters(),
                lr=lr,
                momentum=self.momentum,
                weight_decay=setup.weight_decay,
            )
            return model, optimizer, training_loader(images, setup.batch_size, seed, device)

        return build

    def accuracy(
        self,
        images: ImageDataset,
        measured: DeviceLoader,
        setup: Setup,
        *,
        lr: float,
        epochs: int,
        seed: int,
        one_cycle: bool = True,
    ) -> float:
        """Train a fresh net, with `lr` as the peak of 1cycle or constant; see `accuracy_after`."""
        device = measured.dataset.images.device
        parts = _, optimizer, loader = self.builder(images, setup, device, lr)(seed)
        schedule = OneCycle(optimizer, lr, epochs * len(loader)) if one_cycle else None
        return accuracy_after(*parts, measured, epochs=epochs, schedule=schedule)


@dataclass(frozen=True)
class Settings:
    """What a profile decides; `is_stored` tells that tune_06.json is about its nets."""

    nets: Mapping[str, Net]
    pool: int
    sizes: tuple[int, int]
    base: Setup
    batch_sizes: tuple[int, ...]
    weight_decays: tuple[float, ...]
    epochs: int
    sweep_steps: int
    finder_seeds: tuple[int, ...]
    claim_seeds: tuple[int, ...]
    training_seeds: tuple[int, ...]
    is_stored: bool = False

    def load(self) -> tuple[ImageDataset, ImageDataset, ImageDataset]:
        """Load training, validation and test images; the first two are disjoint."""
        return load_split(self.pool, self.sizes)


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(quick=quick_settings, full=_full, smoke=_smoke)()


def best_lr(validation: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """Return the learning rate with the highest mean accuracy, and that accuracy (%).

    Args:
        validation: learning rate -> one accuracy a seed.
    """
    lr = max(validation, key=lambda lr: mean(validation[lr]))
    return float(lr), mean(validation[lr])


def edges(repeats: LRRepeats, tolerance: float = 0.1) -> list[float]:
    """Return the largest usable learning rates of repeated sweeps, one a seed."""
    return [largest_usable_lr(curve, tolerance=tolerance) for curve in repeats.curves]


def edge_factor(small: LRRepeats, large: LRRepeats, tolerance: float) -> float:
    """Return by how much the median edge of the second exceeds that of the first."""
    return median(edges(large, tolerance)) / median(edges(small, tolerance))


TOLERANCES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)


def explore_tolerance(sweeps: Mapping[int, LRRepeats]) -> None:
    """Show where two batch sizes' curves leave their bottom, with a slider for the tolerance.

    Args:
        sweeps: batch size -> its sweeps, two of them, the smaller batch first.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for colour, (size, repeats) in zip(SERIES, sweeps.items(), strict=False):
        for index, curve in enumerate(repeats.curves):
            losses = smooth_centred(curve.capped(), curve.beta)
            label = None if index else f"batch {size}"
            left.plot(curve.lrs, losses, color=colour, alpha=0.4 if index else 1, label=label)
    left.set(xscale="log", xlabel="learning rate (log scale)", ylabel="loss (nats)", title=" ")
    left.legend(loc="lower left")
    right.plot(TOLERANCES, [edge_factor(*sweeps.values(), t) for t in TOLERANCES], "k.-")
    right.set(xlabel="tolerance (fraction of the fall)", ylim=0, title=" ")
    right.set_ylabel("factor between the two edges")
    sketch = Sketch(figure)
    show_widget(
        lambda tolerance: sketch.png(lambda: mark_edges((left, right), sweeps, tolerance)),
        {"tolerance": FloatSlider(description="tolerance", value=0.1, min=0.05, max=1, step=0.05)},
    )


def mark_edges(axes: Sequence[Axes], sweeps: Mapping[int, LRRepeats], tolerance: float) -> None:
    """Draw the median edges left and their factor right, and say both."""
    middles = [median(edges(repeats, tolerance)) for repeats in sweeps.values()]
    for colour, edge in zip(SERIES, middles, strict=False):
        axes[0].axvline(edge, color=colour, ls=":", lw=2)
    axes[0].set_title(f"edges at tolerance {tolerance:.2f}: {middles[0]:.2g} and {middles[1]:.2g}")
    axes[1].plot(tolerance, middles[1] / middles[0], "o", color=SERIES[1], ms=10)
    axes[1].set_title(f"factor {middles[1] / middles[0]:.1f}")


def plot_batch_sizes(axes: Sequence[Axes], stored: Mapping[str, Mapping[str, dict]]) -> None:
    """Draw the best learning rate of training, and the edge of the finder's curve, a net an axis.

    Args:
        axes: one a net.
        stored: net -> batch size -> `usable` edges and `validation` accuracies of a grid.
    """
    for ax, (name, entries) in zip(axes, stored.items(), strict=True):
        sizes = np.array([int(size) for size in entries])
        best = [best_lr(entry["validation"])[0] for entry in entries.values()]
        usable = np.array([sorted(entry["usable"]) for entry in entries.values()])
        middle = np.median(usable, axis=1)
        style = {"yerr": [middle - usable[:, 0], usable[:, -1] - middle], "capsize": 3}
        ax.plot(sizes, best, "o-", color=SERIES[0], label="best LR of training")
        ax.errorbar(sizes, middle, fmt="s--", color=SERIES[1], label="edge (range)", **style)
        ax.plot(sizes, best[0] * sizes / sizes[0], "k:", label="linear scaling")
        ax.set(title=name, xscale="log", yscale="log", ylim=(0.003, 10))
        ax.set_xticks(sizes, sizes)
        ax.minorticks_off()
        ax.set_xlabel("batch size (log scale)")
        said = (f"batch {sizes[n]}: edge {middle[n]:.2g}, best LR {best[n]:g}" for n in (2, 4))
        print(f"{name:13} {'; '.join(said)}")
    axes[0].set_ylabel("learning rate (log scale)")
    axes[1].legend(loc="lower right")


def lead_of(
    settings: Settings,
    decay: float,
    usable: Mapping[float, float],
    images: ImageDataset,
    measured: DeviceLoader,
) -> list[float]:
    """Return by how much the perceptron with a weight decay beats the one without, a seed each.

    Both train at the best rate of the stored grid or, for other nets, at their edge.

    Args:
        settings: of the running profile.
        decay: one of its weight decays.
        usable: weight decay -> its largest usable learning rate.
        images: to train on.
        measured: to test on.
    """
    accuracy = {}
    for value in (decay, 0.0):
        lr = usable[value]
        if settings.is_stored:
            entry = stored_results("tune_06")["weight decay"]["perceptron"][str(value)]
            lr = best_lr(entry["validation"])[0]
        setup = replace(settings.base, weight_decay=value)
        run = partial(settings.nets["perceptron"].accuracy, images, measured, setup, lr=lr)
        accuracy[value] = [run(epochs=settings.epochs, seed=s) for s in settings.training_seeds]
    return list(np.subtract(accuracy[decay], accuracy[0.0]))


def quick_settings() -> Settings:
    """Return the quick profile's settings: two small nets on 14 x 14 images."""
    return Settings(
        nets={
            "perceptron": Net(partial(simple_net, 14 * 14), momentum=0.0),
            "convolutional": Net(partial(small_cnn, width=8), momentum=0.9),
        },
        pool=2,
        sizes=(10_000, 5_000),
        base=Setup(),
        batch_sizes=(16, 64, 256, 1024),
        weight_decays=(0.0, 1e-4, 1e-3, 1e-2, 1e-1),
        epochs=3,
        sweep_steps=156,
        finder_seeds=seeds(5),
        claim_seeds=seeds(12),
        training_seeds=seeds(5, first=10),
        is_stored=True,
    )


def _full() -> Settings:
    return Settings(
        nets={
            "perceptron": Net(partial(simple_net, 3 * 32 * 32), momentum=0.0),
            "convolutional": Net(partial(CifarResNet, 56), momentum=0.9),
        },
        pool=1,
        sizes=(45_000, 5_000),
        base=Setup(batch_size=128),
        batch_sizes=(32, 128, 512, 2048),
        weight_decays=(0.0, 1e-5, 1e-4, 1e-3, 1e-2),
        epochs=10,
        sweep_steps=351,
        finder_seeds=seeds(5),
        claim_seeds=seeds(5),
        training_seeds=seeds(3, first=10),
    )


def _smoke() -> Settings:
    full = _full()
    return replace(
        full,
        nets={
            "perceptron": Net(partial(simple_net, 3 * 16 * 16), momentum=0.0),
            "convolutional": Net(partial(CifarResNet, 8), momentum=0.9),
        },
        pool=2,
        sizes=(96, 32),
        base=Setup(batch_size=8),
        batch_sizes=(4, 8, 16, 24),
        epochs=1,
        sweep_steps=20,
    )
