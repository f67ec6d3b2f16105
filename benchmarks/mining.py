"""Mining at length: is memory flat, and time linear, over 100,000 scenes in one stream?

    python benchmarks/mining.py [--sizes 1000 10000 100000] [--most 500]

A small detector is trained on scenes with ships alone. Then it mines each number of generated
scenes without ships, of 96 x 96 pixels, with checkpoints, on one thread; each number in a process
of its own, since the operating system keeps one peak of memory a process. The exponent b is fitted
to time = a * scenes^b, with the CPU time of the process: 1 is linear. Exit status 1 where the peak
of the largest number exceeds that of the next smaller one by more than a tenth.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from course_utils.checkpoint import load_checkpoint, save_checkpoint
from course_utils.detection_loss import DetectionLoss
from course_utils.detector import ShipDetector
from course_utils.device import set_seed, set_threads
from course_utils.mining import mine_hard_negatives
from course_utils.scene_batches import SceneBatches, pack
from course_utils.scene_generator import SimulatedScenes
from course_utils.training import fit

SIZE = 96  # pixels
BAR = 1.1  # peak of the largest number over that of the next smaller one


@dataclass(frozen=True)
class Scan:
    """What mining one number of scenes cost; memory in MB."""

    scenes: int
    found: int
    seconds: float
    cpu_seconds: float
    before: float
    peak: float


def alone(function):
    """Run a function in a fresh process, so that its peak of memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function).result()


def train(path: Path) -> None:
    set_threads(1)
    set_seed(0)
    model = ShipDetector()
    batches = SceneBatches(pack(SimulatedScenes(300, ships=True, size=SIZE)), steps=100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    fit(model, batches, optimizer, epochs=1, loss_function=DetectionLoss())
    save_checkpoint(path, model.state_dict())


def scan(path: Path, number: int, most: int) -> Scan:
    set_threads(1)
    model = ShipDetector()
    model.load_state_dict(load_checkpoint(path))
    scenes = SimulatedScenes(number, ships=False, look_alikes=0.1, size=SIZE, first_family=1000)
    before = peak_memory()
    start = time.perf_counter(), time.process_time()
    checkpoint = path.with_name(f"scan{number}.pt")
    found = mine_hard_negatives(model, scenes, most=most, checkpoint=checkpoint)
    spent = time.perf_counter() - start[0], time.process_time() - start[1]
    return Scan(found.scanned, len(found.found), *spent, before, peak_memory())


def peak_memory() -> float:
    """Return the most that this process has held up to now, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--most", type=int, default=500)
    arguments = parser.parse_args()
    sizes = sorted(set(arguments.sizes))
    if len(sizes) < 2:
        parser.error(f"--sizes are {arguments.sizes}, but two or more are needed to compare.")
    print(f"{'scenes':>8}{'kept':>8}{'seconds':>10}{'scenes/s':>10}", end="")
    print(f"{'CPU s':>10}{'MB before':>11}{'MB peak':>10}{'MB more':>9}", flush=True)
    scans = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "detector.pt"
        alone(partial(train, path))
        for number in sizes:
            scans.append(row := alone(partial(scan, path, number, arguments.most)))
            print(
                f"{row.scenes:8}{row.found:8}{row.seconds:10.1f}{row.scenes / row.seconds:10.0f}"
                f"{row.cpu_seconds:10.1f}{row.before:11.1f}{row.peak:10.1f}"
                f"{row.peak - row.before:9.1f}",
                flush=True,
            )
    exponent = np.polyfit(np.log(sizes), np.log([row.cpu_seconds for row in scans]), 1)[0]
    last, large = scans[-2:]
    ratio, more = large.peak / last.peak, (large.peak - large.before) / (last.peak - last.before)
    print(f"CPU time grows as scenes to the power of {exponent:.3f}")
    print(f"peak of {sizes[-1]:,} over peak of {sizes[-2]:,}: {ratio:.3f} (bar: at most {BAR})")
    print(f"the same, without what the process held before: {more:.3f}")
    return int(ratio > BAR)


if __name__ == "__main__":
    sys.exit(main())
