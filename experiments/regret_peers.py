"""One sweep by each peer's finder, with the peer's own defaults, and what it suggests.

The finders come from the `bench` extra. Where one of their settings has no default (torch-lr-finder
and ignite start at the optimizer's learning rate, ignite sweeps as long as it is told), it gets
what its documentation shows: from 1e-7, 100 steps.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable

import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from benchmarks.training_peers import LIGHTNING_EXTRAS, lightning_module, quiet_lightning

STEPS = 100
START_LR = 1e-7


def torch_lr_finder(model: nn.Module, optimizer: Optimizer, loader: DataLoader) -> dict:
    """Return its one suggestion, the steepest."""
    from torch_lr_finder import LRFinder

    with contextlib.redirect_stdout(io.StringIO()):
        finder = LRFinder(model, optimizer, F.cross_entropy)
        finder.range_test(loader)
        return {"torch-lr-finder, steepest": finder.plot(ax=Figure().subplots())[1]}


def fastai(model: nn.Module, optimizer: Optimizer, loader: DataLoader) -> dict:
    """Return its default, valley, and the three other ways that it offers."""
    import fastai.callback.progress  # noqa: F401 - adds no_bar
    from fastai.callback.schedule import minimum, slide, steep, valley
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

    ways = (valley, minimum, steep, slide)
    with tempfile.TemporaryDirectory() as folder:
        loaders = DataLoaders(loader, loader, path=folder)
        learner = Learner(loaders, model, loss_func=F.cross_entropy)
        learner.opt = OptimWrapper(opt=optimizer)
        with learner.no_bar():
            found = learner.lr_find(show_plot=False, suggest_funcs=ways)
    return {f"fastai, {name}": lr for name, lr in found._asdict().items()}


def lightning(model: nn.Module, optimizer: Optimizer, loader: DataLoader) -> dict:
    """Return its one suggestion, the steepest over the learning rate itself."""
    from lightning.pytorch import Trainer
    from lightning.pytorch.tuner import Tuner

    module = lightning_module(model, optimizer, F.cross_entropy)
    off = dict.fromkeys(LIGHTNING_EXTRAS, False)
    with tempfile.TemporaryDirectory() as folder, quiet_lightning():
        trainer = Trainer(accelerator="cpu", devices=1, default_root_dir=folder, **off)
        found = Tuner(trainer).lr_find(module, train_dataloaders=loader, update_attr=False)
        return {"Lightning, steepest": found.suggestion()}


def ignite(model: nn.Module, optimizer: Optimizer, loader: DataLoader) -> dict:
    """Return its one suggestion, the steepest before the minimum."""
    from ignite.engine import create_supervised_trainer
    from ignite.handlers import FastaiLRFinder

    trainer = create_supervised_trainer(model, optimizer, F.cross_entropy)
    parts = {"model": model, "optimizer": optimizer}
    finder = FastaiLRFinder()
    with finder.attach(trainer, parts, num_iter=STEPS) as attached:
        attached.run(loader)
    return {"ignite, steepest": finder.lr_suggestion()}


PEERS = {
    torch_lr_finder: ("torch-lr-finder, steepest",),
    fastai: tuple(f"fastai, {way}" for way in ("valley", "minimum", "steep", "slide")),
    lightning: ("Lightning, steepest",),
    ignite: ("ignite, steepest",),
}


def peers_suggestions(build: Callable[[], tuple]) -> dict[str, float | str]:
    """Sweep with each peer on a fresh build; an error's name stands where one suggests nothing.

    Args:
        build: makes (model, optimizer, loader); the loader is a `DataLoader` of more than `STEPS`
            batches.
    """
    found: dict[str, float | str] = {}
    for peer, names in PEERS.items():
        model, optimizer, loader = build()
        for group in optimizer.param_groups:
            group["lr"] = START_LR
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                picks = peer(model, optimizer, loader)
                found |= {name: float(picks[name]) for name in names}
            except ImportError:  # then it was not measured: no result of the peer's
                raise
            except Exception as error:  # each finder has its own
                found |= dict.fromkeys(names, type(error).__name__)
    return found
