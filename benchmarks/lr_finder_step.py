"""Time per step of a learning-rate sweep: ours and four finders.

python -m benchmarks.lr_finder_step [FILE.json]
"""

from __future__ import annotations

import time
from functools import partial
from statistics import median

import torch
import torch.nn.functional as F

from benchmarks.clocked import BATCH_SIZE, PROBLEMS, ClockedLoader
from benchmarks.lr_finder_peers import FINDERS, MAX_LR, MIN_LR, Sweep
from benchmarks.pairing import compare, take_turns
from benchmarks.report import Table, run_row
from course_utils.profiles import set_seed

SETTING = (
    f"SGD, learning rate from {MIN_LR:g} to {MAX_LR:g} in equal factors, batches of {BATCH_SIZE} "
    "from Fashion-MNIST, in memory; the time from one batch to the next while the finder sweeps. "
    "The finders take turns in random order. The last column is the median time of a whole call "
    "without its steps: to set up, to save and to restore the state."
)
READING = (
    "All look at each loss as it comes, to stop when it explodes; what else a finder's step "
    "costs is what its framework's training loop costs. fastai, Lightning and ignite save the "
    "state to a file, ours and torch-lr-finder in memory."
)


def measure(finders=FINDERS, *, steps: int = 100, rounds: int = 11) -> list[Table]:
    tables = []
    for name, problem in PROBLEMS.items():
        build, batches = problem(steps)
        around: dict[str, list[float]] = {finder: [] for finder in finders}
        runs = {
            finder: partial(_sweep, find, build, batches, steps, around[finder])
            for finder, find in finders.items()
        }
        rows = compare(take_turns(runs, rounds=rounds), "us a step", scale=1e6)
        for row in rows:
            row["ms around the sweep"] = 1000 * median(around[row[""]])
        tables.append(Table(f"LR-finder step: {name}", SETTING, rows, READING))
    return tables


def _sweep(find, build, batches, steps: int, around: list[float]) -> float:
    set_seed(0)
    model, loader = build(), ClockedLoader(batches)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    start = time.perf_counter()
    find(Sweep(model, optimizer, loader, F.cross_entropy, steps))
    seconds, a_step = time.perf_counter() - start, loader.seconds_a_step()
    around.append(seconds - a_step * len(loader.ticks))
    return a_step


if __name__ == "__main__":
    run_row(measure)
