"""Exercise and quiz of lesson 05, cyclical momentum."""

from __future__ import annotations

from functools import partial

from course_utils.lr import OneCycleCurve
from course_utils.teaching import Case, Exercise, number_questions


def _momentum_at(
    step, total_steps, lr, tail=0.1, at_low_lr=0.95, at_peak=0.85, *, mistake: str | None = None
) -> tuple[float, float]:
    """Solve the exercise, or make one of the mistakes that learners make."""
    last = total_steps if mistake == "ends too late" else total_steps - 1
    leg = last * (1 if mistake == "legs without tail" else 1 - tail) / 2
    if mistake == "same direction":
        at_low_lr, at_peak = at_peak, at_low_lr
    rise = step / leg if step <= leg else 2 - step / leg  # 0 at the low LR, 1 at the peak
    if mistake == "stays at the peak's value":
        rise = min(step / leg, 1.0)
    elif step > 2 * leg and mistake != "goes on in the tail":
        rise = 0.0
        if mistake == "falls in the tail" and last > 2 * leg:
            rise = (step - 2 * leg) / (last - 2 * leg)
    momentum = at_low_lr + rise * (at_peak - at_low_lr)
    effective = {
        "multiplied": lr * (1 - momentum),
        "divided by the momentum": lr / momentum,
        "plus": lr / (1 + momentum),
        "no effective LR": lr,
    }.get(mistake, lr / (1 - momentum))
    return (effective, momentum) if mistake == "swapped" else (momentum, effective)


MISTAKES = {
    "same direction": "The momentum moves with the LR: it must be lowest where the LR is highest.",
    "stays at the peak's value": "The momentum stays low after the peak: it must rise again.",
    "goes on in the tail": "The momentum rises on in the tail: there it stays at at_low_lr.",
    "falls in the tail": "The momentum falls in the tail: there it stays at at_low_lr.",
    "legs without tail": "The legs take all the steps: leave the fraction `tail` for the tail.",
    "ends too late": "The last step is total_steps - 1: there are total_steps - 1 intervals.",
    "multiplied": "The effective LR is lr divided by 1 - momentum, not multiplied by it.",
    "divided by the momentum": "The effective LR is lr divided by 1 - momentum, not by momentum.",
    "plus": "The effective LR is lr divided by 1 - momentum, not by 1 + momentum.",
    "no effective LR": "This is the LR itself: divide it by 1 - momentum.",
    "swapped": "Return the momentum first, then the effective LR.",
}


def _all_steps(function, lrs, *arguments) -> list:
    """Ask the function for the momentum and the effective LR of every step."""
    return [function(step, len(lrs), lr, *arguments) for step, lr in enumerate(lrs)]


EXERCISE = Exercise(
    lesson="05",
    name="momentum_at",
    reference=_momentum_at,
    cases=[
        Case(
            "5 steps at a constant LR of 1, no tail",
            ([1.0] * 5, 0.0),
            hint="The momenta are 0.95, 0.9, 0.85, 0.9 and 0.95.",
        ),
        Case(
            "13 steps, of which the last two are the tail",
            (OneCycleCurve.gugger(13, 1.0, tail=1 / 6).lrs(), 1 / 6),
            hint="The momentum is 0.85 at step 5, 0.95 at step 10, and stays so.",
        ),
        Case(
            "other momenta",
            (OneCycleCurve.gugger(21, 0.4, tail=0.1).lrs(), 0.1, 0.9, 0.7),
            hint="at_low_lr and at_peak are arguments: is one of them typed in as a number?",
        ),
        Case(
            "a peak that falls between two steps",
            (OneCycleCurve.gugger(78, 0.4).lrs(), 13 / 95),
            hint="Neither end of a leg needs to be a whole number: do not round them.",
        ),
    ],
    mistakes=[(partial(_momentum_at, mistake=name), words) for name, words in MISTAKES.items()],
    call=_all_steps,
)

QUIZ = number_questions(
    "05",
    {
        "question": "You change the momentum from 0.9 to 0.95. Which learning rate keeps the "
        "effective LR as it was?",
        "options": {"A": "half of the old one", "B": "the old one", "C": "twice the old one"},
        "correct": "A",
        "why": "1 - momentum is halved, so lr must be halved for lr / (1 - momentum) to stay.",
    },
    {
        "question": "One run with a new trick ends 0.1 points above one run without. The spread of "
        "such differences over seeds is 0.3 points. What do you know?",
        "options": {
            "A": "The trick gains about 0.1 points.",
            "B": "Next to nothing: chance alone does this in more than every third pair.",
            "C": "The trick does nothing.",
        },
        "correct": "B",
        "why": "A third of the spread is well within chance; that proves no gain, and no loss.",
    },
    {
        "question": "The effect that you look for is half as large as you thought. How many more "
        "seeds do you need?",
        "options": {"A": "as many", "B": "twice as many", "C": "four times as many"},
        "correct": "C",
        "why": "The interval narrows with the square root of the number of seeds.",
    },
)
