"""Time per training step: a bare PyTorch loop, ours, and five frameworks.

python -m benchmarks.training_step [FILE.json]
"""

from __future__ import annotations

from functools import partial

from torch.nn.utils import parameters_to_vector

from benchmarks.clocked import BATCH_SIZE, PROBLEMS, ClockedLoader
from benchmarks.pairing import compare, take_turns
from benchmarks.report import Table, run_row
from benchmarks.training_peers import FRAMEWORKS
from course_utils.profiles import set_seed

SGD = {"lr": 0.1, "momentum": 0.9}
SETTING = (
    f"SGD with momentum, batches of {BATCH_SIZE} from Fashion-MNIST, in memory; the time from one "
    "batch to the next, over an epoch. The frameworks take turns in random order, on the same "
    "initial weights and batches. No validation, logger, checkpoint or progress bar in any. The "
    "last column is the largest difference of the final weights from the bare loop's."
)
READING = (
    "The bare loop keeps no loss; ours keeps each step's, as fastai, Lightning (not barebones), "
    "ignite and skorch keep one in some form. What a framework adds is a constant a step, so "
    "that it weighs on a small net and not on a large one."
)


def measure(frameworks=FRAMEWORKS, *, steps: int = 100, rounds: int = 21) -> list[Table]:
    tables = []
    for name, problem in PROBLEMS.items():
        build, batches = problem(steps)
        weights = {}
        runs = {
            framework: partial(_epoch, train, build, batches, weights, framework)
            for framework, train in frameworks.items()
        }
        rows = compare(take_turns(runs, rounds=rounds), "us a step", scale=1e6)
        for row in rows:
            difference = weights[row[""]] - weights["bare PyTorch loop"]
            row["weights differ by"] = float(difference.abs().max())
        tables.append(Table(f"Training step: {name}", SETTING, rows, READING))
    return tables


def _epoch(train, build, batches, weights: dict, name: str) -> float:
    set_seed(0)
    model, loader = build(), ClockedLoader(batches)
    train(model, loader, **SGD)
    weights[name] = parameters_to_vector(model.parameters()).detach()
    return loader.seconds_a_step()


if __name__ == "__main__":
    run_row(measure)
