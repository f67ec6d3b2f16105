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
    if mistake == "ten classes":
        classes = range(10)
    if mistake == "all drawn by weight":
        weights = 1 / counts[np.searchsorted(classes, labels)]
        size = len(classes) * counts.max()
        return rng.choice(len(labels), size, p=weights / weights.sum())
    if mistake == "global generator":
        rng = np.random.RandomState()
    size = {"to the mean": round(counts.mean()), "undersamples": counts.min()}
    largest = size.get(mistake, counts.max())
    parts = []
    for number in classes:
        members = np.flatnonzero(labels == number)
        missing = largest - len(members)
        if mistake == "a class number as position":
            missing = largest - counts[number]
        if mistake == "a tuple of np.where":
            members = np.where(labels == number)
            missing = largest - len(members)
        if mistake == "rows of np.argwhere":
            members = np.argwhere(labels == number)
        if mistake == "draws everything":
            parts.append(rng.choice(members, largest))
        elif mistake == "draws from all":
            parts += [members, rng.choice(len(labels), missing)]
        elif mistake == "positions in the class":
            parts += [members, rng.choice(len(members), missing)]
        elif mistake == "integers of positions":
            parts += [members, rng.integers(members, missing)]
        elif mistake == "copies only":
            parts.append(rng.choice(members, missing))
        elif mistake == "adds the largest count":
            parts += [members, rng.choice(members, largest)]
        elif mistake == "whole repeats":
            parts.append(np.repeat(members, largest // len(members)))
        elif mistake == "without replacement":
            parts += [members, rng.choice(members, missing, replace=False)]
        elif mistake == "one copy at most":
            parts += [members, rng.permutation(members)[:missing]]
        elif mistake == "always the same copies":
            parts.append(np.resize(members, largest))
        elif mistake == "one image copied":
            parts += [members, np.repeat(rng.choice(members), missing)]
        elif mistake == "an array of classes":
            parts.append(np.append(members, rng.choice(members, missing)))
        elif mistake == "undersamples":
            parts.append(rng.choice(members, largest, replace=False))
        elif mistake == "to the mean" and missing < 0:
            parts.append(members)
        else:
            parts += [members, rng.choice(members, missing)]
        if mistake == "returns in the loop":
            break
    if mistake in ("an array of parts", "an array of classes"):
        return np.array(parts)
    indices = np.concatenate(parts)
    if mistake == "joined to an empty list":
        return np.append([], indices)
    return labels[indices] if mistake == "returns the labels" else indices


def _fewer_than_none(labels, rng):
    """Ask for a negative number of copies, as with `counts.min()` or the difference reversed."""
    return rng.choice(labels, -1)


_GAP = "Not every class number need occur: take the ones that `np.unique` found in `labels`."
_JOIN = "The parts have different lengths: join them with `np.concatenate`."

MISTAKES = {
    "returns the labels": "These are class numbers: return positions in `labels`.",
    "copies only": "The copies come in addition: every image of the set must be there as well.",
    "returns in the loop": "It returns after the first class: put `return` after the loop.",
    "draws everything": "Drawing the whole class anew leaves images out: keep each one once, and "
    "draw only the copies that are missing.",
    "all drawn by weight": "Drawing all with replacement, as `WeightedRandomSampler` does, makes "
    "the classes equal on average only, and misses images: keep each once, then draw the copies.",
    "adds the largest count": "Draw as many copies as a class lacks, not as many as the largest "
    "class has.",
    "to the mean": "Every class must come as often as the *largest* class.",
    "undersamples": "This is undersampling: it throws images of the large classes away.",
    "positions in the class": "The copies are counted within the class: draw from the class's "
    "positions in `labels`.",
    "draws from all": "The copies come from all classes: draw from the class's own positions.",
    "whole repeats": "Whole repeats reach equality only where the sizes divide: draw the rest.",
    "without replacement": "A class may need more copies than it has images: draw them *with* "
    "replacement.",
    "one copy at most": "A class may need more copies than it has images: draw them *with* "
    "replacement.",
    "classes without a gap": _GAP,
    "ten classes": _GAP,
    "a class number as position": "`counts[k]` belongs to the k-th class that occurs, not to class "
    "number k: use `len(members)`.",
    "a tuple of np.where": "`np.where` returns a tuple: take its first entry, or use "
    "`np.flatnonzero`.",
    "rows of np.argwhere": "`np.argwhere` gives a row for each position: use `np.flatnonzero`.",
    "integers of positions": "`rng.integers` draws numbers below a bound; `rng.choice` draws from "
    "given ones.",
    "an array of parts": _JOIN,
    "an array of classes": "There is a row for each class: join the rows with `np.concatenate`.",
    "joined to an empty list": "`np.append` to an empty list makes floats: collect the parts in a "
    "list, and join them with `np.concatenate`.",
    "always the same copies": "Another `rng` must give other copies: draw them with the `rng` "
    "that is given.",
    "one image copied": "Draw each copy by itself; this copies one single image.",
    "global generator": "The same `rng` must give the same copies: draw with no other generator.",
}


PROPERTIES = (
    "result",
    "positions that never come",
    "size of each class",
    "the same copies from the same rng",
    "the same copies from another rng",
    "one image alone copied",
)


def _properties(function, labels, seed):
    """Draw with one seed twice and with others, and state what holds for any right answer."""
    draws = [function(labels, np.random.default_rng(s)) for s in (seed, *range(seed, seed + 8))]
    if draws[0] is None or draws[0] is NotImplemented:
        return draws[0]
    draws = [np.asarray(draw) for draw in draws]
    first, same, other = draws[:3]
    found = dict.fromkeys(PROPERTIES)
    if first.ndim != 1 or not np.issubdtype(first.dtype, np.integer):
        return {**found, "result": f"{first.dtype} of shape {first.shape}"}
    drawn = np.concatenate(draws)
    if len(drawn) and not 0 <= drawn.min() <= drawn.max() < len(labels):
        return {**found, "result": f"positions from {drawn.min()} to {drawn.max()}"}
    copies = np.array([np.bincount(draw, minlength=len(labels)) for draw in draws])
    counts = np.bincount(labels)
    sizes = np.array([np.bincount(labels[draw], minlength=len(counts)) for draw in draws])
    left_out = ", ".join(map(str, np.flatnonzero((copies == 0).any(axis=0))[:6]))
    lacking = [c for c in np.unique(labels) if 5 <= counts[c] < counts.max()]
    return {
        "result": "positions in `labels`",
        "positions that never come": left_out or "none",
        "size of each class": "changes with `rng`" if np.ptp(sizes, axis=0).any() else sizes[0],
        "the same copies from the same rng": bool(
            not lacking or np.array_equal(np.sort(first), np.sort(same))
        ),
        "the same copies from another rng": bool(
            lacking and np.array_equal(np.sort(first), np.sort(other))
        ),
        "one image alone copied": any((copies[0, labels == c] > 1).sum() < 2 for c in lacking),
    }


EXERCISE = Exercise(
    lesson="01",
    name="oversample",
    reference=_oversample,
    cases=[
        Case(
            "a class of five and a class of one",
            (np.array([0, 0, 0, 0, 0, 1]), 0),
            hint="Position 5 must come five times, positions 0 to 4 once each.",
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
    mistakes=[
        *((partial(_oversample, mistake=name), words) for name, words in MISTAKES.items()),
        (
            _fewer_than_none,
            "A class lacks `counts.max() - len(members)` images: never less than 0.",
        ),
    ],
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
        "question": "In use 1 of 100 images shows a ship. A model raises an alarm for 9 of 10 "
        "images with a ship, and for 1 of 10 without. What share of its alarms is right?",
        "options": {"A": "about 90 %", "B": "about 50 %", "C": "about 8 %"},
        "correct": "C",
        "why": "Of 1000 images 10 have a ship: 9 right alarms, beside 99 false ones.",
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
