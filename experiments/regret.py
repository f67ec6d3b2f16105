"""Command that measures what a suggested learning rate costs when training is really done.

    python -m experiments.regret            measure every task that is not stored yet: an hour
    python -m experiments.regret --table    print the table of what is stored
    python -m experiments.regret --repick   apply the rules of today to the stored sweeps
    python -m experiments.regret --fresh    train confirming tasks on four more seeds: half an hour

A task is a net, an optimizer, a batch size, a budget and a data set. Its regret, for a rule, is the
accuracy lost against the best learning rate of a grid in quarter decades, in points: at a constant
learning rate, and where the suggestion is the peak of a 1cycle. Both are trained with `fit`, two
seeds each; between two points of the grid the accuracy is interpolated over the logarithm. The
grid is extended until its best point lies two points inside; then, by one seed, until every
suggestion is covered or the accuracy has fallen below half the best. A suggestion beyond has the
last point's accuracy.

The best of a grid by two seeds is partly lucky, and its luck counts as everybody's loss. So on the
confirming half four more seeds train at all points that two had tried, and each seed judges the
point that the five others choose.

Three sweeps a task and finder; each counts. The tasks are split in two halves by a hash of their
names: rules are chosen on one and confirmed on the other. Peers sweep for themselves, see
`regret_peers`. It needs the `bench` extra and scikit-learn, for its digits.

Chosen on the choosing half before the other was looked at: the first LR at which the loss, without
lag, has done 99 % of its fall, or an eighth of the largest usable LR where that is lower; as it is
for a constant LR, twice it for a cycle's peak; from the fine sweep.

The stored sweeps ended at four times the lowest loss, as `find_lr`'s did then. Ended by its rule of
today they give a suggestion that loses .69 and .52 points (choosing half), .55 and .59 (confirming,
by the first two seeds), where the stored ones give .72, .55, .61 and .65; an eighth and a tenth of
the largest usable LR are then level.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import fmean as mean
from statistics import median

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from course_utils.data.datasets import load_fashion_mnist
from course_utils.data.device_loader import DeviceLoader
from course_utils.data.image_dataset import ImageDataset, pool_images, train_and_test
from course_utils.lr import LRCurve, OneCycle, find_lr, largest_usable_lr, smooth
from course_utils.lr.curve import PEAK_FACTOR
from course_utils.models import CifarResNet, simple_net, small_cnn
from course_utils.profiles import set_seed
from course_utils.training.evaluate import evaluate
from course_utils.training.history import NonFiniteLoss
from course_utils.training.loop import fit
from experiments import store
from experiments.result_file import ResultFile

RESULTS = ResultFile(Path(__file__).with_name("regret.json"))
CURVES = ResultFile(Path(__file__).with_name("regret_curves.json"))
NETS = ("perceptron", "CNN", "batch-norm CNN", "ResNet-8")
OPTIMIZERS = ("SGD", "momentum", "Adam", "AdamW")
SETS = ("Fashion-MNIST", "digits")
STEPS = {64: (100, 300), 512: (40, 120)}  # short and long, by batch size
TRAINING_SEEDS = (1, 2)
FRESH_SEEDS = (3, 4, 5, 6)
SWEEP_SEEDS = (11, 12, 13)
# (lowest LR, highest, steps): a usual one, and the finer one that became `find_lr`'s default.
SWEEPS = {"coarse sweep": (1e-8, 10.0, 100), "fine sweep": (1e-6, 10.0, 200)}
BETA = 0.98
MODES = ("constant", "cycle")
HALVES = ("choose", "confirm")
A_DECADE = 4  # points of the grid
SHARES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)  # of the fall that is still to come
PARTS = (5, 6, 10)  # of the largest usable LR; an eighth is `suggestion`
BLIND = 0.01  # a rule that looks at nothing
FACTORS = (0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30)


@dataclass(frozen=True)
class Task:
    """A training whose learning rate is to be found."""

    net: str
    optimizer: str
    batch_size: int
    steps: int
    data: str

    @property
    def name(self) -> str:
        """What the task is called in the files."""
        return f"{self.net}, {self.optimizer}, {self.batch_size} x {self.steps}, {self.data}"

    @property
    def half(self) -> str:
        """The half that it belongs to, by its name alone."""
        return HALVES[hashlib.sha256(self.name.encode()).digest()[0] % 2]

    def build(self, seed: int, steps: int) -> tuple[nn.Module, torch.optim.Optimizer, Batches]:
        """Make net, optimizer and batches anew; the learning rate is to be set."""
        train, _ = images(self.data, self.net)
        set_seed(seed)
        model = _net(self.net, train.images.shape[-1])
        loader = DeviceLoader(train, batch_size=self.batch_size, shuffle=True, seed=seed)
        return model, _optimizer(self.optimizer, model), Batches(loader, steps)

    def accuracy(self, mode: str, lr: float, seed: int) -> float:
        """Train at a learning rate, or with it as the peak; return the test accuracy in %."""
        model, optimizer, loader = self.build(seed, self.steps)
        schedule = None
        if mode == "cycle":
            schedule = OneCycle(optimizer, lr, self.steps)
        else:
            for group in optimizer.param_groups:
                group["lr"] = lr
        try:
            fit(model, optimizer, loader, epochs=1, schedule=schedule)
        except NonFiniteLoss:
            return 10.0  # of ten classes
        _, test = images(self.data, self.net)
        return round(100 * evaluate(model, DeviceLoader(test, batch_size=500))[1], 2)


class Batches(DataLoader):
    """So many batches of a loader, over as many of its epochs as that takes.

    It is a `DataLoader` by type, for the peers that insist on one.
    """

    def __init__(self, loader: DeviceLoader, steps: int):
        super().__init__(range(steps), batch_size=None)
        self.loader, self.steps = loader, steps

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator:
        epochs = itertools.chain.from_iterable(itertools.repeat(self.loader))
        return itertools.islice(epochs, self.steps)


def all_tasks() -> list[Task]:
    """List the tasks: each net, optimizer, batch size and data set, with every other budget.

    ResNet-8 at the larger batch comes last, in its short form alone: it is by far the slowest.
    """
    tasks = []
    ways = itertools.product(*(range(len(names)) for names in (NETS, OPTIMIZERS, STEPS, SETS)))
    for way in ways:
        net, optimizer, batch_size, data = way
        size, budgets = list(STEPS.items())[batch_size]
        steps = budgets[sum(way) % 2]
        tasks.append(Task(NETS[net], OPTIMIZERS[optimizer], size, steps, SETS[data]))
    slow = [task for task in tasks if task.net == "ResNet-8" and task.batch_size == 512]
    quick = sorted(
        (task for task in tasks if task not in slow),
        key=lambda task: hashlib.sha256(f"order {task.name}".encode()).digest(),
    )
    return quick + [task for task in slow if task.steps == STEPS[512][0]]


@cache
def images(data: str, net: str) -> tuple[ImageDataset, ImageDataset]:
    """Return training and test images, small enough for the net."""
    if data == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        pixels = torch.tensor(digits.images * 255 / 16).round().byte().unsqueeze(1)
        labels = torch.tensor(digits.target).long()
        sets = pixels[:1000], labels[:1000], pixels[1000:], labels[1000:]
        return train_and_test(*sets, tuple("0123456789"), "digits")
    train, test = load_fashion_mnist()
    factor = {"perceptron": 1, "ResNet-8": 4}.get(net, 2)
    sets = train.subset(range(12_800)), test.subset(range(4_000))
    return tuple(part if factor == 1 else pool_images(part, factor) for part in sets)


def _net(name: str, size: int) -> nn.Module:
    if name == "perceptron":
        return simple_net(size**2)
    if name == "CNN":
        quarter = -(-size // 4)
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * quarter**2, 10),
        )
    return small_cnn(size=size) if name == "batch-norm CNN" else CifarResNet(8, channels=1)


def _optimizer(name: str, model: nn.Module) -> torch.optim.Optimizer:
    parameters = model.parameters()
    if name == "Adam":
        return torch.optim.Adam(parameters)
    if name == "AdamW":
        return torch.optim.AdamW(parameters, weight_decay=0.1)
    return torch.optim.SGD(parameters, lr=BLIND, momentum=0.9 if name == "momentum" else 0)


def sweep(task: Task) -> dict[str, list[str]]:
    """Sweep three times by each of `SWEEPS`; return the losses as text, and why each ended."""
    found = {}
    for name, (low, high, steps) in SWEEPS.items():
        settings = {"min_lr": low, "max_lr": high, "steps": steps, "beta": BETA}
        curves = [find_lr(*task.build(seed, steps), **settings) for seed in SWEEP_SEEDS]
        found[name] = [" ".join(f"{loss:.4f}" for loss in curve.losses) for curve in curves]
        found[f"{name} ended"] = [curve.stop_reason for curve in curves]
    return found


def own_picks(curves: dict[str, list[str]]) -> dict[str, list[float | str]]:
    """Apply our rules to the stored losses; the name of an error stands for no suggestion."""
    rules: dict[str, Callable[[LRCurve], float]] = {
        "suggestion": LRCurve.suggestion,
        "steepest": LRCurve.steepest,
        "minimum": LRCurve.minimum,
        "usable": largest_usable_lr,
        "trailing minimum": lambda curve: curve.lrs[int(np.argmin(curve.smoothed))],
    }
    for share in SHARES:
        rules[f"bottom {share:.1%}"] = lambda curve, share=share: curve.fall_done(1 - share)
    for part in PARTS:
        rules[f"bottom 1.0% or usable/{part}"] = lambda curve, part=part: min(
            curve.fall_done(), largest_usable_lr(curve) / part
        )
    picks = {}
    for name, (low, high, steps) in SWEEPS.items():
        lrs = np.geomspace(low, high, steps).tolist()
        for rule, pick in rules.items():
            picks[f"{rule}, {name}"] = found = []
            for text, reason in zip(curves[name], curves[f"{name} ended"], strict=True):
                losses = tuple(float(loss) for loss in text.split())
                smoothed = tuple(smooth(losses, BETA))
                curve = LRCurve(tuple(lrs[: len(losses)]), losses, smoothed, BETA, reason)
                try:
                    found.append(float(f"{pick(curve):.4g}"))
                except ValueError as error:
                    found.append(type(error).__name__)
    return picks


def grid_accuracies(task: Task, mode: str, centre: float, picks: list[float]) -> dict[str, list]:
    """Train at the points of the grid around a centre that it takes to judge the picks."""
    place = {lr: A_DECADE * np.log10(lr) for lr in (centre, *picks)}
    found: dict[int, list[float]] = {}

    def train(point: int, seeds: tuple[int, ...] = TRAINING_SEEDS) -> None:
        lr = 10 ** (point / A_DECADE)
        found[point] = [task.accuracy(mode, lr, seed) for seed in seeds]

    middle = round(place[centre])
    for point in range(middle - 2, middle + 3):
        train(point)
    while True:
        best = max(found, key=lambda point: mean(found[point]))
        if best > max(found) - 2:
            train(max(found) + 1)
        elif best < min(found) + 2:
            train(min(found) - 1)
        else:
            break
    half = mean(found[best]) / 2
    # Far from the best one seed will do, and below it half decades.
    for step, ends in ((-2, min), (1, max)):
        wanted = ends(place[lr] for lr in picks)
        while (ends(found) - wanted) * step < 0 and mean(found[ends(found)]) > half:
            train(ends(found) + step, TRAINING_SEEDS[:1])
    return {f"{10 ** (point / A_DECADE):.4g}": found[point] for point in sorted(found)}


def measure(task: Task) -> tuple[dict, dict]:
    """Return a task's result, and the losses of our sweeps."""
    from experiments.regret_peers import STEPS as PEER_STEPS
    from experiments.regret_peers import peers_suggestions

    curves = sweep(task)
    own = own_picks(curves)
    sweeps = [
        peers_suggestions(lambda seed=seed: task.build(seed, PEER_STEPS + 1))
        for seed in SWEEP_SEEDS
    ]
    peers = {name: [picks[name] for picks in sweeps] for name in sweeps[0]}
    numbers = [
        pick for found in (*own.values(), *peers.values()) for pick in found if is_number(pick)
    ]
    centre = median(pick for pick in own["minimum, fine sweep"] if is_number(pick))
    result = {"half": task.half, "picks": own, "peers": peers}
    for mode in MODES:
        result[mode] = grid_accuracies(task, mode, centre, [BLIND, *numbers])
    return result, curves


def fresh_accuracies(task: Task, result: dict) -> dict[str, dict[str, list[float]]]:
    """Train a task on four more seeds at the points of the grid that two seeds had tried."""
    return {
        mode: {
            lr: [task.accuracy(mode, float(lr), seed) for seed in FRESH_SEEDS]
            for lr, seeds in result[mode].items()
            if len(seeds) == len(TRAINING_SEEDS)
        }
        for mode in MODES
    }


def is_number(pick: float | str) -> bool:
    """Say whether a finder suggested a learning rate at which one can train."""
    return not isinstance(pick, str) and bool(np.isfinite(pick)) and pick > 0


def regrets(result: dict, mode: str, picks: list, factor: float = 1) -> list[float]:
    """Return the points lost by each suggestion of a task, times a factor."""
    runs = accuracies(result, mode)
    lrs, means = np.log10(list(runs)), [mean(seeds) for seeds in runs.values()]
    best = best_by_others(runs) if "fresh" in result else max(means)
    chosen = [np.log10(factor * pick) for pick in picks if is_number(pick)]
    return [float(best - np.interp(lr, lrs, means)) for lr in chosen]


def accuracies(result: dict, mode: str) -> dict[float, list[float]]:
    """Return learning rate -> accuracies, one a seed, in rising order of the learning rate."""
    fresh = result.get("fresh", {}).get(mode, {})
    runs = {float(lr): seeds + fresh.get(lr, []) for lr, seeds in result[mode].items()}
    return dict(sorted(runs.items()))


def best_by_others(runs: dict[float, list[float]]) -> float:
    """Return the accuracy of the best point, each seed's at the point that the others choose."""
    points = of_all_seeds(runs)
    return mean(
        max(points, key=lambda seeds, own=own: sum(seeds) - seeds[own])[own]
        for own in range(len(points[0]))
    )


def of_all_seeds(runs: dict[float, list[float]]) -> list[list[float]]:
    """Return the accuracies of the points that all seeds tried; one seed alone tried the others."""
    most = max(map(len, runs.values()))
    return [seeds for seeds in runs.values() if len(seeds) == most]


def score(results: dict, half: str, mode: str, rule: str, factor: float = 1) -> tuple:
    """Return (mean over the tasks of a half, worst task, sweeps without a suggestion) of a rule."""
    lost, silent = points_lost(results, half, mode, rule, factor)
    return mean(lost), max(lost), silent


def points_lost(results: dict, half: str, mode: str, rule: str, factor: float) -> tuple:
    """Return (points that a rule loses on each task of a half, sweeps without a suggestion)."""
    lost, silent = [], 0
    for result in results.values():
        if result["half"] != half:
            continue
        if rule == "one grid search":
            lost.append(_grid_search(result, mode))
            continue
        picks = [BLIND] if rule == "blind" else (result["picks"] | result["peers"])[rule]
        found = regrets(result, mode, picks, factor)
        silent += len(picks) - len(found)
        lost += [mean(found)] if found else []
    return [round(points, 3) for points in lost], silent


def _grid_search(result: dict, mode: str) -> float:
    """Return what the best point by one seed loses by the others: the noise below all rules."""
    runs = accuracies(result, mode)
    points, losses = of_all_seeds(runs), []
    for seen in range(len(points[0])):
        others = [seeds[:seen] + seeds[seen + 1 :] for seeds in points]
        best = max(range(len(points)), key=lambda point: points[point][seen])
        top = best_by_others(runs) if "fresh" in result else max(map(mean, others))
        losses.append(top - mean(others[best]))
    return mean(losses)


def choose(results: dict) -> tuple[str, float, float]:
    """Choose a rule of ours with its factors for constant and cycle, on the choosing half alone.

    The lowest sum over both modes of mean + worst / 3, as the bars are 1 and 3 points.
    """

    def cost(rule: str, mode: str, factor: float) -> float:
        average, worst, _ = score(results, "choose", mode, rule, factor)
        return average + worst / 3

    best = {}
    for rule in next(iter(results.values()))["picks"]:
        factors = [min(FACTORS, key=partial(cost, rule, mode)) for mode in MODES]
        total = sum(cost(rule, *pair) for pair in zip(MODES, factors, strict=True))
        best[total] = (rule, *factors)
    return best[min(best)]


def table(results: dict) -> str:
    """Return the table: points lost by each rule, mean and worst task, by mode and half."""
    first = next(iter(results.values()))
    rows = {name: (name, 1, 1) for name in (*first["picks"], *first["peers"])}
    for name in SWEEPS:
        rows[f"minimum x .7 / x 1.5, {name}"] = (f"minimum, {name}", 0.7, 1.5)
        rows[f"trailing minimum / 10, {name}"] = (f"trailing minimum, {name}", 0.1, 0.1)
        rows[f"usable / 3, {name}"] = (f"usable, {name}", 1 / 3, 1 / 3)
    rows["blind .01"] = ("blind", 1, 1)
    rows["best of a grid by one seed"] = ("one grid search", 1, 1)
    rule, *factors = choose(results)
    rows[f"CHOSEN: {rule} x {factors[0]:g} / x {factors[1]:g}"] = (rule, *factors)
    counts = [sum(result["half"] == half for result in results.values()) for half in HALVES]
    lines = [
        f"points lost, mean / worst of {counts[0]} (choose) and {counts[1]} (confirm) tasks",
        f"{'rule':54} " + " ".join(f"{half[:7]} {mode:8}" for half in HALVES for mode in MODES),
    ]
    for label, (rule, *factors) in rows.items():
        cells, silent = [], 0
        for half, (mode, factor) in itertools.product(HALVES, zip(MODES, factors, strict=True)):
            average, worst, none = score(results, half, mode, rule, factor)
            cells.append(f"{average:6.2f} / {worst:5.1f} ")
            silent += none
        remark = f" no suggestion: {silent // len(MODES)}" if silent else ""
        lines.append(f"{label:54} " + "  ".join(cells) + remark)
    return "\n".join(lines)


def summary(results: dict) -> dict:
    """Return what the lessons show: rule -> mode -> half -> the points that each task lost."""
    peers = next(iter(results.values()))["peers"]
    rules = {
        "suggestion": ("suggestion, fine sweep", 1, PEAK_FACTOR),
        "minimum without delay": ("minimum, fine sweep", 1, 1),
        "minimum": ("trailing minimum, fine sweep", 1, 1),
        "a tenth of the minimum": ("trailing minimum, fine sweep", 0.1, 0.1),
        "steepest": ("steepest, fine sweep", 1, 1),
        "0.01 without looking": ("blind", 1, 1),
        "best of a grid by one seed": ("one grid search", 1, 1),
        **{name: (name, 1, 1) for name in peers},
    }
    return {
        label: {
            mode: {half: points_lost(results, half, mode, rule, factor)[0] for half in HALVES}
            for mode, factor in zip(MODES, factors, strict=True)
        }
        for label, (rule, *factors) in rules.items()
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure every task that is not stored yet, each stored as it ends, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", action="store_true", help="print what is stored")
    parser.add_argument("--repick", action="store_true", help="apply the rules to stored sweeps")
    parser.add_argument("--fresh", action="store_true", help="train confirming tasks on more seeds")
    given = parser.parse_args(arguments)
    tasks = {task.name: task for task in all_tasks()}
    if "split" not in RESULTS.read():  # before anything was measured
        for half in HALVES:
            names = [name for name, task in tasks.items() if task.half == half]
            RESULTS.add("split", half, {"tasks": names})
    stored = RESULTS.read().get("tasks", {})
    if given.repick:
        for name, curves in CURVES.read().get("curves", {}).items():
            RESULTS.add("tasks", name, stored[name] | {"picks": own_picks(curves)})
    elif given.fresh:
        for name, result in stored.items():
            if result["half"] == "confirm" and "fresh" not in result:
                start = time.perf_counter()
                fresh = {"fresh": fresh_accuracies(tasks[name], result)}
                RESULTS.add("tasks", name, result | fresh)
                print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    elif not given.table:
        for name in [name for name in tasks if name not in stored]:
            start = time.perf_counter()
            result, curves = measure(tasks[name])
            CURVES.add("curves", name, curves)
            RESULTS.add("tasks", name, result)
            print(f"{name} ({tasks[name].half}): {time.perf_counter() - start:.0f} s", flush=True)
    if not (results := RESULTS.read().get("tasks")):
        raise SystemExit("Nothing is stored yet: run python -m experiments.regret.")
    store("regret", {"points lost": summary(results)}, torch.device("cpu"))
    print(table(results))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
