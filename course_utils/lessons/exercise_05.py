"""Exercise and quiz of lesson 05, cyclical momentum."""

from __future__ import annotations

import math
from functools import partial

import torch

from course_utils.lr import OneCycleCurve
from course_utils.teaching import Case, Exercise, number_questions


def _set_step(optimizer, lr, peak, at_low_lr=0.95, at_peak=0.85, *, mistake: str | None = None):
    """Solve the exercise, or make one of the mistakes that learners make."""
    if mistake == "momenta typed in":
        at_low_lr, at_peak = 0.95, 0.85
    if mistake == "same direction":
        at_low_lr, at_peak = at_peak, at_low_lr
    low = 0.0 if mistake == "share of the peak" else peak / 10
    rise = (lr - low) / (peak - low)  # 0 at the low LR, 1 at the peak
    if mistake == "low LR of a peak of 1":
        rise = (lr - 0.1) / 0.9
    elif mistake == "range is the peak":
        rise = (lr - low) / peak
    if mistake == "cosine":
        rise = (1 - math.cos(math.pi * rise)) / 2
    if mistake != "goes on in the tail":
        rise = max(0.0, rise)
    momentum = at_low_lr + rise * (at_peak - at_low_lr)
    groups = optimizer.param_groups
    if mistake in ("first group", "last group"):
        groups = groups[:1] if mistake == "first group" else groups[-1:]
    elif mistake == "nothing set":
        groups = []
    for group in groups:
        if mistake != "LR not set":
            group["lr"] = lr / (1 - momentum) if mistake == "effective LR" else lr
        _set_momentum(group, momentum, mistake)
    return {
        "momentum alone": momentum,
        "LR alone": lr,
        "swapped": (momentum, lr),
        "returns nothing": None,
        "returns the effective LR": (lr / (1 - momentum), momentum),
    }.get(mistake, (lr, momentum))


def _set_momentum(group: dict, momentum: float, mistake: str | None) -> None:
    if mistake == "betas[0] = ...":
        if "betas" in group:
            group["betas"][0] = momentum
        else:
            group["momentum"] = momentum
    elif mistake == "betas asked of SGD":
        group["betas"] = (momentum, group["betas"][1])
    elif "betas" not in group or mistake == "momentum for Adam":
        group["momentum"] = momentum
    elif mistake in ("one value for betas", "one value in a tuple"):
        group["betas"] = momentum if mistake == "one value for betas" else (momentum,)
    else:
        first, second = group["betas"]
        group["betas"] = {
            "both betas": (momentum, momentum),
            "second beta": (first, momentum),
            "second beta typed in": (momentum, 0.999),
        }.get(mistake, (momentum, second))


MISTAKES = {
    "momentum alone": "Return a pair: the learning rate, then the momentum.",
    "LR alone": "Return a pair: the learning rate, then the momentum.",
    "swapped": "Return the learning rate first, then the momentum.",
    "returns nothing": "The values are set, but nothing is returned: end with a return of the pair "
    "(learning rate, momentum).",
    "returns the effective LR": "Return the LR itself: the optimizer divides by 1 - momentum "
    "through what it keeps of old steps.",
    "same direction": "The momentum moves with the LR: it must be lowest where the LR is highest.",
    "cosine": "This is a cosine: the momentum falls in a straight line while the LR rises.",
    "share of the peak": "The momentum is at_low_lr where the LR is peak / 10, not where it is 0: "
    "count the rise from there.",
    "range is the peak": "From the low LR to the peak the LR rises by peak - peak / 10, not by "
    "peak: divide by that.",
    "effective LR": "Set the LR itself: what the weights feel becomes lr / (1 - momentum) without "
    "your help.",
    "LR not set": "The optimizer's LR stayed as it was: set 'lr' in the group too.",
    "nothing set": "The optimizer's groups stayed as they were. It reads its values there at each "
    "step: write into each group of optimizer.param_groups.",
    "low LR of a peak of 1": "The low LR is peak / 10, whatever the peak is.",
    "goes on in the tail": "Below peak / 10, in the tail, the momentum stays at at_low_lr.",
    "momentum for Adam": "Adam does not read 'momentum': its groups keep it as the first of their "
    "'betas'.",
    "one value for betas": "'betas' is a pair of two numbers: put the momentum first, and keep the "
    "second that was there.",
    "one value in a tuple": "'betas' is a pair of two numbers: put the momentum first, and keep "
    "the second that was there.",
    "betas[0] = ...": "'betas' is a tuple, which cannot be changed in part: put a new pair in its "
    "place.",
    "betas asked of SGD": "SGD's groups have no 'betas': ask `\"betas\" in group` before.",
    "both betas": "Only the first of 'betas' is the momentum: keep the second that was there.",
    "second beta": "The first of 'betas' is the momentum, not the second.",
    "second beta typed in": "Keep the second beta that is there, whatever it is.",
    "first group": "Only the first parameter group was set: go through all of them.",
    "last group": "Only the last parameter group was set: go through all of them.",
    "momenta typed in": "at_low_lr and at_peak are arguments: one of them is typed in as a number.",
}


def _all_steps(function, kind, lrs, peak, *momenta, groups=1, **settings) -> dict:
    """Call the function for every LR, and note what it returned and what stands in the groups."""
    weights = [torch.zeros(1, requires_grad=True) for _ in range(groups)]
    optimizer = kind([{"params": [weight]} for weight in weights], lr=0.007, **settings)
    seen = {}
    for step, lr in enumerate(lrs):
        returned = function(optimizer, lr, peak, *momenta)
        for number, group in enumerate(optimizer.param_groups):
            place = f"step {step}, LR {lr:g}" + (f", group {number}" if groups > 1 else "")
            seen[f"{place}: the group's LR"] = group["lr"]
            kept = "betas" if "betas" in group else "momentum"
            seen[f"{place}: the group's {kept}"] = group[kept]
        seen[f"step {step}, LR {lr:g}: returned"] = returned
    return seen


_SGD = partial(torch.optim.SGD, momentum=0.5)

EXERCISE = Exercise(
    lesson="05",
    name="set_step",
    seconds=20,  # the first step of an optimizer imports much of PyTorch
    reference=_set_step,
    cases=[
        Case(
            "SGD, five LRs up to a peak of 1 and down again",
            (_SGD, [0.1, 0.325, 1.0, 0.325, 0.1], 1.0),
            hint="The momenta are 0.95, 0.925, 0.85, 0.925 and 0.95.",
        ),
        Case(
            "SGD, a peak of 0.4",
            (_SGD, [0.04, 0.22, 0.4], 0.4),
            hint="The low LR is peak / 10, here 0.04; half way up the momentum is 0.9.",
        ),
        Case(
            "SGD, the tail",
            (_SGD, [0.1, 0.05, 0.001], 1.0),
            hint="Below the low LR, which is peak / 10, the momentum stays at 0.95.",
        ),
        Case(
            "Adam",
            (partial(torch.optim.Adam, betas=(0.9, 0.98)), [0.001, 0.0055, 0.01], 0.01),
            hint="Adam keeps the momentum as the first of its 'betas'.",
        ),
        Case(
            "SGD, two parameter groups",
            (_SGD, [0.1, 1.0], 1.0),
            {"groups": 2},
            hint="Each group of optimizer.param_groups has values of its own.",
        ),
        Case(
            "AdamW, other momenta, a whole cycle",
            (torch.optim.AdamW, OneCycleCurve.gugger(21, 0.4).lrs(), 0.4, 0.9, 0.7),
            hint="at_low_lr and at_peak are arguments: is one of them typed in as a number?",
        ),
    ],
    mistakes=[(partial(_set_step, mistake=name), words) for name, words in MISTAKES.items()],
    call=_all_steps,
)

QUIZ = number_questions(
    "05",
    {
        "question": "You change SGD's momentum from 0.9 to 0.95. Which learning rate keeps the "
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
