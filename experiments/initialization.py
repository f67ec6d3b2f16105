"""Command that compares ways to draw a ResNet's first weights.

    python -m experiments.initialization       half an hour on one CPU core

For each way: the loss of ResNet-20 and ResNet-56 before the first step, over twenty seeds, and how
many of them the course's check of the first loss accuses; then ResNet-20 trained by lesson 04's
1cycle over four epochs, at two peaks, on seeds that the ways share. It chose what
`CifarResNet` does; docs/full_profile.md has the table.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean

import torch
import torch.nn.functional as F
from torch import nn

from course_utils._files import atomic_write
from course_utils.data import DeviceLoader, ImageDataset, load_images
from course_utils.diagnostics.model_checks import check_first_loss
from course_utils.lessons.common import accuracy_after, load_split, training_loader
from course_utils.lr import OneCycle
from course_utils.models import CifarResNet, ResidualBlock
from course_utils.training import pick_device, set_seed

RESULTS = Path(__file__).with_suffix(".json")
DEPTHS, LOSS_SEEDS, SAMPLES = (20, 56), range(20), 64
PEAKS, SEEDS, EPOCHS, BATCH_SIZE = (0.2, 0.6), (300, 301, 302), 4, 128


def pytorch(model: nn.Module) -> None:
    """Draw as PyTorch does since 1.2: gamma is 1, weights and biases within 1/sqrt(fan_in)."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            module.reset_parameters()


def pytorch_2018(model: nn.Module) -> None:
    """Draw as PyTorch did until 1.1: the same, but gamma within 0 and 1."""
    pytorch(model)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight)


def kaiming(model: nn.Module) -> None:
    """Draw convolutions by Kaiming's normal (He et al. 2015); the head as PyTorch does."""
    pytorch(model)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)


def kaiming_all(model: nn.Module) -> None:
    """Draw the head's weights by Kaiming's normal as well."""
    kaiming(model)
    nn.init.kaiming_normal_(model.head[-1].weight)


def zero_gamma(draw: Callable[[nn.Module], None]) -> Callable[[nn.Module], None]:
    """Draw by `draw`, then let each block begin as its shortcut (Goyal et al. 2017)."""

    def draw_and_zero(model: nn.Module) -> None:
        draw(model)
        for module in model.modules():
            if isinstance(module, ResidualBlock):
                nn.init.zeros_(module.norm2.weight)

    return draw_and_zero


WAYS = {
    "Kaiming everywhere": kaiming_all,
    "PyTorch": pytorch,
    "PyTorch until 1.1": pytorch_2018,
    "Kaiming, PyTorch's head": kaiming,
    "Kaiming everywhere, zero gamma": zero_gamma(kaiming_all),
    "Kaiming, PyTorch's head, zero gamma": zero_gamma(kaiming),
}


def first_losses(way: str, depth: int, images: ImageDataset) -> list[float]:
    """Measure the loss on a batch in training mode before any step, seed by seed."""
    losses = []
    for seed in LOSS_SEEDS:
        set_seed(seed)
        model = CifarResNet(depth, channels=1)
        WAYS[way](model)
        few = images.subset(range(seed * SAMPLES, (seed + 1) * SAMPLES))
        with torch.no_grad():
            logits = model(few.normalised(few.images))
        losses.append(round(float(F.cross_entropy(logits, few.labels)), 3))
    return losses


def main() -> None:
    """Measure every way, writing the file after each number; what it holds is not repeated."""
    device = pick_device()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    train, valid, _ = load_split(2, (10_000, 5_000))
    measured = DeviceLoader(valid, batch_size=1000, device=device)

    def keep(way: str, part: str, measure: Callable[[], object]) -> None:
        entry = results.setdefault(way, {})
        if part not in entry:
            entry[part] = measure()
            with atomic_write(RESULTS) as file:
                file.write(json.dumps(results, indent=1).encode())
            print(way, part, entry[part], flush=True)

    def trained(way: str, peak: float, seed: int) -> float:
        set_seed(seed)
        model = CifarResNet(20, channels=1)
        WAYS[way](model)
        loader = training_loader(train, BATCH_SIZE, seed, device)
        optimizer = torch.optim.SGD(model.parameters(), lr=peak, momentum=0.9, weight_decay=5e-4)
        schedule = OneCycle(optimizer, peak, EPOCHS * len(loader))
        run = {"epochs": EPOCHS, "schedule": schedule}
        return round(accuracy_after(model.to(device), optimizer, loader, measured, **run), 2)

    large, _ = load_images()
    for depth in DEPTHS:
        for way in WAYS:
            keep(way, f"first loss, ResNet-{depth}", partial(first_losses, way, depth, large))
    for seed in SEEDS:
        for peak in PEAKS:
            for way in WAYS:
                keep(way, f"peak {peak}, seed {seed}", partial(trained, way, peak, seed))
    for way, entry in results.items():
        print(way)
        for depth in DEPTHS:
            losses = entry[f"first loss, ResNet-{depth}"]
            accused = sum(bool(check_first_loss(loss, SAMPLES, 10)) for loss in losses)
            extent = f"{min(losses):.2f} to {max(losses):.2f}"
            print(f"  ResNet-{depth}: first loss {extent}, accused {accused} of {len(losses)}")
        for peak in PEAKS:
            values = [entry[f"peak {peak}, seed {seed}"] for seed in SEEDS]
            print(f"  peak {peak}: {mean(values):.2f} %  {values}")


if __name__ == "__main__":
    main()
