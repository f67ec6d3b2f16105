"""Exercise and quiz of lesson 00, start here."""

from __future__ import annotations

import torch

from course_utils.teaching import Case, Exercise, number_questions


def _accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    return (logits.argmax(dim=1) == labels).float().mean().item()


# Eight images, five of them right; each mistake below gives another number or another error.
_LOGITS = [
    [2.5, 0.5, 1.5],
    [0.5, 1.0, -1.5],
    [4.5, 2.5, 1.5],
    [0.5, 1.5, 2.0],
    [2.5, 0.0, 1.5],
    [0.5, 3.0, 1.0],
    [1.0, 2.5, -0.5],
    [0.0, -1.0, 0.5],
]

EXERCISE = Exercise(
    lesson="00",
    name="accuracy",
    reference=_accuracy,
    cases=[
        Case(
            "eight images, five of them right",
            (torch.tensor(_LOGITS), torch.tensor([0, 1, 2, 2, 2, 1, 0, 2])),
            hint="The predicted class is the column of the highest logit in the image's row.",
        ),
        Case(
            "two hundred images, ten classes",
            (
                torch.randn(200, 10, generator=torch.Generator().manual_seed(0)),
                torch.arange(200) % 10,
            ),
        ),
    ],
    mistakes=[
        (
            lambda logits, labels: (logits.argmax(dim=1) == labels).sum().item(),
            "This is the number of right images; divide it by the number of images.",
        ),
        (
            lambda logits, labels: 100 * _accuracy(logits, labels),
            "This is a percentage; return a fraction from 0 to 1.",
        ),
        (
            lambda logits, labels: (logits.argmax(dim=0) == labels).float().mean().item(),
            "argmax looked along the images (dim=0); the classes are along dim=1.",
        ),
        (
            lambda logits, labels: (logits.argmax() == labels).float().mean().item(),
            "argmax without dim gives one position in the whole table; take it in each row, dim=1.",
        ),
        (
            lambda logits, labels: logits.argmax(dim=2),
            "The table has two directions, dim=0 along the images and dim=1 along the classes.",
        ),
        (
            lambda logits, labels: (logits == labels).float().mean().item(),
            "Scores are compared with labels here: take each row's class by argmax first.",
        ),
        (
            lambda logits, labels: (logits.max(dim=1) == labels).float(),
            "The comparison gave a single True or False, as one side is no tensor. "
            "max(dim=1) returns a pair, values and positions, and the positions are the classes.",
        ),
        *(
            (
                lambda logits, labels, kind=kind: (logits.argmax(dim=1) == labels).to(kind).mean(),
                "True and False have no mean: turn them into numbers by .float() first.",
            )
            for kind in (torch.bool, torch.long, torch.int)
        ),
        (
            lambda logits, labels: _accuracy(logits, labels) * len(labels) / logits.shape[1],
            "This is divided by the number of classes; divide by the number of images.",
        ),
        (
            lambda logits, labels: 1 - _accuracy(logits, labels),
            "This is the error rate: the fraction that is wrong.",
        ),
        (
            lambda logits, labels: (logits.argmin(dim=1) == labels).float().mean().item(),
            "The predicted class has the highest logit, not the lowest.",
        ),
        (
            lambda logits, labels: (logits.max(dim=1).values == labels).float().mean().item(),
            "This compares the highest logit itself with the label; compare its column (argmax).",
        ),
        (
            lambda logits, labels: (logits.argmax(dim=1) == labels).float(),
            "This says of each image whether it is right; return one number, their mean.",
        ),
    ],
)

QUIZ = number_questions(
    "00",
    {
        "question": "Why does the course repeat an experiment with several seeds?",
        "options": {
            "A": "To take the best of them.",
            "B": "Because one run is one sample: its result scatters with the initial weights and "
            "the order of the images.",
            "C": "To give the computer time to warm up.",
        },
        "correct": "B",
        "why": "A difference smaller than the scatter between seeds says nothing.",
    },
    {
        "question": 'A claim says "within noise". What do you know?',
        "options": {
            "A": "The effect is zero.",
            "B": "The claim is wrong.",
            "C": "These seeds cannot tell on which side of the bound the effect lies.",
        },
        "correct": "C",
        "why": "The bound lies inside the interval; more seeds make the interval narrower.",
    },
    {
        "question": "What happens where `optimizer.zero_grad()` is left out?",
        "options": {
            "A": "`backward` raises an error.",
            "B": "Each step follows the sum of the gradients of all batches so far.",
            "C": "Nothing: `backward` writes over the old gradient.",
        },
        "correct": "B",
        "why": "`backward` adds to what is in `.grad`, which helps when several batches shall make "
        "one step, and has to be cleared otherwise.",
    },
)
