"""Exercise and quiz of lesson 04, 1cycle."""

from __future__ import annotations

import math
from functools import partial

from course_utils.teaching import Case, Exercise, number_questions


def _one_cycle_lr(
    step, total_steps, max_lr, div=10.0, tail=0.1, final_div=100.0, *, mistake: str | None = None
) -> float:
    """Solve the exercise, or make one of the mistakes that learners make."""
    step += mistake == "counts from one"
    low = max_lr * div if mistake == "low is higher" else max_lr / div
    last = total_steps if mistake == "ends too late" else total_steps - 1
    leg = last * (1 - tail) / 2
    leg = {
        "uneven legs": last * (1 - tail) / 3,
        "legs without tail": last / 2,
        "legs too long": last * (1 - tail),
        "tail in steps": (last - tail) / 2,
        "legs of all steps": total_steps * (1 - tail) / 2,
        "legs rounded down": math.floor(leg),
        "legs rounded up": math.ceil(leg),
    }.get(mistake, leg)
    turn = last * (1 - tail) if mistake == "uneven legs" else 2 * leg
    start = 0.0 if mistake == "starts at zero" else low
    end = {
        "tail ends too high": max_lr / final_div,
        "tail ends at low / div": low / div,
        "ends at zero": 0.0,
        "tail missing": low,
    }.get(mistake, low / final_div)
    peak = max_lr
    if mistake == "upside down":
        start, peak, low = max_lr, low, max_lr
    if step <= leg:
        lr = _between(start, peak, step / leg, mistake)
    elif step <= turn or tail == 0:
        lr = _between(
            peak, end if mistake == "no tail" else low, (step - leg) / (turn - leg), mistake
        )
    else:
        first = peak if mistake == "tail from the peak" else low
        shape = "geometric" if mistake == "geometric tail" else mistake
        lr = _between(first, end, (step - turn) / (last - turn), shape)
    return lr / max_lr if mistake == "factor" else lr


def _between(a: float, b: float, fraction: float, shape: str | None) -> float:
    if shape == "geometric":
        return a * (b / a) ** fraction
    if shape == "cosine":
        fraction = (1 - math.cos(math.pi * fraction)) / 2
    return a + fraction * (b - a)


_STRAIGHT = "All three parts are straight lines: the LR changes by as much at each step."
_WHOLE = "The legs need not be whole steps: leave their length unrounded."
_INTERVALS = "The last step is total_steps - 1: there are total_steps - 1 intervals."
MISTAKES = {
    "starts at zero": "The cycle starts at the low LR, max_lr / div, not at zero.",
    "upside down": "The cycle starts at the low LR and rises first: yours starts at the peak.",
    "low is higher": "The low LR is max_lr divided by div, not multiplied.",
    "counts from one": "The steps are numbered from 0: at step 0 the LR is the low one.",
    "uneven legs": "The two legs must take equally many steps.",
    "legs without tail": "The legs take all the steps: leave the fraction `tail` for the tail.",
    "legs too long": "The two legs share the steps before the tail: each takes half of them.",
    "tail in steps": "`tail` is a fraction of the steps, not a number of steps.",
    "ends too late": _INTERVALS,
    "legs of all steps": _INTERVALS,
    "legs rounded down": _WHOLE,
    "legs rounded up": _WHOLE,
    "no tail": "The second leg ends at the low LR, not at the tail's end.",
    "tail missing": "The tail stays at the low LR: it must fall on, in a straight line.",
    "tail from the peak": "The tail starts at the low LR, where the cycle ended, not at the peak.",
    "tail ends too high": "The tail ends at the low LR / final_div, not at max_lr / final_div.",
    "tail ends at low / div": "The tail ends at the low LR / final_div, not / div.",
    "ends at zero": "The tail ends at the low LR / final_div, not at zero.",
    "cosine": _STRAIGHT,
    "geometric tail": _STRAIGHT,
    "factor": "Return the learning rate itself, not its fraction of max_lr.",
}


def _all_steps(function, total_steps, *arguments) -> list[float]:
    """Ask the function for the learning rate of every step."""
    return [function(step, total_steps, *arguments) for step in range(total_steps)]


EXERCISE = Exercise(
    lesson="04",
    name="one_cycle_lr",
    reference=_one_cycle_lr,
    cases=[
        Case(
            "11 steps, of which the last two are the tail",
            (11, 1.0, 10.0, 0.2, 50.0),
            hint="The peak is at step 4, the cycle ends at step 8, and step 10 has LR 0.002.",
        ),
        Case(
            "another peak, division and final division",
            (21, 3.0, 20.0, 0.1, 50.0),
            hint="max_lr, div and final_div are arguments: is one of them typed in as a number?",
        ),
        Case(
            "a peak that falls between two steps",
            (78, 0.4, 10.0, 13 / 95, 100.0),
            hint="Here a leg takes 33.2 steps: its end lies between two steps.",
        ),
        Case(
            "5 steps with tail=0: up and down",
            (5, 1.0, 10.0, 0.0),
            hint="With tail=0 there is no tail: the second leg ends on the last step, which has "
            "the low LR. The learning rates are 0.1, 0.55, 1, 0.55 and 0.1.",
        ),
    ],
    mistakes=[(partial(_one_cycle_lr, mistake=name), words) for name, words in MISTAKES.items()],
    call=_all_steps,
    atol=1e-12,
)

QUIZ = number_questions(
    "04",
    {
        "question": "Where does `scheduler.step()` of OneCycleLR stand in the training loop?",
        "options": {
            "A": "At the end of each epoch.",
            "B": "After each optimizer.step(), so once a batch.",
            "C": "Before the loop, once.",
        },
        "correct": "B",
        "why": "The cycle is counted in batches: stepped once an epoch, it never leaves its foot.",
    },
    {
        "question": "7,000 steps at batch 512 against 64,000 at batch 128: what was saved?",
        "options": {
            "A": "A factor of nine in images seen.",
            "B": "A factor of nine in steps, of 2.3 in images seen.",
            "C": "Nothing: the images seen are the same.",
        },
        "correct": "B",
        "why": "A step at batch 512 sees four times as many images: 70 epochs against 164.",
    },
    {
        "question": "What does the slow start of 1cycle buy most clearly on this lesson's net?",
        "options": {
            "A": "Tolerance: it loses little at an LR too high for a schedule that starts high.",
            "B": "Several points of accuracy at the best learning rate.",
            "C": "Nothing that the momentum's cycle would not do alone.",
        },
        "correct": "A",
        "why": "At its best LR a plain linear decay is level within half a point; at twice that LR "
        "it has lost over two points and 1cycle none, with constant momentum hardly any.",
    },
)
