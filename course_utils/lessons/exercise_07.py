"""Exercise and quiz of lesson 07, plot the losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from course_utils.teaching import Case, Exercise, number_questions

CHANCE = math.log(10)


def diagnose(
    train_losses: Sequence[float],
    valid_losses: Sequence[float],
    chance: float,
    *,
    mistake: str | None = None,
) -> str:
    """Solve the exercise, or make one of the mistakes that learners make.

    Args:
        train_losses: of each epoch, in nats, at least two.
        valid_losses: likewise.
        chance: the loss of guessing: ln(number of classes).
        mistake: a key of `MISTAKES`.

    Returns:
        A verdict in words; the lesson has the table of rules.
    """
    train, valid = train_losses[-1], valid_losses[-1]
    best = min(range(len(valid_losses)), key=valid_losses.__getitem__)
    rival = valid_losses[0 if mistake == "first" else best]
    rises = valid > rival * (1.0 if mistake == "any rise" else 1.1)
    since = train_losses[0 if mistake == "since the start" else best]
    over_fitting = rises and (train < since or mistake == "ignores training")
    if mistake == "gap":
        over_fitting = valid > 1.1 * train
    if valid >= chance and not (mistake == "order" and over_fitting):
        return "nothing learnt"
    if over_fitting:
        return "over-fitting"
    if rises:
        return "unstable"
    back = len(valid_losses) // 4
    back = 1 if mistake == "one epoch" else back if mistake == "no epoch" else max(1, back)
    watched = train_losses if mistake == "training decides" else valid_losses
    if watched[-1] < 0.95 * watched[-1 - back]:
        return "still falling"
    pairs = zip(valid_losses, train_losses, strict=True)
    below = any(v < 0.9 * t for v, t in pairs) if mistake == "any epoch" else valid < 0.9 * train
    if below or (mistake == "no margin" and valid < train):
        return "validation below training"
    return "levelled off"


MISTAKES = {
    "order": "The rules go in order: compare with chance before you look for over-fitting.",
    "first": "The last validation loss is compared with the lowest, not with the first.",
    "any rise": "A rise of a few per cent is noise: it has to exceed 1.1 times the lowest.",
    "since the start": "Did the training loss fall since the epoch of the lowest validation loss? "
    "Since the first epoch it nearly always has.",
    "gap": "A gap between the curves is no over-fitting: compare the validation loss with its own "
    "lowest.",
    "ignores training": "The training loss did not fall either, so that this is no over-fitting.",
    "one epoch": "In a single epoch even a falling curve moves little: look back n // 4 epochs.",
    "training decides": "Only the validation loss says whether the run still gets better.",
    "any epoch": "In the first epochs the training loss lags: only the last epoch counts.",
    "no margin": "Validation slightly below training is noise: it has to be below 0.9 times.",
    "no epoch": "With fewer than four epochs n // 4 is 0, and the last loss is compared with "
    "itself: look back one epoch at least.",
}

FLAT = (0.5,) * 4


def _case(description: str, train: Sequence[float], valid: Sequence[float], hint: str = "") -> Case:
    return Case(description, (list(train), list(valid), CHANCE), hint=hint)


EXERCISE = Exercise(
    lesson="07",
    name="diagnose",
    reference=diagnose,
    cases=[
        _case(
            "a healthy run",
            (0.9, 0.6, 0.5, 0.48, 0.47, 0.47, 0.47, 0.47),
            (0.9, 0.6, 0.52, *FLAT, 0.5),
            hint="No rule applies to it, so that the last line of the table does.",
        ),
        _case(
            "shuffled labels",
            (2.4, 2.2, 2.0, 1.8, 1.6, 1.4, 1.2, 1.0),
            (2.31, 2.32, 2.4, 2.5, 2.6, 2.7, 2.8, 2.9),
            hint="Guessing among ten classes costs ln 10, about 2.3.",
        ),
        _case(
            "over-fitting",
            (1.2, 0.7, 0.5, 0.3, 0.2, 0.1, 0.06, 0.03),
            (0.9, 0.6, 0.5, 0.55, 0.6, 0.7, 0.8, 0.85),
            hint="The validation loss ends well above its lowest, and the training loss fell on.",
        ),
        _case(
            "a gap, but nothing rises",
            (0.9, 0.5, 0.3, 0.2, 0.12, 0.1, 0.1, 0.1),
            (0.9, 0.6, 0.52, *FLAT, 0.5),
        ),
        _case(
            "a rise of 4 per cent",
            (0.9, 0.6, 0.5, 0.48, 0.47, 0.47, 0.47, 0.46),
            (0.9, 0.6, 0.52, *FLAT, 0.52),
        ),
        _case(
            "both losses rise",
            (0.8, 0.9, 1.0, 1.1, 1.3, 1.2, 1.4, 1.5),
            (0.7, 0.9, 0.8, 1.3, 1.1, 1.5, 1.2, 1.6),
            hint="The validation loss ends well above its lowest, and so does the training loss.",
        ),
        _case(
            "both losses jump",
            (1.5, 0.9, 0.7, 0.9, 0.8, 1.0, 0.8, 0.9),
            (1.2, 0.9, 0.6, 1.0, 0.7, 1.1, 0.8, 1.0),
            hint="Compare the last training loss with that of the epoch with the lowest "
            "validation loss.",
        ),
        _case(
            "a slow fall",
            [2.0 * 0.98**epoch for epoch in range(20)],
            [2.0 * 0.98**epoch for epoch in range(20)],
            hint="It fell by a tenth in the last quarter of its epochs.",
        ),
        _case(
            "only the training loss still falls",
            (0.9, 0.6, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25),
            (0.9, 0.6, 0.52, *FLAT, 0.5),
        ),
        _case(
            "training above validation in the first epochs",
            (1.6, 0.8, 0.55, 0.5, 0.48, 0.47, 0.47, 0.47),
            (0.9, 0.6, 0.52, *FLAT, 0.5),
        ),
        _case(
            "dropout: training above validation to the end",
            (1.6, 0.9, 0.8, 0.75, 0.72, 0.7, 0.7, 0.7),
            (0.9, 0.6, 0.52, *FLAT, 0.5),
            hint="In the last epoch the validation loss is far below the training loss.",
        ),
        _case(
            "validation slightly below training",
            (0.9, 0.6, 0.55, 0.53, 0.52, 0.52, 0.52, 0.52),
            (0.9, 0.6, 0.52, *FLAT, 0.5),
        ),
        _case("three epochs", (1.9, 1.5, 1.3), (1.8, 1.5, 1.3)),
    ],
    mistakes=[(partial(diagnose, mistake=name), words) for name, words in MISTAKES.items()],
)

QUIZ = number_questions(
    "07",
    {
        "question": "Without dropout or augmentation, the validation loss of epoch 1 is below the "
        "training loss of epoch 1. What is the most likely reason?",
        "options": {
            "A": "The validation images are easier.",
            "B": "The training loss is a mean over the whole epoch, in which the net got better.",
            "C": "Validation images leaked into the training set.",
        },
        "correct": "B",
        "why": "Evaluate the training images at the epoch's end: the two then nearly agree.",
    },
    {
        "question": "An epoch has 3 batches of 100 images with loss 0.4 and one last batch of 1 "
        "image with loss 4.0. Which loss of the epoch is right, to two digits?",
        "options": {"A": "1.30", "B": "0.41", "C": "0.40"},
        "correct": "B",
        "why": "(3 * 100 * 0.4 + 1 * 4.0) / 301: the single image has the weight of one image.",
    },
    {
        "question": "Training and validation loss both go to nearly zero, on a task on which "
        "nobody does as well. What do you do first?",
        "options": {
            "A": "Nothing: it is the best run so far.",
            "B": "Add dropout, since the training loss is suspiciously low.",
            "C": "Look for validation images, or copies of them, in the training set.",
        },
        "correct": "C",
        "why": "Over-fitting to images that are in both sets looks like success on both.",
    },
)
