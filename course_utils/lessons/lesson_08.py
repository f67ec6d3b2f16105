"""Lesson 08, overfit a tiny set: a training script, bugs that replace lines of it, its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.data import ImageDataset, load_images, pool_images, split_images
from course_utils.diagnostics import OverfitReport, overfit_check
from course_utils.models import CifarResNet, simple_net, small_cnn
from course_utils.profiles import choose, seeds
from course_utils.training import set_seed

Batch = tuple[Tensor, Tensor]

SCRIPT = """\
def prepare(images, labels):
    x = images / 255
    x = (x - x.mean()) / x.std()
    order = torch.randperm(len(x))
    return x[order], labels[order]

class Net(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.hidden = nn.ModuleList([nn.Linear(inputs, 100)])
        self.dropout = nn.Dropout(0.2)
        self.last = nn.Linear(100, 10)

    def forward(self, x):
        x = x.flatten(1)
        for layer in self.hidden:
            x = F.relu(layer(x))
        x = self.dropout(x)
        return self.last(x)

def loss_function(output, y):
    return F.cross_entropy(output, y)

def make_optimizer(net):
    return torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

def step(net, optimizer, x, y):
    optimizer.zero_grad()
    loss = loss_function(net(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()
"""


@dataclass(frozen=True)
class Bug:
    """A bug: where it sits, and which lines of `SCRIPT` it replaces (right line -> wrong line)."""

    place: str
    lines: Mapping[str, str]

    def __str__(self) -> str:
        pairs = [
            f"   wrong  {wrong or '(nothing)'}\n   right  {right}"
            for right, wrong in self.lines.items()
        ]
        return "\n".join(pairs)


_LAST = "return self.last(x)"
_LOSS = "return F.cross_entropy(output, y)"
_HIDDEN = "self.hidden = nn.ModuleList([nn.Linear(inputs, 100)])"
_BYTES = "x = images / 255"
_NORMAL = "x = (x - x.mean()) / x.std()"
_PAIRS = "return x[order], labels[order]"
_SGD = "return torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)"
_CLEAR = "optimizer.zero_grad()"
BUGS = {
    "softmax twice": Bug("model", {_LAST: "return F.softmax(self.last(x), dim=1)"}),
    "softmax over the batch": Bug(
        "model",
        {
            _LAST: "return F.log_softmax(self.last(x), dim=0)",
            _LOSS: "return F.nll_loss(output, y)",
        },
    ),
    "softmax missing": Bug("model", {_LOSS: "return F.nll_loss(output, y)"}),
    "ReLU on the logits": Bug("model", {_LAST: "return F.relu(self.last(x))"}),
    "dropout left on": Bug("model", {"x = self.dropout(x)": "x = F.dropout(x, 0.2)"}),
    "layer frozen": Bug("model", {_HIDDEN: f"{_HIDDEN}.requires_grad_(False)"}),
    "layers in a list": Bug("model", {_HIDDEN: "self.hidden = [nn.Linear(inputs, 100)]"}),
    "summed loss": Bug("loss", {_LOSS: 'return F.cross_entropy(output, y, reduction="sum")'}),
    "raw pixels": Bug("data", {_BYTES: "x = images.float()", _NORMAL: ""}),
    "pixels scrambled": Bug(
        "data",
        {
            _BYTES: "x = (images / 255).flatten(1)[:, torch.randperm(images[0].numel())]"
            ".view_as(images)"
        },
    ),
    "rows normalised": Bug(
        "data", {_NORMAL: "x = (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 0.1)"}
    ),
    "labels shuffled once": Bug("data", {_PAIRS: "return x[order], labels"}),
    "labels misaligned": Bug("data", {_PAIRS: "return x[order], labels[order].roll(1)"}),
    "labels reshuffled": Bug(
        "loop",
        {
            "loss = loss_function(net(x), y)": "loss = loss_function(net(x), "
            "y[torch.randperm(len(y))])"
        },
    ),
    "no zero_grad": Bug("loop", {_CLEAR: ""}),
    "no zero_grad, plain SGD": Bug(
        "loop", {_CLEAR: "", _SGD: "return torch.optim.SGD(net.parameters(), lr=0.1)"}
    ),
    "LR far too small": Bug("loop", {_SGD: _SGD.replace("0.1", "1e-5")}),
    "LR far too large": Bug("loop", {_SGD: _SGD.replace("0.1", "30")}),
    "optimizer holds one layer": Bug("loop", {_SGD: _SGD.replace("net.", "net.last.")}),
}
# Looks like a bug, and is none: a log-softmax of a log-softmax is the same log-softmax.
HARMLESS = Bug("model", {_LAST: "return F.log_softmax(self.last(x), dim=1)"})


def source(bug: Bug | None = None) -> str:
    """Return the script, with the bug's lines in place of the right ones."""
    text = SCRIPT
    for right, wrong in (bug.lines if bug else {}).items():
        assert text.count(right) == 1, right
        text = text.replace(right, wrong or "pass")
    return text


@dataclass
class SetUp:
    """What a script has made: all that a training needs.

    Attributes:
        model: from images to logits or log-probabilities.
        optimizer: over its parameters, or what the script takes for these.
        loss_function: maps (output, labels) to the loss.
        step: takes one optimizer step on a batch (images, labels) and returns the loss.
        images: (n, channels, height, width), as the net gets them.
        labels: (n,).
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    loss_function: Callable[[Tensor, Tensor], Tensor]
    step: Callable[[Batch], float]
    images: Tensor
    labels: Tensor

    def loader(self, batch_size: int = 64) -> list[Batch]:
        """Cut the data into batches."""
        return list(zip(self.images.split(batch_size), self.labels.split(batch_size), strict=True))

    def check(self, samples: int, max_steps: int) -> OverfitReport:
        """Run `overfit_check` on it."""
        return overfit_check(
            self.model,
            self.optimizer,
            self.loader(),
            loss_function=self.loss_function,
            step=self.step,
            samples=samples,
            max_steps=max_steps,
        )


def set_up(
    images: ImageDataset,
    seed: int,
    *,
    bug: Bug | None = None,
    model: Callable[[], nn.Module] | None = None,
    count: int = 1024,
    device: torch.device | str = "cpu",
) -> SetUp:
    """Run the script.

    Args:
        images: what the seed draws `count` images from, or all where there are fewer.
        seed: of images and first weights.
        bug: what to plant into the script, or None.
        model: builds another net in place of the script's.
        count: how many images.
        device: of the model and the images.
    """
    drawn, *_ = split_images(images, (min(count, len(images)),), seed)
    set_seed(seed)
    names = {"torch": torch, "nn": nn, "F": F}
    exec(compile(source(bug), "script", "exec"), names)  # the lines that the lesson shows
    x, y = (part.to(device) for part in names["prepare"](drawn.images, drawn.labels))
    set_seed(seed)
    net = (model() if model else names["Net"](x[0].numel())).to(device)
    optimizer = names["make_optimizer"](net)

    def step(batch: Batch) -> float:
        return names["step"](net, optimizer, *batch)

    return SetUp(net, optimizer, names["loss_function"], step, x, y)


@dataclass(frozen=True)
class Settings:
    """What a profile decides.

    Attributes:
        models: name -> builds a healthy net of another kind than the script's.
        pool: side of the squares of pixels that are averaged into one.
        few: how many images are to be learned by heart.
        max_steps: after how many steps the test gives up.
        patience: after how many steps a slow net is given up for good.
        seeds: of images and weights.
    """

    models: Mapping[str, Callable[[], nn.Module]]
    pool: int
    few: int
    max_steps: int
    patience: int
    seeds: tuple[int, ...]

    def load(self) -> ImageDataset:
        """Load the training images."""
        images, _ = load_images()
        return pool_images(images, self.pool) if self.pool > 1 else images


def settings() -> Settings:
    """Return the settings of the running profile."""
    quick = Settings(_models(1, 14, 8), 2, 64, 600, 4000, seeds(3))
    full = Settings(_models(3, 32, 20), 1, 64, 600, 4000, seeds(5))
    smoke = Settings(_models(3, 16, 8), 2, 16, 8, 16, seeds(3))
    return choose(quick=quick, full=full, smoke=smoke)


def _models(channels: int, size: int, depth: int) -> dict[str, Callable[[], nn.Module]]:
    return {
        "MLP": partial(simple_net, channels * size**2),
        "small CNN": partial(small_cnn, channels=channels, size=size),
        f"ResNet-{depth}": partial(CifarResNet, depth, channels=channels),
    }
