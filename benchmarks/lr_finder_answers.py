"""What learning-rate finders suggest: a known answer, none at all, and a real net.

python -m benchmarks.lr_finder_answers [FILE.json]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.clocked import BATCH_SIZE, ClockedLoader
from benchmarks.lr_finder_peers import FINDERS, MAX_LR, MIN_LR, Sweep, suggest
from benchmarks.report import Table, run_row
from course_utils.data.datasets import load_fashion_mnist
from course_utils.data.device_loader import DeviceLoader
from course_utils.models import simple_net
from course_utils.profiles import set_seed

STEPS = 100
NAN_AT = 60
SPREAD = ("highest / lowest",)
CENTRE, WIDTH = -1.5, 0.3  # of the synthetic fall, in decades of the learning rate

FAULTS = (
    f"A sweep of {STEPS} steps whose loss is NaN from step {NAN_AT} on, or the same throughout. A "
    "suggestion above the learning rate of the first NaN would train into it."
)
FAULTS_READING = "Where the loss is constant there is nothing to suggest; a number hides that."
KNOWN = (
    "The loss falls as a sigmoid of the logarithm of the learning rate and then explodes, so "
    "that its steepest point is known. Suggestion over that point, with each finder's own "
    "smoothing and rules, in sweeps of so many steps; and the range over ten seeds of noise with "
    "a standard deviation of 0.05. `suggestion` and `valley` aim at other points, so that only "
    "their ranges compare. The optimizer's own learning rate is the sweep's lowest, since ignite "
    "takes its first step with it."
)
KNOWN_READING = (
    "Smoothing that looks back delays the curve; ours is centred before the pick. Our suggestion "
    "lies where the fall is done, and nearer to it the finer the sweep. Lightning's "
    "slope is that over the learning rate itself, not its logarithm, which moves the pick to the "
    "left."
)
REAL = (
    f"The 784-100-10 net on Fashion-MNIST, SGD, batches of {BATCH_SIZE}, {STEPS} steps, ten seeds "
    "of weights and order. All sweeps of a seed see the same."
)
REAL_READING = (
    "A finder whose suggestion scatters less needs fewer repeats. A trailing average delays each "
    "seed's curve alike, so that a pick may scatter little and yet lie off the steepest point, "
    "by what the table above says. `valley` reads the whole fall, whose start is the noisiest "
    "part."
)


def measure(names=tuple(FINDERS), *, seeds: int = 10) -> list[Table]:
    return [
        Table("LR finder: NaN and a constant loss", FAULTS, faults(names), FAULTS_READING),
        Table("LR finder: a known answer", KNOWN, known(names, seeds), KNOWN_READING, SPREAD),
        Table(
            "LR finder: scatter on a real net", REAL, scatter(names, seeds), REAL_READING, SPREAD
        ),
    ]


def faults(names) -> list[dict]:
    rows = []
    for name in names:
        lrs: list[float] = []

        def fails(lr: float, lrs=lrs) -> float:
            lrs.append(lr)
            return math.nan if len(lrs) >= NAN_AT else falling(lr)

        constant = synthetic(name, lambda lr: 2.3)
        for way, pick in synthetic(name, fails).items():
            is_number = isinstance(pick, float)
            rows.append(
                {
                    "": way,
                    "steps after the NaN": len(lrs) - NAN_AT,
                    "suggestion / LR of the NaN": pick / lrs[NAN_AT - 1] if is_number else pick,
                    "suggestion on a constant loss": constant[way],
                }
            )
    return rows


def known(names, seeds: int) -> list[dict]:
    truth, rows = steepest_lr(), {}
    for name in names:
        for steps in (STEPS, 3 * STEPS):
            for way, pick in synthetic(name, falling, steps).items():
                rows.setdefault(way, {"": way})[f"{steps} steps"] = pick / truth
        noisy = [synthetic(name, noisy_fall(seed), 3 * STEPS) for seed in range(seeds)]
        for way in noisy[0]:
            picks = [picks[way] / truth for picks in noisy]
            rows[way][f"{3 * STEPS} steps, noise"] = [min(picks), max(picks)]
            rows[way][SPREAD[0]] = max(picks) / min(picks)
    return list(rows.values())


def scatter(names, seeds: int) -> list[dict]:
    images, _ = load_fashion_mnist()
    picks: dict[str, list[float]] = {}
    for seed in range(seeds):
        batches = DeviceLoader(images, batch_size=BATCH_SIZE, shuffle=True, seed=seed)
        chosen = [batch for _, batch in zip(range(STEPS + 1), batches, strict=False)]
        for name in names:
            set_seed(seed)
            model = simple_net()
            optimizer = torch.optim.SGD(model.parameters(), lr=MIN_LR)
            sweep = Sweep(model, optimizer, ClockedLoader(chosen), F.cross_entropy, STEPS)
            for way, pick in suggest(name, sweep).items():
                picks.setdefault(way, []).append(pick)
    return [
        {
            "": way,
            "median": median(found),
            "lowest to highest": [min(found), max(found)],
            SPREAD[0]: max(found) / min(found),
        }
        for way, found in picks.items()
    ]


def falling(lr: float) -> float:
    """Return the synthetic loss: a sigmoid fall, then an explosion."""
    decades = math.log10(lr)
    return 2.3 - 1.5 / (1 + math.exp((CENTRE - decades) / WIDTH)) + lr**2


def noisy_fall(seed: int) -> Callable[[float], float]:
    rng = np.random.default_rng(seed)
    return lambda lr: falling(lr) + 0.05 * float(rng.normal())


def steepest_lr() -> float:
    """Return the learning rate at which `falling` is steepest over its logarithm."""
    decades = np.linspace(math.log10(MIN_LR), math.log10(MAX_LR), 100_001)
    losses = [falling(10**x) for x in decades]
    return float(10 ** decades[np.argmin(np.gradient(losses, decades))])


def synthetic(name: str, loss_of: Callable[[float], float], steps: int = STEPS) -> dict:
    """Sweep a loss that depends on the learning rate alone; return what each way suggests."""
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=MIN_LR)
    loader = ClockedLoader([(torch.ones(1, 1), torch.ones(1, 1))] * (steps + 1))

    def loss_function(prediction: Tensor, target: Tensor) -> Tensor:
        return prediction.sum() * 0 + loss_of(float(optimizer.param_groups[0]["lr"]))

    return suggest(name, Sweep(model, optimizer, loader, loss_function, steps))


if __name__ == "__main__":
    run_row(measure)
