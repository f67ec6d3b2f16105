"""Exercise and quiz of lesson 09, hard negatives."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

import torch

from course_utils.detection import Detections
from course_utils.teaching import Case, Exercise, number_questions

CUT = 0.5  # the fixed threshold of one of the mistakes


def _hardest(
    found: Sequence[Detections],
    most: int,
    used: Collection[int],
    *,
    mistake: str | None = None,
) -> list:
    """Solve the exercise, or make one of the mistakes that learners make."""
    scores = {index: image.scores.tolist() for index, image in enumerate(found)}
    if mistake not in ("ignores used", "after the cut"):
        scores = {index: values for index, values in scores.items() if index not in used}
    if mistake == "each detection":
        flat = [(value, index) for index, values in scores.items() for value in values]
        return [index for _, index in sorted(flat, key=lambda pair: -pair[0])][:most]
    if mistake == "keeps empty":
        scores = {index: values or [0.0] for index, values in scores.items()}
    scores = {index: values for index, values in scores.items() if values}
    if mistake == "fixed threshold":
        scores = {index: values for index, values in scores.items() if max(values) >= CUT}
    keys = {"sum": sum, "count": len, "mean": lambda values: sum(values) / len(values)}
    key = keys.get(mistake, max)
    ranked = sorted(scores, key=lambda index: key(scores[index]), reverse=mistake != "easiest")
    if mistake == "scores":
        return [max(scores[index]) for index in ranked[:most]]
    if mistake == "after the cut":
        return [index for index in ranked[:most] if index not in used]
    if mistake == "positions":
        left = sorted(scores)
        return [left.index(index) for index in ranked[:most]]
    return ranked if mistake == "no limit" else ranked[:most]


MISTAKES = {
    "easiest": "These are the images with the lowest scores: the highest ones are the hardest.",
    "sum": "Scores were added up: many faint detections are not one that the detector is sure of.",
    "count": "Detections were counted: rank by the highest score of each image.",
    "mean": "Scores were averaged: rank by the highest score of each image.",
    "each detection": "An image comes once for each of its detections: rank images.",
    "fixed threshold": "A fixed threshold was applied: a detector's scores may all be low, or all "
    "be high; take the highest, wherever they lie.",
    "keeps empty": "An image in which nothing was found is no hard negative: leave it out.",
    "ignores used": "Images that are in the training set already were picked again.",
    "after the cut": "The images in `used` took places of others: leave them out before you cut "
    "the list to `most`.",
    "scores": "These are the scores: return the indices of the images.",
    "positions": "These are positions in a list that was filtered: return indices of `found`.",
    "no limit": "There are more than `most`: cut the list.",
}


def _found(*scores: float) -> Detections:
    """Make detections with these scores, at places that do not matter."""
    boxes = torch.tensor([[4.0, 4, 12, 9]]) + 8 * torch.arange(float(len(scores)))[:, None]
    return Detections(boxes[: len(scores)].reshape(-1, 4), torch.tensor(scores, dtype=torch.float))


EXERCISE = Exercise(
    lesson="09",
    name="hardest",
    reference=_hardest,
    cases=[
        Case(
            "three images, two wanted",
            ([_found(0.3), _found(0.9), _found(0.6)], 2, set()),
            hint="Sort the indices by `found[i].scores[0]`, the highest first.",
        ),
        Case(
            "several detections an image",
            ([_found(0.6, 0.55, 0.5, 0.5), _found(0.95, 0.9), _found(0.7, 0.6, 0.2)], 2, set()),
        ),
        Case(
            "an image without detections",
            ([_found(0.8), _found(), _found(0.6)], 3, set()),
            hint="`len(found[i])` is 0 where nothing was found; such an image has no first score.",
        ),
        Case(
            "a cautious detector, whose scores are all low",
            ([_found(0.02), _found(0.05), _found(0.04)], 2, set()),
        ),
        Case(
            "some images are in the training set already",
            ([_found(0.5), _found(0.9), _found(0.8), _found(0.7)], 2, {1}),
        ),
    ],
    mistakes=[(partial(_hardest, mistake=name), words) for name, words in MISTAKES.items()],
)

QUIZ = number_questions(
    "09",
    {
        "question": "Why does mining help where as many random images without ships do not?",
        "options": {
            "A": "Most images without ships are easy: random ones teach almost nothing new.",
            "B": "Mined images are brighter, which helps the normalisation.",
            "C": "It trains for more steps.",
        },
        "correct": "A",
        "why": "Look-alikes are rare in the pool. Steps and numbers of images were the same.",
    },
    {
        "question": "After mining, one detector raises half as many false alarms as another, both "
        "at the threshold 0.5. What do you know?",
        "options": {
            "A": "It is twice as good.",
            "B": "Little: its scores may simply be lower, and it may find fewer ships too.",
            "C": "The other one needs a focal loss.",
        },
        "correct": "B",
        "why": "Compare at equal recall, each at its own threshold, chosen on validation images.",
    },
    {
        "question": "You mined 200 images from a pool that people have labelled. What comes first?",
        "options": {
            "A": "Train at once: what was found there is false by definition.",
            "B": "Mine a second round.",
            "C": "Look at them: ships that the labels forgot rank highest of all.",
        },
        "correct": "C",
        "why": "'False by definition' holds only for perfect labels. Audit the hardest first.",
    },
)
