"""Command that trains a convolutional net on CIFAR-10 as lesson 10's ladder would on one GPU.

    python -m experiments.speedrun --seeds 10 --compile

The aim is a mean test accuracy of 94 %. Images lie on the device, mirrored and shifted there;
convolutions run in channels_last and half precision; Muon trains them, SGD with momentum the
rest. The seconds are those of training, without loading, compiling and testing. Sources: Page, "How
to train your ResNet" (2018); Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (2024).
"""

from __future__ import annotations

import argparse
import time
from itertools import chain, repeat
from statistics import mean, stdev

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR

from course_utils.data import Augment, DeviceLoader, ImageDataset, load_cifar10
from course_utils.lessons.race_10 import MatrixConv
from course_utils.training import evaluate, pick_device, set_seed

WIDTHS = (64, 256, 256)
BATCH_SIZE = 1000
EPOCHS = 10
LR = 0.2
MUON_LR = 0.05
SMOOTHING = 0.1
WARM_UP = 5  # steps before the clock starts: they choose kernels, and compile


def speed_net() -> nn.Sequential:
    """Build a net of blocks of two convolutions, each of which halves the image."""
    layers: list[nn.Module] = []
    for ins, outs in zip((3, *WIDTHS), WIDTHS, strict=False):
        layers += [MatrixConv(ins, outs), nn.MaxPool2d(2), nn.BatchNorm2d(outs), nn.GELU()]
        layers += [MatrixConv(outs, outs), nn.BatchNorm2d(outs), nn.GELU()]
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(WIDTHS[-1], 10))


def train(
    images: ImageDataset, steps: int, seed: int, device: torch.device, *, compiled: bool
) -> tuple[nn.Module, float]:
    """Train a fresh net; return it and the seconds that it took."""
    set_seed(seed)
    model = speed_net().to(device, memory_format=torch.channels_last)
    run = torch.compile(model, mode="max-autotune") if compiled else model
    loader = DeviceLoader(
        images,
        batch_size=BATCH_SIZE,
        device=device,
        shuffle=True,
        augment=Augment(flip=True, pad=2),
        drop_last=True,
        seed=seed,
    )
    batches = chain.from_iterable(repeat(loader))

    def step(optimizers, schedules=()) -> None:
        pixels, labels = next(batches)
        with torch.autocast(device.type, torch.bfloat16):
            logits = run(pixels.contiguous(memory_format=torch.channels_last))
            loss = cross_entropy(logits, labels, label_smoothing=SMOOTHING)
        model.zero_grad()
        loss.backward()
        for each in (*optimizers, *schedules):
            each.step()

    drawn = {name: values.clone() for name, values in model.state_dict().items()}
    for _ in range(WARM_UP):
        step(_optimizers(model))
    model.load_state_dict(drawn)
    optimizers = _optimizers(model)
    schedules = [LambdaLR(one, lambda done: 1 - done / steps) for one in optimizers]
    _wait(device)
    start = time.perf_counter()
    for _ in range(steps):
        step(optimizers, schedules)
    _wait(device)
    return model, time.perf_counter() - start


def _optimizers(model: nn.Module) -> list[torch.optim.Optimizer]:
    convolutions = [layer.weight for layer in model if isinstance(layer, MatrixConv)]
    rest = [p for p in model.parameters() if not any(p is weight for weight in convolutions)]
    sgd = torch.optim.SGD(rest, lr=LR, momentum=0.9, nesterov=True)
    return [sgd, torch.optim.Muon(convolutions, lr=MUON_LR, weight_decay=0)]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def main(arguments: list[str] | None = None) -> None:
    """Train with each seed, and print accuracies and seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="how many (default 10)")
    parser.add_argument("--compile", action="store_true", help="compile the net first")
    asked = parser.parse_args(arguments)
    device = pick_device()
    images, test = load_cifar10()
    steps = EPOCHS * len(images) // BATCH_SIZE
    measured = DeviceLoader(test, batch_size=min(2000, len(test)), device=device)
    reached, took = [], []
    for seed in range(asked.seeds):
        model, seconds = train(images, steps, seed, device, compiled=asked.compile)
        reached.append(100 * evaluate(model, measured)[1])
        took.append(seconds)
        print(f"seed {seed}: {reached[-1]:.2f} % in {seconds:.1f} s", flush=True)
    spread = f" ± {stdev(reached):.2f}" if asked.seeds > 1 else ""
    print(f"{mean(reached):.2f}{spread} % in {mean(took):.1f} s")


if __name__ == "__main__":
    main()
