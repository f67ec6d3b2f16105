"""Command that repeats the published experiments at full size and stores what comes out.

    python -m course_utils.reproduce resnet56-1cycle             all whose names begin so
    python -m course_utils.reproduce resnet56-1cycle-50 --seeds 1 --compile

The lessons read the results and show them beside the published figures. A command that is stopped
goes on where it was when it is called again: finished runs are in the file of results, an
unfinished run has a checkpoint of each epoch. Several commands may work on one file, and torchrun
in the place of python shares each batch among several GPUs.
docs/full_profile.md says what the experiments take.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import date
from pathlib import Path

import torch

from course_utils.device import describe_machine
from course_utils.lessons.full_size import Jobs, Machine, experiments
from course_utils.lessons.published import RESULT_FILE
from course_utils.ranks import gathered, join_ranks, rank, world_size
from course_utils.result_file import ResultFile


def reproduce(name: str, *, seeds: int, machine: Machine, results: ResultFile) -> None:
    """Carry out what an experiment lacks, and store each run as it ends.

    Args:
        name: a key of `lessons.full_size.experiments()`.
        seeds: with how many seeds.
        machine: where and how.
        results: the file that is read and written.

    Raises:
        FileNotFoundError: the images are missing.
        ValueError: the file of results, a checkpoint or an image file is damaged.
    """
    done = gathered(results.read().get(name, {}))[0]  # of rank 0, since others may add meanwhile
    jobs: Jobs = experiments()[name](name, seeds, machine, done)
    for run, accuracy in jobs:
        if run in done:
            continue
        start = time.perf_counter()
        result = {
            "accuracy": round(accuracy(), 2),
            "seconds": round(time.perf_counter() - start, 1),
            "date": date.today().isoformat(),
            "device": describe_machine(machine.device)["device"],
            "torch": torch.__version__,
            "compiled": machine.compiled,
            "ranks": world_size(),
        }
        done[run] = result
        if rank() == 0:
            results.add(name, run, result)
            print(f"{name}, {run}: {result['accuracy']} %, {result['seconds']} s", flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    os.environ.setdefault("COURSE_PROFILE", "full")
    try:
        options, names = _parse(arguments, list(experiments()))
        torch.backends.cudnn.benchmark = True  # all batches of a run are of one shape
        with join_ranks() as device:
            machine = Machine(device, options.compile, options.checkpoints)
            results = ResultFile(options.results)
            for name in names:
                reproduce(name, seeds=options.seeds, machine=machine, results=results)
    except (ValueError, OSError) as error:
        sys.exit(str(error))


def _parse(arguments: list[str] | None, known: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the options, and the experiments that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="experiments: " + ", ".join(known)
    )
    add = parser.add_argument
    add("names", nargs="+", metavar="NAME", help="experiment, or the beginning of several")
    add("--seeds", type=int, default=3, help="number of seeds (default: 3)")
    add("--compile", action="store_true", help="compile the models (for GPUs)")
    add("--results", type=Path, default=RESULT_FILE, help="file to write")
    add("--checkpoints", type=Path, default=Path("build/reproduce"), help="folder")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error(f"--seeds is {options.seeds}, but must be at least 1.")
    for wish in options.names:
        if not any(name.startswith(wish) for name in known):
            parser.error(f"No experiment begins with {wish!r}: take one of {', '.join(known)}.")
    return options, [name for name in known if name.startswith(tuple(options.names))]


if __name__ == "__main__":
    main()
