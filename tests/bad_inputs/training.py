"""Bad inputs of training: model, batches, optimizer, checkpoints, evaluation."""

import math
from pathlib import Path

import torch
from small_runs import make_batches, make_data, make_model, sgd
from torch import nn

from course_utils.batches import Augment, DeviceBatches
from course_utils.checkpoint import load_checkpoint, save_checkpoint
from course_utils.class_metrics import collect_logits
from course_utils.device import pick_device, set_seed, set_threads
from course_utils.evaluation import evaluate
from course_utils.image_set import ImageSet
from course_utils.models import CifarResNet, simple_net, small_cnn
from course_utils.settings import seeds
from course_utils.train_step import TrainStep
from course_utils.training import fit
from course_utils.watchdog import run_with_limit


def image_set(n=8, size=8):
    images = torch.zeros(n, 1, size, size, dtype=torch.uint8)
    return ImageSet(images, torch.arange(n) % 2, ("a", "b"), (0.5,), (0.3,), "set")


def fit_with(batches=None, *, lr=0.1, model=None, **settings):
    """Return a call of `fit` on the small model, but for what is given."""

    def call(fit):
        net = make_model() if model is None else model()
        fit(net, make_batches() if batches is None else batches, sgd(net, lr=lr), **settings)

    return call


def frozen():
    return make_model().requires_grad_(False)


def labelled(labels):
    return [(make_data(4)[0], labels)]


def batches_with(**settings):
    return lambda batches: batches(image_set(), **{"batch_size": 4} | settings)


class Positions:
    """A sampler of these positions."""

    def __init__(self, *positions):
        self.positions = positions

    def __len__(self):
        return len(self.positions)

    def __iter__(self):
        return iter(self.positions)

    def set_epoch(self, epoch):
        """Draw the same in each epoch."""


def with_state(state):
    return lambda load: load(DeviceBatches(image_set(), batch_size=4), state)


def load_from(content):
    """Return a call that loads a file with this content, and removes it again."""

    def call(load):
        path = Path("run.pt")
        path.write_bytes(content)
        try:
            load(path)
        finally:
            path.unlink()

    return call


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
        fit, fit_with(iter(make_batches()), epochs=2), ValueError, "empty in epoch 2", "anew",
    ),
    "batches as a number": (fit, fit_with(3, epochs=1), TypeError, "batches is 3", "Iterable"),
    "batch without targets": (
        fit, fit_with([make_data(4)[0]], epochs=1), TypeError, "Tensor", PAIR,
    ),
    "batch of three": (
        fit, fit_with([(*make_data(4), 1)], epochs=1), TypeError, "tuple of 3", PAIR,
    ),
    "a label too many": (
        fit, fit_with(labelled(torch.tensor([0, 1, 2, 7])), epochs=1),
        ValueError, "Target 7", "(4, 3)", "loss",
    ),
    "a label below 0": (
        fit, fit_with(labelled(torch.tensor([0, 1, 2, -1])), epochs=1),
        ValueError, "Target -1", "(4, 3)", "loss",
    ),
    "labels as floats": (
        fit, fit_with(labelled(LONG.float()), epochs=1), ValueError, "torch.float32", "(4,)",
    ),
    "labels fewer than inputs": (
        fit, fit_with(labelled(LONG[:3]), epochs=1), ValueError, "(4, 3)", "(3,)",
    ),
    "labels of validation out of range": (
        fit, fit_with(epochs=1, valid_batches=labelled(LONG + 5)), ValueError, "Target", "(4, 3)",
    ),
    "no batches to validate on": (
        fit, fit_with(epochs=1, valid_batches=[]), ValueError, "to evaluate on are empty",
    ),
    "LR of 0": (fit, fit_with(lr=0.0, epochs=1), ValueError, "learning rate is 0", "positive lr"),
    "all layers frozen": (
        fit, lambda fit: fit(frozen(), make_batches(), sgd(make_model()), epochs=1),
        ValueError, "Sequential has no trainable", "unfreeze",
    ),
    "optimizer of another model": (
        fit, lambda fit: fit(make_model(), make_batches(), sgd(make_model()), epochs=1),
        ValueError, "SGD holds no trainable parameter", "model.parameters()",
    ),
    "model None": (
        fit, lambda fit: fit(None, make_batches(), sgd(make_model()), epochs=1),
        TypeError, "model is None", "Module",
    ),
    "optimizer as a text": (
        fit, lambda fit: fit(make_model(), make_batches(), "sgd", epochs=1),
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
        fit, fit_with(epochs=1, save_every=2, checkpoint="x"), ValueError, "list", "DeviceBatches",
    ),
    "checkpoint that is a folder": (
        fit, fit_with(epochs=1, checkpoint=Path("/")), FileNotFoundError, "no checkpoint /", "path",
    ),
    "watcher that is none": (
        fit, fit_with(epochs=1, watchers=[3]), TypeError, "watcher is 3", "Callable",
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
    "labels to evaluate on out of range": (
        evaluate, lambda evaluate: evaluate(make_model(), labelled(LONG + 1)),
        ValueError, "Target 3", "(4, 3)",
    ),
    "no batches to predict on": (
        collect_logits, lambda collect: collect(make_model(), []), ValueError, "are empty", "one",
    ),
    "batch size of 0": (
        DeviceBatches, batches_with(batch_size=0), ValueError, "batch_size is 0", "at least 1",
    ),
    "batch size as a float": (
        DeviceBatches, batches_with(batch_size=4.0), ValueError, "batch_size is 4.0", "integer",
    ),
    "batch size as a text": (
        DeviceBatches, batches_with(batch_size="4"), ValueError, "batch_size is '4'", "integer",
    ),
    "batch larger than the set": (
        DeviceBatches, batches_with(batch_size=9, drop_last=True),
        ValueError, "batch_size is 9", "8 images", "smaller",
    ),
    "seed below 0": (DeviceBatches, batches_with(seed=-1), ValueError, "seed is -1", "at least 0"),
    "seed as a bool": (DeviceBatches, batches_with(seed=True), ValueError, "seed is True"),
    "augment as a bool": (
        DeviceBatches, batches_with(augment=True), TypeError, "augment is True", "Augment",
    ),
    "pad below 0": (
        DeviceBatches, batches_with(augment=Augment(pad=-1)), ValueError, "pad is -1",
    ),
    "pad beyond the image": (
        DeviceBatches, batches_with(augment=Augment(pad=8)), ValueError, "pad is 8", "at most 7",
    ),
    "sampler that shuffles too": (
        DeviceBatches, batches_with(sampler=Positions(0), shuffle=True),
        ValueError, "Positions with shuffle=True", "no shuffle",
    ),
    "sampler of a larger set": (
        DeviceBatches, lambda batches: list(batches_with(sampler=Positions(0, 8))(batches)),
        ValueError, "go from 0 to 8", "0 to 7", "sampler",
    ),
    "sampler without positions": (
        DeviceBatches, batches_with(sampler=Positions()), ValueError, "Positions", "length 0",
    ),
    "unknown device": (
        DeviceBatches, batches_with(device="tpu9"), ValueError, "'tpu9'", "choose 'cpu'",
    ),
    "loader in place of a set": (
        DeviceBatches, lambda batches: batches(make_batches(), batch_size=4),
        TypeError, "image_set is of type list", "ImageSet",
    ),
    "state None": (DeviceBatches.load_state_dict, with_state(None), ValueError, "state is None"),
    "state past its end": (
        DeviceBatches.load_state_dict, with_state({"epoch": 0, "batch": 2, "seed": 0}),
        ValueError, "batch 2", "2 batches",
    ),
    "checkpoint that is missing": (
        load_checkpoint, lambda load: load("gone.pt"), FileNotFoundError, "gone.pt", "path",
    ),
    "checkpoint cut to nothing": (load_checkpoint, load_from(b""), ValueError, "run.pt", "sound"),
    "checkpoint of text": (load_checkpoint, load_from(b"lr,loss"), ValueError, "run.pt", "delete"),
    "state with a module": (
        save_checkpoint, lambda save: save("run.pt", {"net": nn.ReLU()}), ValueError, "ReLU",
    ),
    "state that is a list": (
        save_checkpoint, lambda save: save("run.pt", [1]), TypeError, "state is of type list",
    ),
    "device as a number": (pick_device, lambda pick: pick("gpu"), ValueError, "'gpu'", "'cpu'"),
    "global seed below 0": (set_seed, lambda seed: seed(-1), ValueError, "seed is -1"),
    "global seed too large": (set_seed, lambda seed: seed(2**32), ValueError, str(2**32)),
    "global seed NaN": (set_seed, lambda seed: seed(math.nan), ValueError, "seed is nan"),
    "no threads": (set_threads, lambda threads: threads(0), ValueError, "threads is 0"),
    "half a thread": (set_threads, lambda threads: threads(2.5), ValueError, "threads is 2.5"),
    "threads as a text": (set_threads, lambda threads: threads("all"), ValueError, "'all'"),
    "no seeds": (seeds, lambda seeds: seeds(0), ValueError, "count is 0", "at least 1"),
    "depth between two nets": (CifarResNet, lambda net: net(21), ValueError, "depth is 21", "20"),
    "depth as a text": (CifarResNet, lambda net: net("56"), ValueError, "depth is '56'"),
    "depth as a float": (CifarResNet, lambda net: net(20.0), ValueError, "depth is 20.0"),
    "no classes": (CifarResNet, lambda net: net(20, classes=0), ValueError, "classes is 0"),
    "net of width 0": (small_cnn, lambda net: net(width=0), ValueError, "width is 0"),
    "net for half a pixel": (small_cnn, lambda net: net(size=0.5), ValueError, "size is 0.5"),
    "perceptron without units": (simple_net, lambda net: net(hidden=0), ValueError, "hidden is 0"),
    "time limit of 0": (
        run_with_limit, lambda run: run(dict, seconds=0), ValueError, "seconds is 0", "above 0",
    ),
    "time limit NaN": (
        run_with_limit, lambda run: run(dict, seconds=math.nan), ValueError, "seconds is nan",
    ),
}  # fmt: skip
