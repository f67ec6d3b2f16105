"""Exercise and quiz of lesson 01, imbalanced data."""

from __future__ import annotations

from functools import partial

import numpy as np

from course_utils.teaching import Case, Exercise, number_questions


def _oversample(labels, rng, *, mistake: str | None = None):
    """Solve the exercise, or make one of the mistakes that learners make."""
    classes, counts = np.unique(labels, return_counts=True)
    if mistake == "classes without a gap":
        classes = np.arange(len(classes))
    if mistake == "global generator":
        rng = np.random.RandomState()
    size = {"to the mean": round(counts.mean()), "undersamples": counts.min()}
    largest = size.get(mistake, counts.max())
    indices = []
    for number in classes:
        members = np.flatnonzero(labels == number)
        missing = largest - len(members)
        if mistake == "draws everything":
            indices.append(rng.choice(members, largest))
        elif mistake == "draws from all":
            indices += [members, rng.choice(len(labels), missing)]
        elif mistake == "positions in the class":
            indices += [members, rng.choice(len(members), missing)]
        elif mistake == "copies only":
            indices.append(rng.choice(members, missing))
        elif mistake == "adds the largest count":
            indices += [members, rng.choice(members, largest)]
        elif mistake == "whole repeats":
            indices.append(np.repeat(members, largest // len(members)))
        elif mistake == "without replacement":
            indices += [members, rng.choice(members, missing, replace=False)]
        elif mistake == "always the same copies":
            indices.append(np.resize(members, largest))
        elif mistake == "one image copied":
            indices += [members, np.repeat(rng.choice(members), missing)]
        elif missing < 0:
            indices.append(rng.choice(members, largest, replace=False))
        else:
            indices += [members, rng.choice(members, missing)]
    indices = np.concatenate(indices)
    return labels[indices] if mistake == "returns the labels" else indices


MISTAKES = {
    "returns the labels": "These are class numbers: return positions in `labels`.",
    "copies only": "The copies come in addition: every image of the set must be there as well.",
    "draws everything": "Drawing the whole class anew leaves images out: keep each one once, and "
    "draw only the copies that are missing.",
    "adds the largest count": "Draw as many copies as a class lacks, not as many as the largest "
    "class has.",
    "to the mean": "Every class must come as often as the *largest* class.",
    "undersamples": "This is undersampling: it throws images of the large classes away.",
    "positions in the class": "The copies are counted within the class: draw from the class's "
    "positions in `labels`.",
    "draws from all": "The copies come from all classes: draw from the class's own positions.",
    "whole repeats": "Whole repeats reach equality only where the sizes divide: draw the rest.",
    "without replacement": "Draw as many copies as a class lacks, never less than none, and "
    "with replacement: they may be more than the class has images.",
    "classes without a gap": "Not every class number need occur: take the ones in `labels`.",
    "always the same copies": "Another `rng` must give other copies: draw them with the `rng` "
    "that is given.",
    "one image copied": "Draw each copy by itself; this copies one single image.",
    "global generator": "The same `rng` must give the same copies: draw with no other generator.",
}


def _properties(function, labels, seed):
    """Draw twice with one seed and once with another, and state what holds for any right answer."""
    draws = [function(labels, np.random.default_rng(s)) for s in (seed, seed, seed + 1)]
    if draws[0] is None or draws[0] is NotImplemented:
        return draws[0]
    first, same, other = (np.asarray(draw) for draw in draws)
    if first.ndim != 1 or not np.issubdtype(first.dtype, np.integer):
        return f"a result of type {first.dtype} and shape {first.shape}"
    if len(first) and not 0 <= first.min() <= first.max() < len(labels):
        return f"positions from {first.min()} to {first.max()}"
    copies = np.bincount(first, minlength=len(labels))
    counts = np.bincount(labels)
    lacking = [c for c in np.unique(labels) if 5 <= counts[c] < counts.max()]
    return {
        "size of each class": np.bincount(labels[first], minlength=len(counts)),
        "images left out": np.flatnonzero(copies == 0)[:6],
        "the same copies from the same rng": bool(
            not lacking or np.array_equal(np.sort(first), np.sort(same))
        ),
        "the same copies from another rng": bool(
            lacking and np.array_equal(np.sort(first), np.sort(other))
        ),
        "one image alone copied": any((copies[labels == c] > 1).sum() < 2 for c in lacking),
    }


EXERCISE = Exercise(
    lesson="01",
    name="oversample",
    reference=_oversample,
    cases=[
        Case(
            "a class of three and a class of one",
            (np.array([0, 0, 0, 1]), 0),
            hint="Position 3 must come three times, positions 0, 1 and 2 once each.",
        ),
        Case(
            "classes that are equal already",
            (np.array([1, 0, 1, 0, 2, 2]), 0),
            hint="Nothing is to be copied: every position comes once.",
        ),
        Case(
            "no image of class 1",
            (np.array([0, 2, 2, 2, 0, 2]), 1),
            hint="Only classes that occur in `labels` take part.",
        ),
        Case(
            "90 images against 10 and 25",
            (np.repeat([1, 0, 2], [90, 10, 25]), 2),
            hint="Keep all 125 positions, then draw 80 copies of class 0 and 65 of class 2.",
        ),
        Case(
            "step imbalance, mixed order",
            (np.random.default_rng(0).permutation(np.repeat(np.arange(5), [60, 60, 60, 7, 7])), 3),
        ),
    ],
    mistakes=[(partial(_oversample, mistake=name), words) for name, words in MISTAKES.items()],
    call=_properties,
)

QUIZ = number_questions(
    "01",
    {
        "question": "99 of 100 images show no ship. A model says 'no ship' to all of them. Which "
        "two numbers does it reach?",
        "options": {
            "A": "accuracy 99 %, balanced accuracy 50 %",
            "B": "accuracy 99 %, balanced accuracy 99 %",
            "C": "accuracy 50 %, balanced accuracy 50 %",
        },
        "correct": "A",
        "why": "Its recalls are 100 % and 0 %, and balanced accuracy is their mean.",
    },
    {
        "question": "You oversample, and then split into training and validation images. What "
        "does the validation accuracy tell?",
        "options": {
            "A": "The same as before: the classes are equal in both parts.",
            "B": "Too little: the minority classes are harder.",
            "C": "Too much: copies of the same images lie in both parts.",
        },
        "correct": "C",
        "why": "A net that has learnt an image by heart knows its copy as well.",
    },
    {
        "question": "A model was trained with oversampling. What does prior correction with the "
        "class counts of the original set do to it?",
        "options": {
            "A": "It helps once more.",
            "B": "It corrects twice: the minority is then predicted too often.",
            "C": "Nothing, since the logits are the same.",
        },
        "correct": "B",
        "why": "Oversampling has made the classes equal in training, so the prior is gone already.",
    },
)
