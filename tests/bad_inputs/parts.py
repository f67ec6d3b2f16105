"""Bad inputs of the parts that other functions are built from."""

import sys
from pathlib import Path
from unittest.mock import patch

import torch
import torch.nn.functional as F
from fake_cifar10 import GeneratedCIFAR10
from small_runs import make_batches, make_model, sgd

from bad_inputs.data import made
from bad_inputs.detection import BOX
from bad_inputs.finder import build, curve
from bad_inputs.plots import axes
from course_utils._validate import as_integers, check_number, check_span, check_type, check_whole
from course_utils.data.datasets import read_cifar10
from course_utils.detection.boxes import check_boxes
from course_utils.lr.curve import check_method
from course_utils.lr.finder import compare_lr_finders
from course_utils.lr.schedules import OneCycleCurve, PhasedCurve, check_momentum
from course_utils.plotting.explore_lr import plot_reading
from course_utils.training.callbacks import TensorBoardLog
from course_utils.training.checkpoint import RunCheckpoint, save_checkpoint
from course_utils.training.history import NonFiniteLoss, RunLog
from course_utils.training.step import TrainStep, check_pair, loss_of


class NoState:
    """A schedule whose position could not be kept."""

    def step(self):
        """Do nothing."""


def step():
    model = make_model()
    return TrainStep(model, sgd(model))


def run_checkpoint(log=None, schedule=None):
    loaders = {"loader": make_batches(), "valid_loader": None}
    log = RunLog({}) if log is None else log
    return RunCheckpoint("gone.pt", step(), log, **loaders, schedule=schedule)


def diverged():
    log = RunLog({})
    log.add_step(torch.tensor(torch.nan), 4, None)
    return log


def without_tensorboard(make):
    with patch.dict(sys.modules, {"torch.utils.tensorboard": None}):
        make("logs")


def damaged_files(read):
    names = [name for name, _ in GeneratedCIFAR10.train_list + GeneratedCIFAR10.test_list]
    names.append(GeneratedCIFAR10.meta["filename"])
    with made(*((f"set/cifar-10-batches-py/{name}", b"x") for name in names)):
        read(GeneratedCIFAR10, Path("set"), name="x", remedy="look")


def run_of_nothing(restore):
    save_checkpoint("gone.pt", {"weights": 1})
    try:
        restore(run_checkpoint(), 3)
    finally:
        Path("gone.pt").unlink()


ROWS = {
    "pair of nothing": (check_pair, lambda check: check(None), TypeError, "is None", "pair"),
    "loss of other classes": (
        loss_of, lambda loss: loss(F.cross_entropy, torch.zeros(2, 3), torch.tensor([0, 5])),
        ValueError, "Target 5", "(2, 3)",
    ),
    "step without a batch": (
        TrainStep.__call__, lambda call: call(step()), ValueError, "no batch", "at least one",
    ),
    "step on inputs alone": (
        TrainStep.__call__, lambda call: call(step(), torch.zeros(4, 6)),
        TypeError, "Tensor", "pair",
    ),
    "step on other labels": (
        TrainStep.__call__, lambda call: call(step(), (torch.zeros(2, 6), torch.tensor([0, 3]))),
        ValueError, "Target 3", "(2, 3)",
    ),
    "files that are missing": (
        read_cifar10, lambda read: read(GeneratedCIFAR10, Path("gone"), name="x", remedy="look"),
        FileNotFoundError, "gone/cifar-10-batches-py/data_batch_1 is missing: look",
    ),
    "files that are damaged": (
        read_cifar10, damaged_files, ValueError, "UnpicklingError", "look",
    ),
    "files of nothing": (
        read_cifar10, lambda read: read(GeneratedCIFAR10, "gone", name="x", remedy="look"),
        TypeError, "folder is 'gone'", "Path",
    ),
    "boxes flat": (
        check_boxes, lambda check: check(BOX[0], "The boxes"), ValueError, "(4,)", "(n, 4)",
    ),
    "integers of halves": (
        as_integers, lambda integers: integers("labels", [0.5], "x"),
        ValueError, "float32", "integers",
    ),
    "span of 3 for 3": (
        check_span, lambda check: check("Labels", torch.tensor([3]), 3, "look"),
        ValueError, "3 to 3",
    ),
    "whole 0.5": (check_whole, lambda check: check("x", 0.5), ValueError, "x is 0.5", "integer"),
    "number 'a'": (check_number, lambda check: check("x", "a"), ValueError, "x is 'a'", "finite"),
    "type of None": (
        check_type, lambda check: check("x", None, int), TypeError, "x is None", "int",
    ),
    "method to pick": (check_method, lambda check: check("best"), ValueError, "'best'", "steepest"),
    "momentum 0.9": (check_momentum, lambda check: check(0.9), ValueError, "0.9", "two numbers"),
    "a seed to compare by": (
        compare_lr_finders, lambda compare: compare({"a": build}, 3),
        TypeError, "seeds is 3", "Iterable",
    ),
    "no seed to compare by": (
        compare_lr_finders, lambda compare: compare({"a": build}, []),
        ValueError, "at least one seed",
    ),
    "reading by an unknown method": (
        plot_reading,
        lambda plot: plot(axes(), curve(), beta=0.5, decades=(-5, 0), method="best"),
        ValueError, "'best'", "steepest",
    ),
    "curve longer by half a step": (
        PhasedCurve.extended, lambda extend: extend(OneCycleCurve.gugger(9, 0.1), 3, 0.5),
        ValueError, "extra_steps is 0.5", "integer",
    ),
    "schedule without a state": (
        RunCheckpoint, lambda _: run_checkpoint(schedule=NoState()),
        ValueError, "NoState", "state_dict",
    ),
    "run that is missing": (
        RunCheckpoint.restore, lambda restore: restore(run_checkpoint(), 3),
        FileNotFoundError, "gone.pt", "path",
    ),
    "file that is no run": (
        RunCheckpoint.restore, run_of_nothing,
        ValueError, "gone.pt holds no training run", "another",
    ),
    "run that has diverged": (
        RunCheckpoint.save, lambda save: save(run_checkpoint(diverged())),
        NonFiniteLoss, "loss is nan", "step 1 of epoch 1", "lower",
    ),
    "epoch without a batch": (
        RunLog.finish_epoch, lambda finish: finish(RunLog({}), None),
        ValueError, "epoch 1", "at least",
    ),
    "epoch that has diverged": (
        RunLog.finish_epoch, lambda finish: finish(diverged(), None), NonFiniteLoss, "nan", "lower",
    ),
    "log that has diverged": (
        RunLog.state_dict, lambda state: state(diverged()), NonFiniteLoss, "nan", "lower",
    ),
    "no TensorBoard": (
        TensorBoardLog, without_tensorboard, ModuleNotFoundError, "not installed", "pip install",
    ),
}  # fmt: skip
