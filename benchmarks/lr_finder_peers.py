"""One learning-rate sweep by each finder, over the same range, else with its own defaults.

A framework is imported where it is used. Progress bars are off by the environment, as `run_all`
sets it: `TQDM_DISABLE=1`.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from benchmarks.training_peers import LIGHTNING_EXTRAS, lightning_module, quiet_lightning
from course_utils.lr.finder import find_lr

MIN_LR, MAX_LR = 1e-6, 10.0
Suggestions = dict[str, Callable[[], float]]


class NotOfferedError(Exception):
    """The finder has no such setting."""


@dataclass(frozen=True)
class Sweep:
    """What every finder is given.

    Attributes:
        model: the net.
        optimizer: its optimizer.
        loader: gives at least as many batches as there are steps.
        loss_function: maps (prediction, target) to the loss.
        steps: of the sweep.
        spread: what each parameter group's learning rate is to be over the sweep's, for finders
            that take a range a group; None for one range for all.
    """

    model: nn.Module
    optimizer: Optimizer
    loader: DataLoader
    loss_function: Callable[[Tensor, Tensor], Tensor]
    steps: int
    spread: tuple[float, ...] | None = None

    def ends(self, make=list):
        """Return the lowest and the highest learning rate: two numbers, or one a group."""
        if self.spread is None:
            return MIN_LR, MAX_LR
        return tuple(make([lr * part for part in self.spread]) for lr in (MIN_LR, MAX_LR))


def ours(sweep: Sweep) -> Suggestions:
    if sweep.spread is not None:
        raise NotOfferedError
    curve = find_lr(
        sweep.model,
        sweep.optimizer,
        sweep.loader,
        loss_function=sweep.loss_function,
        min_lr=MIN_LR,
        max_lr=MAX_LR,
        steps=sweep.steps,
    )
    return {"suggestion": curve.suggestion, "steepest": curve.steepest}


def torch_lr_finder(sweep: Sweep) -> Suggestions:
    from torch_lr_finder import LRFinder

    if sweep.spread is not None:
        raise NotOfferedError
    with contextlib.redirect_stdout(io.StringIO()):
        finder = LRFinder(sweep.model, sweep.optimizer, sweep.loss_function)
        finder.range_test(sweep.loader, start_lr=MIN_LR, end_lr=MAX_LR, num_iter=sweep.steps)
        finder.reset()

    def steepest() -> float:
        with contextlib.redirect_stdout(io.StringIO()):
            return finder.plot(ax=Figure().subplots())[1]

    return {"steepest": steepest}


def fastai(sweep: Sweep) -> Suggestions:
    import fastai.callback.progress  # noqa: F401 - adds no_bar
    from fastai.callback.schedule import steep, valley
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

    low, high = sweep.ends(np.array)
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner(
            DataLoaders(sweep.loader, sweep.loader, path=folder),
            sweep.model,
            loss_func=sweep.loss_function,
        )
        learner.opt = OptimWrapper(opt=sweep.optimizer)  # as it is in the middle of a training
        with learner.no_bar():
            found = learner.lr_find(
                low, high, sweep.steps, show_plot=False, suggest_funcs=(valley, steep)
            )
    return {name: lambda lr=lr: lr for name, lr in found._asdict().items()}


def lightning(sweep: Sweep) -> Suggestions:
    from lightning.pytorch import Trainer
    from lightning.pytorch.tuner import Tuner

    if sweep.spread is not None:
        raise NotOfferedError
    module = lightning_module(sweep.model, sweep.optimizer, sweep.loss_function)
    with tempfile.TemporaryDirectory() as folder, quiet_lightning():
        trainer = Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=1,
            default_root_dir=folder,
            **dict.fromkeys(LIGHTNING_EXTRAS, False),
        )
        found = Tuner(trainer).lr_find(
            module,
            train_dataloaders=sweep.loader,
            min_lr=MIN_LR,
            max_lr=MAX_LR,
            num_training=sweep.steps,
            update_attr=False,
        )
    return {"steepest": found.suggestion}


def ignite(sweep: Sweep) -> Suggestions:
    from ignite.engine import create_supervised_trainer
    from ignite.handlers import FastaiLRFinder

    low, high = sweep.ends()
    trainer = create_supervised_trainer(sweep.model, sweep.optimizer, sweep.loss_function)
    to_save = {"model": sweep.model, "optimizer": sweep.optimizer}
    finder, settings = FastaiLRFinder(), {"start_lr": low, "end_lr": high}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the loss did not diverge
        with finder.attach(trainer, to_save, num_iter=sweep.steps, **settings) as attached:
            attached.run(sweep.loader)
    return {"steepest": finder.lr_suggestion}


FINDERS = {
    "course_utils": ours,
    "torch-lr-finder": torch_lr_finder,
    "fastai": fastai,
    "Lightning": lightning,
    "ignite": ignite,
}
METHODS = {
    "course_utils": ("suggestion", "steepest"),
    "torch-lr-finder": ("steepest",),
    "fastai": ("valley", "steep"),
    "Lightning": ("steepest",),
    "ignite": ("steepest",),
}


def suggest(name: str, sweep: Sweep) -> dict[str, float | None | str]:
    """Sweep, and return what each way of a finder suggests, or the name of the error it raises."""
    try:
        ways = FINDERS[name](sweep)
    except Exception as error:  # each finder has its own
        return dict.fromkeys((_label(name, way) for way in METHODS[name]), type(error).__name__)
    return {_label(name, way): _outcome(pick) for way, pick in ways.items()}


def _label(name: str, way: str) -> str:
    return f"{name}, {way}"


def _outcome(pick: Callable[[], float]) -> float | None | str:
    try:
        return pick()
    except Exception as error:
        return type(error).__name__
