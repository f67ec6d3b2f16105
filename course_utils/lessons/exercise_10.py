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
from course_utils.teaching import Case, Exercise, number_questions
from course_utils.training import evaluate

_LEAST_SPENT = 0.9  # of the budget


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
            RuntimeError: the images would pass the budget, or most of them are test images.
        """
        if torch.is_grad_enabled():
            self.spent += len(images)
            if self.spent > self.budget:
                raise RuntimeError(f"{self.spent} images, and the budget is {self.budget}")
        if images.dtype == torch.uint8:
            if torch.isin(marks(images), self._test_marks).float().mean() > 0.5:
                raise RuntimeError("these images are those of the test set")
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
    epochs = 1 if mistake == "one epoch" else -(-budget // size)
    steps = epochs * size // batch if mistake == "whole epochs" else budget // batch
    order = torch.cat([torch.randperm(size) for _ in range(epochs)])[: steps * batch]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    schedule = LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
    net.train()
    for rows in order.split(batch):
        loss = F.cross_entropy(net(images[rows]), labels[rows])
        if mistake != "no zero_grad":
            optimizer.zero_grad()
        if mistake != "no backward":
            loss.backward()
        if mistake != "no step":
            optimizer.step()
            schedule.step()
    if mistake == "a copy":
        return net.net.eval()
    return net if mistake == "train mode" else net.eval()


@cache
def _sets() -> tuple[ImageDataset, ImageDataset, Tensor]:
    """Return some training images, others to judge by, and the marks of the test images."""
    train, test = load_images()
    half = len(train) // 2
    few = [index % half for index in range(1000)]  # the smoke profile's set is smaller
    return train.subset(few), train.subset(range(half, len(train))[:1000]), marks(test.images)


def _judged(function: Callable, epochs: float, seed: int):
    """Say in words what a learner's training makes of a small net and its budget."""
    images, others, test_marks = _sets()
    budget = int(epochs * len(images))
    torch.manual_seed(seed)
    net = MeteredNet(images, test_marks, budget, width=4)
    trained = function(net, images.images, images.labels, budget)
    if trained is None:
        return None
    if trained is not net:
        return {"returns": "something else than the net it was given"}
    mode = "training mode" if net.training else "evaluation mode"
    accuracy = evaluate(net.net, DeviceLoader(others, batch_size=500))[1]
    return {
        "returns": f"the net, in {mode}",
        "images that trained it": f"{_share(net.spent / budget)} of the budget",
        "accuracy on other images": "well above guessing" if accuracy > 0.3 else "that of guessing",
    }


def _share(spent: float) -> str:
    return "all" if spent >= _LEAST_SPENT else f"{100 * spent:.0f} %"


MISTAKES = {
    "test images": "Only `images` and `labels` may train the net: the score would be a memory.",
    "whole epochs": "Stop before the batch that would pass the budget: count images, not epochs "
    "or batches.",
    "one epoch": "The budget may be several epochs long: begin a new order where one ends.",
    "train mode": "`net.eval()` before you return it: in training mode batch normalization goes on "
    "using its batch, and the answer for an image depends on its neighbours.",
    "a copy": "Return the net that you were given, trained in place.",
    "no step": "The weights stay as they were drawn: is `optimizer.step()` called?",
}

EXERCISE = Exercise(
    lesson="10",
    name="train_within",
    reference=_train,
    cases=[
        Case("half an epoch", (0.5, 0), hint="Half of the images, each once."),
        Case("an epoch and a half", (1.5, 1), hint="Go on where the images end, in a new order."),
        Case("four epochs", (4, 2), hint="zero_grad, backward and step, in each batch?"),
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
