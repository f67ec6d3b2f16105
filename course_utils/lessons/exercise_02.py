"""Exercise and quiz of lesson 02, the LR finder."""

from __future__ import annotations

import math
from functools import partial

from course_utils.teaching import Case, Exercise, number_questions


def _range_test(
    step, min_lr, max_lr, steps, beta, stop_ratio, *, mistake: str | None = None
) -> tuple[list[float], list[float]]:
    """Solve the exercise, or make one of the mistakes that learners make."""
    gaps = steps if mistake == "one gap too many" else steps - 1
    factor = (max_lr / min_lr) ** (1 / gaps)
    if mistake == "power first":
        factor = max_lr / min_lr ** (1 / gaps)
    lrs, smoothed_losses, raw_losses = [], [], []
    lr, average = min_lr, 0.0
    best = 0.0 if mistake == "best starts at zero" else math.inf
    for t in range(1, steps + 1):
        loss = step(lr)
        weight = beta if mistake == "weights exchanged" else 1 - beta
        average = (1 - weight) * average + weight * loss
        if mistake == "starts at the first loss" and t == 1:
            average = loss
        if mistake == "counts from zero":
            t -= 1
        smoothed = average if mistake == "no correction" else average / (1 - beta**t)
        if mistake == "correction without brackets":
            smoothed = average / 1 - beta**t
        if mistake == "corrects what it averages on":
            average = smoothed
        raw_losses.append(loss)
        rival = {"raw loss": loss, "no stop": -math.inf}.get(mistake, smoothed)
        if mistake == "first" and smoothed_losses:
            best = smoothed_losses[0]
        if mistake == "keeps the last":
            lrs.append(lr)
            smoothed_losses.append(smoothed)
        if rival > stop_ratio * best:
            break
        best = min(best, smoothed)
        if mistake != "keeps the last":
            lrs.append(math.log10(lr) if mistake == "logarithms" else lr)
            smoothed_losses.append(smoothed)
        lr = lr + (max_lr - min_lr) / (steps - 1) if mistake == "adds" else lr * factor
    if mistake == "pairs":
        return list(zip(lrs, smoothed_losses, strict=True))
    return lrs, raw_losses[: len(lrs)] if mistake == "unsmoothed" else smoothed_losses


MISTAKES = {
    "adds": "The learning rate grows by equal differences; multiply it by a constant factor.",
    "one gap too many": "The last learning rate is not max_lr: steps points have steps - 1 gaps.",
    "logarithms": "These are logarithms of the learning rates; return the learning rates.",
    "power first": "The power binds more tightly than /; divide first: (max_lr / min_lr) ** (...).",
    "pairs": "These are pairs; return two lists, the learning rates and the smoothed losses.",
    "unsmoothed": "These are the raw losses; return the smoothed ones.",
    "no correction": "The bias correction is missing: divide the average by 1 - beta**t.",
    "correction without brackets": "Brackets are missing around 1 - beta**t.",
    "weights exchanged": "The weights are exchanged: beta belongs to the average.",
    "starts at the first loss": "The average starts at the first loss; start at 0, then correct.",
    "counts from zero": "The correction divides by zero: count t from 1 in 1 - beta**t.",
    "corrects what it averages on": "Correct a copy: the running average itself stays uncorrected.",
    "raw loss": "The stop looks at the raw loss; it is the smoothed loss that decides.",
    "no stop": "The sweep goes on after the explosion: stop above stop_ratio times the lowest.",
    "first": "The stop compares with the first loss; compare with the lowest so far.",
    "best starts at zero": "No loss is below a best of zero: start with best = float('inf').",
    "keeps the last": "The point that ended the sweep is in the lists: stop before appending.",
}


def _bowl(lr: float) -> float:
    """Fall from 2.3 to a bottom near LR .1 and explode beyond, as the loss of a real net does."""
    return 2.3 / (1 + 30 * lr) + (lr / 0.7) ** 3


def _spike(lr: float) -> float:
    """Stay at 1 but for one mini-batch with a loss of 6."""
    return 6.0 if 0.01 < lr < 0.02 else 1.0


EXERCISE = Exercise(
    lesson="02",
    name="lr_range_test",
    reference=_range_test,
    cases=[
        Case(
            "a constant loss, no smoothing: only the learning rates matter",
            (lambda lr: 2.0, 1e-4, 1.0, 5, 0.0, 4.0),
            hint="The learning rates are 0.0001, 0.001, 0.01, 0.1 and 1: a factor of ten each.",
        ),
        Case(
            "a loss that falls, no smoothing: the losses are returned as they are",
            (lambda lr: 3 - 2 * lr, 1e-3, 1.0, 4, 0.0, 4.0),
            hint="With beta 0 the smoothed losses are the losses that step(lr) returned.",
        ),
        Case(
            "a constant loss, beta 0.9: smoothing must not change it",
            (lambda lr: 2.0, 1e-4, 1.0, 9, 0.9, 4.0),
            hint="After bias correction a constant loss stays constant from the first step on.",
        ),
        Case(
            "a loss that falls, beta 0.9",
            (lambda lr: 3 - 2 * lr, 1e-3, 1.0, 9, 0.9, 4.0),
            hint="average = beta * average + (1 - beta) * loss, then divide by 1 - beta**t.",
        ),
        Case(
            "a loss that falls and then explodes, no smoothing",
            (_bowl, 1e-4, 10.0, 40, 0.0, 4.0),
            hint="Stop when the loss exceeds stop_ratio times the lowest so far.",
        ),
        Case(
            "one bad mini-batch, beta 0.9: no reason to stop",
            (_spike, 1e-4, 1.0, 30, 0.9, 4.0),
            hint="The smoothed loss stays below the bound, so that the sweep goes to its end.",
        ),
        Case("a whole curve, beta 0.9", (_bowl, 1e-4, 10.0, 80, 0.9, 4.0)),
    ],
    mistakes=[(partial(_range_test, mistake=name), words) for name, words in MISTAKES.items()],
)

QUIZ = number_questions(
    "02",
    {
        "question": "The usual advice is a tenth of the LR at the lowest smoothed loss. What is "
        "the tenth for?",
        "options": {
            "A": "At the minimum itself the net overfits.",
            "B": "The smoothing is late: the curve's minimum lies above where the loss was lowest.",
            "C": "The finder has used up the training images by then.",
        },
        "correct": "B",
        "why": "Take the delay out, and the end of the fall itself is a good pick.",
    },
    {
        "question": "You double the number of steps of the sweep and keep beta at 0.98. What "
        "happens to the delay of the smoothed curve, counted in decades (factors of ten) of LR?",
        "options": {"A": "it halves", "B": "it stays", "C": "it doubles"},
        "correct": "A",
        "why": "The average remembers about 50 steps, and 50 steps now span half the decades.",
    },
    {
        "question": "The curve is flat from end to end. What is the most likely cause?",
        "options": {
            "A": "The learning rates were all too high.",
            "B": "The model is already perfect.",
            "C": "The optimizer does not hold the model's parameters, or they are frozen.",
        },
        "correct": "C",
        "why": "What the optimizer changes has no influence on the loss.",
    },
)
