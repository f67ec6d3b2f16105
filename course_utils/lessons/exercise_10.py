"""Exercise and quiz of lesson 10, a training of one's own within a budget of images."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from course_utils.data import DeviceLoader, ImageDataset, load_images
from course_utils.lessons.race_10 import race_net
from course_utils.profiles import profile
from course_utils.teaching import Case, Exercise, number_questions
from course_utils.training import evaluate

LEAST_SPENT = 0.9  # of the budget
LEAST_ACCURACY = 0.2  # guessing has 0.1


class MeteredNet(nn.Module):
    """The race's net, which counts the images that train it and refuses those of the test set.

    It takes images as they lie in the set (uint8) and normalises them itself.

    Args:
        images: the set to train on, for the form of its images and for mean and std.
        test_marks: what `marks` makes of the test set.
        budget: how many images may go through it while gradients are recorded.
        width: of the net.

    Attributes:
        spent: how many images have trained it so far.
    """

    def __init__(self, images: ImageDataset, test_marks: Tensor, budget: int, width: int):
        super().__init__()
        self.net = race_net(*images.images.shape[1:3], width)
        self.budget, self.spent = budget, 0
        self._normalise = images.normalised
        self.register_buffer("_test_marks", test_marks)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, size, size), uint8, to logits (n, 10).

        Raises:
            RuntimeError: the images would pass the budget, or hold more than a few test images.
        """
        if torch.is_grad_enabled():
            self.spent += len(images)
            if self.spent > self.budget:
                raise RuntimeError(f"more images than the budget of {self.budget}")
        if images.dtype == torch.uint8:
            # One of a batch may be both: CIFAR-10 holds images twice.
            if torch.isin(marks(images), self._test_marks).sum() > max(1, len(images) / 20):
                raise RuntimeError("images of the test set are among these")
            images = self._normalise(images)
        return self.net(images)


def marks(images: Tensor) -> Tensor:
    """Return a number for each image (n, ...) by which it is known, mirrored as well."""
    values = images.flatten(1).long()
    return (values.sum(1) << 32) + values.square().sum(1)


def _train(net, images, labels, budget, *, mistake: str | None = None):
    """Solve the exercise, or make one of the mistakes that learners make."""
    if mistake == "test images":
        test = load_images()[1]
        images, labels = test.images, test.labels
    batch, size = 50, len(images)
    epochs = 1 if mistake == "one epoch" else budget // size + 1
    steps = epochs * size // batch if mistake == "whole epochs" else budget // batch
    if mistake == "beside the net":
        images = net._normalise(images)
    labels = labels.roll(1) if mistake == "labels of others" else labels
    trained = net.net if mistake == "beside the net" else net
    order = torch.cat([torch.randperm(size) for _ in range(epochs)])[: steps * batch]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    schedule = LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
    net.train()
    for rows in order.split(batch):
        loss = F.cross_entropy(trained(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        if mistake != "no step":
            optimizer.step()
            schedule.step()
    if mistake == "a copy":
        return net.net.eval()
    return net if mistake == "train mode" else net.eval()


@cache
def _sets(name: str) -> tuple[ImageDataset, ImageDataset, Tensor]:
    """Return a profile's training images, others to judge by, and the marks of the test images."""
    train, test = load_images(name)
    half = len(train) // 2
    few = [index % half for index in range(2048)]  # the smoke profile's set is smaller
    return train.subset(few), train.subset(range(half, len(train))[:1000]), marks(test.images)


def _judged(function: Callable, epochs: float, seed: int):
    """Say in words what a learner's training makes of a small net and its budget."""
    images, others, test_marks = _sets(profile())
    budget = int(epochs * len(images))
    torch.manual_seed(seed)
    net = MeteredNet(images, test_marks, budget, width=4)
    drawn = [weight.detach().clone() for weight in net.parameters()]
    trained = function(net, images.images, images.labels, budget)
    if trained is None:
        return None
    if trained is not net:
        return "something else than the net that was given"
    same = all(map(torch.equal, drawn, net.parameters()))
    if same and net.spent:
        return "the net with the weights that it began with"
    if not same and not net.spent:
        return "the net with other weights, though it counted no image"
    if net.spent < LEAST_SPENT * budget:
        return f"the net, trained with {100 * net.spent // budget} % of the budget"
    if net.training:
        return "the net in training mode"
    accuracy = evaluate(net.net, DeviceLoader(others, batch_size=500))[1]
    if accuracy < LEAST_ACCURACY:
        return "the net, hardly better than guessing"
    return "the net, trained with its budget"


MISTAKES = {
    "test images": "Only `images` and `labels` may train the net: the score would be a memory.",
    "whole epochs": "Stop before the batch that would pass the budget: count images, not epochs "
    "or batches. What only watches the net counts as well, but under `torch.no_grad()`.",
    "one epoch": "The budget may be several epochs long: begin a new order where one ends.",
    "train mode": "`net.eval()` before you return it: in training mode batch normalization goes on "
    "using its batch, and the answer for an image depends on its neighbours.",
    "a copy": "Return the net that you were given, trained in place.",
    "beside the net": "Train by `net(images)`, which counts them: not a copy, nor `net.net`.",
    "no step": "Each batch needs `backward()`, then `step()`, and no `zero_grad()` between them.",
    "labels of others": "Are the labels cut by the same rows as the images? `zero_grad()` in each "
    "batch, the net in training mode until the end, an LR that is neither tiny nor huge?",
}

EXERCISE = Exercise(
    lesson="10",
    name="train_within",
    reference=_train,
    cases=[
        Case("half an epoch", (0.5, 0), hint="The budget is half of the images here."),
        Case("an epoch and a half", (1.5, 1), hint="The budget is one and a half epochs here."),
        Case("three epochs", (3, 2), hint="The budget is three epochs here."),
    ],
    mistakes=[(partial(_train, mistake=name), words) for name, words in MISTAKES.items()],
    call=_judged,
    seconds=20.0,
)

QUIZ = number_questions(
    "10",
    {
        "question": "One recipe needs half as many images as another, and twice as long for each. "
        "Which one is faster?",
        "options": {
            "A": "Neither, on this machine; on another one, either of the two.",
            "B": "The first: images are what counts, on every machine.",
            "C": "The second: what is fast an image is fast altogether.",
        },
        "correct": "A",
        "why": "Seconds are images times seconds an image, and only the images stay the same.",
    },
    {
        "question": "Alone, a trick gains 2 points; on top of the full recipe it gains nothing. "
        "What follows?",
        "options": {
            "A": "The measurement on top is wrong.",
            "B": "The other tricks already give what it gave; leave it out of this recipe.",
            "C": "It must stay, since it is worth 2 points.",
        },
        "correct": "B",
        "why": "Tricks overlap; so take each away from the top too, not only add it from below.",
    },
    {
        "question": "Why must a training whose LR falls to zero be run anew for each budget?",
        "options": {
            "A": "Because its random seed changes with the budget.",
            "B": "It need not: one long run shows the accuracy at every shorter budget.",
            "C": "Halfway its LR is still high: a run that ends there is more accurate.",
        },
        "correct": "C",
        "why": "The fall of the LR brings much of the accuracy, and it comes at the run's own end.",
    },
)
