"""Bad inputs of what serves a training loop of one's own: a step, a log, a longer schedule."""

import sys
from unittest.mock import patch

import torch
from small_runs import make_model, sgd

from bad_inputs.finder import build
from course_utils.lr import OneCycleCurve, PhasedCurve, compare_lr_finders
from course_utils.training import TensorBoardLog, TrainStep


def step():
    model = make_model()
    return TrainStep(model, sgd(model))


def without_tensorboard(make):
    with patch.dict(sys.modules, {"torch.utils.tensorboard": None}):
        make("logs")


ROWS = {
    "step without a batch": (
        TrainStep.__call__, lambda call: call(step()), ValueError, "no batch", "at least one",
    ),
    "step on inputs alone": (
        TrainStep.__call__, lambda call: call(step(), torch.zeros(4, 6)),
        TypeError, "Tensor", "pair",
    ),
    "a seed to compare by": (
        compare_lr_finders, lambda compare: compare({"a": build}, 3),
        TypeError, "seeds is 3", "Iterable",
    ),
    "no seed to compare by": (
        compare_lr_finders, lambda compare: compare({"a": build}, []),
        ValueError, "at least one seed",
    ),
    "curve longer by half a step": (
        PhasedCurve.extended, lambda extend: extend(OneCycleCurve.gugger(9, 0.1), 3, 0.5),
        ValueError, "extra_steps is 0.5", "integer",
    ),
    "no TensorBoard": (
        TensorBoardLog, without_tensorboard, ModuleNotFoundError, "not installed", "pip install",
    ),
}  # fmt: skip
