"""Exercise and quiz of lesson 03, the variants of SGD."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from course_utils.teaching import Case, Exercise, number_questions


def _adam_step(w, gradient, state, lr, beta1, beta2, eps, *, mistake: str | None = None):
    """Solve the exercise, or make one of the mistakes that learners make."""
    if mistake == "swapped betas":
        beta1, beta2 = beta2, beta1
    t = state["t"] + (mistake != "counts from zero")
    m, v = (0.0, 0.0) if mistake == "forgets" else (state["m"], state["v"])
    squared = abs(gradient) if mistake == "not squared" else gradient**2
    if mistake == "sums":
        m, v = beta1 * m + gradient, beta2 * v + squared
    else:
        m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * squared
    corrects_m = mistake not in ("no correction", "corrects v alone")
    corrects_v = mistake not in ("no correction", "corrects m alone")
    corrected_m = m / (1 - beta1**t) if corrects_m else m
    corrected_v = v / (1 - (beta1 if mistake == "one beta" else beta2) ** t) if corrects_v else v
    if mistake == "keeps the corrected":
        m, v = corrected_m, corrected_v
    if mistake != "t stays":
        state["t"] += 1
    state["m"], state["v"] = m, v
    upper = gradient if mistake == "gradient on top" else corrected_m
    if mistake == "no root":
        lower = corrected_v + eps
    elif mistake == "eps inside":
        lower = (corrected_v + eps) ** 0.5
    elif mistake == "eps before the correction":
        lower = (v**0.5 + eps) / (1 - beta2**t) ** 0.5
    else:
        lower = corrected_v**0.5 + (0.0 if mistake == "no eps" else eps)
    w = w + lr * upper / lower if mistake == "uphill" else w - lr * upper / lower
    return (w, state) if mistake == "returns the state" else w


MISTAKES = {
    "uphill": "The step goes uphill: subtract it from w.",
    "no correction": "The bias correction is missing: divide m by 1 - beta1**t, v by 1 - beta2**t.",
    "corrects m alone": "v is not corrected: divide it by 1 - beta2**t as well.",
    "corrects v alone": "m is not corrected: divide it by 1 - beta1**t as well.",
    "one beta": "Both averages are corrected with beta1: v belongs to beta2.",
    "counts from zero": "The correction divides by zero: add 1 to state['t'] before you use it.",
    "t stays": "The step number stays the same: store t + 1 in state['t'].",
    "not squared": "v averages the gradient's size: it has to average its square.",
    "sums": "m and v are sums that grow: the new gradient enters with 1 - beta1, or 1 - beta2.",
    "no root": "The root is missing: divide by the square root of the corrected v.",
    "swapped betas": "The betas are swapped: beta1 belongs to m, beta2 to v.",
    "gradient on top": "The step uses the last gradient: use the corrected m in its place.",
    "forgets": "m and v start at zero in every step: take them from state, and store them there.",
    "keeps the corrected": "Correct a copy: the averages in state stay uncorrected.",
    "eps inside": "eps is inside the root: add it to the root.",
    "eps before the correction": "eps is added to the root of v before v is corrected.",
    "no eps": "eps is missing: add it to the root.",
    "returns the state": "Return the new w alone: what you store in state is kept anyway.",
}


def _walk(function: Callable, gradients: Sequence[float], lr, beta1, beta2, eps=1e-8):
    """Return the weight after each step, from 1 on, with a fresh state."""
    w, state, path = 1.0, {"t": 0, "m": 0.0, "v": 0.0}, []
    for gradient in gradients:
        w = function(w, gradient, state, lr, beta1, beta2, eps)
        if w is None:
            return None
        path.append(w)
    return path


# Without a pattern, and as different in size as gradients of real nets.
_GRADIENTS = [((37 * i) % 101 - 40) / 10 ** (i % 3) for i in range(100)]

EXERCISE = Exercise(
    lesson="03",
    name="adam_step",
    reference=_adam_step,
    cases=[
        Case(
            "one step, both betas 0: nothing is averaged",
            ([2.0], 0.1, 0.0, 0.0),
            hint="With both betas 0, m is the gradient and v its square: the step is lr long.",
        ),
        Case(
            "one step, usual betas",
            ([-3.0], 0.1, 0.9, 0.999),
            hint="After bias correction the first m is the gradient, and the first v its square.",
        ),
        Case(
            "three steps, beta2 is 0: only m is averaged",
            ([1.0, -2.0, 0.5], 0.1, 0.9, 0.0),
            hint="m = beta1 * m + (1 - beta1) * gradient, then a copy divided by 1 - beta1**t.",
        ),
        Case(
            "three steps, beta1 is 0: only v is averaged",
            ([1.0, -2.0, 0.5], 0.1, 0.0, 0.9),
            hint="v = beta2 * v + (1 - beta2) * gradient**2, then a copy divided by 1 - beta2**t.",
        ),
        Case(
            "two steps, gradients as tiny as eps",
            ([2e-8, 3e-8], 0.1, 0.9, 0.999),
            hint="eps is added to the root of the corrected v, and nowhere else.",
        ),
        Case("a hundred steps, which torch.optim.Adam takes too", (_GRADIENTS, 0.01, 0.9, 0.999)),
    ],
    mistakes=[(partial(_adam_step, mistake=name), words) for name, words in MISTAKES.items()],
    call=_walk,
    rtol=1e-9,
    atol=1e-10,
)

QUIZ = number_questions(
    "03",
    {
        "question": "You train with SGD, LR 0.01 and momentum 0.99. Which LR of plain SGD makes "
        "steps of the same length, as long as the gradient stays much the same?",
        "options": {"A": "0.01", "B": "0.0199", "C": "1"},
        "correct": "C",
        "why": "The velocity adds up to 1 / (1 - 0.99) = 100 gradients.",
    },
    {
        "question": "The first gradient of a weight is 1000, and Adam's LR is 0.001. How far does "
        "Adam move the weight in its first step?",
        "options": {"A": "0.001", "B": "0.1", "C": "1"},
        "correct": "A",
        "why": "After bias correction it is lr times gradient / |gradient|, whatever its size.",
    },
    {
        "question": "At half time you divide the LR of torch.optim.SGD with momentum 0.9 by ten. "
        "When do the steps become ten times shorter?",
        "options": {
            "A": "In the next step.",
            "B": "Bit by bit, over some twenty steps.",
            "C": "Never: the momentum makes up for it.",
        },
        "correct": "A",
        "why": "PyTorch multiplies the whole velocity by the LR at the moment of the step.",
    },
)
