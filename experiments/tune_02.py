"""Command that trains lesson 02's net over a grid of learning rates, and sweeps with each seed.

It takes three minutes on one CPU core: `python -m experiments.tune_02`.
"""

from __future__ import annotations

import numpy as np
import torch

from course_utils.data import DeviceLoader
from course_utils.lessons.common import accuracy_after, load_split
from course_utils.lr import find_lr
from course_utils.models import simple_net
from course_utils.training import pick_device, set_seed
from experiments import store

SEEDS = tuple(range(100, 110))
LRS = tuple(float(f"{10 ** (k / 4):.3g}") for k in range(-12, 2))  # 0.001 to 1.78
IMAGES = (20_000, 10_000)  # to train on, and left out


def build(images, seed: int, device: torch.device, lr: float = 0.1) -> tuple:
    """Make net, plain SGD and batches as the notebook does."""
    set_seed(seed)
    model = simple_net().to(device)
    loader = DeviceLoader(images, batch_size=64, shuffle=True, seed=seed, device=device)
    return model, torch.optim.SGD(model.parameters(), lr=lr), loader


def main() -> None:
    """Sweep and train with each seed, and write the file."""
    device = pick_device()
    train, _, test = load_split(1, IMAGES)
    test_loader = DeviceLoader(test, batch_size=1000, device=device)
    curves = [find_lr(*build(train, seed, device)) for seed in SEEDS]
    accuracy = {}
    for lr in LRS:
        accuracy[lr] = [
            round(accuracy_after(*build(train, seed, device, lr), test_loader, epochs=1), 2)
            for seed in SEEDS
        ]
        print(f"LR {lr:g}: {np.mean(accuracy[lr]):.1f} %", flush=True)
    content = {
        "losses": [[round(loss, 3) for loss in curve.losses] for curve in curves],
        "lrs": np.geomspace(1e-6, 10, 200).tolist(),
        "picks": {
            "suggestion": [curve.suggestion() for curve in curves],
            "steepest": [curve.steepest() for curve in curves],
            "minimum without delay": [curve.minimum() for curve in curves],
            "trailing minimum": [c.lrs[int(np.argmin(c.smoothed))] for c in curves],
        },
        "accuracy": accuracy,
    }
    store("tune_02", content, device)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
