"""Exercise and quiz of lesson 00, start here."""

from __future__ import annotations

import torch

from course_utils.teaching import Case, Exercise, number_questions


def _accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    return (logits.argmax(dim=1) == labels).float().mean().item()


EXERCISE = Exercise(
    lesson="00",
    name="accuracy",
    reference=_accuracy,
    cases=[
        Case(
            "four images, three of them right",
            (
                torch.tensor([[2.5, 0.5, 1.5], [0.5, 1.0, -1.5], [3.5, 2.5, 1.5], [0.5, 1.5, 2.0]]),
                torch.tensor([0, 1, 1, 2]),
            ),
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
)
