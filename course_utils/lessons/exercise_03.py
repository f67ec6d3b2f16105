"""Exercise and quiz of lesson 03, the variants of SGD; the other four rules, for who wants more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch

from course_utils.teaching import Case, Exercise, number_questions


def _adam_step(
    w, gradient, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, *, mistake: str = "", root=None
):
    """Solve the exercise, or make one of the mistakes that learners make."""
    if mistake == "swapped betas":
        beta1, beta2 = beta2, beta1
    if mistake == "dot":
        state.t += 1
    t = state["t"] + (mistake != "counts from zero")
    nothing_kept = mistake in ("forgets", "keeps nothing")
    m, v = (0.0, 0.0) if nothing_kept else (state["m"], state["v"])
    old = m, v
    if mistake == "caret":
        gradient ^ 2
    squared = abs(gradient) if mistake == "not squared" else gradient**2
    share1, share2 = 1 - beta1, 1 - beta2
    if mistake in ("sums", "sums m", "sums m, uncorrected"):
        share1 = 1
    if mistake in ("sums", "sums v"):
        share2 = 1
    if mistake == "swapped shares":
        beta1, share1, beta2, share2 = share1, beta1, share2, beta2
    m = beta1 * m + share1 * gradient
    v = beta2 * v + share2 * (m**2 if mistake == "squares m" else squared)
    if mistake == "swapped shares":
        beta1, beta2 = share1, share2
    if mistake == "one beta":
        beta2 = beta1
    if mistake == "old averages":
        corrected_m, corrected_v = old[0] / (1 - beta1**t), old[1] / (1 - beta2**t)
    elif mistake == "times t":
        corrected_m, corrected_v = m / (1 - beta1 * t), v / (1 - beta2 * t)
    else:
        corrected_m, corrected_v = m / (1 - beta1**t), v / (1 - beta2**t)
    if mistake in ("no brackets", "no brackets at m"):
        corrected_m = m / 1 - beta1**t
    if mistake in ("no brackets", "no brackets at v"):
        corrected_v = v / 1 - beta2**t
    if mistake in ("no correction", "corrects v alone", "sums m, uncorrected"):
        corrected_m = m
    if mistake in ("no correction", "corrects m alone"):
        corrected_v = v
    if mistake == "keeps the corrected":
        m, v = corrected_m, corrected_v
    if mistake not in ("t stays", "keeps nothing"):
        state["t"] += 1
    state["m"], state["v"] = m, v
    if mistake == "eps inside":
        lower = (corrected_v + eps) ** 0.5
    elif mistake == "eps before the correction":
        lower = (v**0.5 + eps) / (1 - beta2**t) ** 0.5
    elif mistake == "no root":
        lower = corrected_v + eps
    else:
        lower = root(corrected_v) if root else corrected_v**0.5
        lower = lower + (0.0 if mistake == "no eps" else eps)
    step = lr * (gradient if mistake == "gradient on top" else corrected_m) / lower
    if mistake == "returns the step":
        return step
    w = w + step if mistake == "uphill" else w - step
    return (w, state) if mistake == "returns the state" else w


_BRACKETS = (
    "Brackets are missing: m / 1 - beta1**t is m minus beta1**t. Write m / (1 - beta1**t), and "
    "the same for v."
)
_ROOT = "`v ** 0.5` takes the root of a number and of a tensor alike; {} takes {} only."
MISTAKES = {
    "uphill": "The step goes uphill: subtract it from w.",
    "returns the step": "That is the step alone: return w minus it.",
    "no correction": "The bias correction is missing: divide m by 1 - beta1**t, v by 1 - beta2**t.",
    "corrects m alone": "v is not corrected: divide it by 1 - beta2**t as well.",
    "corrects v alone": "m is not corrected: divide it by 1 - beta1**t as well.",
    "one beta": "Both averages are corrected with beta1: v belongs to beta2.",
    "no brackets": _BRACKETS,
    "no brackets at m": _BRACKETS,
    "no brackets at v": _BRACKETS,
    "times t": "The correction has beta1 * t: it has to be a power, 1 - beta1**t.",
    "counts from zero": "The correction divides by zero: add 1 to state['t'] before you use it.",
    "t stays": "The step number stays the same: store t + 1 in state['t'].",
    "not squared": "v averages the gradient's size: it has to average its square.",
    "squares m": "v averages the square of m: it has to average that of the gradient.",
    "sums": "m and v are sums that grow: the new gradient enters with 1 - beta1, or 1 - beta2.",
    "sums m": "m is a sum, as in momentum SGD: the gradient enters with the factor 1 - beta1.",
    "sums m, uncorrected": (
        "m is a sum, as in momentum SGD: the gradient enters with the factor 1 - beta1, and the "
        "correction divides by 1 - beta1**t."
    ),
    "sums v": "v is a sum: the squared gradient enters with the factor 1 - beta2.",
    "swapped shares": "The shares are swapped: beta1 belongs to the old m, 1 - beta1 to the new.",
    "old averages": "The step uses the averages of the step before: update m and v first.",
    "no root": "The root is missing: divide by the square root of the corrected v.",
    "swapped betas": "The betas are swapped: beta1 belongs to m, beta2 to v.",
    "gradient on top": "The step uses the last gradient: use the corrected m in its place.",
    "forgets": "m and v start at zero in every step: take them from state, and store them there.",
    "keeps nothing": (
        "Nothing is kept from one step to the next: store t, m and v in the dictionary that you "
        "were given."
    ),
    "keeps the corrected": "Correct a copy: the averages in state stay uncorrected.",
    "eps inside": "eps is inside the root: add it to the root.",
    "eps before the correction": "eps is added to the root of v before v is corrected.",
    "no eps": "eps is missing: add it to the root.",
    "dot": "state is a dictionary: write state['t'], not state.t.",
    "caret": "In Python ^ is no power: write gradient**2.",
    "returns the state": "Return the new w alone: what you store in state is kept anyway.",
}


def _walk(function: Callable, gradients: Sequence, *settings):
    """Return the weight after each step, from 1 on, with a fresh state."""
    w, state, path = 1.0, {"t": 0, "m": 0.0, "v": 0.0}, []
    for gradient in gradients:
        w = function(w, gradient, state, *settings)
        if w is None:
            return None
        # The root of a negative number; as text it is compared and shown whole.
        path.append(f"{w:.6g}" if isinstance(w, complex) else w)
    return path


# Without a pattern, and as different in size as gradients of real nets.
_GRADIENTS = [((37 * i) % 101 - 40) / 10 ** (i % 3) for i in range(100)]
_TENSORS = [torch.tensor([1.0, -4.0]), torch.tensor([3.0, 0.5])]

EXERCISE = Exercise(
    lesson="03",
    name="adam_step",
    reference=_adam_step,
    cases=[
        Case(
            "two steps, both betas 0: nothing is averaged",
            ([2.0, -1.0], 0.1, 0.0, 0.0),
            hint="With both betas 0, m is the gradient and v its square: each step is lr long.",
        ),
        Case(
            "three steps, betas 0.8 and 0.6",
            ([1.0, -2.0, 0.5], 0.1, 0.8, 0.6),
            hint="Each average: beta times the old one plus 1 - beta times the new gradient (for "
            "v, its square); then a copy of it, divided by 1 - beta**t.",
        ),
        Case(
            "two steps, gradients as tiny as eps",
            ([2e-8, 3e-8], 0.1, 0.9, 0.999),
            hint="eps is added to the root of the corrected v, and nowhere else.",
        ),
        Case(
            "two steps of two weights in a tensor",
            (_TENSORS, 0.1, 0.9, 0.999),
            hint="Each weight is treated for itself: use operators that a tensor knows too.",
        ),
        Case("a hundred steps, which torch.optim.Adam takes too", (_GRADIENTS, 0.01, 0.9, 0.999)),
    ],
    mistakes=[
        *((partial(_adam_step, mistake=name), words) for name, words in MISTAKES.items()),
        (partial(_adam_step, root=torch.sqrt), _ROOT.format("torch.sqrt", "a tensor")),
        (partial(_adam_step, root=math.sqrt), _ROOT.format("math.sqrt", "a number")),
        (partial(_adam_step, root=math.sqrt, mistake="no brackets"), _BRACKETS),
    ],
    call=_walk,
    rtol=1e-6,
    atol=1e-10,
)


def _sgd_step(w, gradient, state, lr):
    return w - lr * gradient


def _momentum_step(w, gradient, state, lr, momentum=0.9, *, share=1.0, ahead=False):
    state["m"] = momentum * state["m"] + share * gradient
    return w - lr * (gradient + momentum * state["m"] if ahead else state["m"])


def _rmsprop_step(w, gradient, state, lr, alpha=0.99, eps=1e-8, *, share=None):
    state["v"] = alpha * state["v"] + (1 - alpha if share is None else share) * gradient**2
    return w - lr * gradient / (state["v"] ** 0.5 + eps)


_AVERAGES = "m is an average: momentum adds the gradients up, with no factor 1 - momentum."


def _other(name: str, reference: Callable, *mistakes: tuple[Callable, str]) -> Exercise:
    """Make the exercise of a rule that stands on the page: three walks at LR 0.1."""
    cases = [
        Case("one step", ([2.0], 0.1)),
        Case("three steps", ([1.0, -2.0, 0.5], 0.1)),
        Case("a hundred steps", (_GRADIENTS, 0.01)),
    ]
    uphill = (lambda w, *rest: 2 * w - reference(w, *rest), MISTAKES["uphill"])
    mistakes = [uphill, *mistakes]
    return Exercise("03", name, reference, cases, mistakes, call=_walk, rtol=1e-9, atol=1e-10)


_nesterov_step = partial(_momentum_step, ahead=True)
OTHERS = {
    "SGD": _other("sgd_step", _sgd_step),
    "momentum SGD": _other(
        "momentum_step",
        _momentum_step,
        (partial(_momentum_step, share=0.1), _AVERAGES),
        (_nesterov_step, "That is Nesterov's rule: momentum SGD moves by lr * m alone."),
    ),
    "Nesterov": _other(
        "nesterov_step",
        _nesterov_step,
        (partial(_nesterov_step, share=0.1), _AVERAGES),
        (_momentum_step, "That is momentum SGD: Nesterov moves by gradient + momentum * m."),
    ),
    "RMSprop": _other(
        "rmsprop_step",
        _rmsprop_step,
        (partial(_rmsprop_step, share=1), "v is a sum: the square enters with 1 - alpha."),
    ),
}

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
