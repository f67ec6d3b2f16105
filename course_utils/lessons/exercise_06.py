"""Exercise and quiz of lesson 06, the largest usable learning rate of each setting."""

from __future__ import annotations

import math
from functools import partial

from course_utils.teaching import Case, Exercise, number_questions


def _largest_usable_lrs(curves, tolerance, *, mistake: str | None = None) -> dict[str, float]:
    """Solve the exercise, or make one of the mistakes that learners make."""
    answer = {}
    all_losses = [loss for _, losses in curves.values() for loss in losses if loss == loss]
    for label, (lrs, losses) in curves.items():
        best = min(all_losses) if mistake == "one bottom" else min(losses)
        lowest = losses.index(min(losses))
        limit = best + tolerance * (losses[0] - best)
        if mistake == "fraction of the lowest":
            limit = (1 + tolerance) * best
        if mistake == "tolerance in nats":
            limit = best + tolerance
        if mistake == "from the top":
            limit = losses[0] - tolerance * (losses[0] - best)
        last = 0 if mistake == "from the start" else lowest
        while last + 1 < len(losses):
            loss = losses[last + 1]
            if loss > limit or (not math.isfinite(loss) and mistake != "nan passes"):
                break
            last += 1
        below = [index for index, loss in enumerate(losses) if loss <= limit]
        last = {
            "minimum": lowest,
            "first above": min(last + 1, len(lrs) - 1),
            "last below": below[-1] if below else last,
            "end of the sweep": len(lrs) - 1,
        }.get(mistake, last)
        answer[label] = {"index": last, "logarithm": math.log10(lrs[last])}.get(mistake, lrs[last])
        if mistake == "one setting":
            break
    return answer


MISTAKES = {
    "nan passes": "A NaN is no usable loss, though `nan > limit` is False: use math.isfinite.",
    "one setting": "Only one setting is in the answer: `return` stands inside the loop.",
    "index": "These are positions in the list; return the learning rates there.",
    "logarithm": "These are logarithms of the learning rates; return the learning rates.",
    "minimum": "This is the LR at the lowest loss; the bottom goes on to its right.",
    "first above": "This is the first LR above the limit; return the one before it.",
    "from the start": "Start at the lowest loss: the first losses are above the limit as well.",
    "end of the sweep": "This is the last LR of the sweep; the loss had left its bottom before.",
    "fraction of the lowest": "The limit is the lowest loss plus tolerance times the *fall*.",
    "tolerance in nats": "tolerance is a fraction: multiply it by the fall, first minus lowest.",
    "from the top": "Count the tolerance up from the lowest loss, not down from the first one.",
    "one bottom": "Each setting has a bottom of its own: use the lowest loss of its own curve.",
    "last below": "The loss left its bottom and came back: stop where it leaves first.",
}

_LRS = [0.001, 0.01, 0.1, 0.2, 0.3, 0.4, 0.8, 1.6]
_FLAT = [2.4, 1.4, 0.4, 0.43, 0.48, 0.58, 3.0, 5.0]

EXERCISE = Exercise(
    lesson="06",
    name="largest_usable_lrs",
    reference=_largest_usable_lrs,
    cases=[
        Case(
            "one curve with a flat bottom",
            ({"batch 16": (_LRS, _FLAT)}, 0.1),
            hint="The lowest loss is 0.4, the fall 2, the limit 0.6: LR 0.4 is the last below it.",
        ),
        Case(
            "two settings, the second with a higher bottom",
            (
                {
                    "decay 0": (_LRS, _FLAT),
                    "decay 0.1": (_LRS, [2.4, 1.6, 1.4, 1.42, 1.45, 1.7, 2.0, 3.0]),
                },
                0.1,
            ),
            hint="Each curve has its own lowest loss, its own fall and its own limit.",
        ),
        Case(
            "a curve that is still at its bottom when the sweep ends",
            ({"batch 1024": (_LRS, [2.4, 2.3, 2.0, 1.4, 1.2, 1.0, 0.9, 0.8])}, 0.1),
            hint="Nothing comes after the last point: return its LR.",
        ),
        Case(
            "a curve that explodes and falls again",
            ({"dropout 0.5": (_LRS, [2.4, 1.4, 1.45, 2.5, 2.4, 1.4, 2.5, 4.0])}, 0.2),
            hint="Walk right from the lowest loss and stop at the first one above the limit.",
        ),
        Case(
            "another tolerance",
            ({"batch 64": (_LRS, [3.0, 2.0, 1.0, 1.15, 1.4, 1.9, 2.4, 2.9])}, 0.5),
            hint="tolerance is an argument: is it typed in as a number?",
        ),
        Case(
            "a sweep that ended in NaN",
            ({"batch 4": (_LRS, [2.4, 1.4, 0.4, 0.43, 0.48, 0.58, math.nan, math.nan])}, 0.1),
            hint="What do `nan > limit` and `nan <= limit` give? math.isfinite tells.",
        ),
    ],
    mistakes=[
        (partial(_largest_usable_lrs, mistake=name), words) for name, words in MISTAKES.items()
    ],
)

QUIZ = number_questions(
    "06",
    {
        "question": "You found a good LR, then changed the batch size from 256 to 16. What now?",
        "options": {
            "A": "Keep the LR: it belongs to the net, not to the batch.",
            "B": "Run the finder again with batches of 16 before you train.",
            "C": "Raise the LR by a factor of 16, as linear scaling says.",
        },
        "correct": "B",
        "why": "A smaller batch suffers at a smaller LR, and one short sweep shows where.",
    },
    {
        "question": "Why does a short sweep see so little of a weight decay that is far too large?",
        "options": {
            "A": "The decay needs about 1 / (LR * decay) steps to shrink the weights.",
            "B": "Weight decay does not change the loss that the net is trained on.",
            "C": "The sweep switches the optimizer's weight decay off.",
        },
        "correct": "A",
        "why": "A sweep of one epoch takes a few dozen steps near any LR, too few for that.",
    },
    {
        "question": "Batches of 64 are best at LR 0.1. Which LR is best for 4096, with as many "
        "epochs of training?",
        "options": {
            "A": "6.4: the LR grows in proportion to the batch, whatever its size.",
            "B": "0.1: the LR does not depend on the batch.",
            "C": "Somewhere between, probably: linear scaling ends at some size, so measure.",
        },
        "correct": "C",
        "why": "The rule describes small batches; beyond some size the best LR rises no further.",
    },
)
