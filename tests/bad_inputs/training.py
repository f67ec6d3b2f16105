"""Bad inputs of training: model, batches, optimizer, checkpoints, evaluation."""

import math
import time
from pathlib import Path

import torch
from small_runs import make_batches, make_data, make_model, sgd

from course_utils.diagnostics import overfit_check
from course_utils.teaching.time_limit import run_with_limit
from course_utils.training.callbacks import AveragedWeights
from course_utils.training.distributed import make_step
from course_utils.training.evaluate import evaluate
from course_utils.training.history import NonFiniteLoss
from course_utils.training.loop import fit
from course_utils.training.step import TrainStep


def fit_with(batches=None, *, lr=0.1, model=None, **settings):
    """Return a call of `fit` on the small model, but for what is given."""

    def call(fit):
        net = make_model() if model is None else model()
        fit(net, sgd(net, lr=lr), make_batches() if batches is None else batches, **settings)

    return call


def frozen():
    return make_model().requires_grad_(False)


def labelled(labels):
    return [(make_data(4)[0], labels)]


LONG = torch.tensor([0, 1, 2, 0])
PAIR = "pair of inputs and targets"

ROWS = {
    "no epochs": (fit, fit_with(epochs=0), ValueError, "epochs is 0", "at least 1"),
    "epochs below 0": (fit, fit_with(epochs=-3), ValueError, "epochs is -3", "at least 1"),
    "half an epoch": (fit, fit_with(epochs=1.5), ValueError, "epochs is 1.5", "integer"),
    "epochs as a bool": (fit, fit_with(epochs=True), ValueError, "epochs is True", "integer"),
    "epochs as a text": (fit, fit_with(epochs="3"), ValueError, "epochs is '3'", "integer"),
    "epochs None": (fit, fit_with(epochs=None), ValueError, "epochs is None", "integer"),
    "no batches": (fit, fit_with([], epochs=1), ValueError, "empty in epoch 1", "at least one"),
    "batches that end": (
        fit, fit_with(iter(make_batches()), epochs=2),
        ValueError, "loader is a one-shot iterator", "not for 2",
    ),
    "batches as a number": (fit, fit_with(3, epochs=1), TypeError, "loader is 3", "Iterable"),
    "batch without targets": (
        fit, fit_with([make_data(4)[0]], epochs=1), TypeError, "Tensor", PAIR,
    ),
    "batch of three": (
        fit, fit_with([(*make_data(4), 1)], epochs=1), TypeError, "tuple of 3", PAIR,
    ),
    "no batches to validate on": (
        fit, fit_with(epochs=1, valid_loader=[]), ValueError, "to evaluate on are empty",
    ),
    "LR of 0": (fit, fit_with(lr=0.0, epochs=1), ValueError, "learning rate is 0", "positive lr"),
    "all layers frozen": (
        fit, lambda fit: fit(frozen(), sgd(make_model()), make_batches(), epochs=1),
        ValueError, "Sequential has no trainable", "unfreeze",
    ),
    "optimizer of another model": (
        fit, lambda fit: fit(make_model(), sgd(make_model()), make_batches(), epochs=1),
        ValueError, "SGD holds no trainable parameter", "model.parameters()",
    ),
    "step of a frozen model": (
        TrainStep, lambda step: step(frozen(), sgd(make_model())),
        ValueError, "Sequential", "unfreeze",
    ),
    "inputs NaN": (
        fit, fit_with([(make_data(4)[0] * math.nan, LONG)], epochs=1),
        NonFiniteLoss, "loss is nan", "step 1 of epoch 1", "batch 1 holds NaN",
    ),
    "average that forgets nothing": (
        AveragedWeights, lambda mean: mean(make_model(), decay=1),
        ValueError, "decay is 1", "below 1",
    ),
    "made step of a frozen model": (
        make_step, lambda step: step(frozen(), sgd(make_model())), ValueError, "no trainable",
    ),
    "step without a model": (
        make_step, lambda step: step(None, sgd(make_model())), TypeError, "model is None", "Module",
    ),
    "set-up check with swapped parts": (
        overfit_check, lambda check: check(sgd(make_model()), make_model(), make_batches()),
        TypeError, "model and optimizer are swapped",
    ),
    "optimizer and loader swapped": (
        fit, lambda fit: fit(make_model(), make_batches(), sgd(make_model()), epochs=1),
        TypeError, "optimizer and loader are swapped", "in this order",
    ),
    "batches of three tensors": (
        fit, fit_with([(LONG, LONG, LONG)], epochs=1), TypeError, "tuple of 3", "step=",
    ),
    "loss as a float": (
        fit, fit_with(epochs=1, loss_function=lambda p, t: 1.0), TypeError, "loss is 1.0", "0-d",
    ),
    "no accumulation": (fit, fit_with(epochs=1, accumulate=0), ValueError, "accumulate is 0"),
    "clip of 0": (fit, fit_with(epochs=1, clip_norm=0), ValueError, "clip_norm is 0", "above 0"),
    "metrics without validation": (
        fit, fit_with(epochs=1, metrics={"f1": max}), ValueError, "valid_loader",
    ),
    "model None": (
        fit, lambda fit: fit(None, sgd(make_model()), make_batches(), epochs=1),
        TypeError, "model is None", "Module",
    ),
    "optimizer as a text": (
        fit, lambda fit: fit(make_model(), "sgd", make_batches(), epochs=1),
        TypeError, "optimizer is 'sgd'", "Optimizer",
    ),
    "optimizer's class": (
        TrainStep, lambda step: step(make_model(), torch.optim.SGD),
        TypeError, "optimizer is of type type", "Optimizer",
    ),
    "schedule as a number": (
        fit, fit_with(epochs=1, schedule=0.1), ValueError, "schedule is 0.1", "no step()",
    ),
    "save_every without a file": (
        fit, fit_with(epochs=1, save_every=2), ValueError, "save_every", "checkpoint=path",
    ),
    "save_every of 0": (
        fit, fit_with(epochs=1, save_every=0, checkpoint="x"), ValueError, "save_every is 0",
    ),
    "save_every as a float": (
        fit, fit_with(epochs=1, save_every=2.5, checkpoint="x"), ValueError, "save_every is 2.5",
    ),
    "save_every with a list": (
        fit, fit_with(epochs=1, save_every=2, checkpoint="x"), ValueError, "list", "DeviceLoader",
    ),
    "checkpoint that is a folder": (
        fit, fit_with(epochs=1, checkpoint=Path("/")), FileNotFoundError, "no checkpoint /", "path",
    ),
    "callback that is none": (
        fit, fit_with(epochs=1, callbacks=[3]), TypeError, "callback is 3", "Callable",
    ),
    "record without functions": (
        fit, fit_with(epochs=1, record={"lr": 0.1}), TypeError, "record['lr'] is 0.1", "Callable",
    ),
    "model to evaluate None": (
        evaluate, lambda evaluate: evaluate(None, make_batches()), TypeError, "model is None",
    ),
    "no batches to evaluate on": (
        evaluate, lambda evaluate: evaluate(make_model(), []), ValueError, "empty", "at least one",
    ),
    "time that is over": (
        run_with_limit, lambda run: run(lambda: time.sleep(0.5), seconds=0.01),
        TimeoutError, "within 0.01 seconds",
    ),
}  # fmt: skip
