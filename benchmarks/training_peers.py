"""One epoch of training by each framework, as lean as its documentation allows.

Each function takes a model, a loader and the settings of `torch.optim.SGD`, and trains the model in
place: no validation, logger, checkpoint or progress bar. A framework is imported where it is used.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from course_utils.training.loop import fit

LIGHTNING_EXTRAS = (
    "logger",
    "enable_checkpointing",
    "enable_progress_bar",
    "enable_model_summary",
)


def bare_loop(model: nn.Module, loader: DataLoader, **settings) -> None:
    optimizer = torch.optim.SGD(model.parameters(), **settings)
    model.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), targets).backward()
        optimizer.step()


def ours(model: nn.Module, loader: DataLoader, **settings) -> None:
    fit(model, torch.optim.SGD(model.parameters(), **settings), loader, epochs=1)


def fastai(model: nn.Module, loader: DataLoader, **settings) -> None:
    import fastai.callback.progress  # noqa: F401 - adds no_bar
    from fastai.callback.core import CancelValidException
    from fastai.data.core import DataLoaders
    from fastai.learner import Callback, Learner
    from fastai.optimizer import OptimWrapper

    class NoValidation(Callback):
        def before_validate(self):
            raise CancelValidException

    learner = Learner(
        DataLoaders(loader, loader),
        model,
        loss_func=F.cross_entropy,
        opt_func=partial(OptimWrapper, opt=torch.optim.SGD, **settings),
        lr=settings["lr"],
        cbs=NoValidation(),
    )
    with learner.no_bar(), learner.no_logging():
        learner.fit(1)


def lightning(model: nn.Module, loader: DataLoader, *, barebones: bool, **settings) -> None:
    from lightning.pytorch import Trainer

    lean = {"barebones": True}
    if not barebones:
        lean = dict.fromkeys(LIGHTNING_EXTRAS, False)
    optimizer = torch.optim.SGD(model.parameters(), **settings)
    with quiet_lightning():
        trainer = Trainer(accelerator="cpu", devices=1, max_epochs=1, **lean)
        trainer.fit(lightning_module(model, optimizer, F.cross_entropy), loader)


def ignite(model: nn.Module, loader: DataLoader, **settings) -> None:
    from ignite.engine import create_supervised_trainer

    optimizer = torch.optim.SGD(model.parameters(), **settings)
    create_supervised_trainer(model, optimizer, F.cross_entropy).run(loader, max_epochs=1)


def skorch(model: nn.Module, loader: DataLoader, **settings) -> None:
    from skorch import NeuralNet

    names = ("epoch_timer", "train_loss", "valid_loss", "print_log")
    net = NeuralNet(
        model,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        max_epochs=1,
        iterator_train=lambda dataset, **_: loader,
        train_split=None,
        **{f"optimizer__{name}": value for name, value in settings.items()},
        **{f"callbacks__{name}": None for name in names},
    )
    net.fit(loader.batches, y=None)


FRAMEWORKS = {
    "bare PyTorch loop": bare_loop,
    "course_utils": ours,
    "fastai": fastai,
    "Lightning": partial(lightning, barebones=False),
    "Lightning, barebones": partial(lightning, barebones=True),
    "ignite": ignite,
    "skorch": skorch,
}


def lightning_module(model: nn.Module, optimizer: torch.optim.Optimizer, loss_function):
    """Return model, optimizer and loss as the module that Lightning's trainer and tuner take."""
    from lightning.pytorch import LightningModule

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.model = model

        def training_step(self, batch, index):
            inputs, targets = batch
            return loss_function(self.model(inputs), targets)

        def configure_optimizers(self):
            return optimizer

    return Module()


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep Lightning from telling about GPUs and workers, of which neither is in question."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
