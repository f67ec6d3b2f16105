"""What a step of `fit` costs beside the same step written by hand.

    python benchmarks/training_step.py [--net cnn] [--rounds 41] [--epochs 1]

Both train the same net on the same batches, in pairs that follow each other at once in random
order; the median of the pairs' ratios bears with changes in the machine's speed.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time

import torch
import torch.nn.functional as F

from course_utils.batches import DeviceBatches
from course_utils.data import load_fashion_mnist
from course_utils.device import pick_device, set_seed, set_threads
from course_utils.image_set import pool_images
from course_utils.models import simple_net, small_cnn
from course_utils.training import fit


def by_hand(model, batches, optimizer, epochs):
    model.train()
    for _ in range(epochs):
        for inputs, targets in batches:
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()


def with_fit(model, batches, optimizer, epochs):
    fit(model, batches, optimizer, epochs=epochs, amp=False)


def seconds_a_step(train, build, images, batch_size, epochs, device):
    set_seed(0)
    model = build().to(device)
    batches = DeviceBatches(images, batch_size=batch_size, shuffle=True, device=device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    _wait(device)
    start = time.perf_counter()
    train(model, batches, optimizer, epochs)
    _wait(device)
    return (time.perf_counter() - start) / (epochs * len(batches))


def _wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", choices=("simple", "cnn"), default="simple")
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--images", type=int, default=20_000)
    arguments = parser.parse_args()
    set_threads(1)
    device = pick_device()
    images, _ = load_fashion_mnist()
    build = simple_net
    if arguments.net == "cnn":
        images, build = pool_images(images, 2), small_cnn
    images = images.subset(torch.arange(arguments.images))
    settings = (build, images, arguments.batch_size, arguments.epochs, device)
    times = {by_hand: [], with_fit: []}
    for number in range(arguments.rounds + 1):
        for train in random.sample(list(times), 2):
            seconds = seconds_a_step(train, *settings)
            if number:  # the first pair warms up
                times[train].append(seconds)
    ratios = sorted(b / a for a, b in zip(*times.values(), strict=True))
    low, _, high = statistics.quantiles(ratios, n=4)
    print(f"{arguments.net} net, batch {arguments.batch_size}, {device}, one thread")
    for train, seconds in times.items():
        print(f"{train.__name__:10} {statistics.median(seconds) * 1e6:8.1f} us a step")
    print(f"ratio      {statistics.median(ratios):8.3f} (quartiles {low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
