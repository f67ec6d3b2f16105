"""Command that repeats the published experiments at full size and stores what comes out.

    python -m experiments.reproduce resnet56-1cycle             all whose names begin so
    python -m experiments.reproduce resnet56-1cycle-50 --seeds 1 --compile

The lessons read the results and show them beside the published figures. A command that is stopped
goes on where it was when it is called again: finished runs are in the file of results, an
unfinished run has a checkpoint of each epoch. Several commands may work on one file, and torchrun
in the place of python divides each batch among several GPUs.
docs/full_profile.md says what the experiments take.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import torch
from torch import nn

from course_utils.data import DeviceLoader, load_images
from course_utils.lessons import STORED, lesson_04, lesson_05
from course_utils.lessons.lesson_04 import Run
from course_utils.profiles import profile
from course_utils.training import NonFiniteLoss, describe_machine, evaluate, join_ranks
from course_utils.training.distributed import gathered, rank, world_size
from experiments.result_file import ResultFile

# Run -> function that carries it out and returns an accuracy in %.
Jobs = Iterator[tuple[str, Callable[[], float]]]
# The 64,000 steps of He et al. (2016), with their batch size and learning rate.
STEP_DECAY = Run("step decay", 164, lr=0.1, batch_size=128)


def momentum_experiment(arm: str) -> str:
    """Return the name of the experiment that measures one of lesson 05's arms."""
    return f"resnet20-momentum-{arm.replace(' ', '-')}"


@dataclass(frozen=True)
class Machine:
    """Where and how an experiment runs.

    Attributes:
        device: what trains.
        compiled: whether `torch.compile` compiles the models.
        checkpoints: folder of the checkpoints of unfinished runs.
    """

    device: torch.device
    compiled: bool
    checkpoints: Path

    def prepare(self, settings):
        """Return a lesson's settings, with models that are compiled where that is asked for."""
        if not self.compiled:
            return settings
        return replace(settings, model=partial(_compiled, settings.model))

    def measured(self, images) -> DeviceLoader:
        """Return the batches of a set to measure on."""
        return DeviceLoader(images, batch_size=1000, device=self.device)


def experiments() -> dict[str, Callable[..., Jobs]]:
    """Return name -> function (name, seeds, machine, done) that yields the experiment's runs.

    `done` maps the names of runs to their results, and must hold a run's before the next is asked
    for: what an experiment runs may depend on what it has measured.

    Raises:
        ValueError: the quick profile runs, which has no published experiment.
    """
    if profile() == "quick":
        raise ValueError(
            "COURSE_PROFILE is 'quick', whose experiments nobody has published: "
            "set it to 'full', or unset it."
        )
    cycles = {"95": 0, "50": 1, "70": 2}  # epochs -> place in lesson 04's settings
    runs = lesson_04.settings().runs
    schedules = {f"resnet56-1cycle-{epochs}": runs[place] for epochs, place in cycles.items()}
    shrunk = replace(STEP_DECAY, epochs=1, batch_size=16)
    schedules["resnet56-step-decay"] = shrunk if profile() == "smoke" else STEP_DECAY
    momenta = {momentum_experiment(arm): arm for arm in lesson_05.ARMS}
    return {
        **{name: partial(_schedule_jobs, run) for name, run in schedules.items()},
        **{name: partial(_momentum_jobs, arm) for name, arm in momenta.items()},
    }


def _schedule_jobs(
    run: Run, name: str, seeds: int, machine: Machine, done: Mapping[str, dict]
) -> Jobs:
    """Yield lesson 04's training by one schedule, once a seed.

    Nothing is chosen on validation images here, so that none are held out of the training set.
    """
    settings = machine.prepare(lesson_04.settings())
    train, test = load_images()

    def accuracy(seed: int) -> float:
        path = machine.checkpoints / f"{name}-{seed}.pt"
        try:
            model, _ = run.train(settings, train, seed, device=machine.device, checkpoint=path)
        except NonFiniteLoss:
            return 100 / len(train.class_names)  # that of guessing
        return 100 * evaluate(model, machine.measured(test))[1]

    for seed in range(seeds):
        yield f"seed {seed}", partial(accuracy, seed)


def _momentum_jobs(
    arm: str, name: str, seeds: int, machine: Machine, done: Mapping[str, dict]
) -> Jobs:
    """Yield lesson 05's runs that choose the peak on validation images, then those that test it."""
    settings = machine.prepare(lesson_05.settings())
    train, valid, test = settings.load()
    run = partial(settings.accuracy, train, arm=arm, device=machine.device)
    sweep: dict[float, list[str]] = {peak: [] for peak in settings.peaks}
    for peak in settings.peaks:
        for seed in settings.sweep_seeds[:seeds]:
            sweep[peak].append(f"validation, peak {peak:g}, seed {seed}")
            yield sweep[peak][-1], partial(run, machine.measured(valid), peak=peak, seed=seed)
    peak = lesson_05.best_peak(
        {peak: [done[run]["accuracy"] for run in runs] for peak, runs in sweep.items()}
    )
    for seed in settings.test_seeds[:seeds]:
        yield (
            f"test, peak {peak:g}, seed {seed}",
            partial(run, machine.measured(test), peak=peak, seed=seed),
        )


def _compiled(build: Callable[[], nn.Module]) -> nn.Module:
    model = build()
    # In place: the names in its state_dict stay. With CUDA graphs, since a step of these nets is so
    # short that without them the GPU waits for the host to launch kernels.
    model.compile(mode="reduce-overhead")
    return model


def reproduce(name: str, *, seeds: int, machine: Machine, results: ResultFile) -> None:
    """Carry out what an experiment lacks, and store each run as it ends.

    Args:
        name: a key of `experiments()`.
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
    os.environ["COURSE_PROFILE"] = os.environ.get("COURSE_PROFILE") or "full"
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
    add("--results", type=Path, default=STORED / "full_size.json", help="file to write")
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
