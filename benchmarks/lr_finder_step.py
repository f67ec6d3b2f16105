"""Time per step of a learning-rate sweep: ours and four finders.

python -m benchmarks.lr_finder_step [FILE.json]
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F

from benchmarks.clocked import ClockedLoader, cnn_problem, simple_problem
from benchmarks.lr_finder_peers import FINDERS, Sweep
from benchmarks.pairing import compare, take_turns
from benchmarks.report import Table, run_row
from course_utils.device import set_seed

PROBLEMS = {"784-100-10 net": simple_problem, "small CNN, 14 x 14": cnn_problem}
SETTING = (
    "SGD, learning rate from 1e-6 to 10 in equal factors, batches of 128 from Fashion-MNIST, in "
    "memory; the time from one batch to the next while the finder sweeps. The finders take turns in "
    "random order. To save and to restore the state, which all do once a sweep, is not counted."
)
READING = (
    "All look at each loss as it comes, to stop when it explodes; what else a finder's step costs "
    "is what its framework's training loop costs."
)


def measure(finders=FINDERS, *, steps: int = 150, rounds: int = 15) -> list[Table]:
    tables = []
    for name, problem in PROBLEMS.items():
        build, batches = problem(steps)
        runs = {
            finder: partial(_sweep, find, build, batches, steps) for finder, find in finders.items()
        }
        rows = compare(take_turns(runs, rounds=rounds), "us a step", scale=1e6)
        tables.append(Table(f"LR-finder step: {name}", SETTING, rows, READING))
    return tables


def _sweep(find, build, batches, steps: int) -> float:
    set_seed(0)
    model, loader = build(), ClockedLoader(batches)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    find(Sweep(model, optimizer, loader, F.cross_entropy, steps))
    return loader.seconds_a_step()


if __name__ == "__main__":
    run_row(measure)
