"""Exercises and quiz of lesson 07, plot the losses."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from course_utils.teaching import Case, Exercise, number_questions

CHANCE = math.log(10)


def draw_panels(axes, losses, sizes, valid_losses, accuracies, *, mistake: str | None = None):
    """Solve the first exercise, or make one of the mistakes that learners make.

    Args:
        axes: two axes, stacked.
        losses: of each epoch, the mean loss of each of its batches, in nats.
        sizes: of each epoch, how many images each batch had.
        valid_losses: of each epoch.
        accuracies: of each epoch, 0 to 1.
        mistake: a key of `MISTAKES_IN_PANELS`.

    Returns:
        The mean loss of each epoch over its images.
    """
    average = _AVERAGES.get(mistake, _mean_over_images)
    train = [
        average(np.array(loss), np.array(size)) for loss, size in zip(losses, sizes, strict=True)
    ]
    if mistake == "over all epochs":
        sums = np.cumsum([np.dot(loss, size) for loss, size in zip(losses, sizes, strict=True)])
        train = list(sums / np.cumsum([sum(size) for size in sizes]))
    epochs = range(len(train)) if mistake == "from zero" else range(1, len(train) + 1)
    names = ("training", "validation")
    if mistake == "labels swapped":
        names = names[::-1]
    if mistake == "no labels":
        names = (None, None)
    if mistake == "drawn elsewhere":
        axes = Figure().subplots(2, 1)
    above, below = axes[::-1] if mistake == "panels swapped" else axes
    above.plot(epochs, train, label=names[0])
    above.plot(epochs, valid_losses, label=names[1])
    if mistake == "in percent":
        accuracies = [100 * accuracy for accuracy in accuracies]
    if mistake != "no accuracy":
        (above if mistake == "one panel" else below).plot(epochs, accuracies, "C1")
    above.set_ylabel("loss (nats)")
    below.set(xlabel="epoch", ylabel="validation accuracy")
    if mistake == "no axis labels":
        above.set_ylabel("")
        below.set(xlabel="", ylabel="")
    return None if mistake == "no return" else train


def _mean_over_images(losses: np.ndarray, sizes: np.ndarray) -> float:
    return float((losses * sizes).sum() / sizes.sum())


_AVERAGES = {
    "plain mean": lambda losses, sizes: losses.mean(),
    "sum": lambda losses, sizes: (losses * sizes).sum(),
    "per batch": lambda losses, sizes: (losses * sizes).sum() / len(losses),
    "sum of losses over images": lambda losses, sizes: losses.sum() / sizes.sum(),
    "first size": lambda losses, sizes: (losses * sizes).sum() / (len(sizes) * sizes[0]),
    "last batch": lambda losses, sizes: losses[-1],
    "short batch dropped": lambda losses, sizes: (
        losses[:-1].mean() if len(losses) > 1 else losses[0]
    ),
}
MISTAKES_IN_PANELS = {
    "plain mean": "This is the plain mean over the batches: the short last batch counts as much as "
    "a full one. Weight each batch's loss by its size.",
    "sum": "This is the sum over the images: divide it by how many images the epoch has.",
    "per batch": "The sum over the images was divided by the number of batches: divide it by the "
    "number of images.",
    "sum of losses over images": "Each batch's loss is a mean already: multiply it by the batch's "
    "size before you add them up.",
    "first size": "This divides as if every batch were as large as the first; the last is shorter.",
    "last batch": "This is the loss of the epoch's last batch alone: average over all of them.",
    "short batch dropped": "The short last batch is left out: its images count as well.",
    "over all epochs": "The mean goes on from epoch to epoch: begin anew in each.",
    "from zero": "The epochs are counted from 0: after the first pass over the images, epoch 1 is "
    "done.",
    "labels swapped": "The labels are swapped: the first line is the training loss.",
    "no labels": "The lines have no names: give each `label=...`, for the legend.",
    "panels swapped": "The losses belong into the upper panel, axes[0], the accuracy into axes[1].",
    "drawn elsewhere": "The axes that were given are empty: draw on them, by axes[0].plot(...) and "
    "axes[1].plot(...), not by plt.plot(...).",
    "no accuracy": "The lower panel is empty: draw the accuracies in axes[1].",
    "one panel": "The accuracy stands in the losses' panel: draw it in axes[1].",
    "in percent": "The accuracies are drawn in per cent: draw them as they come, from 0 to 1.",
    "no axis labels": "An axis has no label: a reader must see what is plotted, and in which unit.",
    "no return": "The panels are right; return the list of the epochs' training losses as well.",
}


def _drawn(function, losses, sizes, valid_losses, accuracies) -> dict:
    """Let a function draw, and read from the axes what it has drawn."""
    axes = Figure().subplots(2, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a legend without labels: the check says it better
        returned = function(axes, losses, sizes, valid_losses, accuracies)
    if returned is None and not any(ax.lines for ax in axes):
        return None
    above, below = ([_points(line) for line in ax.lines] for ax in axes)
    names = [_name(line) for line in axes[0].lines]
    if sorted(names) == ["training", "validation"]:
        above = dict(zip(names, above, strict=True))  # in whichever order they were drawn
    else:
        above = {f"line {number}": line for number, line in enumerate(above, start=1)}
    labels = [axes[0].get_ylabel(), axes[1].get_xlabel(), axes[1].get_ylabel()]
    return {
        "returned": "nothing" if returned is None else returned,
        "upper panel": above,
        "lower panel": below,
        "axis labels": all(labels) or not (above or below),
    }


def _points(line) -> dict:
    return {"epochs": line.get_xdata(), "values": line.get_ydata()}


def _name(line) -> str:
    label = str(line.get_label()).casefold()
    return next((name for name in ("training", "validation") if name[:5] in label), "")


EXERCISE = Exercise(
    lesson="07",
    name="draw_panels",
    reference=draw_panels,
    cases=[
        Case(
            "one epoch of two full batches",
            ([[2.0, 1.0]], [[100, 100]], [1.2], [0.6]),
            hint="axes[0] gets two lines over the epochs 1, 2, ..., labelled 'training' and "
            "'validation', axes[1] the accuracies.",
        ),
        Case(
            "two epochs, whose last batch is short",
            (
                [[2.0, 1.0, 3.0], [1.0, 0.5, 1.5]],
                [[100, 100, 1], [100, 100, 1]],
                [1.2, 0.7],
                [0.6, 0.75],
            ),
            hint="Sum loss times size over the batches, and divide by the sum of the sizes.",
        ),
        Case(
            "three epochs of another length",
            ([[0.9], [0.7], [0.6]], [[40], [40], [40]], [1.0, 0.9, 0.8], [0.5, 0.6, 0.7]),
            hint="Nothing about the length of the run may be written into the function.",
        ),
    ],
    mistakes=[
        (partial(draw_panels, mistake=name), words) for name, words in MISTAKES_IN_PANELS.items()
    ],
    call=_drawn,
)


def diagnose(
    train_losses: Sequence[float],
    valid_losses: Sequence[float],
    chance: float,
    *,
    mistake: str | None = None,
) -> str:
    """Solve the second exercise, or make one of the mistakes that learners make.

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
    if watched[-1] < 0.95 * watched[-back if mistake == "one too few" else -1 - back]:
        return "still falling"
    pairs = zip(valid_losses, train_losses, strict=True)
    below = any(v < 0.9 * t for v, t in pairs) if mistake == "any epoch" else valid < 0.9 * train
    if below or (mistake == "no margin" and valid < train):
        return "validation below training"
    return "levelled off"


VERDICTS = (
    "nothing learnt",
    "over-fitting",
    "unstable",
    "still falling",
    "validation below training",
    "levelled off",
)
UNKNOWN = "words that are not in the table"
MISTAKES = {
    "order": "The rules go in order: compare with chance before you look for over-fitting.",
    "first": "The last validation loss is compared with the lowest, not with the first.",
    "any rise": "A rise of a few per cent is noise: it has to exceed 1.1 times the lowest.",
    "since the start": "Did the training loss fall since the epoch of the lowest validation loss? "
    "Since the first epoch it nearly always has.",
    "gap": "A gap between the curves is no over-fitting: compare the validation loss with its own "
    "lowest.",
    "ignores training": "The training loss did not fall either, so that this is no over-fitting.",
    "no epoch": "With fewer than four epochs n // 4 is 0, and the last loss is compared with "
    "itself: look back one epoch at least.",
    "one too few": "One epoch too few: valid_losses[-1] is the last epoch, so that `back` epochs "
    "before it is valid_losses[-1 - back].",
    "one epoch": "In a single epoch even a falling curve moves little: look back n // 4 epochs.",
    "training decides": "Only the validation loss says whether the run still gets better.",
    "any epoch": "In the first epochs the training loss lags: only the last epoch counts.",
    "no margin": "Validation slightly below training is noise: it has to be below 0.9 times.",
}

FLAT = (0.5,) * 4


def _spelled(function, *arguments):
    """Tell a verdict in another spelling from a wrong one."""
    verdict = function(*arguments)
    return verdict if verdict is None or verdict in VERDICTS else UNKNOWN


def _case(description: str, train: Sequence[float], valid: Sequence[float], hint: str = "") -> Case:
    return Case(description, (list(train), list(valid), CHANCE), hint=hint)


DIAGNOSE = Exercise(
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
            "a slower fall",
            [2.0 * 0.989**epoch for epoch in range(20)],
            [2.0 * 0.989**epoch for epoch in range(20)],
            hint="It fell by 5.4 % in the last quarter of its epochs, which are five.",
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
    mistakes=[
        (
            lambda *_: UNKNOWN,
            f"Spell the verdict as in the table, one of {', '.join(map(repr, VERDICTS))}.",
        ),
        *((partial(diagnose, mistake=name), words) for name, words in MISTAKES.items()),
    ],
    call=_spelled,
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
        "why": "Evaluate the training images at the epoch's end: the two come close.",
    },
    {
        "question": "An epoch has 3 batches of 100 images with loss 0.4 and one last batch of 1 "
        "image with loss 4.0. Which loss of the epoch is right, to two digits?",
        "options": {"A": "1.30", "B": "0.41", "C": "0.40"},
        "correct": "B",
        "why": "(3 * 100 * 0.4 + 1 * 4.0) / 301: the single image has the weight of one image.",
    },
    {
        "question": "The validation loss turned at epoch 10; the accuracy stands still from there "
        "on. The net's probabilities go into a calculation of costs. When do you stop?",
        "options": {
            "A": "At the end: the accuracy did not fall.",
            "B": "At the lowest validation loss: the probabilities get worse after it.",
            "C": "At the lowest training loss.",
        },
        "correct": "B",
        "why": "After the turn the net grows surer of the same mistakes. Where the class alone "
        "counts, A is as good.",
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
