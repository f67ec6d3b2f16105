"""Mining at length: images a second and peak memory over up to 100,000 scenes in one stream.

python -m benchmarks.mining [FILE.json]
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch

from benchmarks.growth import exponent
from benchmarks.report import Table, run_row
from course_utils.detection.centernet import DetectionLoss
from course_utils.detection.mining import mine_hard_negatives
from course_utils.detection.models import ShipDetector
from course_utils.detection.scenes import SceneLoader, pack
from course_utils.detection.synthetic import SimulatedScenes
from course_utils.profiles import set_seed
from course_utils.training.checkpoint import load_checkpoint, save_checkpoint
from course_utils.training.device import set_threads
from course_utils.training.loop import fit

SIZE = 96  # pixels
SETTING = (
    "A small detector, trained on scenes with ships alone, mines generated scenes without ships, "
    f"of {SIZE} x {SIZE} pixels, with checkpoints; at most {{most}} are kept. Each number in a "
    "process of its own, since the operating system keeps one peak of memory a process. Painting "
    "the scenes is a part of the time."
)
READING = (
    "No peer mines hard negatives. Scenes are read a batch at a time and only what is kept "
    "stays; what the peak grows by beyond that is freed memory that the allocator holds on to, "
    "and gives back when it is told to (`malloc_trim`)."
)


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
    batches = SceneLoader(pack(SimulatedScenes(300, ships=True, size=SIZE)), steps=100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    fit(model, optimizer, batches, epochs=1, loss_function=DetectionLoss())
    save_checkpoint(path, model.state_dict())


def scan(path: Path, number: int, most: int) -> Scan:
    set_threads(1)
    model = ShipDetector()
    model.load_state_dict(load_checkpoint(path))
    scenes = SimulatedScenes(number, ships=False, look_alikes=0.1, size=SIZE, first_family=1000)
    before = peak_memory()
    start = time.perf_counter(), time.process_time()
    checkpoint = path.with_name(f"scan{number}.pt")
    found = mine_hard_negatives(model, scenes, max_negatives=most, checkpoint=checkpoint)
    spent = time.perf_counter() - start[0], time.process_time() - start[1]
    return Scan(found.scanned, len(found.found), *spent, before, peak_memory())


def peak_memory() -> float:
    """Return the most that this process has held up to now, in MB."""
    import resource  # here, since Windows has none

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def measure(*, sizes=(1000, 10_000, 100_000), most: int = 500) -> list[Table]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "detector.pt"
        alone(partial(train, path))
        scans = [alone(partial(scan, path, number, most)) for number in sizes]
    rows = [
        {
            "scenes": row.scenes,
            "kept": row.found,
            "images a second": row.scenes / row.seconds,
            "CPU seconds": row.cpu_seconds,
            "peak MB": row.peak,
            "of these by mining": row.peak - row.before,
            "peak / that of the row above": row.peak / last.peak if last else None,
        }
        for last, row in zip([None, *scans], scans, strict=False)
    ]
    power = exponent(sizes, [row.cpu_seconds for row in scans])
    growth = scans[-1].peak / scans[0].peak
    reading = (
        f"CPU time grows as the number of scenes to the power of {power:.3f}; the peak of memory "
        f"by the factor {growth:.2f} from the smallest number to the largest. {READING}"
    )
    return [Table("Mining of hard negatives", SETTING.format(most=most), rows, reading)]


if __name__ == "__main__":
    run_row(measure)
